/* SPDX-License-Identifier: MIT
 * How the work of guard, render, compose and mask grows with their input, on the kinds of input that make
 * careless code quadratic. Work is counted, not timed: each basic block of the rooms (the compiler calls us
 * for it), and the octets that the searches and copies of libc go through. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/dkim.h"
#include "../../src/pure/guard.h"
#include "../../src/pure/mask.h"
#include "../../src/pure/message.h"
#include "../../src/pure/template.h"

enum { SMALL = 1 << 18, LARGE = 1 << 20 };

static size_t work;

void __sanitizer_cov_trace_pc(void);
void *__real_memchr(const void *p, int c, size_t n);
int __real_memcmp(const void *a, const void *b, size_t n);
void *__real_memcpy(void *to, const void *from, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memchr(const void *p, int c, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);

void __sanitizer_cov_trace_pc(void) {
  work++;
}

void *__wrap_memchr(const void *p, int c, size_t n) {
  char *hit = __real_memchr(p, c, n);
  work += (hit ? (size_t)(hit - (const char *)p) : n) / 16;
  return hit;
}

int __wrap_memcmp(const void *a, const void *b, size_t n) {
  work += n / 16;
  return __real_memcmp(a, b, n);
}

void *__wrap_memcpy(void *to, const void *from, size_t n) {
  work += n / 16;
  return __real_memcpy(to, from, n);
}

void *__wrap_memmove(void *to, const void *from, size_t n) {
  work += n / 16;
  return __real_memmove(to, from, n);
}

static struct ls_span repeated(struct ls_arena *a, const char *piece, size_t n) {
  char *p = ls_arena_alloc(a, n);
  size_t length = strlen(piece);
  assert_non_null(p);
  for (size_t i = 0; i < n; i++)
    p[i] = piece[i % length];
  return ls_span(p, n);
}

static void set_text(struct ls_arena *a, struct ls_value *object, const char *name, struct ls_span text) {
  assert_true(ls_value_set(a, object, ls_span_cstr(name), ls_value_new_string(a, text)));
}

/* The work that grows with n: a run of each scenario on n octets, made of piece. */
typedef void scenario(struct ls_arena *a, const char *name, const char *piece, size_t n);

static size_t work_of(scenario *run, const char *name, const char *piece, size_t n) {
  struct ls_arena a;
  ls_arena_init(&a, SIZE_MAX);
  run(&a, name, piece, n);
  size_t done = work;
  ls_arena_deinit(&a);
  return done;
}

/* Four times the octets may take five times the work: a sort may, what is quadratic takes sixteen. */
static void check(scenario *run, const char *name, const char *piece) {
  size_t small = work_of(run, name, piece, SMALL);
  size_t large = work_of(run, name, piece, LARGE);
  if (large > small * 5 || large > (size_t)LARGE * 1000)
    fail_msg("%s of \"%s\": %zu steps for %d octets, %zu for %d", name, piece, small, SMALL, large, LARGE);
}

static void render(struct ls_arena *a, const char *name, const char *piece, size_t n) {
  struct ls_value *payload = ls_value_new(a, LS_VALUE_OBJECT);
  struct ls_span text = repeated(a, piece, n);
  struct ls_buf out;
  bool escaped = strcmp(name, "escaped value") == 0;
  set_text(a, payload, "a", escaped ? text : LS_SPAN("<value>"));
  ls_buf_init(&out, SIZE_MAX);
  work = 0;
  assert_int_equal(ls_template_render(escaped ? LS_SPAN("{{a}}") : text, payload, LS_TEMPLATE_HTML, &out),
                   LS_OK);
  ls_buf_deinit(&out);
}

static void test_render_does_linear_work(void **state) {
  (void)state;
  static const char *const pieces[] = {"{",       "{{",  "{{a",    "{{ ",   "{{a}",       "{{a}}",
                                       "{{a.a.a", "a.a", "{{b}}a", "}} {{", "{{a.length", "{{\xc2\xa0"};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
    check(render, "template", pieces[i]);
  check(render, "escaped value", "<&'");
}

static void compose_mail(struct ls_arena *a, const struct ls_value *mail) {
  struct ls_message *message = NULL;
  struct ls_message_context context = {0};
  struct ls_composed composed = {0};
  struct ls_error error = {0};
  work = 0;
  enum ls_status status = ls_message_read(mail, a, &message, &error);
  if (status == LS_OK)
    ls_message_write(message, &context, a, &composed, &error);
  ls_buf_deinit(&composed.content);
  ls_error_deinit(&error);
}

/* name: the field of the mail that is hostile; the recipient is one that can be sent to, unless it is to. */
static void compose(struct ls_arena *a, const char *name, const char *piece, size_t n) {
  struct ls_value *mail = ls_value_new(a, LS_VALUE_OBJECT);
  struct ls_span text = repeated(a, piece, n);
  set_text(a, mail, "from", LS_SPAN("a@example.com"));
  if (strcmp(name, "to") != 0)
    set_text(a, mail, "to", LS_SPAN("b@example.com"));
  if (strcmp(name, "content") == 0 || strcmp(name, "filename") == 0) {
    struct ls_value *list = ls_value_new(a, LS_VALUE_ARRAY);
    struct ls_value *part = ls_value_new(a, LS_VALUE_OBJECT);
    set_text(a, part, name, text);
    assert_true(ls_value_push(a, list, part) && ls_value_set(a, mail, LS_SPAN("attachments"), list));
  } else {
    set_text(a, mail, name, text);
  }
  compose_mail(a, mail);
}

static void test_compose_does_linear_work_on_text(void **state) {
  (void)state;
  static const char *const fields[] = {"text", "html", "subject", "content", "filename"};
  static const char *const pieces[] = {"\n", "\r",   "\r\n", " ", "=", "x",          "é",
                                       "😀",  "\xff", "=?",   ".", "-", "=?UTF-8?Q?", "=_0"};
  for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
      check(compose, fields[f], pieces[i]);
}

static void test_compose_does_linear_work_on_addresses(void **state) {
  (void)state;
  static const char *const pieces[] = {"a", ",", "<", ">", "(",    ")",    "\"",       "\\",
                                       "@", ":", ";", "é", "a b ", "a:b;", "a:b@c.d;", "a@b.c,"};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    check(compose, "to", pieces[i]);
    check(compose, "replyTo", pieces[i]);
  }
}

/* {"key": name, "value": value}, where name is NULL with a name of its own. */
static struct ls_value *new_pair(struct ls_arena *a, const char *name, size_t number,
                                 struct ls_value *value) {
  struct ls_value *pair = ls_value_new(a, LS_VALUE_OBJECT);
  char *own = ls_arena_alloc(a, 24);
  snprintf(own, 24, "X-%zu", number);
  set_text(a, pair, "key", ls_span_cstr(name ? name : own));
  assert_true(ls_value_set(a, pair, LS_SPAN("value"), value));
  return pair;
}

/* An array of count members, made of the piece in the way the option at the path wants. */
static struct ls_value *new_members(struct ls_arena *a, const char *path, const char *piece, size_t count) {
  struct ls_value *list = ls_value_new(a, LS_VALUE_ARRAY);
  bool pairs = strstr(path, "pairs") != NULL;
  for (size_t i = 0; i < count; i++) {
    char *text = ls_arena_alloc(a, 64);
    snprintf(text, 64, piece, i);
    struct ls_value *item = ls_value_new_string(a, ls_span_cstr(text));
    if (pairs) /* half of them under names of their own, so that the others are far from what they repeat */
      item = new_pair(a, i < count / 2 ? NULL : strchr(path, '/') + 1, i, item);
    else if (strcmp(path, "attachments") == 0) {
      struct ls_value *part = ls_value_new(a, LS_VALUE_OBJECT);
      assert_true(ls_value_set(a, part, LS_SPAN("filename"), item));
      item = part;
    }
    assert_true(ls_value_push(a, list, item));
  }
  return list;
}

/* An object of count members, each with its own name and the piece as value. */
static struct ls_value *new_object(struct ls_arena *a, const char *piece, size_t count) {
  struct ls_value *object = ls_value_new(a, LS_VALUE_OBJECT);
  for (size_t i = 0; i < count; i++) {
    char *name = ls_arena_alloc(a, 24);
    snprintf(name, 24, "n%08zu", i);
    set_text(a, object, name, ls_span_cstr(piece));
  }
  object->as.object.sorted = true;
  return object;
}

/* name: which option has how many members. */
static void compose_many(struct ls_arena *a, const char *name, const char *piece, size_t n) {
  struct ls_value *mail = ls_value_new(a, LS_VALUE_OBJECT);
  size_t count = n / 32;
  set_text(a, mail, "from", LS_SPAN("a@example.com"));
  set_text(a, mail, "bcc", LS_SPAN("b@example.com"));
  if (strncmp(name, "pairs/", 6) == 0) {
    assert_true(ls_value_set(a, mail, LS_SPAN("headers"), new_members(a, name, piece, count)));
  } else if (strncmp(name, "headers/", 8) == 0 || strncmp(name, "list/", 5) == 0) {
    struct ls_value *object = ls_value_new(a, LS_VALUE_OBJECT);
    const char *slash = strchr(name, '/');
    assert_true(ls_value_set(a, object, ls_span_cstr(slash + 1), new_members(a, name, piece, count)));
    assert_true(ls_value_set(a, mail, ls_span(name, (size_t)(slash - name)), object));
  } else if (strcmp(name, "headers") == 0 || strcmp(name, "list") == 0) {
    assert_true(ls_value_set(a, mail, ls_span_cstr(name), new_object(a, piece, count)));
  } else if (strcmp(name, "attachment") == 0) {
    struct ls_value *parts = ls_value_new(a, LS_VALUE_ARRAY);
    struct ls_value *part = ls_value_new(a, LS_VALUE_OBJECT);
    assert_true(ls_value_set(a, part, LS_SPAN("headers"), new_object(a, piece, count)));
    assert_true(ls_value_push(a, parts, part) && ls_value_set(a, mail, LS_SPAN("attachments"), parts));
  } else {
    assert_true(ls_value_set(a, mail, ls_span_cstr(name), new_members(a, name, piece, count)));
  }
  compose_mail(a, mail);
}

static void test_compose_does_linear_work_on_many_members(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"headers", "v"},
                                        {"list", "x.org"},
                                        {"attachment", "v"},
                                        {"attachments", "a%zu.txt"},
                                        {"to", "a%zu@example.com"},
                                        {"to", "a@example.com"},
                                        {"cc", "A%zu@EXAMPLE.com"},
                                        {"references", "<%zu@example.com>"},
                                        {"headers/To", "a%zu@example.com"},
                                        {"headers/Reply-To", "a%zu@example.com"},
                                        {"headers/Subject", "s%zu"},
                                        {"headers/References", "<%zu@example.com>"},
                                        {"headers/List-Help", "<%zu>"},
                                        {"headers/X-A", "%zu"},
                                        {"list/help", "%zu.org"},
                                        {"pairs/To", "a%zu@example.com"},
                                        {"pairs/Subject", "s%zu"},
                                        {"pairs/References", "<%zu@example.com>"},
                                        {"pairs/List-Help", "<%zu>"},
                                        {"pairs/X-A", "%zu"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    check(compose_many, rows[i][0], rows[i][1]);
}

/* name: whether the names to sign, the names to skip, or the fields of the head are many. */
static void sign(struct ls_arena *a, const char *name, const char *piece, size_t n) {
  struct ls_span many = repeated(a, piece, n);
  struct ls_span names = strcmp(name, "names") == 0 ? many : LS_SPAN("From");
  struct ls_span skip = strcmp(name, "skip") == 0 ? many : LS_SPAN("x");
  struct ls_span head = strcmp(name, "head") == 0 ? many : LS_SPAN("From: a@b.c\r\n");
  struct ls_buf kept, fields, data;
  struct ls_error error = {0};
  ls_buf_init(&kept, SIZE_MAX);
  ls_buf_init(&fields, SIZE_MAX);
  ls_buf_init(&data, SIZE_MAX);
  work = 0;
  if (ls_dkim_names(names, skip, &kept, &error) == LS_OK)
    ls_dkim_select(head, ls_buf_span(&kept), &fields, &data, &error);
  ls_buf_deinit(&kept);
  ls_buf_deinit(&fields);
  ls_buf_deinit(&data);
  ls_error_deinit(&error);
}

static void test_dkim_does_linear_work(void **state) {
  (void)state;
  check(sign, "names", "From:x:");
  check(sign, "names", ":");
  check(sign, "names", "a");
  check(sign, "skip", "x:");
  check(sign, "head", "From: a\r\n");
  check(sign, "head", "X: a\r\n");
  check(sign, "head", "\n ");
  check(sign, "head", "a");
}

/* name: the object or array of the config that has many members, each with text as its value. */
static void guard(struct ls_arena *a, const char *name, const char *piece, size_t n) {
  struct ls_value *config = ls_value_new(a, LS_VALUE_OBJECT);
  bool array = strcmp(name, "templates") == 0;
  struct ls_value *many = ls_value_new(a, array ? LS_VALUE_ARRAY : LS_VALUE_OBJECT);
  for (size_t i = 0; i < n / 16; i++) {
    char *key = ls_arena_alloc(a, 24);
    snprintf(key, 24, "%08zu", i);
    if (array)
      assert_true(ls_value_push(a, many, ls_value_new_string(a, ls_span_cstr(piece))));
    else
      set_text(a, many, key, ls_span_cstr(piece));
  }
  if (!array)
    many->as.object.sorted = true;
  assert_true(ls_value_set(a, config, ls_span_cstr(name), many));
  struct ls_value *out = NULL;
  work = 0;
  ls_guard_check(strcmp(name, "config") == 0 ? many : config, LS_GUARD_CONNECTOR, a, &out);
}

static void test_guard_does_linear_work(void **state) {
  (void)state;
  static const char *const names[] = {"config", "auth", "templates", "tls", "customHeaders", "host"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    check(guard, names[i], "x");
}

/* Of a text of n octets made of piece, with so many codes and links as secrets. */
static size_t mask_work(size_t secrets, const char *piece, size_t n) {
  struct ls_arena a;
  struct ls_mask *m = ls_mask_new();
  char value[80];
  ls_arena_init(&a, SIZE_MAX);
  for (size_t i = 0; i < secrets; i++) {
    snprintf(value, sizeof value, "%06zu", i);
    ls_mask_add(m, NULL, ls_span_cstr(value));
    snprintf(value, sizeof value, "https://a.example/verify?token=%06zu-abcdefghijkl", i);
    ls_mask_add(m, NULL, ls_span_cstr(value));
  }
  struct ls_span text = repeated(&a, piece, n);
  work = 0;
  ls_mask_apply(m, (char *)text.p, n);
  size_t done = work;
  ls_mask_free(m);
  ls_arena_deinit(&a);
  return done;
}

static void test_mask_does_linear_work_whatever_the_number_of_secrets(void **state) {
  (void)state;
  enum { SHORT_REPLY = 16 * 1024, LONG_REPLY = 64 * 1024, FEW = 10, MANY = 5000 };
  static const char *const pieces[] = {"x",
                                       "0",
                                       "000001",
                                       "%41",
                                       "=41",
                                       "+41",
                                       "\\u0041",
                                       "&amp;",
                                       "&#65;",
                                       "QUJD",
                                       "=\n",
                                       "0-0\xef\xbc\x90.1\n550 0 0",
                                       "\n550-5.7.1 ",
                                       "\\",
                                       "https://a.example/verify?token=000001"};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    size_t small = mask_work(FEW, pieces[i], SHORT_REPLY);
    size_t large = mask_work(FEW, pieces[i], LONG_REPLY);
    size_t many = mask_work(MANY, pieces[i], LONG_REPLY);
    if (large > small * 5 || many > large * 3 || many > (size_t)LONG_REPLY * 1000)
      fail_msg("\"%s\": %zu steps for %d octets, %zu for %d, %zu with %d secrets", pieces[i], small,
               SHORT_REPLY, large, LONG_REPLY, many, MANY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mask_does_linear_work_whatever_the_number_of_secrets),
      cmocka_unit_test(test_guard_does_linear_work),
      cmocka_unit_test(test_render_does_linear_work),
      cmocka_unit_test(test_compose_does_linear_work_on_text),
      cmocka_unit_test(test_compose_does_linear_work_on_addresses),
      cmocka_unit_test(test_compose_does_linear_work_on_many_members),
      cmocka_unit_test(test_dkim_does_linear_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
