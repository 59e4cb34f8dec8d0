/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stdio.h>

#include "../../src/pure/template.h"

static const char payload_json[] =
    "{\"code\":\"123456\",\"1\":\"one\",\"_x\":\"under\",\"user\":{\"name\":\"Ada <b>\",\"\":{\"q\":\"Q\"}},"
    "\"list\":[\"a\",\"b\",[\"c\",null,\"d\"]],\"none\":null,\"empty\":EMPTY,\"n\":1,\"again\":\"{{code}}\","
    "\"dollar\":\"$& $1 %1\",\"special\":\"&<>\\\"'\"}";

static void assert_render(const char *text, enum ls_template_escape escape, const char *want,
                          const char *file, int line) {
  struct ls_arena a;
  struct ls_buf b;
  ls_arena_init(&a, 1 << 20);
  ls_buf_init(&b, 4096);
  struct ls_span guarded = support_guard(ls_span_cstr(text));
  assert_int_equal(ls_template_render(guarded, tree_read(&a, payload_json), escape, &b), LS_OK);
  support_assert_span(ls_buf_span(&b), ls_span_cstr(want), file, line);
  support_unguard(guarded);
  ls_buf_deinit(&b);
  ls_arena_deinit(&a);
}
#define assert_raw(text, want) assert_render((text), LS_TEMPLATE_RAW, (want), __FILE__, __LINE__)
#define assert_html(text, want) assert_render((text), LS_TEMPLATE_HTML, (want), __FILE__, __LINE__)

static void test_template_fills_in_placeholders(void **state) {
  (void)state;
  assert_raw("Code: {{code}}.", "Code: 123456.");
  assert_raw("{{ code }}{{\t\n_x\r}}{{1}}", "123456underone");
  assert_raw("{{{code}}}", "{123456}");
  assert_raw("{{code}}}", "123456}");
  assert_raw("{{ {{ {{ code }}", "{{ {{ 123456");
  assert_raw("", "");
}

static void test_template_leaves_what_is_no_placeholder(void **state) {
  (void)state;
  static const char *const as_is[] = {
      "{{co de}}", "{{}}",      "{{ }}",           "{{.}}",
      "{{.code}}", "{{a-b}}",   "{{c\xC3\xB6x}}",  "{{#if code}}",
      "{{&code}}", "{code}",    "{{code}",         "{{code",
      "{{",        "{",         "{{code }",        "{{code\xE2\x80",
      "{{\xE2",    "{{other}}", "{{constructor}}", "{{__proto__.x}}",
  };
  for (size_t i = 0; i < sizeof as_is / sizeof as_is[0]; i++)
    assert_raw(as_is[i], as_is[i]);
}

static void test_template_knows_the_whitespace_of_javascript(void **state) {
  (void)state;
  static const char *const white[] = {
      "\t",           "\n",           "\v",           "\f",           "\r",           " ",
      "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9",
      "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF",
  };
  static const char *const not_white[] = {"\xC2\x85", "\xE1\xA0\x8E", "\xE2\x80\x8B", "\b", "\xE2\x80\xAA"};
  char text[64];
  for (size_t i = 0; i < sizeof white / sizeof white[0]; i++) {
    snprintf(text, sizeof text, "{{%scode%s%s}}", white[i], white[i], white[i]);
    assert_raw(text, "123456");
  }
  for (size_t i = 0; i < sizeof not_white / sizeof not_white[0]; i++) {
    snprintf(text, sizeof text, "{{code%s}}", not_white[i]);
    assert_raw(text, text);
  }
}

static void test_template_walks_paths(void **state) {
  (void)state;
  assert_raw("{{user.name}}|{{user}}|{{user..q}}", "Ada <b>|[object Object]|Q");
  assert_raw("{{list}}|{{list.0}}|{{list.2.2}}|{{list.length}}|{{list.2.length}}", "a,b,c,,d|a|d|3|3");
  assert_raw("{{empty.length}}{{empty}}{{empty.0}}", "0");
  assert_raw("{{code.}}{{code..x}}{{code.length}}{{list.00}}{{list.3}}{{list.-1}}{{none.x}}{{none}}",
             "{{list.-1}}");
  assert_raw("{{list.99999999999999999999999999}}{{user.other.more}}{{user.constructor}}{{list.length.x}}",
             "");
}

static void test_template_never_scans_what_it_inserted(void **state) {
  (void)state;
  assert_raw("{{again}}{{dollar}}", "{{code}}$& $1 %1");
  assert_raw("{{{again}}}", "{{{code}}}");
}

static void test_template_escapes_inserted_values_only(void **state) {
  (void)state;
  assert_html("<p>&'{{special}}</p>{{user.name}}{{n}}", "<p>&'&amp;&lt;&gt;&quot;&#39;</p>Ada &lt;b&gt;1");
  assert_raw("{{special}}", "&<>\"'");
}

static void test_template_passes_octets_that_are_no_utf8(void **state) {
  (void)state;
  assert_raw("\xFF{{code}}\xC3(", "\xFF"
                                  "123456\xC3(");
}

static void test_template_without_payload_has_no_keys(void **state) {
  (void)state;
  struct ls_buf b;
  ls_buf_init(&b, 64);
  assert_int_equal(ls_template_render(LS_SPAN("{{code}}"), NULL, LS_TEMPLATE_RAW, &b), LS_OK);
  assert_span_equal(ls_buf_span(&b), LS_SPAN("{{code}}"));
  ls_buf_deinit(&b);
}

static void test_template_stops_at_the_ceiling_of_its_buffer(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_buf b;
  ls_arena_init(&a, 1 << 20);
  const struct ls_value *payload = tree_read(&a, "{\"v\":\"<<<<\"}");
  ls_buf_init(&b, 15); /* the value fits, its escaped form does not */
  assert_int_equal(ls_template_render(LS_SPAN("{{v}}"), payload, LS_TEMPLATE_HTML, &b), LS_ETOOBIG);
  ls_buf_deinit(&b);
  ls_arena_deinit(&a);
}

struct scenario {
  const struct ls_value *payload;
};

static bool render_long(void *context) {
  const struct scenario *s = context;
  struct ls_buf b;
  ls_buf_init(&b, 1 << 20);
  bool ok = true;
  for (int i = 0; i < 200 && ok; i++)
    ok = ls_template_render(LS_SPAN("<td>{{special}}</td>{{list}}"), s->payload, LS_TEMPLATE_HTML, &b) ==
         LS_OK;
  ls_buf_deinit(&b);
  return ok;
}

static void test_template_survives_each_failed_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  struct scenario s = {tree_read(&a, payload_json)};
  assert_true(support_each_allocation(render_long, &s) > 3);
  ls_arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_template_fills_in_placeholders),
      cmocka_unit_test(test_template_leaves_what_is_no_placeholder),
      cmocka_unit_test(test_template_knows_the_whitespace_of_javascript),
      cmocka_unit_test(test_template_walks_paths),
      cmocka_unit_test(test_template_never_scans_what_it_inserted),
      cmocka_unit_test(test_template_escapes_inserted_values_only),
      cmocka_unit_test(test_template_passes_octets_that_are_no_utf8),
      cmocka_unit_test(test_template_without_payload_has_no_keys),
      cmocka_unit_test(test_template_stops_at_the_ceiling_of_its_buffer),
      cmocka_unit_test(test_template_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
