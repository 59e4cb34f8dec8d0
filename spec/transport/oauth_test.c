/* SPDX-License-Identifier: MIT
 * Gets tokens from a real endpoint over TLS, which checks the signature of each assertion. Run in the
 * project's root. */
#define _DEFAULT_SOURCE
#include "../unit/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/pure/config_read.h"
#include "../../src/pure/config_secret.h"
#include "../../src/transport/json.h"
#include "../../src/transport/oauth.h"

enum { TLS, OTHER_NAME, ASKS_CERTIFICATE, CLEAR, PORTS };

static char folder[] = "/tmp/logto-smtp-oauth-XXXXXX";
static pid_t server;
static int server_stdin = -1;
static int ports[PORTS];
static const int64_t now_ms = 1795460883000;

static const char refresh[] = "\"clientId\":\"client-id\",\"clientSecret\":\"client-secret\","
                              "\"refreshToken\":\"refresh-token\"";

static struct ls_span read_file(struct ls_arena *a, const char *name) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "rb");
  if (!f)
    return ls_span(NULL, 0);
  const size_t room = 1 << 18;
  char *p = ls_arena_alloc(a, room);
  assert_non_null(p);
  size_t n = fread(p, 1, room - 1, f);
  fclose(f);
  return ls_span(p, n);
}

static struct ls_value *parse(struct ls_arena *a, struct ls_span text) {
  struct ls_value *v = NULL;
  assert_int_equal(ls_json_parse(text, a, &v, NULL), LS_OK);
  return v;
}

static void set_file(struct ls_arena *a, struct ls_value *object, const char *name, const char *file) {
  assert_true(ls_value_set(a, object, ls_span_cstr(name), ls_value_new_string(a, read_file(a, file))));
}

/* An auth object for one path of the endpoint. more: further members in JSON; where it has no tls, tls.ca is
 * the endpoint's. */
static struct ls_value *auth_for(struct ls_arena *a, int port, const char *path, const char *more) {
  char *text = ls_arena_alloc(a, strlen(more) + 300);
  sprintf(text,
          "{\"type\":\"OAuth2\",\"user\":\"user@example.com\",\"accessUrl\":\"%s://127.0.0.1:%d/%s\"%s%s}",
          port == CLEAR ? "http" : "https", ports[port], path, *more ? "," : "", more);
  struct ls_value *auth = parse(a, ls_span_cstr(text));
  if (!ls_value_get(auth, LS_SPAN("tls"))) {
    struct ls_value *tls = ls_value_new(a, LS_VALUE_OBJECT);
    set_file(a, tls, "ca", "ca.crt");
    assert_true(ls_value_set(a, auth, LS_SPAN("tls"), tls));
  }
  return auth;
}

/* What the last account borrows its strings from. */
static struct ls_arena kept;

/* The account of a config with this auth; *out is NULL where it asks for no OAuth 2.0. */
static enum ls_status new_oauth(const struct ls_value *auth, struct ls_mask *mask, struct ls_oauth **out,
                                struct ls_error *err) {
  struct ls_config config;
  struct ls_value whole = {.kind = LS_VALUE_OBJECT};
  *out = NULL;
  ls_arena_deinit(&kept);
  ls_arena_init(&kept, 1 << 20);
  if (!ls_value_set(&kept, &whole, LS_SPAN("auth"), (struct ls_value *)auth))
    return ls_error_set(err, LS_ENOMEM, NULL, "no memory");
  enum ls_status status = ls_config_read(&whole, &kept, &config, err);
  return status == LS_OK && config.oauth2 ? ls_oauth_new(&config.oauth, now_ms, mask, out, err) : status;
}

static struct ls_oauth *masked_oauth_of(const struct ls_value *auth, struct ls_mask *mask) {
  struct ls_oauth *o = NULL;
  struct ls_error err = {0};
  enum ls_status status = new_oauth(auth, mask, &o, &err);
  if (status != LS_OK)
    fail_msg("%s", ls_error_text(&err));
  assert_non_null(o);
  return o;
}

static struct ls_oauth *oauth_of(const struct ls_value *auth) {
  return masked_oauth_of(auth, NULL);
}

/* The secrets of a config with this auth. */
static struct ls_mask *mask_of(struct ls_arena *a, struct ls_value *auth) {
  struct ls_value *config = ls_value_new(a, LS_VALUE_OBJECT);
  struct ls_mask *mask = ls_mask_new();
  assert_true(ls_value_set(a, config, LS_SPAN("auth"), auth) && mask);
  ls_config_secret_add(config, mask);
  return mask;
}

/* Runs a renewal to its end, if one is needed. */
static enum ls_status renew(struct ls_oauth *o, int64_t unix_ms, struct ls_error *err) {
  CURLM *multi = curl_multi_init();
  enum ls_status status = ls_oauth_begin(o, multi, unix_ms, err);
  while (status == LS_AGAIN) {
    int running = 0, left = 0;
    assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
    CURLMsg *m = curl_multi_info_read(multi, &left);
    if (!m) {
      assert_int_equal(curl_multi_poll(multi, NULL, 0, 100, NULL), CURLM_OK);
      continue;
    }
    CURL *easy = m->easy_handle;
    assert_int_equal(m->msg, CURLMSG_DONE);
    assert_true(ls_oauth_owns(o, easy));
    status = ls_oauth_done(o, easy, m->data.result, unix_ms, err);
  }
  curl_multi_cleanup(multi);
  return status;
}

static void must_renew(struct ls_oauth *o, int64_t unix_ms) {
  struct ls_error err = {0};
  if (renew(o, unix_ms, &err) != LS_OK)
    fail_msg("%s", ls_error_text(&err));
}

static size_t request_count(void) {
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  struct ls_span all = read_file(&a, "requests");
  size_t count = 0;
  for (size_t i = 0; i < all.n; i++)
    count += all.p[i] == '\n';
  ls_arena_deinit(&a);
  return count;
}

/* What the endpoint saw last. */
static struct ls_value *last_request(struct ls_arena *a) {
  struct ls_span all = read_file(a, "requests");
  assert_true(all.n > 1);
  size_t start = all.n - 1;
  while (start && all.p[start - 1] != '\n')
    start--;
  return parse(a, ls_span_sub(all, start, all.n));
}

static struct ls_span text_of(const struct ls_value *v, const char *section, const char *name) {
  return ls_value_string(ls_value_get(ls_value_get(v, ls_span_cstr(section)), ls_span_cstr(name)));
}

static double number_of(const struct ls_value *v, const char *section, const char *name) {
  const struct ls_value *n = ls_value_get(ls_value_get(v, ls_span_cstr(section)), ls_span_cstr(name));
  assert_true(ls_value_is(n, LS_VALUE_NUMBER));
  return n->as.number;
}

static void test_oauth_renews_with_a_refresh_token(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 22);
  struct ls_oauth *o =
      oauth_of(auth_for(&a, TLS, "hour",
                        "\"clientId\":\" id+1 \",\"clientSecret\":\"s&c=\\u00fc \","
                        "\"refreshToken\":\"1//x\",\"customParams\":{\"tenant\":\"a b\",\"n\":5,"
                        "\"client_id\":\"other\"},\"customHeaders\":{\"X-Tag\":\"v\",\"X-Empty\":\"\"}"));
  const char *token = NULL;
  assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_AGAIN);
  must_renew(o, now_ms);
  assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_OK);
  assert_int_equal(strncmp(token, "ya29.token-", 11), 0);
  struct ls_value *seen = last_request(&a);
  assert_span_equal(ls_value_string(ls_value_get(seen, LS_SPAN("text"))),
                    LS_SPAN("client_id=other&client_secret=s%26c%3D%C3%BC&refresh_token=1%2F%2Fx&"
                            "grant_type=refresh_token&tenant=a%20b&n=5"));
  assert_span_equal(text_of(seen, "headers", "Content-Type"), LS_SPAN("application/x-www-form-urlencoded"));
  assert_span_equal(text_of(seen, "headers", "X-Tag"), LS_SPAN("v"));
  assert_non_null(ls_value_get(ls_value_get(seen, LS_SPAN("headers")), LS_SPAN("X-Empty")));
  assert_span_equal(text_of(seen, "headers", "Accept"), LS_SPAN("application/json"));
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_keeps_a_token_until_shortly_before_its_end(void **state) {
  (void)state;
  static const struct {
    const char *path;
    int64_t good_ms, stale_ms; /* after now_ms */
  } rows[] = {{"hour", 3569000, 3570000},
              {"text-life", 3569000, 3570000},
              {"second", 749, 750},
              {"ageless", INT64_C(1) << 40, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    const char *token;
    ls_arena_init(&a, 1 << 22);
    struct ls_oauth *o = oauth_of(auth_for(&a, TLS, rows[i].path, refresh));
    must_renew(o, now_ms);
    size_t before = request_count();
    assert_int_equal(ls_oauth_token(o, now_ms + rows[i].good_ms, &token), LS_OK);
    must_renew(o, now_ms + rows[i].good_ms);
    assert_int_equal(request_count(), before);
    if (rows[i].stale_ms) {
      assert_int_equal(ls_oauth_token(o, now_ms + rows[i].stale_ms, &token), LS_AGAIN);
      must_renew(o, now_ms + rows[i].stale_ms);
      assert_int_equal(request_count(), before + 1);
    }
    ls_oauth_free(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_signs_an_assertion_for_a_service_account(void **state) {
  (void)state;
  static const struct {
    const char *file, *passphrase, *more, *scope;
    int64_t life_s;
  } rows[] = {{"rsa.pem", NULL, "", "https://mail.google.com/", 300},
              {"rsa-pkcs1.pem", NULL, ",\"serviceRequestTimeout\":60,\"scope\":\"a \\u00fc\\\"\"",
               "a \xc3\xbc\"", 60},
              {"rsa-encrypted.pem", "open sesame", ",\"serviceRequestTimeout\":5000",
               "https://mail.google.com/", 3600}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    char more[200], url[100];
    ls_arena_init(&a, 1 << 22);
    snprintf(more, sizeof more, "\"serviceClient\":\"robot@project.example\"%s", rows[i].more);
    struct ls_value *auth = auth_for(&a, TLS, "jwt", more), *key = ls_value_new(&a, LS_VALUE_OBJECT);
    set_file(&a, rows[i].passphrase ? key : auth, rows[i].passphrase ? "key" : "privateKey", rows[i].file);
    if (rows[i].passphrase) {
      ls_value_set(&a, key, LS_SPAN("passphrase"), ls_value_new_string(&a, ls_span_cstr(rows[i].passphrase)));
      ls_value_set(&a, auth, LS_SPAN("privateKey"), key);
    }
    struct ls_oauth *o = oauth_of(auth);
    must_renew(o, now_ms);
    struct ls_value *seen = last_request(&a);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/jwt", ports[TLS]);
    assert_span_equal(text_of(seen, "form", "grant_type"),
                      LS_SPAN("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    assert_span_equal(text_of(seen, "claims", "iss"), LS_SPAN("robot@project.example"));
    assert_span_equal(text_of(seen, "claims", "sub"), LS_SPAN("user@example.com"));
    assert_span_equal(text_of(seen, "claims", "scope"), ls_span_cstr(rows[i].scope));
    assert_span_equal(text_of(seen, "claims", "aud"), ls_span_cstr(url));
    assert_true(number_of(seen, "claims", "iat") == (double)(now_ms / 1000));
    assert_true(number_of(seen, "claims", "exp") == (double)(now_ms / 1000 + rows[i].life_s));
    ls_oauth_free(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_assertion_of_another_key_is_refused(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_error err = {0};
  ls_arena_init(&a, 1 << 22);
  struct ls_value *auth = auth_for(&a, TLS, "jwt", "\"serviceClient\":\"robot\"");
  set_file(&a, auth, "privateKey", "rsa1024.pem");
  struct ls_oauth *o = oauth_of(auth);
  assert_int_equal(renew(o, now_ms, &err), LS_EOAUTH2);
  assert_non_null(
      strstr(ls_error_text(&err), "invalid_grant: Bad signature (HTTP 400 from https://127.0.0.1:"));
  ls_error_deinit(&err);
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_says_what_the_endpoint_said(void **state) {
  (void)state;
  static const struct {
    const char *path, *message;
  } rows[] = {
      {"denied",
       "invalid_grant: Token has been revoked. (https://docs.example/revoked) (HTTP 400 from https://"},
      {"denied-with-200", "invalid_client (HTTP 200 from https://"},
      {"error-object", "API not enabled (HTTP 403 from https://"},
      {"garbage",
       "Invalid authentication response: no JSON, from octet 1 on (HTTP 502, 36 octets, from https://"},
      {"cut", "Invalid authentication response: no JSON, from octet 26 on (HTTP 200"},
      {"empty", "Invalid authentication response: no JSON"},
      {"latin1", "Invalid authentication response: no JSON"},
      {"deep", "Invalid authentication response: no JSON"},
      {"array", "Invalid authentication response: no JSON object (HTTP 200"},
      {"null", "Invalid authentication response: no JSON object (HTTP 200"},
      {"nothing", "No access token in the reply (HTTP 503 from https://"},
      {"number-token", "No access token in the reply (HTTP 200 from https://"},
      {"spaced-token", "has a space or control character in it"},
      {"redirect", "(HTTP 307); credentials are not sent on, so set auth.accessUrl"},
      {"endless", "answers more than 65536 octets"},
      {"endless-header", "answers more than 65536 octets"},
      {"hang-up", "cannot be reached: "},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_error err = {0};
    const char *token;
    ls_arena_init(&a, 1 << 22);
    struct ls_oauth *o = oauth_of(auth_for(&a, TLS, rows[i].path, refresh));
    size_t before = request_count();
    assert_int_equal(renew(o, now_ms, &err), LS_EOAUTH2);
    assert_int_equal(request_count(), before + 1);
    if (!strstr(ls_error_text(&err), rows[i].message))
      fail_msg("%s: %s", rows[i].path, ls_error_text(&err));
    assert_null(strstr(ls_error_text(&err), "secret"));
    assert_null(strstr(ls_error_text(&err), "ya29"));
    assert_string_equal(err.command, "AUTH XOAUTH2");
    assert_int_equal(err.response_code, 0);
    assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_AGAIN);
    ls_error_deinit(&err);
    ls_oauth_free(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_never_repeats_a_secret_that_the_endpoint_quotes(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_error err = {0};
  ls_arena_init(&a, 1 << 22);
  char more[300];
  snprintf(more, sizeof more, "%s,\"customHeaders\":{\"X-Api-Key\":\"api-key-value\"}", refresh);
  struct ls_value *auth = auth_for(&a, TLS, "echo", more);
  struct ls_mask *mask = mask_of(&a, auth);
  struct ls_oauth *o = masked_oauth_of(auth, mask);
  assert_int_equal(renew(o, now_ms, &err), LS_EOAUTH2);
  const char *text = ls_error_text(&err);
  assert_non_null(strstr(text, "invalid_client ***"));
  static const char *const pieces[] = {
      "client-secret", "client-s", "refresh-token", "refresh-", "api-key", "\r", "\n"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    assert_null(strstr(text, pieces[i]));
  ls_error_deinit(&err);
  ls_oauth_free(o);
  ls_mask_free(mask);
  ls_arena_deinit(&a);
}

static int64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_oauth_stops_waiting(void **state) {
  (void)state;
  static const char *const paths[] = {"slow", "drip"};
  for (size_t i = 0; i < 2; i++) {
    struct ls_arena a;
    struct ls_error err = {0};
    ls_arena_init(&a, 1 << 22);
    struct ls_oauth *o = oauth_of(auth_for(&a, TLS, paths[i], refresh));
    ls_oauth_set_timeout(o, 500);
    int64_t began = clock_ms();
    assert_int_equal(renew(o, now_ms, &err), LS_EOAUTH2);
    assert_in_range(clock_ms() - began, 400, 2000);
    assert_non_null(strstr(ls_error_text(&err), "did not answer within 500 ms"));
    ls_error_deinit(&err);
    ls_oauth_free(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_does_not_block_and_renews_once_for_all(void **state) {
  (void)state;
  struct ls_arena a;
  int running = 0;
  ls_arena_init(&a, 1 << 22);
  CURLM *multi = curl_multi_init();
  struct ls_oauth *o = oauth_of(auth_for(&a, TLS, "slow", refresh));
  int64_t began = clock_ms();
  size_t before = request_count();
  for (int i = 0; i < 5; i++)
    assert_int_equal(ls_oauth_begin(o, multi, now_ms, NULL), LS_AGAIN);
  while (request_count() == before && clock_ms() - began < 5000) {
    curl_multi_perform(multi, &running);
    curl_multi_poll(multi, NULL, 0, 10, NULL);
    assert_int_equal(ls_oauth_begin(o, multi, now_ms, NULL), LS_AGAIN);
  }
  assert_int_equal(request_count(), before + 1);
  ls_oauth_free(o);
  assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
  assert_int_equal(running, 0);
  curl_multi_cleanup(multi);
  ls_arena_deinit(&a);
}

static void test_oauth_checks_the_certificate(void **state) {
  (void)state;
  static const struct {
    int port;
    const char *more, *ca, *message; /* message NULL: a token comes */
  } rows[] = {
      {TLS, "\"tls\":{}", NULL, "certificate"},
      {TLS, "\"tls\":{}", "stranger.crt", "certificate"},
      {TLS, "\"tls\":{\"rejectUnauthorized\":true}", NULL, "certificate"},
      {TLS, "\"tls\":{\"rejectUnauthorized\":false}", NULL, NULL},
      {TLS, "\"tls\":{\"minVersion\":\"TLSv1.3\"}", "ca.crt", NULL},
      {TLS, "\"tls\":{\"servername\":\"localhost\"}", "ca.crt", NULL},
      {TLS, "\"tls\":{\"servername\":\"other.example\"}", "ca.crt", "other.example"},
      {OTHER_NAME, "\"tls\":{}", "ca.crt", "127.0.0.1"},
      {OTHER_NAME, "\"tls\":{\"servername\":\"other.example\"}", "ca.crt", NULL},
      {ASKS_CERTIFICATE, "\"tls\":{}", "ca.crt", "cannot be reached: "},
      {CLEAR, "\"tls\":{}", NULL, NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_error err = {0};
    char more[300], host[40];
    ls_arena_init(&a, 1 << 22);
    snprintf(more, sizeof more, "%s,%s", refresh, rows[i].more);
    struct ls_value *auth = auth_for(&a, rows[i].port, "hour", more);
    if (rows[i].ca)
      set_file(&a, (struct ls_value *)ls_value_get(auth, LS_SPAN("tls")), "ca", rows[i].ca);
    struct ls_oauth *o = oauth_of(auth);
    size_t before = request_count();
    enum ls_status status = renew(o, now_ms, &err);
    if (status != (rows[i].message ? LS_EOAUTH2 : LS_OK) ||
        (rows[i].message && !strstr(ls_error_text(&err), rows[i].message)))
      fail_msg("row %zu: %s", i, ls_error_text(&err));
    assert_int_equal(request_count(), before + (rows[i].message ? 0 : 1));
    if (!rows[i].message) {
      snprintf(host, sizeof host, "127.0.0.1:%d", ports[rows[i].port]);
      assert_span_equal(text_of(last_request(&a), "headers", "Host"), ls_span_cstr(host));
    }
    ls_error_deinit(&err);
    ls_oauth_free(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_shows_a_certificate_of_its_own(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 22);
  struct ls_value *auth = auth_for(&a, ASKS_CERTIFICATE, "hour", refresh);
  struct ls_value *tls = ls_value_new(&a, LS_VALUE_OBJECT), *list = ls_value_new(&a, LS_VALUE_ARRAY);
  ls_value_push(&a, list, ls_value_new_string(&a, read_file(&a, "stranger.crt")));
  ls_value_push(&a, list, ls_value_new_string(&a, read_file(&a, "ca.crt")));
  ls_value_set(&a, tls, LS_SPAN("ca"), list);
  set_file(&a, tls, "cert", "client.crt");
  set_file(&a, tls, "key", "client.key");
  auth->as.object.members[auth->as.object.count - 1].value = tls;
  struct ls_oauth *o = oauth_of(auth);
  must_renew(o, now_ms);
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_ignores_the_proxies_of_the_environment(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 22);
  setenv("https_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  struct ls_oauth *o = oauth_of(auth_for(&a, TLS, "hour", refresh));
  must_renew(o, now_ms);
  unsetenv("https_proxy");
  unsetenv("ALL_PROXY");
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_uses_the_configs_own_token_as_long_as_it_lives(void **state) {
  (void)state;
  static const struct {
    const char *more;
    bool renews;
  } rows[] = {
      {"\"accessToken\":\"given\"", false},
      {"\"accessToken\":\"given\",\"expires\":3600", false},
      {"\"accessToken\":\"given\",\"expires\":1795460884000", false},
      {"\"accessToken\":\"given\",\"refreshToken\":\"r\"", false},
      {"\"accessToken\":\"given\",\"refreshToken\":\"r\",\"expires\":1795460884000", false},
      {"\"accessToken\":\"given\",\"refreshToken\":\"r\",\"expires\":\"1795460884000\"", false},
      {"\"accessToken\":\"given\",\"refreshToken\":\"r\",\"timeout\":1", false},
      {"\"accessToken\":\"given\",\"refreshToken\":\"r\",\"expires\":1795460883000", true},
      {"\"accessToken\":\"given\",\"refreshToken\":\"r\",\"expires\":3600", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    const char *token = NULL;
    ls_arena_init(&a, 1 << 22);
    struct ls_oauth *o = oauth_of(auth_for(&a, TLS, "hour", rows[i].more));
    size_t before = request_count();
    must_renew(o, now_ms);
    assert_int_equal(request_count(), before + rows[i].renews);
    assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_OK);
    assert_int_equal(strcmp(token, "given") == 0, !rows[i].renews);
    ls_oauth_free(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_renews_a_token_the_mail_server_refused(void **state) {
  (void)state;
  struct ls_arena a;
  const char *token = NULL;
  ls_arena_init(&a, 1 << 22);
  char more[300];
  snprintf(more, sizeof more, "%s,\"accessToken\":\"given\"", refresh);
  struct ls_oauth *o = oauth_of(auth_for(&a, TLS, "hour", more));
  uint64_t serial = ls_oauth_serial(o);
  assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_OK);
  assert_true(ls_oauth_invalidate(o, serial));
  assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_AGAIN);
  must_renew(o, now_ms);
  assert_int_not_equal(ls_oauth_serial(o), serial);
  assert_true(ls_oauth_invalidate(o, serial)); /* another connection, late: the new token stays */
  assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_OK);
  ls_oauth_free(o);
  o = oauth_of(auth_for(&a, TLS, "hour", "\"accessToken\":\"given\""));
  assert_false(ls_oauth_invalidate(o, ls_oauth_serial(o)));
  assert_int_equal(ls_oauth_token(o, now_ms, &token), LS_OK);
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_keeps_a_living_token_when_its_renewal_fails(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_error err = {0};
  const char *token = NULL;
  ls_arena_init(&a, 1 << 22);
  struct ls_oauth *o = oauth_of(auth_for(&a, TLS, "once", refresh));
  must_renew(o, now_ms);
  uint64_t serial = ls_oauth_serial(o);
  size_t before = request_count();
  must_renew(o, now_ms + 3570000);
  assert_int_equal(request_count(), before + 1);
  assert_int_equal(ls_oauth_serial(o), serial);
  assert_int_equal(ls_oauth_token(o, now_ms + 3599999, &token), LS_OK);
  assert_int_equal(renew(o, now_ms + 3600000, &err), LS_EOAUTH2);
  assert_non_null(strstr(ls_error_text(&err), "(HTTP 503 from"));
  assert_int_equal(request_count(), before + 2);
  ls_error_deinit(&err);
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_goes_on_with_a_rotated_refresh_token(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 22);
  struct ls_oauth *o = oauth_of(auth_for(&a, TLS, "rotate", refresh));
  must_renew(o, now_ms);
  assert_span_equal(text_of(last_request(&a), "form", "refresh_token"), LS_SPAN("refresh-token"));
  must_renew(o, now_ms + 3600000);
  assert_span_equal(text_of(last_request(&a), "form", "refresh_token"), LS_SPAN("rotated-refresh-token"));
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_refuses_with_a_sentence(void **state) {
  (void)state;
  static const struct {
    const char *auth;
    enum ls_status status;
    const char *message;
  } rows[] = {
      {"{\"user\":\"u\",\"accessToken\":\"t\"}", LS_EAUTH, "set auth.type to \"OAuth2\""},
      {"{\"type\":\"oauth2\",\"accessToken\":\"t\"}", LS_ECONFIG, "auth.user is missing"},
      {"{\"type\":\"oauth2\",\"user\":\"u\\u0001\",\"accessToken\":\"t\"}", LS_ECONFIG, "auth.user contains"},
      {"{\"type\":\"oauth2\",\"user\":\"u\"}", LS_EOAUTH2, "nothing to get an access token with"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"clientId\":\"c\"}", LS_EOAUTH2,
       "nothing to get an access token with"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"accessToken\":\"t\\n\"}", LS_ECONFIG,
       "auth.accessToken contains"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"accessToken\":5}", LS_ECONFIG,
       "auth.accessToken must be a string"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"serviceClient\":\"s\"}", LS_EOAUTH2,
       "auth.privateKey is empty"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"serviceClient\":\"s\",\"privateKey\":\"\"}", LS_EOAUTH2,
       "auth.privateKey is empty"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"serviceClient\":\"s\",\"privateKey\":{\"key\":\"x\"}}",
       LS_EOAUTH2, "auth.privateKey is no key in PEM"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"accessUrl\":\"file:///etc/passwd\"}",
       LS_ECONFIG, "auth.accessUrl must be"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"accessUrl\":\"not a url\"}", LS_ECONFIG,
       "auth.accessUrl must be"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"customHeaders\":{\"X\":\"a\\r\\nB: "
       "c\"}}",
       LS_ECONFIG, "auth.customHeaders: entry 1 (X) cannot be sent"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"customHeaders\":{\"X: y\":\"a\"}}",
       LS_ECONFIG, "auth.customHeaders: entry 1 () cannot be sent"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"customParams\":{\"x\":[1]}}", LS_ECONFIG,
       "auth.customParams: entry 1 (x) cannot be sent"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"customParams\":[1]}", LS_ECONFIG,
       "auth.customParams must be an object"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"tls\":{\"ciphers\":\"x\"}}", LS_ECONFIG,
       "auth.tls: option 1 (ciphers) is not supported"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"tls\":{\"minVersion\":\"SSLv3\"}}",
       LS_ECONFIG, "auth.tls.minVersion must be"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"tls\":{\"rejectUnauthorized\":0}}",
       LS_ECONFIG, "auth.tls.rejectUnauthorized must be"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"expires\":\"soon\"}", LS_ECONFIG,
       "auth.expires must be a number"},
      {"{\"type\":\"oauth2\",\"user\":\"u\",\"accessToken\":\"t\",\"provisionCallback\":1}", LS_ECONFIG,
       "auth.provisionCallback is not supported"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_error err = {0};
    struct ls_oauth *o = NULL;
    ls_arena_init(&a, 1 << 20);
    assert_int_equal(new_oauth(parse(&a, ls_span_cstr(rows[i].auth)), NULL, &o, &err), rows[i].status);
    assert_null(o);
    if (!strstr(ls_error_text(&err), rows[i].message))
      fail_msg("row %zu: %s", i, ls_error_text(&err));
    ls_error_deinit(&err);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_leaves_password_logins_alone(void **state) {
  (void)state;
  static const char *const rows[] = {"{}", "{\"user\":\"u\",\"pass\":\"p\"}", "{\"type\":\"login\"}",
                                     "{\"user\":\"u\",\"pass\":\"p\",\"clientId\":\"c\"}",
                                     "{\"type\":\"LOGIN\",\"user\":\"u\",\"pass\":\"p\"}"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_oauth *o = NULL;
    ls_arena_init(&a, 1 << 20);
    assert_int_equal(new_oauth(parse(&a, ls_span_cstr(rows[i])), NULL, &o, NULL), LS_OK);
    assert_null(o);
    ls_arena_deinit(&a);
  }
}

static void test_oauth_names_an_endpoint_that_is_not_there(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_error err = {0};
  ls_arena_init(&a, 1 << 20);
  struct ls_oauth *o =
      oauth_of(parse(&a, LS_SPAN("{\"type\":\"oauth2\",\"user\":\"u\",\"refreshToken\":\"r\",\"accessUrl\":"
                                 "\"https://name:word@127.0.0.1:1/token?key=value\"}")));
  assert_int_equal(renew(o, now_ms, &err), LS_EOAUTH2);
  assert_non_null(strstr(ls_error_text(&err), "https://127.0.0.1:1/token cannot be reached: "));
  assert_null(strstr(ls_error_text(&err), "word"));
  assert_null(strstr(ls_error_text(&err), "value"));
  ls_error_deinit(&err);
  ls_oauth_free(o);
  ls_arena_deinit(&a);
}

static void test_oauth_reads_what_a_mail_server_says_of_a_token(void **state) {
  (void)state;
  static const struct {
    const char *challenge, *text;
  } rows[] = {
      {"eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==",
       "status 400, needs scope https://mail.google.com/"},
      {"eyJzdGF0dXMiOiI0MDEifQ==", "status 401"},
      {"eyJzY29wZSI6ImFcbmIifQ==", "needs scope a b"},
      {"bm90aGluZw==", ""},
      {"W10=", ""},
      {"", ""},
      {"%%%", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_buf out;
    ls_buf_init(&out, 1000);
    assert_int_equal(ls_oauth_read_challenge(ls_span_cstr(rows[i].challenge), &out), LS_OK);
    assert_span_equal(ls_buf_span(&out), ls_span_cstr(rows[i].text));
    ls_buf_deinit(&out);
  }
}

static bool renew_without_memory(void *auth) {
  struct ls_oauth *o = NULL;
  struct ls_error err = {0};
  enum ls_status status = new_oauth(auth, NULL, &o, &err);
  if (status == LS_OK)
    status = renew(o, now_ms, &err);
  assert_true(status == LS_OK || status == LS_ENOMEM);
  ls_error_deinit(&err);
  ls_oauth_free(o);
  return status == LS_OK;
}

static void test_oauth_survives_each_failed_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 22);
  struct ls_value *auth =
      auth_for(&a, TLS, "jwt", "\"serviceClient\":\"robot\",\"customHeaders\":{\"X\":\"y\"}");
  set_file(&a, auth, "privateKey", "rsa.pem");
  assert_true(support_each_allocation(renew_without_memory, auth) > 10);
  ls_arena_deinit(&a);
}

static bool read_ports(void) {
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  struct ls_span text = read_file(&a, "ports");
  bool there = text.n && sscanf(text.p, "%d %d %d %d", &ports[0], &ports[1], &ports[2], &ports[3]) == 4;
  ls_arena_deinit(&a);
  return there;
}

static int start_endpoint(void **state) {
  (void)state;
  char text[200];
  int ends[2];
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (!mkdtemp(folder) || pipe(ends) != 0)
    return -1;
  snprintf(text, sizeof text, "sh spec/transport/dkim_keys.sh %s", folder);
  if (system(text) != 0)
    return -1;
  server = fork();
  if (server == 0) {
    dup2(ends[0], 0);
    close(ends[0]);
    close(ends[1]);
    snprintf(text, sizeof text, "%s/log", folder);
    if (!freopen(text, "w", stderr))
      _exit(1);
    execl("/usr/bin/python3", "python3", "-B", "spec/transport/token_endpoint.py", folder, (char *)NULL);
    _exit(1);
  }
  close(ends[0]);
  server_stdin = ends[1];
  for (int i = 0; i < 300; i++) {
    if (read_ports())
      return 0;
    usleep(100000);
  }
  return -1;
}

static int stop_endpoint(void **state) {
  (void)state;
  char command[200];
  close(server_stdin);
  waitpid(server, NULL, 0);
  curl_global_cleanup();
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_oauth_renews_with_a_refresh_token),
      cmocka_unit_test(test_oauth_keeps_a_token_until_shortly_before_its_end),
      cmocka_unit_test(test_oauth_signs_an_assertion_for_a_service_account),
      cmocka_unit_test(test_oauth_assertion_of_another_key_is_refused),
      cmocka_unit_test(test_oauth_says_what_the_endpoint_said),
      cmocka_unit_test(test_oauth_never_repeats_a_secret_that_the_endpoint_quotes),
      cmocka_unit_test(test_oauth_stops_waiting),
      cmocka_unit_test(test_oauth_does_not_block_and_renews_once_for_all),
      cmocka_unit_test(test_oauth_checks_the_certificate),
      cmocka_unit_test(test_oauth_shows_a_certificate_of_its_own),
      cmocka_unit_test(test_oauth_ignores_the_proxies_of_the_environment),
      cmocka_unit_test(test_oauth_uses_the_configs_own_token_as_long_as_it_lives),
      cmocka_unit_test(test_oauth_renews_a_token_the_mail_server_refused),
      cmocka_unit_test(test_oauth_keeps_a_living_token_when_its_renewal_fails),
      cmocka_unit_test(test_oauth_goes_on_with_a_rotated_refresh_token),
      cmocka_unit_test(test_oauth_refuses_with_a_sentence),
      cmocka_unit_test(test_oauth_leaves_password_logins_alone),
      cmocka_unit_test(test_oauth_names_an_endpoint_that_is_not_there),
      cmocka_unit_test(test_oauth_reads_what_a_mail_server_says_of_a_token),
      cmocka_unit_test(test_oauth_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, start_endpoint, stop_endpoint);
}
