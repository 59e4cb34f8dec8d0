/* SPDX-License-Identifier: MIT
 * How the work of guard, render and compose grows with their input, on the kinds of input that make careless
 * code quadratic. Work is counted, not timed: each basic block of the rooms (the compiler calls us for it),
 * and the octets that the searches and copies of libc go through. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/guard.h"
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
  struct ls_message *message = NULL;
  struct ls_message_context context = {0};
  struct ls_composed composed = {0};
  struct ls_error error = {0};
  work = 0;
  if (ls_message_read(mail, a, &message, &error) == LS_OK)
    ls_message_write(message, &context, a, &composed, &error);
  ls_buf_deinit(&composed.content);
  ls_error_deinit(&error);
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
  static const char *const pieces[] = {"a",  ",", "<", ">", "(", ")",    "\"",
                                       "\\", "@", ":", ";", "é", "a b ", "a:b;"};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    check(compose, "to", pieces[i]);
    check(compose, "replyTo", pieces[i]);
  }
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_guard_does_linear_work),
      cmocka_unit_test(test_render_does_linear_work),
      cmocka_unit_test(test_compose_does_linear_work_on_text),
      cmocka_unit_test(test_compose_does_linear_work_on_addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
