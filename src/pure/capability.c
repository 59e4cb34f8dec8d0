/* SPDX-License-Identifier: MIT */
#include "capability.h"

static const struct {
  const char *keyword;
  size_t offset;
} flags[] = {
    {"PIPELINING", offsetof(struct ls_capability, pipelining)},
    {"CHUNKING", offsetof(struct ls_capability, chunking)},
    {"8BITMIME", offsetof(struct ls_capability, eightbit)},
    {"SMTPUTF8", offsetof(struct ls_capability, smtputf8)},
    {"STARTTLS", offsetof(struct ls_capability, starttls)},
    {"REQUIRETLS", offsetof(struct ls_capability, requiretls)},
    {"DSN", offsetof(struct ls_capability, dsn)},
    {"ENHANCEDSTATUSCODES", offsetof(struct ls_capability, enhanced)},
};

/* Takes the next word off *rest; n = 0: none is left. */
static struct ls_span next_word(struct ls_span *rest) {
  size_t from = 0;
  while (from < rest->n && ls_ascii_is_space(rest->p[from]))
    from++;
  size_t to = from;
  while (to < rest->n && !ls_ascii_is_space(rest->p[to]))
    to++;
  struct ls_span word = ls_span_sub(*rest, from, to);
  *rest = ls_span_sub(*rest, to, rest->n);
  return word;
}

static void add_mechanism(struct ls_capability *c, struct ls_span word) {
  const struct ls_mechanism *m = ls_mechanism_named(word);
  c->auth |= m ? m->flag : 0;
}

static void add_mechanisms(struct ls_capability *c, struct ls_span rest) {
  struct ls_span word;
  c->auth_line = true;
  while ((word = next_word(&rest)).n)
    add_mechanism(c, word);
}

/* A number too large for us is a limit no message reaches; what is no number is no limit. */
static uint64_t read_limit(struct ls_span digits) {
  uint64_t limit = 0;
  for (size_t i = 0; i < digits.n; i++) {
    if (!ls_ascii_is_digit(digits.p[i]))
      return 0;
    unsigned digit = (unsigned)(digits.p[i] - '0');
    if (limit > (UINT64_MAX - digit) / 10)
      limit = UINT64_MAX;
    else if (limit != UINT64_MAX)
      limit = limit * 10 + digit;
  }
  return limit;
}

/* Sets the flag of a keyword without parameters; false: it is none. */
static bool set_flag(struct ls_capability *c, struct ls_span keyword) {
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (!ls_span_ieq(keyword, ls_span_cstr(flags[i].keyword)))
      continue;
    bool *flag = (bool *)((char *)c + flags[i].offset);
    return *flag = true;
  }
  return false;
}

void ls_capability_init(struct ls_capability *c) {
  *c = (struct ls_capability){0};
}

void ls_capability_add(struct ls_capability *c, struct ls_span line) {
  const struct ls_span old_auth = LS_SPAN("AUTH=");
  struct ls_span rest = line;
  /* a keyword stands at the start of its line: " PIPELINING" is none */
  if (line.n == 0 || ls_ascii_is_space(line.p[0]))
    return;
  struct ls_span keyword = next_word(&rest);
  if (set_flag(c, keyword))
    return;
  if (ls_span_ieq(keyword, LS_SPAN("SIZE"))) {
    c->size = true;
    c->size_max = read_limit(next_word(&rest));
  } else if (ls_span_ieq(keyword, LS_SPAN("AUTH"))) {
    add_mechanisms(c, rest);
  } else if (ls_span_ieq(ls_span_sub(keyword, 0, old_auth.n), old_auth)) {
    add_mechanism(c, ls_span_sub(keyword, old_auth.n, keyword.n));
    add_mechanisms(c, rest);
  }
}
