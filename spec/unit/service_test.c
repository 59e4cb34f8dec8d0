/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include "../../src/pure/config_read.h"
#include "../../src/pure/service.h"

struct reading {
  struct ls_arena a;
  struct ls_config config;
};

static void read_good(struct reading *r, const char *json) {
  struct ls_error error = {0};
  ls_arena_init(&r->a, 1 << 20);
  enum ls_status status = ls_config_read(tree_read(&r->a, json), &r->a, &r->config, &error);
  assert_string_equal(ls_error_text(&error), "");
  assert_int_equal(status, LS_OK);
  ls_error_deinit(&error);
}

static void test_service_replaces_host_port_and_secure(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, "{\"host\":\"127.0.0.1\",\"port\":25,\"secure\":false,\"service\":\"x@googlemail.com\"}");
  assert_string_equal(r.config.host, "smtp.gmail.com");
  assert_string_equal(r.config.servername, "smtp.gmail.com");
  assert_int_equal(r.config.port, 465);
  assert_true(r.config.secure);
  assert_false(r.config.loopback);
  ls_arena_deinit(&r.a);
}

static void test_service_keeps_the_port_where_it_has_none(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, "{\"host\":\"h\",\"port\":465,\"service\":\"mail.ee\"}");
  assert_string_equal(r.config.host, "smtp.mail.ee");
  assert_int_equal(r.config.port, 465);
  assert_true(r.config.secure);
  ls_arena_deinit(&r.a);
}

static void test_service_decides_on_starttls_and_mechanism(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, "{\"host\":\"h\",\"port\":1,\"ignoreTLS\":true,\"service\":\"proton\"}");
  assert_true(r.config.require_tls && !r.config.ignore_tls);
  ls_arena_deinit(&r.a);
  read_good(&r, "{\"host\":\"h\",\"port\":1,\"service\":\"maildev\"}");
  assert_true(r.config.ignore_tls && !r.config.require_tls);
  ls_arena_deinit(&r.a);
  read_good(&r, "{\"host\":\"h\",\"port\":1,\"requireTLS\":true,\"service\":\"maildev\"}");
  assert_true(r.config.require_tls && !r.config.ignore_tls);
  ls_arena_deinit(&r.a);
  read_good(&r, "{\"host\":\"h\",\"port\":1,\"service\":\"1und1\",\"authMethod\":\"PLAIN\","
                "\"auth\":{\"user\":\"u\",\"pass\":\"p\"}}");
  assert_string_equal(r.config.auth_method, "LOGIN");
  ls_arena_deinit(&r.a);
}

static void test_service_finds_each_row_by_every_key(void **state) {
  (void)state;
  for (size_t i = 0; ls_service_at(i); i++) {
    const struct ls_service *s = ls_service_at(i);
    assert_ptr_equal(ls_service_find(ls_span_cstr(s->name)), s);
    for (struct ls_span keys = ls_span_cstr(s->keys); keys.n;) {
      size_t end = ls_span_index(keys, ' ');
      assert_ptr_equal(ls_service_find(ls_span_sub(keys, 0, end)), s);
      keys = ls_span_sub(keys, end + 1, keys.n);
    }
  }
}

static bool apply(void *context) {
  struct ls_arena a;
  struct ls_error error = {0};
  const struct ls_value *out;
  ls_arena_init(&a, 1 << 20);
  enum ls_status status = ls_service_apply(context, &a, &out, &error);
  assert_true(status == LS_OK || status == LS_ENOMEM || status == LS_ECONFIG);
  bool told = status == LS_OK || (status == LS_ECONFIG && error.message);
  ls_error_deinit(&error);
  ls_arena_deinit(&a);
  return told;
}

static void test_service_survives_each_failed_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  assert_true(support_each_allocation(apply, tree_read(&a, "{\"service\":\"gmail\",\"x\":1}")) > 0);
  assert_true(support_each_allocation(apply, tree_read(&a, "{\"service\":\"gmial\",\"x\":1}")) > 0);
  ls_arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_service_replaces_host_port_and_secure),
      cmocka_unit_test(test_service_keeps_the_port_where_it_has_none),
      cmocka_unit_test(test_service_decides_on_starttls_and_mechanism),
      cmocka_unit_test(test_service_finds_each_row_by_every_key),
      cmocka_unit_test(test_service_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
