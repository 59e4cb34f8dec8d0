/* SPDX-License-Identifier: MIT */
#include "mime.h"

struct row {
  struct ls_span ending;
  struct ls_span type;
  bool usual; /* the ending is the type's usual one */
};

#define X(ending, type, usual) {{(ending), sizeof(ending) - 1}, {(type), sizeof(type) - 1}, (usual)},
static const struct row rows[] = {
#include "mime_type.def"
};
#undef X

enum {
  ROWS = sizeof rows / sizeof rows[0],
  ENDING_MAX = 32,
  TYPE_MAX = 4096 /* octets of a content type, so that its parameters are few */
};

/* Below 0, 0, above 0 as ending stands before, at or behind the row; ending in any case. */
static int row_order(struct ls_span ending, const struct row *row) {
  for (size_t i = 0; i < ending.n && i < row->ending.n; i++) {
    int order = ls_ascii_lower(ending.p[i]) - row->ending.p[i];
    if (order)
      return order;
  }
  return (ending.n > row->ending.n) - (ending.n < row->ending.n);
}

struct ls_span ls_mime_type_of(struct ls_span filename) {
  size_t dot = filename.n;
  while (dot && filename.p[dot - 1] != '.' && filename.n - dot <= ENDING_MAX)
    dot--;
  struct ls_span ending = ls_span_sub(filename, dot, filename.n);
  size_t low = 0;
  size_t high = dot && filename.p[dot - 1] == '.' ? ROWS : 0;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int order = row_order(ending, &rows[mid]);
    if (order == 0)
      return rows[mid].type;
    low = order > 0 ? mid + 1 : low;
    high = order > 0 ? high : mid;
  }
  return LS_SPAN("application/octet-stream");
}

struct ls_span ls_mime_ending_of(struct ls_span type) {
  for (size_t i = 0; i < ROWS; i++)
    if (rows[i].usual && ls_span_ieq(type, rows[i].type))
      return rows[i].ending;
  return LS_SPAN("bin");
}

bool ls_mime_is_token(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (!ls_ascii_is_token(s.p[i]))
      return false;
  return s.n > 0;
}

/* White space and comments, which may stand between any two of the tokens (RFC 2045 5.1). One that does not
 * end goes to the end. */
static size_t skip_space(struct ls_span s, size_t at) {
  size_t depth = 0;
  for (; at < s.n && (depth || s.p[at] == '(' || memchr(" \t\r\n", s.p[at], 4)); at++) {
    depth += s.p[at] == '(';
    depth -= s.p[at] == ')';
    at += s.p[at] == '\\';
  }
  return at < s.n ? at : s.n;
}

static size_t skip_token(struct ls_span s, size_t at) {
  while (at < s.n && ls_ascii_is_token(s.p[at]))
    at++;
  return at;
}

static struct ls_span lowered(struct ls_span s, struct ls_arena *a) {
  s = ls_arena_copy(a, s);
  for (size_t i = 0; s.p && i < s.n; i++)
    ((char *)s.p)[i] = ls_ascii_lower(s.p[i]);
  return s;
}

/* A quoted string from the '"' at *at on; *at moves behind it. p is NULL: no memory. */
static struct ls_span read_quoted(struct ls_span s, size_t *at, struct ls_arena *a) {
  char *to = ls_arena_alloc(a, s.n - *at);
  size_t n = 0;
  size_t i = *at + 1;
  for (; to && i < s.n && s.p[i] != '"'; i++) {
    if (s.p[i] == '\\' && i + 1 < s.n)
      i++;
    to[n++] = s.p[i];
  }
  *at = i < s.n ? i + 1 : i;
  return ls_span(to, n);
}

/* One "name=value" from at on, with white space where people put it; *at moves behind it. out->value.p is
 * NULL: there is no value. */
static enum ls_status read_param(struct ls_span s, size_t *at, struct ls_arena *a, struct ls_mime_pair *out) {
  size_t from = skip_space(s, *at);
  size_t to = skip_token(s, from);
  if (to == from)
    return LS_EMESSAGE;
  *out = (struct ls_mime_pair){.name = lowered(ls_span_sub(s, from, to), a)};
  *at = skip_space(s, to);
  if (!out->name.p)
    return LS_ENOMEM;
  if (*at == s.n || s.p[*at] != '=')
    return LS_OK;
  *at = from = skip_space(s, *at + 1);
  if (from < s.n && s.p[from] == '"') {
    out->value = read_quoted(s, at, a);
    return out->value.p ? LS_OK : LS_ENOMEM;
  }
  *at = skip_token(s, from);
  out->value = ls_span_sub(s, from, *at);
  return LS_OK;
}

/* A parameter that is there already takes the new value: each may be there once (RFC 2045 5). A boundary is
 * ours to choose. */
static void set_param(struct ls_mime_part *part, const struct ls_mime_pair *pair) {
  size_t at = 0;
  while (at < part->param_count && !ls_span_eq(part->params[at].name, pair->name))
    at++;
  if (!pair->value.p || ls_span_eq(pair->name, LS_SPAN("boundary")))
    return;
  part->params[at] = *pair;
  part->param_count += at == part->param_count;
}

enum ls_status ls_mime_read_type(struct ls_span text, struct ls_arena *a, struct ls_mime_part *part) {
  if (text.n > TYPE_MAX)
    return LS_EMESSAGE;
  size_t from = skip_space(text, 0);
  size_t slash = skip_token(text, from);
  size_t at = slash < text.n && text.p[slash] == '/' ? skip_token(text, slash + 1) : slash;
  if (slash == from || at <= slash + 1)
    return LS_EMESSAGE;
  part->type = lowered(ls_span_sub(text, from, at), a);
  size_t most = 0;
  for (size_t i = at; i < text.n; i++)
    most += text.p[i] == ';';
  part->params = ls_arena_array(a, most, sizeof *part->params);
  part->param_count = 0;
  if (!part->type.p || !part->params)
    return LS_ENOMEM;
  for (at = skip_space(text, at); at < text.n; at = skip_space(text, at)) {
    if (text.p[at++] != ';')
      return LS_EMESSAGE;
    size_t next = skip_space(text, at);
    if (next == text.n || text.p[next] == ';')
      continue;
    struct ls_mime_pair pair;
    enum ls_status status = read_param(text, &at, a, &pair);
    if (status != LS_OK)
      return status;
    set_param(part, &pair);
  }
  return LS_OK;
}
