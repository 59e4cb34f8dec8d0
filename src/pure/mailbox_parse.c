/* SPDX-License-Identifier: MIT */
#include "mailbox.h"

#include "mailbox_scan.h"
#include "utf8.h"

enum {
  MAX_TOKENS =
      4096,       /* of one mailbox with its name: far beyond any, and a bound on what hostile text costs */
  ON_STACK = 16,  /* tokens that most mailboxes do with */
  MAX_SHOWN = 200 /* octets of the text in an error */
};

struct tokens {
  struct ls_token *v; /* at first on the stack */
  size_t n, cap;
};

struct sink {
  struct ls_mailbox *items;
  size_t count, cap;
};

/* Names without an address right before: the head of "Doe, Jane <a@b.c>". */
struct names {
  struct ls_span *v;
  size_t n, cap;
};

struct parser {
  struct ls_arena *a;
  struct ls_scan scan;
  struct ls_buf text; /* scratch */
  struct tokens words;
  struct tokens comments;
  bool commented; /* a comment stands before the next word */
  bool in_angle;
  bool in_route; /* "<@relay,@relay:a@b.c>": obsolete, and to be ignored (RFC 5321 4.1.1.3) */
  bool in_group;
  bool after_group;     /* nothing but comments since a ';' closed one */
  struct ls_span group; /* its name */
  struct names pending;
  struct sink items;
  struct sink members;
  struct ls_mailbox_list *out;
  const char *fault; /* why the text can not be read; NULL while it can */
  size_t from, to;   /* the entry, as far as it was read */
};

static bool fails(struct parser *p, const char *fault) {
  p->fault = fault;
  return false;
}

/* A larger array with what was in the old one; NULL: no memory. */
static void *grown(struct ls_arena *a, const void *old, size_t n, size_t *cap, size_t first, size_t size) {
  size_t wanted = *cap ? *cap * 2 : first;
  void *v = ls_arena_array(a, wanted, size);
  if (v && n)
    memcpy(v, old, n * size);
  *cap = wanted;
  return v;
}

static bool push_token(struct parser *p, struct tokens *list, const struct ls_token *token) {
  if (list->n == MAX_TOKENS)
    return fails(p, "it has more words than a mailbox can have");
  if (list->n == list->cap &&
      !(list->v = grown(p->a, list->v, list->n, &list->cap, ON_STACK, sizeof *list->v)))
    return false;
  list->v[list->n++] = *token;
  return true;
}

static bool push_item(struct ls_arena *a, struct sink *to, const struct ls_mailbox *m) {
  if (to->count == to->cap && !(to->items = grown(a, to->items, to->count, &to->cap, 1, sizeof *to->items)))
    return false;
  to->items[to->count++] = *m;
  return true;
}

static bool push_name(struct ls_arena *a, struct names *to, struct ls_span name) {
  if (to->n == to->cap && !(to->v = grown(a, to->v, to->n, &to->cap, 4, sizeof *to->v)))
    return false;
  to->v[to->n++] = name;
  return true;
}

/* What no address follows is named for the caller, who knows whether that is a loss. */
static void leave_out(struct parser *p, struct ls_span name) {
  if (!p->out->left_out.n)
    p->out->left_out = name;
}

static void leave_out_pending(struct parser *p) {
  if (p->pending.n)
    leave_out(p, p->pending.v[0]);
  p->pending.n = 0;
}

static bool keep_text(struct parser *p, struct ls_span *out) {
  *out = ls_arena_copy(p->a, ls_buf_span(&p->text));
  return p->text.status == LS_OK && out->p;
}

/* The tokens as people read them: one space where there is white space or a comment. */
static bool name_of(struct parser *p, const struct ls_token *v, size_t n, struct ls_span *out) {
  *out =
      n == 1 && v[0].kind != LS_TOKEN_QUOTED && v[0].kind != LS_TOKEN_COMMENT ? v[0].raw : ls_span(NULL, 0);
  if (!out->n && n) {
    ls_buf_cut(&p->text, 0);
    for (size_t i = 0; i < n; i++) {
      size_t before = p->text.n;
      if (before && v[i].gap != LS_TOKEN_TOUCHES)
        ls_buf_addc(&p->text, ' ');
      size_t from = p->text.n;
      ls_token_add_value(&p->text, &v[i]);
      if (p->text.n == from)
        ls_buf_cut(&p->text, before); /* "" and () say nothing */
    }
    if (!keep_text(p, out))
      return false;
  }
  return ls_mailbox_clean_name(out, p->a) == LS_OK;
}

/* Comments name a mailbox that has no other name: "a@b.c (Joe)". */
static bool name_of_comments(struct parser *p, struct ls_span *out) {
  for (size_t i = 0; i < p->comments.n; i++)
    p->comments.v[i].gap = LS_TOKEN_SPACED;
  return name_of(p, p->comments.v, p->comments.n, out);
}

/* Octets from the first token to the last, where they are the value as they stand. */
static bool as_it_stands(const struct ls_token *v, size_t n, struct ls_span *out) {
  for (size_t i = 0; i < n; i++)
    if (v[i].kind == LS_TOKEN_QUOTED || v[i].kind == LS_TOKEN_LITERAL || (i && v[i].gap != LS_TOKEN_TOUCHES))
      return false;
  *out = ls_span(v[0].raw.p, (size_t)(v[n - 1].raw.p + v[n - 1].raw.n - v[0].raw.p));
  return true;
}

static bool join_values(struct parser *p, const struct ls_token *v, size_t n, struct ls_span *out) {
  if (as_it_stands(v, n, out))
    return true;
  ls_buf_cut(&p->text, 0);
  for (size_t i = 0; i < n; i++)
    ls_token_add_value(&p->text, &v[i]);
  return keep_text(p, out);
}

static bool is_atext(struct ls_span s) {
  for (size_t i = 0; i < s.n;)
    if (!ls_scan_atext(s, &i))
      return false;
  return true;
}

/* Words with dots between them. White space around a dot is obsolete and reads as nothing (RFC 5322 4.4);
 * so would a comment, but readers differ there, and what they make of it are two addresses. */
static const char *fault_of_words(const struct ls_token *v, size_t n, bool quotes) {
  for (size_t i = 0; i < n; i++) {
    bool dot = v[i].kind == LS_TOKEN_DOT;
    if (!dot && v[i].kind != LS_TOKEN_ATOM && !(quotes && v[i].kind == LS_TOKEN_QUOTED))
      return "a character in it must be in quotes";
    if (v[i].kind == LS_TOKEN_ATOM && !is_atext(v[i].raw))
      return "a character in it must be in quotes";
    if (i && v[i].gap == LS_TOKEN_COMMENTED)
      return "a comment is in the middle of it";
    if (i && !dot && v[i - 1].kind != LS_TOKEN_DOT)
      return "there is neither a comma nor a dot between two words of it; "
             "an address behind a name is to be in angle brackets";
    if (i && dot && v[i - 1].kind == LS_TOKEN_DOT && v[i].gap != LS_TOKEN_TOUCHES)
      return "there is nothing between two dots of it";
  }
  return NULL;
}

static bool read_local(struct parser *p, const struct ls_token *v, size_t n, struct ls_mailbox *m) {
  const char *fault = n ? fault_of_words(v, n, true) : "nothing is before its '@'";
  if (fault)
    return fails(p, fault);
  struct ls_span value;
  return join_values(p, v, n, &value) && ls_mailbox_set_local(m, value, p->a) == LS_OK;
}

static bool read_domain(struct parser *p, const struct ls_token *v, size_t n, struct ls_mailbox *m) {
  if (!n)
    return fails(p, "nothing is behind its '@'");
  if (n == 1 && v[0].kind == LS_TOKEN_LITERAL) {
    struct ls_span inner = ls_span_sub(v[0].raw, 1, v[0].raw.n - 1);
    if (ls_span_index(inner, '[') < inner.n || ls_span_index(inner, '\\') < inner.n)
      return fails(p, "a '[' or a backslash is within its brackets");
    return join_values(p, v, n, &m->domain);
  }
  if (n > 1 && v[n - 1].kind == LS_TOKEN_DOT && v[n - 1].gap == LS_TOKEN_TOUCHES)
    n--; /* "b.c." is b.c (RFC 1034 3.1), and RFC 5321 knows it without the dot */
  const char *fault = fault_of_words(v, n, false);
  for (size_t i = 0; !fault && i < n; i++)
    if (v[i].kind == LS_TOKEN_DOT && (i == 0 || i + 1 == n || v[i - 1].kind == LS_TOKEN_DOT))
      fault = "its domain has an empty label";
  return fault ? fails(p, fault) : join_values(p, v, n, &m->domain);
}

static bool read_spec(struct parser *p, const struct ls_token *v, size_t n, struct ls_mailbox *m) {
  size_t at = n;
  for (size_t i = n; i-- > 0;) {
    if (v[i].kind == LS_TOKEN_AT && at < n)
      return fails(p, "it has more than one '@'; between two addresses there is a comma");
    if (v[i].kind == LS_TOKEN_AT)
      at = i;
    if (i && v[i].gap != LS_TOKEN_TOUCHES)
      p->out->loose = true;
  }
  if (at == n)
    return fails(p, "it has no '@'");
  return read_local(p, v, at, m) && read_domain(p, v + at + 1, n - at - 1, m);
}

/* Whether an unquoted '@' in a name is part of what looks like an address. "Sales @ Shop" does not. */
static bool has_address(const struct ls_token *v, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (v[i].kind != LS_TOKEN_AT)
      continue;
    bool touches = i + 1 < n && v[i + 1].gap == LS_TOKEN_TOUCHES;
    if (touches && i && v[i].gap == LS_TOKEN_TOUCHES)
      return true;
    if (i + 3 < n && v[i + 2].kind == LS_TOKEN_DOT && v[i + 2].gap == LS_TOKEN_TOUCHES)
      return true;
  }
  return false;
}

/* Whether a word looks like a domain or an address that lost its '@': it has a dot between letters. */
static bool has_inner_dot(const struct ls_token *v, size_t n) {
  for (size_t i = 1; i + 1 < n; i++)
    if (v[i].kind == LS_TOKEN_DOT && v[i].gap == LS_TOKEN_TOUCHES && v[i + 1].gap == LS_TOKEN_TOUCHES)
      return true;
  return false;
}

/* "user@b.c <user@b.c>" says one thing twice; an address that says another is lost as a name. */
static bool check_name(struct parser *p, const struct ls_mailbox *m, size_t n) {
  for (size_t i = 0; i < n; i++)
    p->out->loose = p->out->loose || p->words.v[i].kind == LS_TOKEN_AT;
  if (!has_address(p->words.v, n))
    return true;
  ls_buf_cut(&p->text, 0);
  ls_mailbox_write_address(&p->text, m);
  if (p->text.status != LS_OK)
    return false;
  return ls_span_ieq(ls_buf_span(&p->text), m->name) ||
         fails(p, "an address in a name must be in quotes, or a comma is missing behind it");
}

static bool add_mailbox(struct parser *p, struct ls_mailbox *m, bool named) {
  if (named && p->pending.n) {
    if (!push_name(p->a, &p->pending, m->name))
      return false;
    ls_buf_cut(&p->text, 0);
    for (size_t i = 0; i < p->pending.n; i++) {
      ls_buf_adds(&p->text, i ? ", " : "");
      ls_buf_add(&p->text, p->pending.v[i]);
    }
    p->pending.n = 0;
    if (!keep_text(p, &m->name))
      return false;
  }
  leave_out_pending(p);
  return push_item(p->a, p->in_group ? &p->members : &p->items, m);
}

/* Name and address in angle brackets; open: where '<' is. */
static bool read_angle(struct parser *p, size_t open) {
  struct tokens *w = &p->words;
  struct ls_mailbox m = {0};
  if (w->v[w->n - 1].kind != LS_TOKEN_CLOSE)
    return fails(p, "something is behind its '>'");
  if (!name_of(p, w->v, open, &m.name))
    return false;
  if (open + 2 == w->n) {
    if (has_address(w->v, open))
      return fails(p, "its angle brackets are empty");
    leave_out_pending(p);
    leave_out(p, m.name.n ? m.name : LS_SPAN("<>"));
    return true;
  }
  if (!read_spec(p, w->v + open + 1, w->n - open - 2, &m) || !check_name(p, &m, open))
    return false;
  bool named = m.name.n > 0;
  if (!named && !name_of_comments(p, &m.name))
    return false;
  return add_mailbox(p, &m, named);
}

static bool read_bare(struct parser *p) {
  struct tokens *w = &p->words;
  bool has_at = false;
  for (size_t i = 0; i < w->n; i++) {
    if (w->v[i].kind == LS_TOKEN_CLOSE)
      return fails(p, "a '>' in it closes nothing");
    has_at = has_at || w->v[i].kind == LS_TOKEN_AT;
  }
  struct ls_mailbox m = {0};
  if (has_at)
    return read_spec(p, w->v, w->n, &m) && name_of_comments(p, &m.name) && add_mailbox(p, &m, false);
  if (has_inner_dot(w->v, w->n))
    return fails(p, "it has no '@'");
  if (!name_of(p, w->v, w->n, &m.name))
    return false;
  return m.name.n ? push_name(p->a, &p->pending, m.name) : fails(p, "it says nothing");
}

/* Nothing but comments between two separators, where an address would be lost without a word. In and behind a
 * group the grammar has room for a remark ("Hidden:(nobody);", RFC 5322 A.5); with an '@' it is none. */
static bool read_comments(struct parser *p, bool remark) {
  for (size_t i = 0; remark && i < p->comments.n; i++)
    remark = memchr(p->comments.v[i].raw.p, '@', p->comments.v[i].raw.n) == NULL;
  return remark || p->comments.n == 0 || fails(p, "it is nothing but a comment");
}

/* White space of any script at either end is no part of an entry. Within one it stays: it may be part of a
 * name, and an address that has some is refused rather than mended into another. */
static void trim_words(struct tokens *w) {
  while (w->n && w->v[w->n - 1].kind == LS_TOKEN_ATOM) {
    struct ls_span *raw = &w->v[w->n - 1].raw;
    *raw = ls_utf8_trim_end(*raw);
    if (raw->n)
      break;
    w->n--;
  }
  size_t blank = 0;
  while (blank < w->n && w->v[blank].kind == LS_TOKEN_ATOM) {
    struct ls_span *raw = &w->v[blank].raw;
    *raw = ls_utf8_trim_start(*raw);
    if (raw->n)
      break;
    blank++;
  }
  w->n -= blank;
  if (blank)
    memmove(w->v, w->v + blank, w->n * sizeof *w->v);
}

static bool finish_entry(struct parser *p) {
  struct tokens *w = &p->words;
  if (p->in_angle)
    return fails(p, "a '<' in it does not end");
  trim_words(w);
  size_t open = 0;
  while (open < w->n && w->v[open].kind != LS_TOKEN_OPEN)
    open++;
  bool ok = w->n == 0     ? read_comments(p, p->in_group || p->after_group)
            : open < w->n ? read_angle(p, open)
                          : read_bare(p);
  w->n = p->comments.n = 0;
  p->commented = p->after_group = false;
  if (ok)
    p->from = p->scan.at;
  return ok;
}

/* Groups in groups have no meaning in RFC 5322: members of an inner one are those of the outer. */
static bool open_group(struct parser *p) {
  struct tokens *w = &p->words;
  struct ls_span name;
  trim_words(w);
  for (size_t i = 0; i < w->n; i++)
    if (w->v[i].kind == LS_TOKEN_AT || w->v[i].kind == LS_TOKEN_OPEN || w->v[i].kind == LS_TOKEN_CLOSE)
      return fails(p, "there is an address before its ':'");
  if (!(w->n ? name_of(p, w->v, w->n, &name) : name_of_comments(p, &name)))
    return false;
  if (!name.n)
    return fails(p, "there is no name of a group before its ':'");
  leave_out_pending(p);
  if (!p->in_group)
    p->group = name;
  p->in_group = true;
  w->n = p->comments.n = 0;
  p->commented = false;
  p->from = p->scan.at;
  return true;
}

static bool close_group(struct parser *p) {
  leave_out_pending(p);
  if (!p->in_group)
    return true;
  struct ls_mailbox m = {
      .is_group = true, .name = p->group, .members = p->members.items, .count = p->members.count};
  p->members = (struct sink){0};
  p->in_group = false;
  p->after_group = true;
  return push_item(p->a, &p->items, &m);
}

static bool open_angle(struct parser *p) {
  if (p->in_angle)
    return fails(p, "a '<' in it is within another");
  for (size_t i = 0; i < p->words.n; i++)
    if (p->words.v[i].kind == LS_TOKEN_OPEN)
      return fails(p, "it has two addresses in angle brackets");
  return p->in_angle = true;
}

static bool in_route(struct parser *p, const struct ls_token *token) {
  const struct tokens *w = &p->words;
  if (token->kind == LS_TOKEN_AT && w->v[w->n - 1].kind == LS_TOKEN_OPEN)
    p->in_route = true;
  return p->in_route;
}

/* Between angle brackets; a route goes with its ':'. */
static bool take_inner(struct parser *p, const struct ls_token *token) {
  struct tokens *w = &p->words;
  if (in_route(p, token) && token->kind == LS_TOKEN_COLON) {
    while (w->v[w->n - 1].kind != LS_TOKEN_OPEN)
      w->n--;
    p->in_route = false;
    p->out->loose = true;
    return true;
  }
  if (p->in_route ? token->kind == LS_TOKEN_SEMICOLON
                  : token->kind == LS_TOKEN_COMMA || token->kind == LS_TOKEN_SEMICOLON)
    return fails(p, "a '<' in it does not end");
  if (token->kind == LS_TOKEN_CLOSE)
    p->in_angle = p->in_route = false;
  return push_token(p, w, token);
}

static bool take(struct parser *p, struct ls_token *token) {
  if (p->commented)
    token->gap = LS_TOKEN_COMMENTED;
  if (token->kind == LS_TOKEN_COMMENT) {
    p->commented = p->out->loose = true;
    return push_token(p, &p->comments, token);
  }
  p->commented = false;
  if (token->kind == LS_TOKEN_OPEN && !open_angle(p))
    return false;
  if (p->in_angle && token->kind != LS_TOKEN_OPEN)
    return take_inner(p, token);
  if (token->kind == LS_TOKEN_COLON || token->kind == LS_TOKEN_COMMA || token->kind == LS_TOKEN_SEMICOLON)
    p->out->loose = true;
  if (token->kind == LS_TOKEN_COLON)
    return open_group(p);
  if (token->kind == LS_TOKEN_COMMA)
    return finish_entry(p);
  if (token->kind == LS_TOKEN_SEMICOLON)
    return finish_entry(p) && close_group(p);
  return push_token(p, &p->words, token);
}

static bool read_list(struct parser *p) {
  for (;;) {
    struct ls_token token;
    p->fault = ls_scan_next(&p->scan, &token);
    bool ends = token.kind == LS_TOKEN_COMMA || token.kind == LS_TOKEN_SEMICOLON;
    p->to = ends ? p->scan.at - 1 : p->scan.at;
    if (p->fault)
      return false;
    if (token.kind == LS_TOKEN_END)
      return finish_entry(p) && close_group(p);
    if (!take(p, &token))
      return false;
  }
}

static enum ls_status fail_read(const struct parser *p, const struct ls_label *where, struct ls_error *err) {
  struct ls_buf shown;
  ls_buf_init(&shown, SIZE_MAX);
  ls_mailbox_show(&shown, ls_utf8_trim(ls_span_sub(p->scan.text, p->from, p->to)), MAX_SHOWN);
  ls_error_set(err, LS_EENVELOPE, "API", "%s%s\"%.*s\" cannot be read as an address: %s",
               where ? ls_label_text(where).text : "", where ? ": " : "", (int)shown.n,
               shown.n ? shown.p : "", p->fault);
  ls_buf_deinit(&shown);
  return LS_EENVELOPE;
}

enum ls_status ls_mailbox_parse(struct ls_span text, const struct ls_label *where, struct ls_arena *a,
                                struct ls_mailbox_list *out, struct ls_error *err) {
  struct ls_token words[ON_STACK];
  struct ls_token comments[ON_STACK];
  struct parser p = {.a = a,
                     .scan = {.text = text},
                     .words = {.v = words, .cap = ON_STACK},
                     .comments = {.v = comments, .cap = ON_STACK},
                     .out = out};
  *out = (struct ls_mailbox_list){0};
  ls_buf_init(&p.text, SIZE_MAX);
  bool ok = read_list(&p);
  enum ls_status status = ok ? LS_OK : p.fault ? fail_read(&p, where, err) : LS_ENOMEM;
  ls_buf_deinit(&p.text);
  out->items = p.items.items;
  out->count = ok ? p.items.count : 0;
  return status;
}
