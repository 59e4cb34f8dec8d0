/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stdio.h>

#include "../../src/pure/guard.h"

#define TEMPLATE(type)                                                                                       \
  "{\"usageType\":\"" type "\",\"contentType\":\"text/plain\",\"subject\":\"s\",\"content\":\"c\"}"
#define TEMPLATES                                                                                            \
  "[" TEMPLATE("Register") "," TEMPLATE("SignIn") "," TEMPLATE("ForgotPassword") "," TEMPLATE("Generic") "]"

/* A whole config but for what a test is about. */
#define REST "\"auth\":{},\"fromEmail\":\"f\",\"templates\":" TEMPLATES
#define CONFIG(more) "{\"host\":\"h\",\"port\":25," REST more "}"
#define AUTH(auth)                                                                                           \
  "{\"host\":\"h\",\"port\":25,\"auth\":" auth ",\"fromEmail\":\"f\",\"templates\":" TEMPLATES "}"

static void assert_guard(const char *json, enum ls_guard_scope scope, enum ls_status status, const char *want,
                         const char *file, int line) {
  struct ls_arena a;
  struct ls_value *out;
  ls_arena_init(&a, 1 << 20);
  enum ls_status got = ls_guard_check(tree_read(&a, json), scope, &a, &out);
  tree_assert(out, want, file, line);
  assert_int_equal(got, status);
  ls_arena_deinit(&a);
}
#define assert_good(json, want) assert_guard((json), LS_GUARD_CONNECTOR, LS_OK, (want), __FILE__, __LINE__)
#define assert_issues(json, want)                                                                            \
  assert_guard((json), LS_GUARD_CONNECTOR, LS_ECONFIG, (want), __FILE__, __LINE__)

#define DEFAULTS                                                                                             \
  "\"connectionTimeout\":120000,\"greetingTimeout\":30000,\"socketTimeout\":600000,\"dnsTimeout\":30000,"    \
  "\"secure\":false,\"tls\":{}"
#define TYPE(expected, received, path)                                                                       \
  "{\"code\":\"invalid_type\",\"expected\":\"" expected "\",\"received\":\"" received "\",\"path\":[" path   \
  "],\"message\":\"Expected " expected ", received " received "\"}"
#define REQUIRED(expected, path)                                                                             \
  "{\"code\":\"invalid_type\",\"expected\":\"" expected "\",\"received\":\"undefined\",\"path\":[" path      \
  "],\"message\":\"Required\"}"
#define BRANCH(issues) "{\"issues\":[" issues "],\"name\":\"ZodError\"}"
#define UNION(branches, path)                                                                                \
  "{\"code\":\"invalid_union\",\"unionErrors\":[" branches "],\"path\":[" path                               \
  "],\"message\":\"Invalid input\"}"
#define CUSTOM(message, path) "{\"code\":\"custom\",\"message\":\"" message "\",\"path\":[" path "]}"

static void test_guard_fills_in_defaults_and_drops_unknown_keys(void **state) {
  (void)state;
  assert_good(CONFIG(",\"unknown\":1"), "{\"host\":\"h\",\"port\":25," REST "," DEFAULTS "}");
  assert_good(
      CONFIG(",\"secure\":true,\"debug\":false,\"dnsTimeout\":1,\"replyTo\":\"\""),
      "{\"host\":\"h\",\"port\":25,\"auth\":{},\"fromEmail\":\"f\",\"replyTo\":\"\",\"templates\":" TEMPLATES
      ",\"debug\":false,\"connectionTimeout\":120000,\"greetingTimeout\":30000,\"socketTimeout\":600000,"
      "\"dnsTimeout\":1,\"secure\":true,\"tls\":{}}");
}

static void test_guard_keeps_tls_and_headers_whole(void **state) {
  (void)state;
  static const char more[] =
      CONFIG(",\"tls\":{\"ca\":[\"x\"],\"any\":null},\"customHeaders\":{\"\":\"x\",\"A\":"
             "[\"b\",\"c\"],\"E\":EMPTY}");
  assert_good(more, "{\"host\":\"h\",\"port\":25," REST
                    ",\"connectionTimeout\":120000,\"greetingTimeout\":30000,\"socketTimeout\":600000,"
                    "\"dnsTimeout\":30000,\"secure\":false,\"tls\":{\"ca\":[\"x\"],\"any\":null},"
                    "\"customHeaders\":{\"\":\"x\",\"A\":[\"b\",\"c\"],\"E\":[]}}");
}

static void test_guard_lists_what_is_missing_in_schema_order(void **state) {
  (void)state;
  assert_issues(
      "EMPTY",
      "[" REQUIRED("string", "\"host\"") "," REQUIRED("number", "\"port\"") "," UNION(
          BRANCH(UNION(BRANCH(REQUIRED("object", "\"auth\"")) "," BRANCH(REQUIRED("object", "\"auth\"")),
                       "\"auth\"")) "," BRANCH(REQUIRED("object", "\"auth\"")),
          "\"auth\"") "," REQUIRED("string", "\"fromEmail\"") "," REQUIRED("array", "\"templates\"") "]");
}

static void test_guard_wants_an_object_at_the_root(void **state) {
  (void)state;
  assert_issues("null", "[" TYPE("object", "null", "") "]");
  assert_issues("[1]", "[" TYPE("object", "array", "") "]");
  assert_issues("\"x\"", "[" TYPE("object", "string", "") "]");
  assert_issues("FUNCTION", "[" TYPE("object", "function", "") "]");
}

static void test_guard_does_not_convert_types(void **state) {
  (void)state;
  assert_issues(
      CONFIG(",\"logger\":\"true\",\"name\":null,\"greetingTimeout\":NaN,\"ignoreTLS\":1"),
      "[" TYPE("boolean", "string", "\"logger\"") "," TYPE("string", "null", "\"name\"") "," TYPE(
          "number", "nan", "\"greetingTimeout\"") "," TYPE("boolean", "number", "\"ignoreTLS\"") "]");
}

static void test_guard_takes_a_port_of_digits(void **state) {
  (void)state;
  assert_good("{\"host\":\"h\",\"port\":\"0587\"," REST "}",
              "{\"host\":\"h\",\"port\":587," REST "," DEFAULTS "}");
  static const char *const wrong[] = {"", " 25", "25 ", "0x19", "1e3", "-1", "2.5"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char json[1024];
    snprintf(json, sizeof json, "{\"host\":\"h\",\"port\":\"%s\"," REST "}", wrong[i]);
    assert_issues(json, "[" TYPE("number", "string", "\"port\"") "]");
  }
  assert_issues("{\"host\":\"h\",\"port\":NaN," REST "}", "[" TYPE("number", "nan", "\"port\"") "]");
}

static void test_guard_refuses_a_port_that_is_none(void **state) {
  (void)state;
  static const struct {
    const char *port;
    const char *text;
  } rows[] = {
      {"0", "0"},     {"-1", "-1"},           {"1.5", "1.5"},   {"65536", "65536"}, {"1e999", "Infinity"},
      {"\"0\"", "0"}, {"\"70000\"", "70000"}, {"1e21", "1e+21"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char json[1024];
    char want[256];
    snprintf(json, sizeof json, "{\"host\":\"h\",\"port\":%s," REST "}", rows[i].port);
    snprintf(
        want, sizeof want,
        "[" CUSTOM("port must be a whole number from 1 to 65535, not %s; usual ports are 587 (STARTTLS), 465 "
                   "(secure: true) and 25",
                   "\"port\"") "]",
        rows[i].text);
    assert_issues(json, want);
  }
}

#define LOGIN_WORDS "\"login\",\"Login\",\"LOGIN\""
#define OAUTH_WORDS "\"oauth2\",\"OAuth2\",\"OAUTH2\""
#define BAD_WORD(words, text, path)                                                                          \
  "{\"received\":\"x\",\"code\":\"invalid_enum_value\",\"options\":[" words "],\"path\":[" path              \
  "],\"message\":\"Invalid enum value. Expected " text ", received 'x'\"}"
#define BAD_LOGIN BAD_WORD(LOGIN_WORDS, "'login' | 'Login' | 'LOGIN'", "\"auth\",\"type\"")
#define BAD_OAUTH BAD_WORD(OAUTH_WORDS, "'oauth2' | 'OAuth2' | 'OAUTH2'", "\"auth\",\"type\"")
#define NO_USER REQUIRED("string", "\"auth\",\"user\"")
#define NO_KEY                                                                                               \
  UNION(BRANCH(REQUIRED("string", "\"auth\",\"privateKey\"")) "," BRANCH(                                    \
            REQUIRED("object", "\"auth\",\"privateKey\"")),                                                  \
        "\"auth\",\"privateKey\"")
#define NO_CLIENT REQUIRED("string", "\"auth\",\"serviceClient\"")

static void test_guard_nests_what_each_kind_of_auth_said(void **state) {
  (void)state;
  assert_issues(
      AUTH("{\"type\":\"x\"}"),
      "[" UNION(BRANCH(UNION(BRANCH(BAD_LOGIN) "," BRANCH(BAD_OAUTH "," NO_USER "," NO_KEY "," NO_CLIENT),
                             "\"auth\"")) "," BRANCH(BAD_OAUTH "," NO_USER),
                "\"auth\"") "]");
}

static void test_guard_tells_unknown_keys_of_a_login_alone(void **state) {
  (void)state;
  assert_issues(AUTH("{\"pass\":\"p\",\"x\":1,\"y\":2}"),
                "[{\"code\":\"unrecognized_keys\",\"keys\":[\"x\",\"y\"],\"path\":[\"auth\"],"
                "\"message\":\"Unrecognized key(s) in object: 'x', 'y'\"}]");
}

static void test_guard_takes_each_kind_of_auth(void **state) {
  (void)state;
  static const struct {
    const char *auth;
    const char *kept;
  } rows[] = {
      {"{}", "{}"},
      {"EMPTY", "{}"},
      {"{\"type\":\"LOGIN\",\"user\":\"u\"}", "{\"user\":\"u\",\"type\":\"LOGIN\"}"},
      {"{\"user\":\"u\",\"pass\":5}", "{\"user\":\"u\"}"},
      {"{\"user\":\"u\",\"method\":\"PLAIN\"}", "{\"user\":\"u\"}"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"privateKey\":{\"key\":\"k\",\"passphrase\":\"p\"},"
       "\"serviceClient\":\"c\"}",
       "{\"type\":\"oauth2\",\"user\":\"u\",\"privateKey\":{\"key\":\"k\",\"passphrase\":\"p\"},"
       "\"serviceClient\":\"c\"}"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"privateKey\":{\"key\":\"k\"}}",
       "{\"type\":\"oauth2\",\"user\":\"u\"}"},
      {"{\"user\":\"u\",\"expires\":5,\"accessToken\":\"t\"}",
       "{\"user\":\"u\",\"accessToken\":\"t\",\"expires\":5}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_arena a;
    struct ls_value *out;
    char json[1024];
    ls_arena_init(&a, 1 << 20);
    snprintf(json, sizeof json, "{\"host\":\"h\",\"port\":25,\"auth\":%s}", rows[i].auth);
    assert_int_equal(ls_guard_check(tree_read(&a, json), LS_GUARD_TRANSPORT, &a, &out), LS_OK);
    assert_tree_equal(ls_value_get(out, LS_SPAN("auth")), rows[i].kept);
    ls_arena_deinit(&a);
  }
}

static void test_guard_names_the_templates_that_are_missing(void **state) {
  (void)state;
  assert_issues(
      "{\"host\":1,\"port\":25,\"auth\":{},\"fromEmail\":\"f\",\"templates\":[" TEMPLATE("SignIn") "]}",
      "[" TYPE("string", "number", "\"host\"") "," CUSTOM(
          "Template with UsageType (Register, ForgotPassword, Generic) should be provided!",
          "\"templates\"") "]");
}

static void test_guard_says_nothing_of_missing_templates_when_one_is_broken(void **state) {
  (void)state;
  assert_issues(
      "{\"host\":\"h\",\"port\":25,\"auth\":{},\"fromEmail\":\"f\",\"templates\":[" TEMPLATE(
          "SignIn") ",{\"usageType\":\"x\",\"contentType\":7,\"subject\":\"s\"},5]}",
      "[{\"received\":7,\"code\":\"invalid_enum_value\",\"options\":[\"text/plain\",\"text/html\"],"
      "\"path\":[\"templates\",1,\"contentType\"],\"message\":\"Invalid enum value. Expected 'text/plain' | "
      "'text/html', received '7'\"}," REQUIRED("string", "\"templates\",1,\"content\"") "," TYPE(
          "object", "number", "\"templates\",2") "]");
}

static void test_guard_puts_the_expected_type_of_an_enum_first(void **state) {
  (void)state;
  assert_guard(
      "{\"host\":\"h\",\"port\":25,\"templates\":[{\"usageType\":\"x\",\"subject\":\"s\",\"content\":\"c\","
      "\"contentType\":true}]}",
      LS_GUARD_TRANSPORT, LS_ECONFIG,
      "[{\"expected\":\"'text/plain' | 'text/html'\",\"received\":\"boolean\",\"code\":\"invalid_type\","
      "\"path\":[\"templates\",0,\"contentType\"],\"message\":\"Expected 'text/plain' | 'text/html', "
      "received boolean\"}]",
      __FILE__, __LINE__);
}

static void test_guard_counts_header_items_from_zero(void **state) {
  (void)state;
  assert_issues(CONFIG(",\"customHeaders\":{\"a\":[\"x\",1]}"),
                "[" UNION(BRANCH(TYPE("string", "array", "\"customHeaders\",\"a\"")) "," BRANCH(
                              TYPE("string", "number", "\"customHeaders\",\"a\",1")),
                          "\"customHeaders\",\"a\"") "]");
  assert_issues(CONFIG(",\"customHeaders\":[\"x\"]"), "[" TYPE("object", "array", "\"customHeaders\"") "]");
}

static void test_guard_lets_a_client_do_without_what_only_the_connector_needs(void **state) {
  (void)state;
  assert_guard("{\"host\":\"h\",\"port\":25}", LS_GUARD_TRANSPORT, LS_OK,
               "{\"host\":\"h\",\"port\":25," DEFAULTS "}", __FILE__, __LINE__);
  assert_guard("{\"host\":\"h\",\"port\":25,\"fromEmail\":5}", LS_GUARD_TRANSPORT, LS_ECONFIG,
               "[" TYPE("string", "number", "\"fromEmail\"") "]", __FILE__, __LINE__);
}

/* How many issues of code "custom" at `path` (its text) config has. */
static size_t custom_at(const char *json, const char *path) {
  struct ls_arena a;
  struct ls_value *out;
  size_t count = 0;
  ls_arena_init(&a, 1 << 20);
  enum ls_status st = ls_guard_check(tree_read(&a, json), LS_GUARD_CONNECTOR, &a, &out);
  for (size_t i = 0; st == LS_ECONFIG && i < out->as.array.count; i++) {
    const struct ls_value *issue = &out->as.array.items[i];
    struct ls_buf text;
    ls_buf_init(&text, 256);
    tree_write(ls_value_get(issue, LS_SPAN("path")), &text);
    bool custom = ls_span_eq(ls_value_string(ls_value_get(issue, LS_SPAN("code"))), LS_SPAN("custom"));
    count += custom && ls_span_eq(ls_buf_span(&text), ls_span_cstr(path));
    assert_true(ls_value_string(ls_value_get(issue, LS_SPAN("message"))).n > 0);
    ls_buf_deinit(&text);
  }
  ls_arena_deinit(&a);
  return count;
}

static void test_guard_refuses_options_that_lose_or_redirect_mail(void **state) {
  (void)state;
  static const char *const names[] = {
      "sendmail", "path",       "args",      "url",     "streamTransport", "jsonTransport", "SES",
      "socket",   "connection", "getSocket", "secured", "customAuth",      "lmtp"};
  static const char *const harmless[] = {"false", "null", "0", "\"\""};
  char json[1024];
  char path[64];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "[\"%s\"]", names[i]);
    snprintf(json, sizeof json, CONFIG(",\"%s\":EMPTY"), names[i]);
    assert_int_equal(custom_at(json, path), 1);
    for (size_t k = 0; k < sizeof harmless / sizeof harmless[0]; k++) {
      snprintf(json, sizeof json, CONFIG(",\"%s\":%s"), names[i], harmless[k]);
      assert_int_equal(custom_at(json, path), 0);
    }
  }
  assert_int_equal(custom_at(CONFIG(",\"tls\":{\"host\":\"x\",\"port\":1}"), "[\"tls\",\"host\"]"), 1);
  assert_int_equal(custom_at(CONFIG(",\"tls\":{\"host\":\"x\",\"port\":1}"), "[\"tls\",\"port\"]"), 1);
}

static void test_guard_refuses_contradicting_tls_options(void **state) {
  (void)state;
  assert_int_equal(custom_at(CONFIG(",\"ignoreTLS\":true,\"requireTLS\":true"), "[\"ignoreTLS\"]"), 1);
  assert_int_equal(custom_at(CONFIG(",\"ignoreTLS\":true,\"requireTLS\":false"), "[\"ignoreTLS\"]"), 0);
}

static void test_guard_refuses_headers_that_change_recipients_or_body(void **state) {
  (void)state;
  static const char *const refused[] = {"Bcc",   "bcc",          "CC",        " Bcc\n",       "Cc:",
                                        "Bcc :", "content-type", "Content-X", "Mime-Version", "RESENT-bcc"};
  static const char *const fine[] = {"X-Bcc", "Contents", "X-Content-Type", "Subject", "", "Bc c"};
  char json[1024];
  char path[64];
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    snprintf(json, sizeof json, CONFIG(",\"customHeaders\":{\"%s\":\"x\"}"), refused[i]);
    snprintf(path, sizeof path, "[\"customHeaders\",\"%s\"]", refused[i]);
    assert_int_equal(custom_at(json, path), 1);
  }
  for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
    snprintf(json, sizeof json, CONFIG(",\"customHeaders\":{\"%s\":\"x\"}"), fine[i]);
    snprintf(path, sizeof path, "[\"customHeaders\",\"%s\"]", fine[i]);
    assert_int_equal(custom_at(json, path), 0);
  }
  assert_int_equal(custom_at(CONFIG(",\"customHeaders\":{\"key\":\"bcc\",\"value\":\"a@b.c\"}"),
                             "[\"customHeaders\",\"key\"]"),
                   1);
}

static void test_guard_tells_types_before_rules(void **state) {
  (void)state;
  assert_issues(
      CONFIG(",\"lmtp\":true,\"replyTo\":1"),
      "[" TYPE("string", "number", "\"replyTo\"") "," CUSTOM(
          "lmtp is refused: LMTP is not spoken here; remove it and use an SMTP port", "\"lmtp\"") "]");
}

static bool check_everything(void *context) {
  struct ls_arena a;
  struct ls_value *out;
  const struct ls_value *const *configs = context;
  ls_arena_init(&a, 1 << 24);
  enum ls_status good = ls_guard_check(configs[0], LS_GUARD_CONNECTOR, &a, &out);
  enum ls_status bad = ls_guard_check(configs[1], LS_GUARD_CONNECTOR, &a, &out);
  ls_arena_deinit(&a);
  assert_true(good == LS_OK || good == LS_ENOMEM);
  assert_true(bad == LS_ECONFIG || bad == LS_ENOMEM);
  return good == LS_OK && bad == LS_ECONFIG;
}

static void test_guard_survives_each_failed_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  const struct ls_value *configs[] = {
      tree_read(&a, CONFIG(",\"tls\":{\"ca\":\"x\"},\"customHeaders\":{\"A\":[\"b\"]}")),
      tree_read(&a, "{\"port\":70000,\"auth\":{\"type\":\"x\"},\"templates\":EMPTY,\"lmtp\":true,"
                    "\"customHeaders\":{\"Bcc\":1,\"b\":[1,2]}}"),
  };
  assert_true(support_each_allocation(check_everything, configs) > 2);
  ls_arena_deinit(&a);
}

/* An arena takes few blocks, so its ceiling stands in for memory that ends at each single request. What does
 * not fit is told in one sentence, and never as a config that is fine. */
static void test_guard_survives_memory_that_ends_anywhere(void **state) {
  (void)state;
  struct ls_arena input;
  ls_arena_init(&input, 1 << 20);
  const struct ls_value *config = tree_read(
      &input, "{\"port\":70000,\"auth\":{\"x\":1},\"templates\":[{\"contentType\":5}],\"lmtp\":true}");
  size_t whole = 0, first = 0;
  for (size_t max = 16; max < 1 << 16; max += 16) {
    struct ls_arena a;
    struct ls_value *out = NULL;
    ls_arena_init(&a, max);
    assert_int_equal(ls_guard_check(config, LS_GUARD_CONNECTOR, &a, &out), LS_ECONFIG);
    assert_non_null(out);
    assert_true(out->as.array.count >= 1);
    whole = out->as.array.count;
    if (whole > 1 && first == 0)
      first = max;
    ls_arena_deinit(&a);
  }
  assert_true(whole > 3);
  assert_true(first > 2048);
  ls_arena_deinit(&input);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_guard_fills_in_defaults_and_drops_unknown_keys),
      cmocka_unit_test(test_guard_keeps_tls_and_headers_whole),
      cmocka_unit_test(test_guard_lists_what_is_missing_in_schema_order),
      cmocka_unit_test(test_guard_wants_an_object_at_the_root),
      cmocka_unit_test(test_guard_does_not_convert_types),
      cmocka_unit_test(test_guard_takes_a_port_of_digits),
      cmocka_unit_test(test_guard_refuses_a_port_that_is_none),
      cmocka_unit_test(test_guard_nests_what_each_kind_of_auth_said),
      cmocka_unit_test(test_guard_tells_unknown_keys_of_a_login_alone),
      cmocka_unit_test(test_guard_takes_each_kind_of_auth),
      cmocka_unit_test(test_guard_names_the_templates_that_are_missing),
      cmocka_unit_test(test_guard_says_nothing_of_missing_templates_when_one_is_broken),
      cmocka_unit_test(test_guard_puts_the_expected_type_of_an_enum_first),
      cmocka_unit_test(test_guard_counts_header_items_from_zero),
      cmocka_unit_test(test_guard_lets_a_client_do_without_what_only_the_connector_needs),
      cmocka_unit_test(test_guard_refuses_options_that_lose_or_redirect_mail),
      cmocka_unit_test(test_guard_refuses_contradicting_tls_options),
      cmocka_unit_test(test_guard_refuses_headers_that_change_recipients_or_body),
      cmocka_unit_test(test_guard_tells_types_before_rules),
      cmocka_unit_test(test_guard_survives_each_failed_allocation),
      cmocka_unit_test(test_guard_survives_memory_that_ends_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
