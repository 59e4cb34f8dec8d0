/* SPDX-License-Identifier: MIT
 * Secrets of random octets, in each encoding and in any two around each other, anywhere in random words: none
 * is left, neither the secret nor its encoding, and what stands around it stays. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/codec.h"
#include "../../src/pure/mask.h"

static uint64_t seed = 12;

static size_t below(size_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(seed >> 33) % n;
}

typedef void encoder(struct ls_buf *out, struct ls_span s);

static void add_hex(struct ls_buf *out, const char *lead, unsigned char c, bool upper) {
  char text[8];
  snprintf(text, sizeof text, upper ? "%s%02X" : "%s%02x", lead, c);
  ls_buf_adds(out, text);
}

static void as_is(struct ls_buf *out, struct ls_span s) {
  ls_buf_add(out, s);
}

/* Everything but letters and digits behind a lead, and some of those too; by turns in upper and lower
 * case. */
static void lead(struct ls_buf *out, struct ls_span s, const char *with, bool spaces) {
  for (size_t i = 0; i < s.n; i++) {
    if (spaces && s.p[i] == ' ')
      ls_buf_addc(out, '+');
    else if (ls_ascii_is_alnum(s.p[i]) && i % 3)
      ls_buf_addc(out, s.p[i]);
    else
      add_hex(out, with, (unsigned char)s.p[i], i % 2);
  }
}

static void percent(struct ls_buf *out, struct ls_span s) {
  lead(out, s, "%", false);
}

static void form(struct ls_buf *out, struct ls_span s) {
  lead(out, s, "%", true);
}

static void quoted_printable(struct ls_buf *out, struct ls_span s) {
  lead(out, ls_span_sub(s, 0, s.n / 2), "=", false);
  ls_buf_adds(out, "=\r\n");
  lead(out, ls_span_sub(s, s.n / 2, s.n), "=", false);
}

static void xtext(struct ls_buf *out, struct ls_span s) {
  lead(out, s, "+", false);
}

static void json(struct ls_buf *out, struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c == '"' || c == '\\' || c == '/') {
      ls_buf_addc(out, '\\');
      ls_buf_addc(out, s.p[i]);
    } else if (c == '\n') {
      ls_buf_adds(out, "\\n");
    } else if (c < ' ' || c == '&') {
      add_hex(out, "\\u00", c, i % 2);
    } else if (c > '~') {
      add_hex(out, "\\x", c, i % 2);
    } else {
      ls_buf_addc(out, s.p[i]);
    }
  }
}

static void octal(struct ls_buf *out, struct ls_span s) {
  char text[8];
  for (size_t i = 0; i < s.n; i++) {
    snprintf(text, sizeof text, "\\%03o", (unsigned)(unsigned char)s.p[i]);
    ls_buf_adds(out, text);
  }
}

static void html(struct ls_buf *out, struct ls_span s) {
  char text[16];
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    snprintf(text, sizeof text, i % 2 ? "&#%u;" : "&#x%X;", (unsigned)c);
    if (c == '&')
      ls_buf_adds(out, "&amp;");
    else if (c < 128 && !ls_ascii_is_alnum(s.p[i]))
      ls_buf_adds(out, text);
    else
      ls_buf_addc(out, s.p[i]);
  }
}

static void hex(struct ls_buf *out, struct ls_span s) {
  ls_buf_adds(out, below(2) ? "a" : "");
  for (size_t i = 0; i < s.n; i++)
    add_hex(out, "", (unsigned char)s.p[i], i % 2);
}

/* Behind 0 to 3 octets and in front of some, as within "user\0user\0pass" or "user=...\1auth=Bearer ...". */
static void base64(struct ls_buf *out, struct ls_span s) {
  struct ls_buf whole;
  ls_buf_init(&whole, SIZE_MAX);
  ls_buf_add(&whole, ls_span("u\0\1", below(4)));
  ls_buf_add(&whole, s);
  ls_buf_add(&whole, ls_span("\0\1x", below(4)));
  ls_codec_base64(out, ls_buf_span(&whole));
  ls_buf_deinit(&whole);
}

static void base64url(struct ls_buf *out, struct ls_span s) {
  size_t start = out->n;
  base64(out, s);
  for (size_t i = start; i < out->n; i++)
    out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
}

static encoder *const encoders[] = {as_is, percent, form, quoted_printable, xtext,    json,
                                    octal, html,    hex,  base64,           base64url};
enum { ENCODERS = sizeof encoders / sizeof *encoders };

static size_t mask(const struct ls_mask *m, struct ls_buf *b) {
  struct ls_span text = support_guard(ls_buf_span(b));
  size_t n = ls_mask_apply(m, (char *)text.p, text.n);
  assert_true(n <= text.n);
  memcpy(b->p, text.p, n);
  support_unguard(text);
  ls_buf_cut(b, n);
  return n;
}

/* Of base64 some letters may stay that stand for octets around the secret, each in whatever the outer
 * encoding makes of it. */
static void assert_masked(const struct ls_mask *m, struct ls_span secret, encoder *inner, encoder *outer) {
  struct ls_buf b, once;
  ls_buf_init(&b, SIZE_MAX);
  ls_buf_init(&once, SIZE_MAX);
  inner(&once, secret);
  ls_buf_adds(&b, "535 5.7.8 (");
  outer(&b, ls_buf_span(&once));
  ls_buf_adds(&b, ") no");
  mask(m, &b);
  ls_buf_addc(&b, '\0');
  if (b.n > 100 || strncmp(b.p, "535 5.7.8 (", 11) != 0 || !strstr(b.p, "***") || !strstr(b.p, ") no"))
    fail_msg("secret of %zu octets: %s", secret.n, b.p);
  ls_buf_deinit(&b);
  ls_buf_deinit(&once);
}

/* Octets that an encoding must change are as likely as those that none does. */
static struct ls_span random_secret(char *p, size_t n) {
  static const char some[] = "%+=\\&/\"<' -_.~!@#$\n\x01\xc3\xa9";
  for (size_t i = 0; i < n; i++)
    p[i] = below(2) ? "abcXYZ059"[below(9)] : some[below(sizeof some - 1)];
  p[0] = 'k';
  p[n - 1] = 'K'; /* no space at the ends */
  return ls_span(p, n);
}

static void test_mask_finds_each_secret_in_each_form(void **state) {
  (void)state;
  static const size_t lengths[] = {4, 5, 6, 7, 8, 11, 16, 17, 20, 33, 64, 300};
  for (size_t round = 0; round < 6; round++)
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      char octets[300];
      struct ls_mask *m = ls_mask_new();
      struct ls_span secret = random_secret(octets, lengths[l]);
      ls_mask_add(m, NULL, LS_SPAN("another-secret"));
      ls_mask_add(m, NULL, secret);
      for (size_t inner = 0; inner < ENCODERS; inner++)
        for (size_t outer = 0; outer < ENCODERS; outer++)
          assert_masked(m, secret, encoders[inner], encoders[outer]);
      ls_mask_free(m);
    }
}

static void assert_told(const struct ls_mask *m, const char *words, const char *want) {
  struct ls_buf b;
  ls_buf_init(&b, SIZE_MAX);
  ls_buf_adds(&b, words);
  mask(m, &b);
  assert_span_equal(ls_buf_span(&b), ls_span_cstr(want));
  ls_buf_deinit(&b);
}

static void test_mask_replaces_the_secret_and_nothing_else(void **state) {
  (void)state;
  static const struct {
    const char *secret, *words, *want;
  } rows[] = {
      {"123456", "554 spam: Your code is 123456.", "554 spam: Your code is ***."},
      {"123456", "554 123456 and 123456", "554 *** and ***"},
      {"123456", "554 123456123456", "554 ***"},
      {"123456", "250 2.0.0 Ok: queued as 4Xk12345Z", "250 2.0.0 Ok: queued as 4Xk12345Z"},
      {" 123456\n", "554 123456", "554 ***"},
      {"abc", "abc abc", "abc abc"},
      {"", "abc", "abc"},
      {"pa ss+word", "pa+ss%2Bword", "***"},
      {"https://a.example/verify?token=abcdefghijkl", "see https://a.example/ and /verify?token=abcdef",
       "see https://a.example/ and ***"},
      {"https://a.example/x", "550 https://a.example/x, https://a.example/policy",
       "550 ***, https://a.example/policy"},
      {"a-token-of-more-than-sixteen-octets", "535 a-token-of-more-tha", "535 ***"},
      {"a-token-of-more-than-sixteen-octets", "535-x en-octets\n535 of-more-than-sixteen",
       "535-x en-octets\n535 ***"},
      {"secret", "AHVzZXIAc2VjcmV0", "AHVzZXIA***"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_mask *m = ls_mask_new();
    ls_mask_add(m, NULL, ls_span_cstr(rows[i].secret));
    assert_told(m, rows[i].words, rows[i].want);
    ls_mask_free(m);
  }
  assert_told(NULL, "123456", "123456");
}

/* A code whose digits are of both forms by chance, and parted by chance. */
static void test_mask_finds_a_code_in_any_grouping(void **state) {
  (void)state;
  static const char *const gaps[] = {"",
                                     "",
                                     "-",
                                     " ",
                                     ".",
                                     "\t",
                                     " - ",
                                     ",",
                                     ":",
                                     "/",
                                     "_",
                                     ") (",
                                     "\xc2\xa0",
                                     "\xe2\x80\x89",
                                     "\xe2\x80\xaf",
                                     "\xe2\x80\x91",
                                     " \xe2\x80\x93 ",
                                     "\xe3\x80\x80",
                                     "\xef\xbc\x8d",
                                     "\xef\xbc\x8e"};
  static const char *const lines[] = {"\n", "=\n", "=\r\n", "\n554 ", "\n554-", "=\n554 ", "\n554-5.7.1 "};
  struct ls_mask *m = ls_mask_new();
  ls_mask_add(m, NULL, LS_SPAN("482913"));
  for (size_t round = 0; round < 20000; round++) {
    const char *line = lines[below(sizeof lines / sizeof *lines)];
    struct ls_buf b;
    ls_buf_init(&b, SIZE_MAX);
    ls_buf_adds(&b, "554 x ");
    for (const char *digit = "482913"; *digit; digit++) {
      bool wide = below(3) == 0;
      ls_buf_adds(&b, wide ? "\xef\xbc" : "");
      ls_buf_addc(&b, wide ? (char)(*digit - '0' + 0x90) : *digit);
      ls_buf_adds(&b, !digit[1] ? "" : below(4) ? gaps[below(sizeof gaps / sizeof *gaps)] : line);
    }
    ls_buf_adds(&b, " y");
    mask(m, &b);
    assert_span_equal(ls_buf_span(&b), LS_SPAN("554 x *** y"));
    ls_buf_deinit(&b);
  }
  ls_mask_free(m);
}

/* Words that were cut off in the middle of a secret. */
static void test_mask_hides_the_part_of_a_secret_at_the_end_of_cut_words(void **state) {
  (void)state;
  static const struct {
    const char *words, *want;
  } rows[] = {
      {"535 bad password s3cret-pa", "535 bad password ***"},
      {"535 bad password s3cr", "535 bad password ***"},
      {"535 bad password s3c", "535 bad password s3c"},
      {"535 your code 4711 is", "535 your code 4711 is"},
      {"535 see a-very-long-", "535 see ***"},
      {"535 see A-VERY-long", "535 see ***"},
      {"421 too many", "421 too many"},
      {"s3cret", "***"},
      {"", ""},
  };
  struct ls_mask *m = ls_mask_new();
  ls_mask_add(m, NULL, LS_SPAN("s3cret-pass"));
  ls_mask_add(m, NULL, LS_SPAN("47110815"));
  ls_mask_add(m, NULL, LS_SPAN("a-very-long-secret-of-many-octets"));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char words[64];
    snprintf(words, sizeof words, "%s", rows[i].words);
    size_t n = ls_mask_apply_tail(m, words, strlen(words));
    assert_span_equal(ls_span(words, n), ls_span_cstr(rows[i].want));
    assert_int_equal(ls_mask_apply_tail(NULL, words, n), n);
  }
  ls_mask_free(m);
}

/* Of a code what a peer makes of its digits, and of a longer secret any case of its letters. */
static void test_mask_finds_a_secret_in_another_shape(void **state) {
  (void)state;
#define WIDE "\xef\xbc\x94\xef\xbc\x98\xef\xbc\x92\xef\xbc\x99\xef\xbc\x91\xef\xbc\x93"
#define CODE "482913"
#define LINK "https://a.example/verify-email/aB3dE6gH?token=abcdefghijkl&x=short#last-of-all"
#define SAME NULL
  static const struct {
    const char *secret, *words, *want;
  } rows[] = {
      {CODE, "554 code 482-913, no", "554 code ***, no"},
      {CODE, "554 code 482 913", "554 code ***"},
      {CODE, "554 4 8 2 9 1 3!", "554 ***!"},
      {CODE, "554 4.8.2.9.1.3", "554 ***"},
      {CODE, "554 48 - 29 - 13", "554 ***"},
      {CODE, "554 <" WIDE ">", "554 <***>"},
      {CODE,
       "554 4\xef\xbc\x98"
       "2\xe3\x80\x80"
       "9\xef\xbc\x8d"
       "13",
       "554 ***"},
      {CODE, "482 913", "***"},
      {CODE, "554-482\n554 913", "554-***"},
      {CODE, "554-5.7.1 482\n554 5.7.1 913 x", "554-5.7.1 *** x"},
      {CODE, "554-4\n554-8\n554-2\n554-9\n554-1\n554 3", "554-***"},
      {CODE, "554-482=\n554 913", "554-***"},
      {CODE, "554 x 4 8\n554 2.9.1 3", "554 x ***"},
      {CODE, "554 482=\r\n913", "554 ***"},
      {CODE, "482\n913", "***"},
      {CODE, "554 NDgyLTkxMw==", "554 ***=="},
      {CODE, "554 482%2D913", "554 ***"},
      {CODE, "554 482&#45;913", "554 ***"},
      {"482-913", "554 482913 and 4 82913", "554 *** and ***"},
      {WIDE, "554 482913", "554 ***"},
      {"4829", "554 48-29", "554 ***"},
      {CODE, "554 482, 913", "554 ***"},
      {CODE, "554 482    913", "554 ***"},
      {CODE, "554 482&nbsp;913", "554 ***"},
      {CODE, "554 (482) (913)", "554 (***)"},
      {CODE, "554 482     913", SAME},
      {CODE, "554 482x913", SAME},
      {CODE, "554 482*913", SAME},
      {"p4ssW0rd-Very", "535-p4ssW0r\n535 d-Very long", "535-*** long"},
      {"p4ssW0rd-Very", "535-5.7.8 p4\n535-5.7.8 ssW0r\n535 5.7.8 d-Very", "535-5.7.8 ***"},
      {"p4ssW0rd-Very", "p4ssW0\r\nrd-Very", "***"},
      {"p4ssW0rd-Very", "535-cDRzc1c=\n535 cDRzc1cw\n535-cmQtVmVy\n535 eQ", "535-cDRzc1c=\n535 ***"},
      {"p4ssW0rd-Very", "535-p4ss%57\n535 0rd%2DVery", "535-***"},
      {"p4ssW0rd-Very", "535-p4ssW0r\n535 x d-Very", SAME},
      {CODE, "554 1482-913", SAME},
      {CODE, "554 482-9134", SAME},
      {CODE, "554 482:913", "554 ***"},
      {CODE, "554 482-914 192.0.2.1", SAME},
      {"482", "554 482 4-82", SAME},
      {"026112", "554 2026-11-23", SAME},
      {"s3cretWord", "535 S3CRETWORD s3cretword", "535 *** ***"},
      {"s3cretWord", "535 S3CRET%57ORD", "535 ***"},
      {"secret", "535 SECRET Secret", SAME},
      {"secrets!", "535 SECRETS!", "535 ***"},
      {"a-token-of-more-than-sixteen-octets", "535 OF-MORE-THAN-SIXTEEN", "535 ***"},
      {"cGFzcyt3b3Jk", "535 CGFZCYT3B3JK", "535 ***"},
      {"pa%3Dss%2Bword", "535 pa%3dss%2bWORD", "535 ***"},
      {LINK, "550 token abcdefghijkl", "550 token ***"},
      {LINK, "550 ABCDEFGHIJKL", "550 ***"},
      {LINK, "550 ab3de6gh", "550 ***"},
      {LINK, "550 verify-email short a.example", SAME},
      {LINK, "550 last-of-all", "550 ***"},
      {"https://a.example/l/abcdefghijkl/", "550 abcdefghijkl", "550 ***"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_mask *m = ls_mask_new();
    ls_mask_add(m, NULL, ls_span_cstr(rows[i].secret));
    assert_told(m, rows[i].words, rows[i].want ? rows[i].want : rows[i].words);
    ls_mask_free(m);
  }
}

static void test_mask_finds_every_piece_of_a_long_secret(void **state) {
  (void)state;
  char octets[97];
  struct ls_span secret = random_secret(octets, sizeof octets);
  struct ls_mask *m = ls_mask_new();
  ls_mask_add(m, NULL, secret);
  for (size_t from = 0; from + 16 <= secret.n; from++)
    for (size_t to = from + 16; to <= secret.n; to++)
      for (size_t i = 0; i < ENCODERS; i++)
        if (encoders[i] != quoted_printable || to - from > 40)
          assert_masked(m, ls_span_sub(secret, from, to), as_is, encoders[i]);
  ls_mask_free(m);
}

static void test_mask_remembers_retired_secrets_for_a_while(void **state) {
  (void)state;
  struct ls_mask *m = ls_mask_new();
  struct ls_mask_secret *group = NULL;
  char text[16];
  ls_mask_add(m, &group, LS_SPAN("first-code"));
  ls_mask_add(m, &group, LS_SPAN("first-link"));
  ls_mask_retire(m, &group);
  assert_null(group);
  assert_told(m, "first-code first-link", "*** ***");
  for (int i = 0; i < 2000; i++) {
    snprintf(text, sizeof text, "%06d", i);
    ls_mask_add(m, &group, ls_span_cstr(text));
    if (i % 2)
      ls_mask_retire(m, &group);
  }
  assert_told(m, "001999 001800", "*** ***");
  assert_told(m, "first-code 000003", "first-code 000003");
  ls_mask_add(m, &group, LS_SPAN("in use"));
  ls_mask_free(m);
  group = NULL;
  ls_mask_retire(NULL, &group);
}

/* As many octets of escapes as a reply may have cost more than is spent on them: nothing but the code
 * stays. */
static void test_mask_withholds_what_it_cannot_search(void **state) {
  (void)state;
  struct ls_mask *m = ls_mask_new();
  struct ls_buf b;
  ls_buf_init(&b, SIZE_MAX);
  ls_mask_add(m, NULL, LS_SPAN("123456"));
  ls_buf_adds(&b, "550 ");
  while (b.n < 64 * 1024)
    ls_buf_adds(&b, "%41+41=41\\u0041&amp;4141414141414141");
  mask(m, &b);
  assert_span_equal(ls_buf_span(&b), LS_SPAN("550 ***"));
  ls_buf_deinit(&b);
  ls_mask_free(m);
}

struct scenario {
  const char *words;
};

static bool mask_once(void *context) {
  const struct scenario *s = context;
  char long_secret[600], words[700];
  memset(long_secret, 'L', sizeof long_secret);
  size_t n = strlen(s->words);
  memcpy(words, s->words, n);
  struct ls_mask_secret *group = NULL;
  struct ls_mask *m = ls_mask_new();
  if (!m)
    return false;
  ls_mask_add(m, NULL, LS_SPAN("s3cret"));
  ls_mask_add(m, &group, ls_span(long_secret, sizeof long_secret));
  ls_mask_add(m, &group, LS_SPAN("https://a.example/?q=0123456789abcdef"));
  n = ls_mask_apply(m, words, n);
  words[n] = '\0';
  ls_mask_retire(m, &group);
  ls_mask_free(m);
  assert_null(strstr(words, "s3cret"));
  assert_null(strstr(words, "czNjcmV0"));
  assert_memory_equal(words, "535", 3);
  return strstr(words, "tail") != NULL;
}

static void test_mask_without_memory_tells_no_more_than_the_code(void **state) {
  (void)state;
  char words[400] = "535 s3cret czNjcmV0";
  memset(words + strlen(words), ' ', 300); /* more than a view holds without an allocation */
  strcat(words, "tail");
  struct scenario s = {words};
  assert_true(support_each_allocation(mask_once, &s) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mask_finds_each_secret_in_each_form),
      cmocka_unit_test(test_mask_replaces_the_secret_and_nothing_else),
      cmocka_unit_test(test_mask_hides_the_part_of_a_secret_at_the_end_of_cut_words),
      cmocka_unit_test(test_mask_finds_a_secret_in_another_shape),
      cmocka_unit_test(test_mask_finds_a_code_in_any_grouping),
      cmocka_unit_test(test_mask_finds_every_piece_of_a_long_secret),
      cmocka_unit_test(test_mask_remembers_retired_secrets_for_a_while),
      cmocka_unit_test(test_mask_withholds_what_it_cannot_search),
      cmocka_unit_test(test_mask_without_memory_tells_no_more_than_the_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
