-- SPDX-License-Identifier: MIT
--- The look of the gallery, as CSS. No URL stands in it: the page loads nothing.

return [[
:root {
  color-scheme: light dark;
  --paper: #f5f5f2; --card: #ffffff; --well: #ecece7; --ink: #1d1e21; --soft: #5f6269; --line: #dfdfd9;
  --accent: #3346c9; --accent-ink: #ffffff; --mark: #e7eafc; --raised: #ffffff;
  --error: #a8201a; --error-bg: #fceceb; --warning: #7d5200; --warning-bg: #fcf3dd;
  --note: #4d5663; --note-bg: #f0f1f3; --fine: #1f6b43;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121316; --card: #1a1b1f; --well: #0d0e10; --ink: #e8e8ea; --soft: #a2a5ad; --line: #2d2f35;
    --accent: #a3aeff; --accent-ink: #14151a; --mark: #2a2f52; --raised: #34363d;
    --error: #ffb3ab; --error-bg: #3b1e1c; --warning: #f0c878; --warning-bg: #33290f;
    --note: #b6bdc9; --note-bg: #23262c; --fine: #86d3a8;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 5rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2, h3, p, ul, ol, dl, dd, figure, fieldset { margin: 0; padding: 0; border: 0; }
ul, ol { list-style: none; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: .9em; }
.wrap { max-width: 1240px; margin: 0 auto; padding: 0 24px; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: -999px; }
.skip:focus { left: 12px; top: 12px; z-index: 9; background: var(--card); padding: 8px 12px; }

.top { padding-block: 36px 20px; }
.top h1 {
  font-size: 28px; line-height: 1.2; letter-spacing: -.02em; font-weight: 650; overflow-wrap: anywhere;
}
.top p { color: var(--soft); margin-top: 6px; max-width: 74ch; }
.counts { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 16px; }
.pill {
  display: inline-block; border-radius: 99px; padding: 2px 10px; font-size: 13px; font-weight: 550;
  background: var(--note-bg); color: var(--note);
}
.pill.error { background: var(--error-bg); color: var(--error); }
.pill.warning { background: var(--warning-bg); color: var(--warning); }
.pill.fine { color: var(--fine); }

.bar {
  position: sticky; top: 0; z-index: 5; border-block: 1px solid var(--line);
  background: var(--paper);
}
.bar .wrap { display: flex; gap: 12px 24px; align-items: center; min-height: 56px; }
.jump { flex: 1; min-width: 0; overflow-x: auto; scrollbar-width: thin; }
.jump ol { display: flex; gap: 4px; padding: 10px 0; }
.jump a {
  display: flex; gap: 6px; align-items: center; padding: 4px 10px; border-radius: 8px; white-space: nowrap;
  color: var(--ink); text-decoration: none; font-size: 14px;
}
.jump a:hover { background: var(--well); }
.dot { width: 8px; height: 8px; border-radius: 50%; background: var(--fine); flex: none; }
.dot.error { background: var(--error); border-radius: 1px; }
.dot.warning { background: var(--warning); }
.switches { display: flex; gap: 10px; }
.switch { display: flex; background: var(--well); border-radius: 9px; padding: 3px; }
.switch label { padding: 3px 11px; border-radius: 7px; font-size: 13px; color: var(--soft); cursor: pointer; }
.switch input:checked + label { background: var(--raised); color: var(--ink); box-shadow: 0 1px 2px #0003; }
.switch input:focus-visible + label { outline: 2px solid var(--accent); outline-offset: 1px; }

.mail {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; margin: 28px 0; overflow: clip;
}
.head { padding: 22px 28px 18px; }
.kind {
  display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; font-size: 13px; color: var(--soft);
}
.kind h2 {
  font-size: 13px; font-weight: 650; color: var(--accent); letter-spacing: .01em; overflow-wrap: anywhere;
}
.kind .file { margin-left: auto; }
.subject {
  font-size: 21px; line-height: 1.3; font-weight: 600; margin: 8px 0 10px; letter-spacing: -.01em;
  overflow-wrap: anywhere;
}
.subject em { color: var(--error); }
.who { display: grid; grid-template-columns: auto 1fr; gap: 2px 14px; font-size: 14px; }
.who dt { color: var(--soft); }
.who dd { overflow-wrap: anywhere; }
.flags { margin-top: 16px; display: grid; gap: 6px; font-size: 14px; }
.flags li {
  display: grid; grid-template-columns: auto 1fr; gap: 10px; padding: 7px 12px; border-radius: 8px;
  background: var(--note-bg); color: var(--ink); overflow-wrap: anywhere;
}
.flags b { font-weight: 600; font-size: 13px; line-height: 21px; color: var(--note); min-width: 4.6em; }
.flags .error { background: var(--error-bg); }
.flags .error b { color: var(--error); }
.flags .warning { background: var(--warning-bg); }
.flags .warning b { color: var(--warning); }

.stage {
  background: var(--well); border-block: 1px solid var(--line); padding: 22px 28px 26px;
  display: grid; grid-template-columns: minmax(0, 1fr) 375px; gap: 22px 24px; align-items: start;
}
.view figcaption { font-size: 12.5px; color: var(--soft); margin-bottom: 7px; }
.view .sheet {
  border-radius: 10px; overflow: auto; resize: vertical; border: 1px solid var(--line); min-height: 80px;
  box-shadow: 0 1px 3px #0000000f; max-height: 85vh;
}
.view.phone { width: 375px; max-width: 100%; }
.view.phone .sheet { border-radius: 20px; }
.light .sheet { background: #ffffff; color: #1d1e21; color-scheme: light; }
.dark .sheet { background: #1b1b1e; color: #ededee; color-scheme: dark; }
.sheet iframe { display: block; border: 0; width: 100%; height: 100%; }
.light iframe { color-scheme: light; background: #ffffff; }
.dark iframe { color-scheme: dark; background: #1b1b1e; }
.sheet pre {
  margin: 0; padding: 18px 20px; font-size: 14px; line-height: 1.55; white-space: pre-wrap;
  overflow-wrap: anywhere;
}
body:has(#c-light:checked) .view.dark, body:has(#c-dark:checked) .view.light,
body:has(#w-desktop:checked) .view.phone, body:has(#w-phone:checked) .view.desktop { display: none; }
body:has(#w-desktop:checked) .stage { grid-template-columns: minmax(0, 1fr); }
body:has(#w-phone:checked) .stage {
  grid-template-columns: repeat(auto-fill, minmax(min(375px, 100%), 1fr));
}
.nothing {
  padding: 22px 28px; background: var(--well); border-block: 1px solid var(--line); color: var(--soft);
}

.more { padding: 6px 28px; display: flex; flex-wrap: wrap; gap: 0 26px; }
details[open] { flex: 1 0 100%; min-width: 0; }
summary { cursor: pointer; padding: 9px 0; font-size: 14px; color: var(--soft); }
summary:hover { color: var(--ink); }
details[open] summary { color: var(--ink); }
details pre {
  margin: 2px 0 14px; padding: 14px 16px; border-radius: 8px; background: var(--paper); font-size: 12.5px;
  line-height: 1.55; overflow: auto; max-height: 420px; white-space: pre-wrap; overflow-wrap: anywhere;
}
details p { margin: 0 0 12px; font-size: 13px; color: var(--soft); }
mark { background: var(--mark); color: inherit; border-radius: 3px; padding: 1px 2px; }

.types { margin: 44px 0 64px; }
.types h2 { font-size: 19px; letter-spacing: -.01em; }
.types > p { color: var(--soft); margin: 4px 0 14px; max-width: 74ch; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 10px 18px; }
thead th { font-size: 12.5px; font-weight: 550; color: var(--soft); }
tbody tr { border-top: 1px solid var(--line); }
tbody th { font-weight: 550; }
td small { display: block; font-size: 13px; color: var(--warning); }
td i { font-style: normal; color: var(--soft); }

@media (max-width: 900px) {
  .stage { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 700px) {
  html { scroll-padding-top: 1rem; }
  .wrap { padding: 0 16px; }
  .top { padding-block: 24px 16px; }
  .top h1 { font-size: 23px; }
  .bar { position: static; }
  .bar .wrap { flex-direction: column; align-items: stretch; gap: 0; padding-bottom: 12px; }
  .jump { flex: none; margin: 0 -16px; padding: 0 8px; }
  .switches { justify-content: space-between; flex-wrap: wrap; }
  .mail { margin: 16px -16px; border-radius: 0; border-inline: 0; }
  .head { padding: 18px 16px 14px; }
  .kind .file { margin-left: 0; }
  .subject { font-size: 19px; }
  .flags li { grid-template-columns: 1fr; gap: 0; }
  .stage { padding: 16px 8px 20px; }
  .view { margin: 0 auto; width: 100%; }
  .view.desktop .sheet iframe { width: 640px; }
  .view figcaption { padding: 0 8px; }
  .more { padding: 6px 16px; }
  body:has(#w-both:checked) .view.desktop { display: none; }
  .switch label[for="w-both"] { display: none; }
  .switch:has(#w-both:checked) label[for="w-phone"] {
    background: var(--raised); color: var(--ink); box-shadow: 0 1px 2px #0003;
  }
  th, td { padding: 9px 12px; }
  .types { margin: 32px 0 40px; }
}
@media print { .bar, .skip { display: none; } .mail { break-inside: avoid; } }
]]
