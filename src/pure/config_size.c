/* SPDX-License-Identifier: MIT */
#include "config_size.h"

#include "buf.h"

enum {
  KEPT_MAX = 256 * 1024,        /* octets of auth, but for auth.tls, and of dkim */
  CHAIN_MAX = 512 * 1024,       /* of auth.tls */
  FILES_MAX = 32 * 1024 * 1024, /* of tls */
  NAME_MAX_OCTETS = 256         /* of an option's name in an issue */
};

/* How many octets an option may have in one text, and in all of its texts and names together. */
struct limit {
  bool auth;           /* an option in auth, not of the config itself */
  struct ls_span name; /* none: each option not named here */
  size_t text, all;
};

#define NAME(name)                                                                                           \
  { (name), sizeof(name) - 1 }
static const struct limit limits[] = {
    {false, NAME("templates"), SIZE_MAX, SIZE_MAX}, /* become mails, which have a ceiling of their own */
    {false, NAME("tls"), LS_CONFIG_FILE_MAX, FILES_MAX},
    {false, NAME("dkim"), LS_CONFIG_TEXT_MAX, KEPT_MAX},
    {false, {NULL, 0}, LS_CONFIG_TEXT_MAX, SIZE_MAX},
    {true, NAME("accessToken"), LS_CONFIG_TOKEN_MAX, SIZE_MAX},
    {true, NAME("refreshToken"), LS_CONFIG_TOKEN_MAX, SIZE_MAX},
    {true, NAME("tls"), CHAIN_MAX, CHAIN_MAX},
    {true, {NULL, 0}, LS_CONFIG_TEXT_MAX, SIZE_MAX},
};

static const struct limit *limit_of(bool auth, struct ls_span name) {
  const struct limit *l = limits;
  while (l->auth != auth || (l->name.n && !ls_span_eq(l->name, name)))
    l++;
  return l;
}

/* Writes "dkim.keys[1].privateKey": items count from 1, as in Lua. */
static void write_path(struct ls_buf *out, const struct ls_issue_path *at) {
  if (!at)
    return;
  write_path(out, at->up);
  if (at->is_index) {
    ls_buf_addc(out, '[');
    ls_buf_addu(out, at->index + 1);
    ls_buf_addc(out, ']');
    return;
  }
  if (out->n)
    ls_buf_addc(out, '.');
  ls_buf_add(out, ls_span_sub(at->name, 0, NAME_MAX_OCTETS));
}

static void complain(struct ls_issue_list *list, const struct ls_issue_path *at, const char *what, size_t n,
                     size_t max) {
  struct ls_buf text;
  ls_buf_init(&text, SIZE_MAX);
  write_path(&text, at);
  ls_buf_adds(&text, what);
  ls_buf_addu(&text, n);
  ls_buf_adds(&text, " octets; at most ");
  ls_buf_addu(&text, max);
  ls_buf_adds(&text, " can be used");
  const struct ls_span part = ls_buf_span(&text);
  list->failed = list->failed || text.status != LS_OK;
  if (!list->failed)
    ls_issue_add_custom(list, &part, 1, at);
  ls_buf_deinit(&text);
}

/* Complains of texts above max. Answers the octets of all texts and names. */
static size_t weigh(struct ls_issue_list *list, const struct ls_value *v, const struct ls_issue_path *at,
                    size_t max) {
  size_t sum = ls_value_string(v).n;
  if (sum > max)
    complain(list, at, " has ", sum, max);
  for (size_t i = 0; v->kind == LS_VALUE_ARRAY && i < v->as.array.count; i++) {
    const struct ls_issue_path here = {.up = at, .index = i, .is_index = true};
    sum += weigh(list, &v->as.array.items[i], &here, max);
  }
  for (size_t i = 0; v->kind == LS_VALUE_OBJECT && i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    const struct ls_issue_path here = {.up = at, .name = m->name};
    if (m->name.n > max)
      complain(list, at, " has a name of ", m->name.n, max);
    sum += m->name.n + weigh(list, m->value, &here, max);
  }
  return sum;
}

/* Answers the octets of those options of auth, or of the config, that have no limit of their own for all of
 * them. */
static size_t check_group(struct ls_issue_list *list, const struct ls_value *v, bool auth,
                          const struct ls_issue_path *up) {
  size_t sum = 0;
  for (size_t i = 0; ls_value_is(v, LS_VALUE_OBJECT) && i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    const struct ls_issue_path at = {.up = up, .name = m->name};
    const struct limit *l = limit_of(auth, m->name);
    if (!auth && ls_span_eq(m->name, LS_SPAN("auth")))
      continue;
    size_t n = weigh(list, m->value, &at, l->text);
    if (n > l->all && ls_issue_count(list) == 0)
      complain(list, &at, " has in all ", n, l->all);
    sum += l->all == SIZE_MAX ? n : 0;
  }
  return sum;
}

void ls_config_size_check(const struct ls_value *config, struct ls_issue_list *list) {
  const struct ls_issue_path auth = {.name = LS_SPAN("auth")};
  check_group(list, config, false, NULL);
  size_t n = check_group(list, ls_value_get(config, auth.name), true, &auth);
  if (n > KEPT_MAX && ls_issue_count(list) == 0)
    complain(list, &auth, " has in all ", n, KEPT_MAX);
}
