/* SPDX-License-Identifier: MIT
 * Hashes and signatures against published vectors and the openssl command. Run in the project's root. */
#define _DEFAULT_SOURCE
#include "../unit/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/transport/crypto.h"

/* RFC 8032 7.1, TEST 2: the secret key in PKCS#8, the message 0x72 and its signature. */
static const char ed25519_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
                                  "-----END PRIVATE KEY-----\n";
static const unsigned char ed25519_signature[64] = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
    0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
    0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
    0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

/* FIPS 180-2, B.1 */
static const unsigned char abc_hash[LS_CRYPTO_SHA256_N] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};

static void test_crypto_hash_in_any_cut(void **state) {
  (void)state;
  for (size_t cut = 0; cut <= 3; cut++) {
    unsigned char out[LS_CRYPTO_SHA256_N];
    struct ls_crypto_hash *h = ls_crypto_hash_new();
    assert_non_null(h);
    assert_true(ls_crypto_hash_feed(h, ls_span("abc", cut)));
    assert_true(ls_crypto_hash_feed(h, ls_span("abc" + cut, 3 - cut)));
    assert_true(ls_crypto_hash_end(h, out));
    assert_memory_equal(out, abc_hash, sizeof out);
    ls_crypto_hash_free(h);
  }
}

static void test_crypto_signs_with_ed25519_as_in_rfc_8032(void **state) {
  (void)state;
  struct ls_crypto_source source = {"key", LS_EDKIM, LS_SPAN(ed25519_pem), {NULL, 0}};
  struct ls_crypto_key *key = NULL;
  struct ls_buf out;
  ls_buf_init(&out, 64);
  assert_int_equal(ls_crypto_key_new(&source, &key, NULL), LS_OK);
  assert_int_equal(ls_crypto_key_kind(key), LS_CRYPTO_ED25519);
  assert_int_equal(ls_crypto_sign(key, LS_SPAN("\x72"), &out), LS_OK);
  assert_span_equal(ls_buf_span(&out), ls_span((const char *)ed25519_signature, sizeof ed25519_signature));
  assert_int_equal(ls_crypto_sign(key, LS_SPAN("\x72"), &out), LS_ETOOBIG);
  ls_buf_deinit(&out);
  ls_crypto_key_free(key);
}

static struct ls_span read_file(const char *path, char *room, size_t n) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t got = fread(room, 1, n, f);
  fclose(f);
  return ls_span(room, got);
}

static void test_crypto_signs_with_rsa_as_the_openssl_command_verifies(void **state) {
  (void)state;
  char folder[] = "/tmp/logto-smtp-crypto-XXXXXX", command[600], path[100], pem[8192];
  assert_non_null(mkdtemp(folder));
  snprintf(command, sizeof command, "sh spec/transport/dkim_keys.sh %s && printf 'octets to sign' >%s/data",
           folder, folder);
  assert_int_equal(system(command), 0);
  static const char *const files[] = {"rsa.pem", "rsa-pkcs1.pem", "rsa-encrypted.pem",
                                      "rsa-pkcs1-encrypted.pem"};
  for (size_t i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    struct ls_crypto_source source = {"key", LS_EOAUTH2, read_file(path, pem, sizeof pem), {NULL, 0}};
    source.passphrase = i >= 2 ? LS_SPAN("open sesame") : LS_SPAN("");
    struct ls_crypto_key *key = NULL;
    struct ls_buf out;
    ls_buf_init(&out, 1000);
    assert_int_equal(ls_crypto_key_new(&source, &key, NULL), LS_OK);
    assert_int_equal(ls_crypto_sign(key, LS_SPAN("octets to sign"), &out), LS_OK);
    snprintf(path, sizeof path, "%s/signature", folder);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(out.p, 1, out.n, f), out.n);
    fclose(f);
    snprintf(command, sizeof command,
             "cd %s && openssl dgst -sha256 -verify rsa-public.pem -signature signature data >verdict && "
             "grep -q 'Verified OK' verdict",
             folder);
    assert_int_equal(system(command), 0);
    ls_buf_deinit(&out);
    ls_crypto_key_free(key);
  }
  snprintf(path, sizeof path, "%s/rsa-encrypted.pem", folder);
  struct ls_crypto_source locked = {"key", LS_EOAUTH2, read_file(path, pem, sizeof pem),
                                    LS_SPAN("close sesame")};
  struct ls_crypto_key *key = NULL;
  struct ls_error err = {0};
  assert_int_equal(ls_crypto_key_new(&locked, &key, &err), LS_EOAUTH2);
  assert_null(key);
  assert_non_null(strstr(ls_error_text(&err), "the passphrase is wrong"));
  assert_null(strstr(ls_error_text(&err), "sesame"));
  ls_error_deinit(&err);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_crypto_hash_in_any_cut),
      cmocka_unit_test(test_crypto_signs_with_ed25519_as_in_rfc_8032),
      cmocka_unit_test(test_crypto_signs_with_rsa_as_the_openssl_command_verifies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
