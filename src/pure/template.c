/* SPDX-License-Identifier: MIT */
#include "template.h"

#include <stdint.h>

#include "jstext.h"

/* Octets of the whitespace character at the start of s, as JavaScript's \s has it; 0: none. */
static size_t whitespace(struct ls_span s) {
  const unsigned char *p = (const unsigned char *)s.p;
  if (s.n && (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r')))
    return 1;
  if (s.n >= 2 && p[0] == 0xC2 && p[1] == 0xA0) /* U+00A0 */
    return 2;
  if (s.n < 3)
    return 0;
  switch (p[0]) {
  case 0xE1: /* U+1680 */
    return p[1] == 0x9A && p[2] == 0x80 ? 3 : 0;
  case 0xE2: /* U+2000-200A, 2028, 2029, 202F; 205F */
    if (p[1] == 0x80)
      return (p[2] >= 0x80 && p[2] <= 0x8A) || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF ? 3 : 0;
    return p[1] == 0x81 && p[2] == 0x9F ? 3 : 0;
  case 0xE3: /* U+3000 */
    return p[1] == 0x80 && p[2] == 0x80 ? 3 : 0;
  case 0xEF: /* U+FEFF */
    return p[1] == 0xBB && p[2] == 0xBF ? 3 : 0;
  default:
    return 0;
  }
}

static size_t skip_whitespace(struct ls_span s, size_t at) {
  size_t n;
  while ((n = whitespace(ls_span_sub(s, at, s.n))) > 0)
    at += n;
  return at;
}

/* The placeholder at the start of s, which begins with '{': its length and its path; 0: none. What is skipped
 * holds no '{', so a failed attempt costs each octet once. */
static size_t placeholder(struct ls_span s, struct ls_span *path) {
  if (s.n < 2 || s.p[1] != '{')
    return 0;
  size_t from = skip_whitespace(s, 2);
  size_t to = from;
  while (to < s.n && (ls_ascii_is_alnum(s.p[to]) || s.p[to] == '_' || s.p[to] == '.'))
    to++;
  if (to == from)
    return 0;
  size_t end = skip_whitespace(s, to);
  *path = ls_span_sub(s, from, to);
  return end + 1 < s.n && s.p[end] == '}' && s.p[end + 1] == '}' ? end + 2 : 0;
}

/* An index as JavaScript writes one: "0", "1", ... without leading zeros. */
static bool read_index(struct ls_span s, size_t *index) {
  if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
    return false;
  *index = 0;
  for (size_t i = 0; i < s.n; i++) {
    size_t digit = (size_t)(s.p[i] - '0');
    if (!ls_ascii_is_digit(s.p[i]) || *index > (SIZE_MAX - digit) / 10)
      return false;
    *index = *index * 10 + digit;
  }
  return true;
}

/* The own member of v, NULL when there is none. length: room for the one member that is no value in the tree.
 */
static const struct ls_value *member(const struct ls_value *v, struct ls_span name, struct ls_value *length) {
  if (ls_value_is(v, LS_VALUE_OBJECT))
    return ls_value_get(v, name);
  if (!ls_value_is_array(v))
    return NULL;
  size_t count = v->kind == LS_VALUE_ARRAY ? v->as.array.count : 0;
  if (ls_span_eq(name, LS_SPAN("length"))) {
    *length = (struct ls_value){.kind = LS_VALUE_NUMBER, .as.number = (double)count};
    return length;
  }
  size_t index;
  return read_index(name, &index) && index < count ? &v->as.array.items[index] : NULL;
}

/* Appends the text at path; false when its first name is no own key of payload. */
static bool insert(struct ls_span path, const struct ls_value *payload, struct ls_buf *out) {
  struct ls_value length;
  size_t dot = ls_span_index(path, '.');
  const struct ls_value *v = dot ? member(payload, ls_span_sub(path, 0, dot), &length) : NULL;
  if (!v)
    return false;
  while (v && dot < path.n) {
    path = ls_span_sub(path, dot + 1, path.n);
    dot = ls_span_index(path, '.');
    v = member(v, ls_span_sub(path, 0, dot), &length);
  }
  ls_jstext_add(v, out);
  return true;
}

static struct ls_span entity(char c) {
  switch (c) {
  case '&':
    return LS_SPAN("&amp;");
  case '<':
    return LS_SPAN("&lt;");
  case '>':
    return LS_SPAN("&gt;");
  case '"':
    return LS_SPAN("&quot;");
  case '\'':
    return LS_SPAN("&#39;");
  default:
    return LS_SPAN("");
  }
}

/* Escapes what lies behind from, in place: the growth is known beforehand, so the octets move once, last one
 * first. */
static void escape_tail(struct ls_buf *out, size_t from) {
  size_t growth = 0;
  for (size_t i = from; i < out->n; i++) {
    struct ls_span e = entity(out->p[i]);
    growth += e.n ? e.n - 1 : 0;
  }
  if (growth == 0 || !ls_buf_room(out, growth))
    return;
  size_t to = out->n + growth;
  for (size_t i = out->n; i-- > from;) {
    struct ls_span e = entity(out->p[i]);
    to -= e.n ? e.n : 1;
    if (e.n)
      memcpy(out->p + to, e.p, e.n);
    else
      out->p[to] = out->p[i];
  }
  ls_buf_grew(out, growth);
}

enum ls_status ls_template_render(struct ls_span text, const struct ls_value *payload,
                                  enum ls_template_escape escape, struct ls_buf *out) {
  while (text.n && out->status == LS_OK) {
    size_t brace = ls_span_index(text, '{');
    ls_buf_add(out, ls_span_sub(text, 0, brace));
    text = ls_span_sub(text, brace, text.n);
    if (text.n == 0)
      break;
    struct ls_span path;
    size_t before = out->n;
    size_t n = placeholder(text, &path);
    if (n && insert(path, payload, out)) {
      if (escape == LS_TEMPLATE_HTML)
        escape_tail(out, before);
    } else {
      n = n ? n : 1;
      ls_buf_add(out, ls_span_sub(text, 0, n));
    }
    text = ls_span_sub(text, n, text.n);
  }
  return out->status;
}
