/* SPDX-License-Identifier: MIT
 * Signs messages of every shape and has them checked by verifiers that share no code with the project. Run in
 * the project's root. */
#define _DEFAULT_SOURCE
#include "../unit/support.h"

#include "../../src/pure/config_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../src/transport/dkim_signer.h"

static char folder[] = "/tmp/logto-smtp-dkim-XXXXXX";

static void path_of(char *out, size_t n, const char *name) {
  assert_true(snprintf(out, n, "%s/%s", folder, name) < (int)n);
}

/* The file's octets in a. */
static struct ls_span read_file(struct ls_arena *a, const char *name) {
  char path[200];
  path_of(path, sizeof path, name);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  char *p = ls_arena_alloc(a, 8192);
  assert_non_null(p);
  size_t n = fread(p, 1, 8191, f);
  fclose(f);
  assert_true(n > 0);
  return ls_span(p, n);
}

static void write_file(const char *name, struct ls_span first, struct ls_span second, struct ls_span third) {
  char path[200];
  path_of(path, sizeof path, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  const struct ls_span parts[] = {first, second, third};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(fwrite(parts[i].p ? parts[i].p : "", 1, parts[i].n, f), parts[i].n);
  assert_int_equal(fclose(f), 0);
}

static void set(struct ls_arena *a, struct ls_value *object, const char *name, struct ls_span value) {
  assert_true(ls_value_set(a, object, ls_span_cstr(name), ls_value_new_string(a, value)));
}

static struct ls_value *key_option(struct ls_arena *a, const char *domain, const char *selector,
                                   const char *file) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_OBJECT);
  set(a, v, "domainName", ls_span_cstr(domain));
  set(a, v, "keySelector", ls_span_cstr(selector));
  set(a, v, "privateKey", read_file(a, file));
  return v;
}

/* The signer of a config with this dkim; NULL: it has none. */
static enum ls_status new_signer(const struct ls_value *dkim, struct ls_dkim_signer **out,
                                 struct ls_error *err) {
  struct ls_arena a;
  struct ls_config config;
  struct ls_value whole = {.kind = LS_VALUE_OBJECT};
  *out = NULL;
  ls_arena_init(&a, 1 << 20);
  bool set = !dkim || ls_value_set(&a, &whole, LS_SPAN("dkim"), (struct ls_value *)dkim);
  enum ls_status status = set ? ls_config_read(&whole, &a, &config, err) : LS_ENOMEM;
  if (status == LS_OK)
    status = ls_dkim_signer_new(&config.dkim, out, err);
  ls_arena_deinit(&a);
  return status;
}

static struct ls_dkim_signer *signer_of(const struct ls_value *dkim) {
  struct ls_dkim_signer *s = NULL;
  struct ls_error err = {0};
  enum ls_status status = new_signer(dkim, &s, &err);
  if (status != LS_OK)
    fail_msg("%s", ls_error_text(&err));
  assert_non_null(s);
  return s;
}

/* Signs and writes NAME-COUNT.eml; changed: puts these octets behind the signed body (a bad-* file). */
static void sign_to_file(const struct ls_value *dkim, const char *name, struct ls_span head,
                         struct ls_span body, const char *changed) {
  struct ls_dkim_signer *s = signer_of(dkim);
  struct ls_error err = {0};
  struct ls_buf out;
  ls_buf_init(&out, 1 << 20);
  enum ls_status status = ls_dkim_signer_sign(s, head, body, (int64_t)time(NULL), &out, &err);
  if (status != LS_OK)
    fail_msg("%s: %s", name, ls_error_text(&err));
  struct ls_buf rest;
  ls_buf_init(&rest, 1 << 24);
  ls_buf_add(&rest, head);
  ls_buf_adds(&rest, "\r\n");
  ls_buf_add(&rest, body);
  if (body.n && body.p[body.n - 1] != '\n') /* as the end mark of DATA does */
    ls_buf_adds(&rest, "\r\n");
  assert_int_equal(rest.status, LS_OK);
  write_file(name, ls_buf_span(&out), ls_buf_span(&rest), ls_span_cstr(changed));
  ls_buf_deinit(&rest);
  ls_buf_deinit(&out);
  ls_dkim_signer_free(s);
}

#define PLAIN_HEAD                                                                                           \
  "From: Test <test@example.com>\r\nTo: a@example.org\r\nSubject: Code\r\n"                                  \
  "Message-ID: <1@example.com>\r\nDate: Mon, 23 Nov 2026 14:03:24 +0000\r\nMIME-Version: 1.0\r\n"            \
  "Content-Type: text/plain; charset=utf-8\r\n"

static void sign_bodies(struct ls_arena *a) {
  static const struct {
    const char *name, *body;
  } rows[] = {
      {"plain", "Your code is 000000.\r\n"},
      {"empty", ""},
      {"blank", "\r\n"},
      {"blanks", "\r\n \r\n\t\r\n\r\n"},
      {"trailing", "a\r\n\r\n\r\n\r\n"},
      {"trailing-space", "a\r\nb \t \r\n \r\n"},
      {"tabs", "\ta\t\tb \t c\r\n  d\r\n\r\n\r\ne\t\r\n"},
      {"no-end", "no line end"},
      {"no-end-space", "no line end \t"},
      {"dots", ".\r\n..\r\n.a\r\n"},
      {"utf8", "\xc3\x9c \xe6\x97\xa5\xc2\xa0\xf0\x9f\x98\x80\r\n"},
      {"like-header", "DKIM-Signature: v=1; b=x\r\n\r\nFrom: x\r\n"},
  };
  static const char *const keys[][2] = {{"rsa", "rsa.pem"}, {"small", "rsa1024.pem"}, {"ed", "ed25519.pem"}};
  for (size_t k = 0; k < 3; k++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      char name[100];
      snprintf(name, sizeof name, "%s-%s-1.eml", keys[k][0], rows[i].name);
      sign_to_file(key_option(a, "example.com", keys[k][0], keys[k][1]), name, LS_SPAN(PLAIN_HEAD),
                   ls_span_cstr(rows[i].body), "");
    }
}

/* Bodies of many cuts, with lines longer than the pieces they are fed in. */
static void sign_large_bodies(struct ls_arena *a) {
  static char body[200000];
  for (size_t i = 0; i < sizeof body; i++)
    body[i] = i % 97 == 0 ? ' ' : i % 16384 > 16380 ? '\t' : (char)('a' + i % 26);
  sign_to_file(key_option(a, "example.com", "rsa", "rsa.pem"), "rsa-one-long-line-1.eml", LS_SPAN(PLAIN_HEAD),
               ls_span(body, sizeof body), "");
  for (size_t i = 0; i + 1 < sizeof body; i += 2)
    memcpy(body + i, "\r\n", 2);
  body[sizeof body - 2] = 'x';
  sign_to_file(key_option(a, "example.com", "ed", "ed25519.pem"), "ed-hundred-thousand-blank-lines-1.eml",
               LS_SPAN(PLAIN_HEAD), ls_span(body, sizeof body - 1), "");
  for (size_t i = 0; i < sizeof body; i++)
    body[i] = i % 900 == 898 ? '\r' : i % 900 == 899 ? '\n' : (char)(' ' + i % 7 * 13);
  sign_to_file(key_option(a, "example.com", "rsa", "rsa.pem"), "rsa-long-lines-1.eml", LS_SPAN(PLAIN_HEAD),
               ls_span(body, sizeof body), "");
}

static void sign_heads(struct ls_arena *a) {
  static const struct {
    const char *name, *names, *head;
  } rows[] = {
      {"folded", "", "From:\r\n Test\r\n\t<test@example.com>\r\nSubject:  a  b \r\n   c\t\r\n"},
      {"utf8-head", "",
       "From: \xc3\x9c <\xc3\xb5@b\xc3\xbc.example>\r\nSubject: \xe6\x97\xa5\xe6\x9c\xac\r\n"},
      {"twice", "From:To:X-Tag", "X-Tag: 1\r\nFrom: a@b.c\r\nX-TAG:2\r\nTo: a@b.c\r\nx-tag: \t3\r\n"},
      {"empty-values", "", "From: a@b.c\r\nSubject:\r\nReply-To: \r\n"},
      {"names", " subject : FROM:x-none::", "Subject: x\r\nFrom: a@b.c\r\n"},
      {"other-signature", "", "X-Signature: DKIM-Signature: b=\r\nFrom: a@b.c\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char name[100];
    struct ls_value *dkim = key_option(a, "example.com", "rsa", "rsa-pkcs1.pem");
    if (rows[i].names[0])
      set(a, dkim, "headerFieldNames", ls_span_cstr(rows[i].names));
    snprintf(name, sizeof name, "rsa-%s-1.eml", rows[i].name);
    sign_to_file(dkim, name, ls_span_cstr(rows[i].head), LS_SPAN("x\r\n"), "");
  }
  struct ls_value *skip = key_option(a, "example.com", "ed", "ed25519.pem");
  set(a, skip, "skipFields", LS_SPAN("subject:Message-ID"));
  set(a, skip, "hashAlgo", LS_SPAN("SHA256"));
  sign_to_file(skip, "ed-skip-1.eml", LS_SPAN(PLAIN_HEAD), LS_SPAN("x\r\n"), "");
}

static void sign_domains(struct ls_arena *a) {
  sign_to_file(key_option(a,
                          "b\xc3\xbc"
                          "cher.example",
                          "rsa", "rsa.pem"),
               "rsa-idn-1.eml", LS_SPAN(PLAIN_HEAD), LS_SPAN("x\r\n"), "");
  sign_to_file(key_option(a, "a-rather-long-label-for-a-domain.sub.sub2.example.org", "ed", "ed25519.pem"),
               "ed-long-domain-1.eml", LS_SPAN(PLAIN_HEAD), LS_SPAN("x\r\n"), "");
  struct ls_value *dkim = ls_value_new(a, LS_VALUE_OBJECT), *keys = ls_value_new(a, LS_VALUE_ARRAY);
  struct ls_value *encrypted = key_option(a, "example.com", "rsa", "rsa.pem");
  struct ls_value *locked = ls_value_new(a, LS_VALUE_OBJECT);
  set(a, locked, "key", read_file(a, "rsa-encrypted.pem"));
  set(a, locked, "passphrase", LS_SPAN("open sesame"));
  encrypted->as.object.members[2].value = locked;
  assert_true(ls_value_push(a, keys, key_option(a, "example.com", "ed", "ed25519.pem")));
  assert_true(ls_value_push(a, keys, encrypted));
  assert_true(ls_value_push(a, keys, key_option(a, "xn--bcher-kva.example", "small", "rsa1024.pem")));
  assert_true(ls_value_set(a, dkim, LS_SPAN("keys"), keys));
  sign_to_file(dkim, "several-3.eml", LS_SPAN(PLAIN_HEAD), LS_SPAN("x\r\n"), "");
}

static void test_dkim_signatures_are_taken_by_other_verifiers(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 22);
  sign_bodies(&a);
  sign_large_bodies(&a);
  sign_heads(&a);
  sign_domains(&a);
  sign_to_file(key_option(&a, "example.com", "rsa", "rsa.pem"), "bad-body-1.eml", LS_SPAN(PLAIN_HEAD),
               LS_SPAN("x\r\n"), "y\r\n");
  sign_to_file(key_option(&a, "example.com", "ed", "ed25519.pem"), "bad-body-ed-1.eml", LS_SPAN(PLAIN_HEAD),
               LS_SPAN("x\r\n"), "y\r\n");
  sign_to_file(key_option(&a, "example.com", "small", "rsa.pem"), "bad-key-1.eml", LS_SPAN(PLAIN_HEAD),
               LS_SPAN("x\r\n"), "");
  sign_to_file(key_option(&a, "example.net", "rsa", "rsa.pem"), "bad-domain-1.eml", LS_SPAN(PLAIN_HEAD),
               LS_SPAN("x\r\n"), "");
  ls_arena_deinit(&a);
  char command[300];
  snprintf(command, sizeof command, "/usr/bin/python3 spec/transport/verify_dkim.py %s", folder);
  assert_int_equal(system(command), 0);
}

static void test_dkim_signer_refuses_with_a_sentence(void **state) {
  (void)state;
  static const struct {
    const char *option, *value, *file, *message;
  } rows[] = {
      {"domainName", "", NULL, "dkim.domainName is missing"},
      {"domainName", "a b", NULL, "dkim.domainName is no domain name"},
      {"domainName", "x; s=evil", NULL, "dkim.domainName is no domain name"},
      {"domainName", "\xff\xfe.example", NULL, "dkim.domainName cannot be converted"},
      {"keySelector", "", NULL, "dkim.keySelector is missing"},
      {"keySelector", "a\r\nX: y", NULL, "dkim.keySelector is no selector"},
      {"privateKey", "", NULL, "dkim.privateKey is empty"},
      {"privateKey", "/etc/dkim.pem", NULL, "dkim.privateKey is no key in PEM"},
      {"privateKey", NULL, "bare.pem", "dkim.privateKey is no key in PEM"},
      {"privateKey", NULL, "one-line.pem", "the two characters \\ and n"},
      {"privateKey", NULL, "damaged.pem", "dkim.privateKey is damaged"},
      {"privateKey", NULL, "rsa-public.pem", "holds no private key"},
      {"privateKey", NULL, "certificate.pem", "holds no private key"},
      {"privateKey", NULL, "rsa-encrypted.pem", "dkim.privateKey is encrypted; give its passphrase"},
      {"privateKey", NULL, "rsa-pkcs1-encrypted.pem", "dkim.privateKey is encrypted; give its passphrase"},
      {"privateKey", NULL, "ec.pem", "dkim.privateKey is a key of type EC"},
      {"privateKey", NULL, "rsa768.pem", "an RSA key of 768 bits"},
      {"hashAlgo", "sha1", NULL, "RFC 8301"},
      {"hashAlgo", "md5", NULL, "must be \"sha256\""},
      {"headerFieldNames", "To:Subject", NULL, "must contain From"},
      {"skipFields", "from", NULL, "must contain From"},
      {"headerFieldNames", "From:a b", NULL, "no header field name"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    ls_arena_init(&a, 1 << 20);
    struct ls_value *good = key_option(&a, "example.com", "rsa", "rsa.pem"),
                    *dkim = ls_value_new(&a, LS_VALUE_OBJECT);
    struct ls_span value = rows[i].file ? read_file(&a, rows[i].file) : ls_span_cstr(rows[i].value);
    set(&a, dkim, rows[i].option, value);
    for (size_t m = 0; m < good->as.object.count; m++)
      if (!ls_span_eq(good->as.object.members[m].name, ls_span_cstr(rows[i].option)))
        assert_true(
            ls_value_set(&a, dkim, good->as.object.members[m].name, good->as.object.members[m].value));
    struct ls_dkim_signer *s = NULL;
    struct ls_error err = {0};
    assert_int_equal(new_signer(dkim, &s, &err), LS_EDKIM);
    assert_null(s);
    if (!strstr(ls_error_text(&err), rows[i].message))
      fail_msg("row %zu: %s", i, ls_error_text(&err));
    ls_error_deinit(&err);
    ls_arena_deinit(&a);
  }
}

static void test_dkim_signer_refuses_shapes_that_are_no_option(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  struct ls_value *no_keys = ls_value_new(&a, LS_VALUE_OBJECT), *null_key = ls_value_new(&a, LS_VALUE_OBJECT);
  struct ls_value *keys = ls_value_new(&a, LS_VALUE_ARRAY);
  ls_value_push(&a, keys, ls_value_new(&a, LS_VALUE_NULL));
  ls_value_set(&a, no_keys, LS_SPAN("keys"), ls_value_new(&a, LS_VALUE_EMPTY));
  ls_value_set(&a, null_key, LS_SPAN("keys"), keys);
  const struct {
    const struct ls_value *dkim;
    const char *message;
  } rows[] = {
      {ls_value_new_string(&a, LS_SPAN("x")), "dkim must be an object"},
      {ls_value_new_boolean(&a, true), "dkim must be an object"},
      {ls_value_new(&a, LS_VALUE_EMPTY), "dkim.domainName is missing"},
      {no_keys, "dkim.keys must hold 1 to 16 keys, it holds 0"},
      {null_key, "dkim.keys[0] must be an object"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_dkim_signer *s = NULL;
    struct ls_error err = {0};
    assert_int_equal(new_signer(rows[i].dkim, &s, &err), LS_EDKIM);
    if (!strstr(ls_error_text(&err), rows[i].message))
      fail_msg("row %zu: %s", i, ls_error_text(&err));
    ls_error_deinit(&err);
  }
  struct ls_dkim_signer *s = NULL;
  assert_int_equal(new_signer(NULL, &s, NULL), LS_OK);
  assert_null(s);
  assert_int_equal(new_signer(ls_value_new_boolean(&a, false), &s, NULL), LS_OK);
  assert_null(s);
  ls_arena_deinit(&a);
}

static void test_dkim_signer_leaves_nothing_behind_when_it_fails(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  struct ls_dkim_signer *s = signer_of(key_option(&a, "example.com", "rsa", "rsa.pem"));
  struct ls_error err = {0};
  struct ls_buf out;
  ls_buf_init(&out, 1000);
  ls_buf_adds(&out, "before");
  assert_int_equal(ls_dkim_signer_sign(s, LS_SPAN("To: a@b.c\r\n"), LS_SPAN("x\r\n"), 1, &out, &err),
                   LS_EDKIM);
  assert_span_equal(ls_buf_span(&out), LS_SPAN("before"));
  assert_non_null(strstr(ls_error_text(&err), "no From field"));
  ls_error_deinit(&err);
  ls_buf_deinit(&out);
  ls_buf_init(&out, 300);
  assert_int_equal(ls_dkim_signer_sign(s, LS_SPAN("From: a@b.c\r\n"), LS_SPAN("x\r\n"), 1, &out, &err),
                   LS_EDKIM);
  assert_int_equal(out.n, 0);
  ls_error_deinit(&err);
  ls_buf_deinit(&out);
  ls_dkim_signer_free(s);
  ls_arena_deinit(&a);
}

static bool sign_without_memory(void *context) {
  struct ls_dkim_signer *s = NULL;
  struct ls_error err = {0};
  struct ls_buf out;
  ls_buf_init(&out, 10000);
  enum ls_status status = new_signer(context, &s, &err);
  if (status == LS_OK)
    status = ls_dkim_signer_sign(s, LS_SPAN(PLAIN_HEAD), LS_SPAN("x\r\n"), 1, &out, &err);
  assert_true(status == LS_OK || status == LS_ENOMEM);
  assert_true(status == LS_OK || out.n == 0);
  ls_error_deinit(&err);
  ls_buf_deinit(&out);
  ls_dkim_signer_free(s);
  return status == LS_OK;
}

static void test_dkim_signer_survives_each_failed_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  assert_true(
      support_each_allocation(sign_without_memory, key_option(&a, "example.com", "ed", "ed25519.pem")) > 8);
  ls_arena_deinit(&a);
}

static int make_keys(void **state) {
  (void)state;
  char command[300];
  if (!mkdtemp(folder))
    return -1;
  snprintf(command, sizeof command, "sh spec/transport/dkim_keys.sh %s", folder);
  return system(command);
}

static int remove_keys(void **state) {
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dkim_signatures_are_taken_by_other_verifiers),
      cmocka_unit_test(test_dkim_signer_refuses_with_a_sentence),
      cmocka_unit_test(test_dkim_signer_refuses_shapes_that_are_no_option),
      cmocka_unit_test(test_dkim_signer_leaves_nothing_behind_when_it_fails),
      cmocka_unit_test(test_dkim_signer_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
