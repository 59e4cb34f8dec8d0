/* SPDX-License-Identifier: MIT */
#include "mailbox.h"

#include "utf8.h"

/* Groups in groups have no meaning in RFC 5322; deeper ones than this are left out. */
enum { MAX_DEPTH = 50 };

/* A run of text between two operators. The next one may be glued to it: no space between them. */
struct piece {
  struct ls_span value;
  bool quoted;
  bool glued; /* belongs to the piece before */
};

struct pieces {
  struct piece *v;
  size_t n, cap;
};

/* What one address between separators consists of; the arrays are used again for the next one. */
struct entry {
  struct pieces text, comment, address;
  struct ls_span group;
  bool is_group;
  char opened;   /* the operator that says what text is: '<', '(', '"', ':' or 0 */
  bool any;      /* an operator or text was seen */
  bool no_break; /* the last operator closed something and touches what follows */
};

struct sink {
  struct ls_mailbox *items;
  size_t count, cap;
};

struct parser {
  struct ls_arena *a;
  int depth;
  struct entry entry;
  struct pieces pending; /* names without address right before: the head of "Doe, Jane <a@b.c>" */
  struct sink *out;
};

/* What an address turned out to be. */
struct found {
  struct ls_span name, address;
};

static bool push_piece(struct ls_arena *a, struct pieces *list, struct piece piece) {
  if (list->n == list->cap) {
    size_t cap = list->cap ? list->cap * 2 : 4;
    struct piece *v = ls_arena_array(a, cap, sizeof *v);
    if (!v)
      return false;
    if (list->n)
      memcpy(v, list->v, list->n * sizeof *v);
    list->v = v;
    list->cap = cap;
  }
  list->v[list->n++] = piece;
  return true;
}

static bool push_item(struct ls_arena *a, struct sink *out, const struct ls_mailbox *m) {
  if (out->count == out->cap) {
    size_t cap = out->cap ? out->cap * 2 : 1;
    struct ls_mailbox *items = ls_arena_array(a, cap, sizeof *items);
    if (!items)
      return false;
    if (out->count)
      memcpy(items, out->items, out->count * sizeof *items);
    out->items = items;
    out->cap = cap;
  }
  out->items[out->count++] = *m;
  return true;
}

/* The values with between after each but the last. false: no memory. */
static bool join(struct ls_arena *a, const struct piece *v, size_t n, struct ls_span between,
                 struct ls_span *out) {
  *out = n == 1 ? v[0].value : ls_span(NULL, 0);
  if (n < 2)
    return true;
  size_t total = between.n * (n - 1);
  for (size_t i = 0; i < n; i++)
    total += v[i].value.n;
  char *to = ls_arena_alloc(a, total);
  if (!to)
    return false;
  *out = ls_span(to, total);
  for (size_t i = 0; i < n; i++) {
    if (v[i].value.n)
      memcpy(to, v[i].value.p, v[i].value.n);
    to += v[i].value.n;
    if (i + 1 < n)
      memcpy(to, between.p, between.n);
    to += i + 1 < n ? between.n : 0;
  }
  return true;
}

/* Glued pieces become one: once per address, so that a long chain of them stays linear. */
static bool unite(struct ls_arena *a, struct pieces *list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->n;) {
    size_t end = i + 1;
    bool quoted = list->v[i].quoted;
    while (end < list->n && list->v[end].glued)
      end++;
    struct ls_span value;
    if (!join(a, list->v + i, end - i, ls_span("", 0), &value))
      return false;
    list->v[kept++] = (struct piece){value, quoted, false};
    i = end;
  }
  list->n = kept;
  return true;
}

/* Raw text without what may not be seen: LF is a space, other controls but TAB go, and in quotes a backslash
 * hands the next octet through. Copies only when something changes. */
static bool clean(struct ls_arena *a, struct ls_span raw, bool in_quotes, struct ls_span *out) {
  size_t same = 0;
  while (same < raw.n && ((unsigned char)raw.p[same] >= 0x20 || raw.p[same] == '\t') &&
         !(in_quotes && raw.p[same] == '\\'))
    same++;
  if (same < raw.n) {
    char *to = ls_arena_alloc(a, raw.n);
    if (!to)
      return false;
    size_t n = 0;
    bool escaped = false;
    for (size_t i = 0; i < raw.n; i++) {
      char c = raw.p[i] == '\n' ? ' ' : raw.p[i];
      bool escapes = in_quotes && c == '\\' && !escaped;
      if (!escapes && ((unsigned char)c >= 0x20 || c == '\t'))
        to[n++] = c;
      escaped = escapes;
    }
    raw = ls_span(to, n);
  }
  *out = ls_utf8_trim(raw);
  return true;
}

/* In "<Joe <a@b.c>" only what follows the inner '<' counts. */
static struct ls_span after_angle(struct ls_span s) {
  size_t at = ls_span_index(s, '<');
  if (at == s.n)
    return s;
  for (at++; at < s.n;) {
    int32_t c;
    size_t n = ls_utf8_decode(s, at, &c);
    if (!ls_utf8_is_space(c))
      break;
    at += n;
  }
  return ls_span_sub(s, at, s.n);
}

static bool add_text(struct parser *p, struct ls_span raw) {
  struct entry *e = &p->entry;
  struct piece piece = {.quoted = e->opened == '"'};
  if (raw.n == 0)
    return true;
  if (!clean(p->a, raw, piece.quoted, &piece.value))
    return false;
  if (piece.value.n == 0)
    return true;
  e->any = true;
  if (e->opened == ':') {
    e->group = piece.value;
    return true;
  }
  if (e->opened == '<') {
    piece.value = after_angle(piece.value);
    return push_piece(p->a, &e->address, piece);
  }
  if (e->opened == '(')
    return push_piece(p->a, &e->comment, piece);
  piece.glued = e->no_break && e->text.n > 0;
  return push_piece(p->a, &e->text, piece);
}

/* No white space, and exactly one '@' with something on both sides. */
static bool is_plain_address(struct ls_span s) {
  size_t at_sign = ls_span_index(s, '@');
  if (at_sign == 0 || at_sign + 1 >= s.n ||
      ls_span_index(ls_span_sub(s, at_sign + 1, s.n), '@') != s.n - at_sign - 1)
    return false;
  for (size_t at = 0; at < s.n;)
    if (ls_utf8_is_space(ls_utf8_next(s, &at)))
      return false;
  return true;
}

static bool is_word(struct ls_span s, size_t at) {
  return at < s.n && (ls_ascii_is_alnum(s.p[at]) || s.p[at] == '_');
}

/* True where a word begins or ends, as regular expressions have it. */
static bool is_boundary(struct ls_span s, size_t at) {
  return (at > 0 && is_word(s, at - 1)) != is_word(s, at);
}

/* An address in s[from, to), which has no white space: it begins at the first boundary before an '@' and ends
 * at the last boundary of the run. */
static bool find_in_run(struct ls_span s, size_t from, size_t to, size_t *start, size_t *end) {
  size_t last = to;
  while (last > from && !is_boundary(s, last))
    last--;
  size_t begin = to;
  for (size_t at = from; at < to; at++) {
    if (s.p[at] != '@') {
      if (begin == to && is_boundary(s, at))
        begin = at;
    } else {
      if (begin != to && last >= at + 2) {
        *start = begin;
        *end = last;
        return true;
      }
      begin = to;
    }
  }
  return false;
}

/* Takes the first thing like an address out of running text: "mail a@b.c now" -> a@b.c and "mail now". */
static bool extract(struct ls_arena *a, struct ls_span *text, struct ls_span *address, bool *no_memory) {
  struct ls_span s = *text;
  size_t before = 0; /* end of the run before: what lies between is white space */
  for (size_t at = 0; at < s.n;) {
    size_t from = at;
    while (at < s.n) {
      int32_t c;
      size_t n = ls_utf8_decode(s, at, &c);
      if (ls_utf8_is_space(c))
        break;
      at += n;
    }
    size_t start, end;
    if (find_in_run(s, from, at, &start, &end)) {
      struct piece parts[2] = {{.value = ls_span_sub(s, 0, start == from ? before : start)},
                               {.value = ls_span_sub(s, end, s.n)}};
      if (end == at)
        parts[1].value = ls_utf8_trim(parts[1].value);
      *address = ls_span_sub(s, start, end);
      *no_memory = !join(a, parts, 2, LS_SPAN(" "), text);
      *text = ls_utf8_trim(*text);
      return true;
    }
    if (at > from)
      before = at;
    while (at < s.n) {
      int32_t c;
      size_t n = ls_utf8_decode(s, at, &c);
      if (!ls_utf8_is_space(c))
        break;
      at += n;
    }
  }
  return false;
}

/* No angle brackets: the address is somewhere in the text, the last piece first, and never in quotes, where
 * somebody may have put a name that looks like an address. */
static bool detect(struct ls_arena *a, struct entry *e, struct ls_span *address) {
  struct pieces *text = &e->text;
  bool no_memory = false;
  for (size_t i = text->n; i-- > 0;) {
    if (!text->v[i].quoted && is_plain_address(text->v[i].value)) {
      *address = text->v[i].value;
      memmove(text->v + i, text->v + i + 1, (text->n - i - 1) * sizeof *text->v);
      text->n--;
      return true;
    }
  }
  for (size_t i = text->n; i-- > 0;)
    if (!text->v[i].quoted && extract(a, &text->v[i].value, address, &no_memory))
      return !no_memory;
  return true;
}

/* A comment is the name where there is no other: "a@b.c (Joe)". */
static void comment_for_text(struct entry *e) {
  if (e->text.n || !e->comment.n)
    return;
  struct pieces comment = e->comment;
  e->comment = e->text;
  e->text = comment;
}

/* Splits an entry that is no group into name and address; either may be empty. */
static bool resolve(struct parser *p, struct found *f) {
  struct entry *e = &p->entry;
  *f = (struct found){0};
  if (e->address.n)
    f->address = e->address.v[0].value;
  else if (!detect(p->a, e, &f->address))
    return false;
  comment_for_text(e);
  for (size_t i = 1; i < e->address.n; i++)
    if (!push_piece(p->a, &e->text, e->address.v[i]))
      return false;
  if (!join(p->a, e->text.v, e->text.n, LS_SPAN(" "), &f->name))
    return false;
  if (!f->address.n)
    f->address = f->name;
  if (!f->name.n)
    f->name = f->address;
  if (ls_span_eq(f->name, f->address)) {
    if (ls_span_index(f->address, '@') < f->address.n)
      f->name = ls_span(NULL, 0);
    else
      f->address = ls_span(NULL, 0);
  }
  return true;
}

static bool finish_mailbox(struct parser *p) {
  struct found f;
  if (!resolve(p, &f))
    return false;
  if (!f.address.n) {
    if (f.name.n)
      return push_piece(p->a, &p->pending, (struct piece){.value = f.name});
    p->pending.n = 0;
    return true;
  }
  if (f.name.n && p->pending.n) {
    if (!push_piece(p->a, &p->pending, (struct piece){.value = f.name}) ||
        !join(p->a, p->pending.v, p->pending.n, LS_SPAN(", "), &f.name))
      return false;
  }
  p->pending.n = 0;
  struct ls_mailbox m;
  if (ls_mailbox_set(&m, f.name, f.address, p->a) != LS_OK)
    return false;
  return ls_mailbox_is_empty(&m) || push_item(p->a, p->out, &m);
}

static bool parse_at(struct ls_span text, struct ls_arena *a, int depth, struct sink *out);

/* Members of a group within a group join those of the outer one. */
static bool finish_group(struct parser *p) {
  struct sink members = {0};
  struct ls_mailbox m = {.is_group = true};
  p->pending.n = 0;
  if (p->entry.group.n && p->depth < MAX_DEPTH &&
      !parse_at(p->entry.group, p->a, p->depth + 1, p->depth ? p->out : &members))
    return false;
  if (p->depth)
    return true;
  m.members = members.items;
  m.count = members.count;
  return join(p->a, p->entry.text.v, p->entry.text.n, LS_SPAN(" "), &m.name) && push_item(p->a, p->out, &m);
}

static bool finish_entry(struct parser *p) {
  struct entry *e = &p->entry;
  bool ok = true;
  if (e->any) {
    ok = unite(p->a, &e->text);
    comment_for_text(e);
    ok = ok && (e->is_group ? finish_group(p) : finish_mailbox(p));
  }
  e->text.n = e->comment.n = e->address.n = 0;
  e->group = ls_span(NULL, 0);
  e->is_group = e->any = e->no_break = false;
  e->opened = 0;
  return ok;
}

/* The octet that ends what c opens; 0: c opens nothing. */
static char closer_of(char c) {
  switch (c) {
  case '"':
    return '"';
  case '(':
    return ')';
  case '<':
    return '>';
  case ':':
    return ';';
  default:
    return 0;
  }
}

static bool is_break(struct ls_span s, size_t at) {
  return at >= s.n || memchr(" \t\r\n,;", s.p[at], 6) != NULL;
}

static bool parse_at(struct ls_span text, struct ls_arena *a, int depth, struct sink *out) {
  struct parser p = {.a = a, .depth = depth, .out = out};
  struct entry *e = &p.entry;
  size_t from = 0;
  bool ok = true;
  for (size_t at = 0; ok && at < text.n; at++) {
    char c = text.p[at];
    char closer = closer_of(e->opened);
    if (closer == '"' && c == '\\') {
      at++;
    } else if (closer ? c == closer : closer_of(c) || c == ',' || c == ';') {
      ok = add_text(&p, ls_span_sub(text, from, at));
      from = at + 1;
      if (c == ',' || c == ';') {
        ok = ok && finish_entry(&p);
      } else {
        e->any = true;
        e->no_break = closer && !is_break(text, at + 1);
        e->opened = closer ? 0 : c;
        e->is_group = e->is_group || (!closer && c == ':');
      }
    }
  }
  return ok && add_text(&p, ls_span_sub(text, from, text.n)) && finish_entry(&p);
}

enum ls_status ls_mailbox_parse(struct ls_span text, struct ls_arena *a, struct ls_mailbox_list *out) {
  *out = (struct ls_mailbox_list){0};
  if (!ls_utf8_valid(text)) {
    struct ls_buf repaired;
    ls_buf_init(&repaired, text.n < SIZE_MAX / 3 ? text.n * 3 : SIZE_MAX);
    ls_utf8_add_valid(&repaired, text);
    text = ls_arena_copy(a, ls_buf_span(&repaired));
    enum ls_status status = repaired.status;
    ls_buf_deinit(&repaired);
    if (status != LS_OK || !text.p)
      return LS_ENOMEM;
  }
  struct sink sink = {0};
  bool ok = parse_at(text, a, 0, &sink);
  *out = (struct ls_mailbox_list){sink.items, sink.count};
  return ok ? LS_OK : LS_ENOMEM;
}
