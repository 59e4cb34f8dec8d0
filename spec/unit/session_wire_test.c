/* SPDX-License-Identifier: MIT
 * session: every transcript in spec/wire, whole, at every cut and octet by octet; and what a transcript
 * cannot say. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/buf.h"
#include "../../src/pure/session.h"

enum { WHOLE, OCTETS = -1, MAX_TO = 8, MAX_MESSAGES = 64 };

struct message {
  struct ls_envelope env;
  struct ls_recipient to[MAX_TO];
  struct ls_buf content;
};

struct play {
  const char *name;
  int line;
  int cut; /* WHOLE, OCTETS, or after how many octets each run of the server's is cut */
  size_t longest;
  struct ls_session_options options;
  struct ls_session *s;
  struct message *messages;
  size_t count;
  int64_t now;
  bool held;
  bool expecting;
  struct ls_buf in, out, events, want_out, want_events;
};

static void play_fail(struct play *p, const char *what, struct ls_span got, struct ls_span want) {
  fprintf(stderr, "%s:%d (cut %d): %s\ngot:\n%.*s\nwant:\n%.*s\n", p->name, p->line, p->cut, what, (int)got.n,
          got.p ? got.p : "", (int)want.n, want.p ? want.p : "");
  fail();
}

static void add_text(struct ls_buf *b, struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '\n')
      ls_buf_adds(b, " | ");
    else
      ls_buf_addc(b, s.p[i] == '\r' ? '?' : s.p[i]);
  }
}

static void add_done(struct ls_buf *b, const struct ls_event *ev) {
  char line[256];
  const struct ls_error *e = &ev->error;
  for (size_t i = 0; i < ev->rejection_count; i++) {
    const struct ls_rejection *r = &ev->rejections[i];
    snprintf(line, sizeof line, "%u refused %zu %d %s\n", (unsigned)ev->id, r->recipient,
             r->error.response_code, r->error.enhanced);
    ls_buf_adds(b, line);
    assert_int_equal(r->error.status, LS_EENVELOPE);
    assert_string_equal(r->error.command, "RCPT TO");
    assert_non_null(strstr(ls_error_text(&r->error), r->error.response));
  }
  snprintf(line, sizeof line, "%u %s ", (unsigned)ev->id, e->status == LS_OK ? "accepted" : "failed");
  ls_buf_adds(b, line);
  if (e->status == LS_OK) {
    add_text(b, ev->response);
    ls_buf_addc(b, '\n');
    return;
  }
  snprintf(line, sizeof line, "%s/%s/%d/%s %s%s: ", ls_status_code(e->status), e->command ? e->command : "",
           e->response_code, e->enhanced, e->delivery == LS_DELIVERY_UNKNOWN ? "unknown" : "not_sent",
           ev->retry == LS_RETRY_FREE ? " retry"
           : ev->retry                ? " suspect"
                                      : "");
  ls_buf_adds(b, line);
  add_text(b, ls_span_cstr(ls_error_text(e)));
  ls_buf_addc(b, '\n');
}

static void add_event(struct ls_buf *b, const struct ls_event *ev) {
  if (ev->kind == LS_EVENT_DONE) {
    add_done(b, ev);
    return;
  }
  ls_buf_adds(b, "over");
  if (ev->error.status != LS_OK) {
    ls_buf_adds(b, " ");
    ls_buf_adds(b, ls_status_code(ev->error.status));
    ls_buf_adds(b, ": ");
    add_text(b, ls_span_cstr(ls_error_text(&ev->error)));
  }
  ls_buf_addc(b, '\n');
}

/* Takes what is out, in two bites where there is more than one octet: the second must be where it was. */
static void drain(struct play *p) {
  struct ls_event ev;
  struct ls_span out;
  while (!p->held && (out = ls_session_out(p->s)).n) {
    struct ls_span again = ls_session_out(p->s);
    assert_ptr_equal(out.p, again.p);
    assert_true(again.n >= out.n);
    size_t n = (out.n + 1) / 2;
    ls_buf_add(&p->out, ls_span_sub(out, 0, n));
    ls_session_sent(p->s, n, p->now);
  }
  while (ls_session_next(p->s, &ev)) {
    add_event(&p->events, &ev);
    ls_error_deinit(&ev.error);
  }
}

static void start(struct play *p) {
  if (!p->s)
    p->s = ls_session_new(&p->options);
  assert_non_null(p->s);
}

static void feed(struct play *p, struct ls_span s) {
  struct ls_span guarded = support_guard(s);
  ls_session_feed(p->s, guarded, p->now);
  support_unguard(guarded);
  drain(p);
}

/* The server's octets since the last other line, in one piece or several. */
static void flush_in(struct play *p) {
  struct ls_span in = ls_buf_span(&p->in);
  if (in.n == 0)
    return;
  start(p);
  if (in.n > p->longest)
    p->longest = in.n;
  if (p->cut == OCTETS) {
    for (size_t i = 0; i < in.n; i++)
      feed(p, ls_span_sub(in, i, i + 1));
  } else {
    size_t cut = p->cut > 0 && (size_t)p->cut < in.n ? (size_t)p->cut : 0;
    feed(p, ls_span_sub(in, 0, cut));
    feed(p, ls_span_sub(in, cut, in.n));
  }
  ls_buf_cut(&p->in, 0);
}

static void compare(struct play *p) {
  flush_in(p);
  if (!ls_span_eq(ls_buf_span(&p->out), ls_buf_span(&p->want_out)))
    play_fail(p, "octets on the wire", ls_buf_span(&p->out), ls_buf_span(&p->want_out));
  if (!ls_span_eq(ls_buf_span(&p->events), ls_buf_span(&p->want_events)))
    play_fail(p, "events", ls_buf_span(&p->events), ls_buf_span(&p->want_events));
  ls_buf_cut(&p->out, 0);
  ls_buf_cut(&p->want_out, 0);
  ls_buf_cut(&p->events, 0);
  ls_buf_cut(&p->want_events, 0);
  p->expecting = false;
}

/* Reads "..." with escapes at *at; moves behind it. */
static void read_quoted(char **at, struct ls_buf *b) {
  char *c = strchr(*at, '"');
  assert_non_null(c);
  for (c++; *c && *c != '"'; c++) {
    if (*c != '\\') {
      ls_buf_addc(b, *c);
      continue;
    }
    c++;
    ls_buf_addc(b, *c == 'r' ? '\r' : *c == 'n' ? '\n' : *c == '0' ? '\0' : *c);
  }
  assert_int_equal(*c, '"');
  *at = c + 1;
}

static struct ls_span keep(struct message *m, struct ls_span s) {
  /* addresses live behind the content, in memory that is given its size beforehand */
  size_t from = m->content.n;
  ls_buf_add(&m->content, s);
  return ls_span(m->content.p + from, s.n);
}

static void read_flags(struct message *m, char *at) {
  for (char *word = strtok(at, " "); word; word = strtok(NULL, " ")) {
    char *eq = strchr(word, '=');
    struct ls_span value = ls_span_cstr(eq ? eq + 1 : NULL);
    m->env.smtputf8 |= strcmp(word, "smtputf8") == 0;
    m->env.body_8bit |= strcmp(word, "8bit") == 0;
    m->env.probe |= strcmp(word, "probe") == 0;
    if (strncmp(word, "ret=", 4) == 0)
      m->env.ret = keep(m, value);
    if (strncmp(word, "envid=", 6) == 0)
      m->env.envid = keep(m, value);
    for (size_t i = 0; i < m->env.count; i++) {
      if (strncmp(word, "notify=", 7) == 0)
        m->to[i].notify = keep(m, value);
      if (strncmp(word, "orcpt=", 6) == 0)
        m->to[i].orcpt = keep(m, value);
    }
  }
}

/* The next word at *at, which may be "quoted"; NUL-terminated. */
static char *read_word(char **at, struct ls_buf *b) {
  while (**at == ' ')
    (*at)++;
  ls_buf_init(b, 1 << 16);
  if (**at == '"')
    read_quoted(at, b);
  else
    while (**at && **at != ' ')
      ls_buf_addc(b, *(*at)++);
  return ls_buf_take(b, NULL);
}

static void play_submit(struct play *p, char *at, bool refused) {
  struct ls_buf word;
  struct message *m = &p->messages[p->count++];
  assert_true(p->count < MAX_MESSAGES);
  start(p);
  *m = (struct message){0};
  ls_buf_init(&m->content, 1 << 16);
  ls_buf_room(&m->content, 8192);
  m->env.to = m->to;
  uint64_t id = strtoull(at, &at, 10);
  char *from = read_word(&at, &word);
  char *to = read_word(&at, &word);
  m->env.from = strcmp(from, "<>") ? keep(m, ls_span_cstr(from)) : ls_span(NULL, 0);
  char *more = to;
  while (more && m->env.count < MAX_TO) {
    char *comma = refused ? NULL : strchr(more, ',');
    if (comma)
      *comma = '\0';
    m->to[m->env.count++].address = keep(m, ls_span_cstr(more));
    more = comma ? comma + 1 : NULL;
  }
  size_t content = m->content.n;
  read_quoted(&at, &m->content);
  struct ls_span octets = ls_span(m->content.p + content, m->content.n - content);
  read_flags(m, at);
  struct ls_error err = {0};
  enum ls_status st = ls_session_submit(p->s, id, &m->env, octets, p->now, &err);
  assert_int_equal(st < 0, refused);
  assert_int_equal(st, err.status);
  if (refused) {
    ls_buf_adds(&p->events, ls_status_code(st));
    ls_buf_adds(&p->events, ": ");
    add_text(&p->events, ls_span_cstr(ls_error_text(&err)));
    ls_buf_addc(&p->events, '\n');
  }
  ls_error_deinit(&err);
  free(from);
  free(to);
  drain(p);
}

static void play_set(struct play *p, const char *what) {
  p->options.pipelining &= strcmp(what, "pipelining off") != 0;
  p->options.chunking &= strcmp(what, "chunking off") != 0;
  p->options.learned.chunking_proven |= strcmp(what, "proven") == 0;
  p->options.learned.chunks_read |= strcmp(what, "read") == 0;
  p->options.learned.chunking_refused |= strcmp(what, "unknown") == 0;
  p->options.learned.parameters_refused |= strcmp(what, "plain") == 0;
  if (strncmp(what, "window ", 7) == 0)
    p->options.window_messages = strtoul(what + 7, NULL, 10);
  if (strncmp(what, "octets ", 7) == 0)
    p->options.window_octets = strtoul(what + 7, NULL, 10);
  if (strncmp(what, "timeout ", 8) == 0)
    p->options.reply_timeout_ms = strtol(what + 8, NULL, 10);
}

static void play_call(struct play *p, const char *verb, char *rest) {
  start(p);
  if (strcmp(verb, "quit") == 0)
    ls_session_quit(p->s, p->now);
  else if (strcmp(verb, "noop") == 0)
    ls_session_noop(p->s, p->now);
  else if (strcmp(verb, "eof") == 0)
    ls_session_eof(p->s, NULL, p->now);
  else if (strcmp(verb, "hold") == 0 || strcmp(verb, "release") == 0)
    p->held = *verb == 'h';
  else if (strcmp(verb, "take") == 0)
    ls_session_sent(p->s, strtoul(rest, NULL, 10), p->now);
  else if (strcmp(verb, "wait") == 0) {
    p->now += strtol(rest, NULL, 10);
    ls_session_expire(p->s, p->now);
  } else
    play_fail(p, "an unknown line", ls_span_cstr(verb), ls_span_cstr(""));
  drain(p);
}

static bool play_expectation(struct play *p, const char *verb, char *rest) {
  if (strcmp(verb, ">>") == 0) {
    read_quoted(&rest, &p->want_out);
    return p->expecting = true;
  }
  struct ls_buf *want = strcmp(verb, ">") == 0 ? &p->want_out : &p->want_events;
  if (strcmp(verb, ">") && strcmp(verb, "=") && strcmp(verb, "!"))
    return false;
  ls_buf_adds(want, rest);
  ls_buf_adds(want, want == &p->want_out ? "\r\n" : "\n");
  return p->expecting = true;
}

static void play_line(struct play *p, char *line) {
  char *space = strchr(line, ' ');
  char *rest = space ? space + 1 : line + strlen(line);
  if (space)
    *space = '\0';
  if (*line == '\0' || *line == '#' || play_expectation(p, line, rest))
    return;
  if (p->expecting)
    compare(p);
  if (strcmp(line, "<") == 0) {
    ls_buf_adds(&p->in, rest);
    ls_buf_adds(&p->in, "\r\n");
    return;
  }
  if (strcmp(line, "<<") == 0) {
    read_quoted(&rest, &p->in);
    return;
  }
  flush_in(p);
  if (strcmp(line, "offer") == 0)
    ls_capability_add(&p->options.capability, ls_span_cstr(rest));
  else if (strcmp(line, "set") == 0)
    play_set(p, rest);
  else if (strcmp(line, "submit") == 0 || strcmp(line, "refuse") == 0)
    play_submit(p, rest, *line == 'r');
  else
    play_call(p, line, rest);
}

/* Answers the length of the longest run of server octets: the cuts worth trying. */
static size_t play(const char *path, int cut) {
  struct message messages[MAX_MESSAGES];
  struct play p = {.name = path, .cut = cut, .messages = messages, .now = 5000};
  struct ls_buf *bufs[] = {&p.in, &p.out, &p.events, &p.want_out, &p.want_events};
  p.options = (struct ls_session_options){
      .pipelining = true, .chunking = true, .reply_timeout_ms = 1000, .window_messages = 16};
  for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
    ls_buf_init(bufs[i], 1 << 20);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *line = NULL;
  size_t cap = 0;
  ssize_t n;
  while ((n = getline(&line, &cap, file)) > 0) {
    p.line++;
    line[n - (line[n - 1] == '\n')] = '\0';
    play_line(&p, line);
  }
  compare(&p);
  fclose(file);
  free(line);
  ls_session_free(p.s);
  for (size_t i = 0; i < p.count; i++)
    ls_buf_deinit(&messages[i].content);
  for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
    ls_buf_deinit(bufs[i]);
  return p.longest;
}

static void test_session_plays_every_transcript_in_any_cut(void **state) {
  (void)state;
  DIR *dir = opendir("spec/wire");
  assert_non_null(dir);
  size_t played = 0;
  for (struct dirent *e; (e = readdir(dir));) {
    char path[512];
    size_t n = strlen(e->d_name);
    if (n < 5 || strcmp(e->d_name + n - 5, ".smtp") != 0)
      continue;
    snprintf(path, sizeof path, "spec/wire/%s", e->d_name);
    size_t longest = play(path, WHOLE);
    for (size_t cut = 1; cut < longest; cut++)
      play(path, (int)cut);
    play(path, OCTETS);
    played++;
  }
  closedir(dir);
  assert_true(played >= 26);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_session_plays_every_transcript_in_any_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
