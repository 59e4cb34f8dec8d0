/* SPDX-License-Identifier: MIT */
#include "oauth.h"

#include <stdlib.h>

#include "../pure/codec.h"
#include "../pure/config_size.h"
#include "../pure/utf8.h"
#include "../pure/visible.h"
#include "json.h"
#include "oauth_config.h"
#include "oauth_form.h"
#include "shortage.h"
#include "tls_context.h"
#include "tls_versions.h"

enum {
  FORM_MAX = 1 << 20,
  TOKEN_MAX = LS_CONFIG_TOKEN_MAX + 1, /* with the NUL behind it */
  WORDS_MAX = 600,                     /* octets of what an endpoint says */
  MARGIN_MS = 30000 /* a token is renewed so long before it ends; a short-lived one at three quarters */
};

static const char command[] = "AUTH XOAUTH2";

struct ls_oauth {
  struct ls_oauth_config config;
  struct ls_mask *mask;            /* borrowed */
  struct ls_mask_secret *tokens;   /* the token and the refresh token of the last renewal */
  struct ls_mask_secret *asserted; /* the assertion of the renewal under way */
  int64_t timeout_ms;

  struct ls_buf token;   /* NUL-terminated when n > 0 */
  int64_t renew_ms;      /* it is renewed from this time on; 0: never for its age */
  int64_t end_ms;        /* its end; 0: unknown */
  bool refused;          /* the mail server did not take it */
  uint64_t serial;       /* counts the tokens */
  struct ls_buf refresh; /* a refresh token the endpoint put in the place of the config's (RFC 6749, 6) */

  CURL *easy; /* the renewal under way, with all that it needs until it ends */
  CURLM *multi;
  struct curl_slist *headers, *connect_to;
  struct ls_buf form, reply;
  size_t header_octets;
  bool overflow;
  char detail[CURL_ERROR_SIZE];
};

static bool can_renew(const struct ls_oauth *o) {
  return o->config.own.service_client || o->config.own.refresh_token;
}

static void set_end(struct ls_oauth *o, int64_t end_ms, int64_t unix_ms) {
  int64_t life = end_ms - unix_ms;
  int64_t margin = life <= 0 ? 0 : life / 4 < MARGIN_MS ? life / 4 : MARGIN_MS;
  o->renew_ms = end_ms - margin;
  o->end_ms = end_ms;
}

static bool set_token(struct ls_buf *to, struct ls_span token) {
  ls_buf_deinit(to);
  ls_buf_add(to, token);
  ls_buf_addc(to, '\0');
  if (to->status != LS_OK)
    ls_buf_deinit(to);
  return to->n > 0;
}

enum ls_status ls_oauth_new(const struct ls_config_oauth *own, int64_t unix_ms, struct ls_mask *mask,
                            struct ls_oauth **out, struct ls_error *err) {
  *out = NULL;
  struct ls_oauth *o = calloc(1, sizeof *o);
  if (!o)
    return ls_error_no_memory(err, command);
  o->timeout_ms = LS_OAUTH_TIMEOUT_MS;
  o->mask = mask;
  ls_buf_init(&o->token, TOKEN_MAX);
  ls_buf_init(&o->refresh, TOKEN_MAX);
  ls_buf_init(&o->form, FORM_MAX);
  ls_buf_init(&o->reply, LS_OAUTH_REPLY_MAX);
  enum ls_status status = ls_oauth_config_init(own, &o->config, err);
  if (status == LS_OK && own->access_token) {
    if (!set_token(&o->token, ls_span_cstr(own->access_token)))
      status = ls_error_no_memory(err, command);
    if (own->expires_ms)
      set_end(o, own->expires_ms, unix_ms);
    else if (own->ttl_s)
      set_end(o, unix_ms + own->ttl_s * 1000, unix_ms);
  }
  if (status == LS_OK)
    *out = o;
  else
    ls_oauth_free(o);
  return status;
}

/* Forgets the renewal; the form holds secrets, the reply perhaps the token. */
static void end_renewal(struct ls_oauth *o) {
  if (o->easy) {
    curl_multi_remove_handle(o->multi, o->easy);
    curl_easy_cleanup(o->easy);
  }
  curl_slist_free_all(o->headers);
  curl_slist_free_all(o->connect_to);
  ls_buf_deinit(&o->form);
  ls_buf_deinit(&o->reply);
  ls_mask_retire(o->mask, &o->asserted);
  o->easy = NULL;
  o->multi = NULL;
  o->headers = o->connect_to = NULL;
  o->header_octets = 0;
  o->overflow = false;
}

void ls_oauth_free(struct ls_oauth *o) {
  if (!o)
    return;
  end_renewal(o);
  ls_mask_retire(o->mask, &o->tokens);
  ls_buf_deinit(&o->token);
  ls_buf_deinit(&o->refresh);
  ls_oauth_config_deinit(&o->config);
  free(o);
}

void ls_oauth_set_timeout(struct ls_oauth *o, int64_t timeout_ms) {
  if (timeout_ms > 0)
    o->timeout_ms = timeout_ms;
}

enum ls_status ls_oauth_token(const struct ls_oauth *o, int64_t unix_ms, const char **token) {
  bool stale = o->refused || (o->renew_ms && o->renew_ms <= unix_ms);
  *token = NULL;
  if (!o->token.n || (stale && can_renew(o)))
    return LS_AGAIN;
  *token = o->token.p;
  return LS_OK;
}

uint64_t ls_oauth_serial(const struct ls_oauth *o) {
  return o->serial;
}

bool ls_oauth_invalidate(struct ls_oauth *o, uint64_t serial) {
  /* another login may have renewed it meanwhile: then the new one is as good as untried */
  if (o->serial == serial)
    o->refused = true;
  return can_renew(o);
}

bool ls_oauth_owns(const struct ls_oauth *o, const CURL *easy) {
  return easy && o->easy == easy;
}

static bool add_line(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  *list = longer ? longer : *list;
  return longer != NULL;
}

static bool add_header(struct ls_oauth *o, struct ls_span name, struct ls_span value) {
  struct ls_buf line;
  ls_buf_init(&line, FORM_MAX);
  ls_buf_add(&line, name);
  /* libcurl takes "Name:" for a header to leave out, and "Name;" for one without a value */
  ls_buf_adds(&line, value.n ? ": " : ";");
  ls_buf_add(&line, value);
  ls_buf_addc(&line, '\0');
  bool fine = line.status == LS_OK && add_line(&o->headers, line.p);
  ls_buf_deinit(&line);
  return fine;
}

static bool build_headers(struct ls_oauth *o) {
  const struct ls_config_pairs *own = &o->config.own.headers;
  bool accept = false, fine = true;
  for (size_t i = 0; i < own->count && fine; i++) {
    fine = add_header(o, own->items[i].name, own->items[i].value);
    accept = accept || ls_span_ieq(own->items[i].name, LS_SPAN("Accept"));
  }
  if (fine && o->config.host)
    fine = add_header(o, LS_SPAN("Host"), ls_span_cstr(o->config.host));
  if (fine && !accept)
    fine = add_line(&o->headers, "Accept: application/json");
  if (fine && o->config.connect_to)
    fine = add_line(&o->connect_to, o->config.connect_to);
  return fine;
}

static size_t take_body(char *p, size_t size, size_t count, void *context) {
  struct ls_oauth *o = context;
  ls_buf_add(&o->reply, ls_span(p, size * count));
  o->overflow = o->overflow || o->reply.status == LS_ETOOBIG;
  return o->reply.status == LS_OK ? size * count : 0;
}

static size_t take_header(char *p, size_t size, size_t count, void *context) {
  struct ls_oauth *o = context;
  (void)p;
  o->header_octets += size * count;
  o->overflow = o->overflow || o->header_octets > LS_OAUTH_REPLY_MAX;
  return o->overflow ? 0 : size * count;
}

/* curl_easy_setopt is a macro of many checks: the loop over text options keeps it in few places. */
static CURLcode set_texts(struct ls_oauth *o) {
  const struct {
    CURLoption option;
    const char *value;
  } texts[] = {
    {CURLOPT_URL, o->config.url},
    {CURLOPT_USERAGENT, "logto-smtp"},
    {CURLOPT_PROXY, ""}, /* the environment's proxies do not count */
    {CURLOPT_NOPROXY, "*"},
#if LIBCURL_VERSION_NUM >= 0x075500
    {CURLOPT_PROTOCOLS_STR, "http,https"},
#endif
    {CURLOPT_POSTFIELDS, o->form.p},
    {CURLOPT_KEYPASSWD, o->config.own.passphrase}
  };
  CURLcode rc = CURLE_OK;
  for (size_t i = 0; i < sizeof texts / sizeof *texts && rc == CURLE_OK; i++)
    rc = texts[i].value ? curl_easy_setopt(o->easy, texts[i].option, texts[i].value) : CURLE_OK;
#if LIBCURL_VERSION_NUM < 0x075500
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(o->easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  return rc;
}

static CURLcode set_numbers(struct ls_oauth *o) {
  const struct {
    CURLoption option;
    long value;
  } numbers[] = {{CURLOPT_NOSIGNAL, 1},
                 {CURLOPT_QUICK_EXIT, 1}, /* a hanging look-up holds nobody */
                 {CURLOPT_POSTFIELDSIZE, (long)o->form.n},
                 {CURLOPT_FOLLOWLOCATION, 0}, /* a secret goes nowhere but where the config says */
                 {CURLOPT_TIMEOUT_MS, o->timeout_ms > 86400000 ? 86400000 : (long)o->timeout_ms},
                 {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
                 {CURLOPT_FORBID_REUSE, 1}, /* the next renewal is an hour away */
                 {CURLOPT_SSL_VERIFYPEER, o->config.own.verify_peer},
                 {CURLOPT_SSL_VERIFYHOST, o->config.own.verify_peer ? 2 : 0},
                 {CURLOPT_SSLVERSION, ls_tls_versions(o->config.own.min_version, o->config.own.max_version)}};
  CURLcode rc = CURLE_OK;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers && rc == CURLE_OK; i++)
    rc = curl_easy_setopt(o->easy, numbers[i].option, numbers[i].value);
  return rc;
}

static CURLcode set_certificates(struct ls_oauth *o) {
  const struct {
    CURLoption option;
    const char *pem;
  } blobs[] = {{CURLOPT_CAINFO_BLOB, o->config.own.ca},
               {CURLOPT_SSLCERT_BLOB, o->config.own.cert},
               {CURLOPT_SSLKEY_BLOB, o->config.own.cert_key}};
  CURLcode rc = CURLE_OK;
  for (size_t i = 0; i < 3 && rc == CURLE_OK; i++) {
    struct curl_blob blob = {(void *)blobs[i].pem, blobs[i].pem ? strlen(blobs[i].pem) : 0, CURL_BLOB_NOCOPY};
    rc = blob.data ? curl_easy_setopt(o->easy, blobs[i].option, &blob) : CURLE_OK;
  }
  /* a CA of the config's own takes the place of the system's, of which libcurl has two */
  if (rc == CURLE_OK && o->config.own.ca)
    rc = curl_easy_setopt(o->easy, CURLOPT_CAPATH, NULL);
  return rc;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *context) {
  const struct ls_oauth *o = context;
  CURLU *u = curl_url();
  char *host = NULL;
  (void)easy;
  bool fine = u && curl_url_set(u, CURLUPART_URL, o->config.url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
  size_t n = fine ? strlen(host) : 0;
  char *name = host;
  if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
    host[n - 1] = '\0';
    name++;
  }
  fine = fine && ls_tls_context_expect(ssl_ctx, name);
  curl_free(host);
  curl_url_cleanup(u);
  return fine ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

static CURLcode set_verification(struct ls_oauth *o) {
  const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (!o->config.own.verify_peer || !library || strncmp(library, "OpenSSL", 7) != 0)
    return CURLE_OK;
  CURLcode rc = curl_easy_setopt(o->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
  return rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_SSL_CTX_DATA, o) : rc;
}

static CURLcode set_up(struct ls_oauth *o) {
  CURLcode rc = set_texts(o);
  rc = rc == CURLE_OK ? set_verification(o) : rc;
  rc = rc == CURLE_OK ? set_numbers(o) : rc;
  rc = rc == CURLE_OK ? set_certificates(o) : rc;
  rc = rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, o->headers) : rc;
  rc = rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_CONNECT_TO, o->connect_to) : rc;
  rc = rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_ERRORBUFFER, o->detail) : rc;
  rc = rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, take_body) : rc;
  rc = rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_WRITEDATA, o) : rc;
  rc = rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_HEADERFUNCTION, take_header) : rc;
  return rc == CURLE_OK ? curl_easy_setopt(o->easy, CURLOPT_HEADERDATA, o) : rc;
}

enum ls_status ls_oauth_begin(struct ls_oauth *o, CURLM *multi, int64_t unix_ms, struct ls_error *err) {
  const char *token;
  if (o->easy)
    return LS_AGAIN;
  if (ls_oauth_token(o, unix_ms, &token) == LS_OK)
    return LS_OK;
  struct ls_buf assertion;
  ls_buf_init(&assertion, FORM_MAX);
  enum ls_status status =
      ls_oauth_form_write(&o->config, o->refresh.n ? o->refresh.p : o->config.own.refresh_token, unix_ms,
                          &o->form, &assertion, err);
  ls_mask_add(o->mask, &o->asserted, ls_buf_span(&assertion));
  ls_buf_deinit(&assertion);
  if (status == LS_OK && !build_headers(o))
    status = ls_error_no_memory(err, command);
  if (status == LS_OK) {
    o->detail[0] = '\0';
    CURL *easy = curl_easy_init();
    o->easy = easy;
    CURLcode rc = easy ? set_up(o) : CURLE_OUT_OF_MEMORY;
    if (rc != CURLE_OK)
      status = rc == CURLE_OUT_OF_MEMORY
                   ? ls_error_no_memory(err, command)
                   : ls_error_because(err, LS_REASON_OAUTH_UNREACHABLE, command, "%s cannot be asked: %s",
                                      o->config.shown_url, curl_easy_strerror(rc));
  }
  if (status == LS_OK && curl_multi_add_handle(multi, o->easy) != CURLM_OK)
    status = ls_error_no_memory(err, command);
  if (status != LS_OK) {
    end_renewal(o);
    return status;
  }
  o->multi = multi;
  return LS_AGAIN;
}

/* What an endpoint says, in one line. */
static void add_words(struct ls_buf *out, struct ls_span words) {
  ls_visible_add(out, words, LS_VISIBLE_LINE);
}

/* What JavaScript takes for true. */
static bool is_truthy(const struct ls_value *v) {
  if (ls_value_is_nothing(v) || (ls_value_is(v, LS_VALUE_BOOLEAN) && !v->as.boolean))
    return false;
  if (ls_value_is(v, LS_VALUE_NUMBER))
    return v->as.number != 0;
  return !ls_value_is(v, LS_VALUE_STRING) || v->as.string.n > 0;
}

/* The errors of RFC 6749 5.2: all of them are about what was sent, which the next request would repeat. */
static bool is_final(struct ls_span error) {
  static const char *const names[] = {"invalid_request",     "invalid_client",         "invalid_grant",
                                      "unauthorized_client", "unsupported_grant_type", "invalid_scope"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (ls_span_eq(error, ls_span_cstr(names[i])))
      return true;
  return false;
}

/* error, error_description and error_uri (RFC 6749, 5.2); some endpoints put an object with a message in
 * error. */
static enum ls_status refuse(struct ls_oauth *o, const struct ls_value *reply, long http,
                             struct ls_error *err) {
  const struct ls_value *error = ls_value_get(reply, LS_SPAN("error"));
  struct ls_span text = ls_value_string(error);
  if (ls_value_is_object(error))
    text = ls_value_string(ls_value_get(error, LS_SPAN("message")));
  struct ls_span description = ls_value_string(ls_value_get(reply, LS_SPAN("error_description")));
  struct ls_span uri = ls_value_string(ls_value_get(reply, LS_SPAN("error_uri")));
  struct ls_buf said, words;
  ls_buf_init(&said, LS_OAUTH_REPLY_MAX * 4);
  ls_buf_init(&words, LS_OAUTH_REPLY_MAX * 16);
  ls_buf_add(&said, text.n ? text : LS_SPAN("unknown error"));
  ls_buf_adds(&said, description.n ? ": " : "");
  ls_buf_add(&said, description);
  ls_buf_adds(&said, uri.n ? " (" : "");
  ls_buf_add(&said, uri);
  ls_buf_adds(&said, uri.n ? ")" : "");
  ls_mask_buf(o->mask, &said);
  add_words(&words, ls_buf_span(&said));
  ls_buf_cut(&words, ls_utf8_cut(ls_buf_span(&words), WORDS_MAX).n);
  ls_buf_addc(&words, '\0');
  enum ls_status status = said.status != LS_OK || words.status != LS_OK
                              ? ls_error_no_memory(err, command)
                              : ls_error_set(err, LS_EOAUTH2, command, "%s (HTTP %ld from %s)", words.p, http,
                                             o->config.shown_url);
  ls_buf_deinit(&said);
  ls_buf_deinit(&words);
  if (err && status == LS_EOAUTH2)
    err->permanent = is_final(text);
  return status;
}

static bool is_token(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] <= ' ' || s.p[i] > '~')
      return false;
  return s.n > 0;
}

/* Seconds a token lives; 0: not told. Some endpoints tell it as a string. */
static int64_t read_life(const struct ls_value *v) {
  double s = ls_value_is(v, LS_VALUE_NUMBER) ? v->as.number : 0;
  struct ls_span digits = ls_value_string(v);
  for (size_t i = 0; i < digits.n; i++)
    s = ls_ascii_is_digit(digits.p[i]) ? s * 10 + (digits.p[i] - '0') : 0;
  return s > 0 && s < 1e10 ? (int64_t)s : 0;
}

static enum ls_status take_token(struct ls_oauth *o, const struct ls_value *reply, long http, int64_t unix_ms,
                                 struct ls_error *err) {
  struct ls_span token = ls_value_string(ls_value_get(reply, LS_SPAN("access_token")));
  struct ls_span refresh = ls_value_string(ls_value_get(reply, LS_SPAN("refresh_token")));
  if (!token.n)
    return ls_error_because(err, LS_REASON_OAUTH_REPLY_UNUSABLE, command,
                            "No access token in the reply (HTTP %ld from %s)", http, o->config.shown_url);
  if (!is_token(token))
    return ls_error_because(
        err, LS_REASON_OAUTH_REPLY_UNUSABLE, command,
        "The access token has a space or control character in it and cannot be used (HTTP %ld from %s)", http,
        o->config.shown_url);
  if (token.n >= TOKEN_MAX || refresh.n >= TOKEN_MAX)
    return ls_error_set(err, LS_EOAUTH2, command,
                        "The %s has %zu octets, more than the %d that one may have (HTTP %ld from %s)",
                        token.n >= TOKEN_MAX ? "access token" : "refresh token",
                        token.n >= TOKEN_MAX ? token.n : refresh.n, TOKEN_MAX - 1, http, o->config.shown_url);
  if (!set_token(&o->token, token) || (refresh.n && !set_token(&o->refresh, refresh)))
    return ls_error_no_memory(err, command);
  ls_mask_retire(o->mask, &o->tokens);
  ls_mask_add(o->mask, &o->tokens, token);
  ls_mask_add(o->mask, &o->tokens, refresh);
  o->serial++;
  o->refused = false;
  o->renew_ms = o->end_ms = 0;
  int64_t life_s = read_life(ls_value_get(reply, LS_SPAN("expires_in")));
  if (life_s)
    set_end(o, unix_ms + life_s * 1000, unix_ms);
  return LS_OK;
}

static enum ls_status redirected(struct ls_oauth *o, const char *target, long http, struct ls_error *err) {
  struct ls_arena a;
  struct ls_buf shown;
  ls_arena_init(&a, LS_OAUTH_REPLY_MAX);
  ls_buf_init(&shown, LS_OAUTH_REPLY_MAX);
  ls_buf_adds(&shown, ls_oauth_config_show_url(&a, target));
  ls_mask_buf(o->mask, &shown);
  ls_buf_addc(&shown, '\0');
  ls_error_because(
      err, LS_REASON_OAUTH_REPLY_UNUSABLE, command,
      "%s redirects to %s (HTTP %ld); credentials are not sent on, so set auth.accessUrl to where it leads",
      o->config.shown_url, shown.status == LS_OK ? shown.p : "another address", http);
  ls_buf_deinit(&shown);
  ls_arena_deinit(&a);
  return LS_EOAUTH2;
}

static enum ls_status read_reply(struct ls_oauth *o, int64_t unix_ms, struct ls_error *err) {
  long http = 0;
  char *target = NULL;
  curl_easy_getinfo(o->easy, CURLINFO_RESPONSE_CODE, &http);
  curl_easy_getinfo(o->easy, CURLINFO_REDIRECT_URL, &target);
  if (target)
    return redirected(o, target, http, err);
  struct ls_arena a;
  struct ls_value *reply = NULL;
  size_t at = 0;
  ls_arena_init(&a, (size_t)LS_OAUTH_REPLY_MAX * 256);
  enum ls_status status = ls_json_parse(ls_buf_span(&o->reply), &a, &reply, &at);
  if (status == LS_EARGUMENT)
    status = ls_error_because(
        err, LS_REASON_OAUTH_REPLY_UNUSABLE, command,
        "Invalid authentication response: no JSON, from octet %zu on (HTTP %ld, %zu octets, from %s)", at,
        http, o->reply.n, o->config.shown_url);
  else if (status != LS_OK)
    status = ls_error_no_memory(err, command);
  else if (!ls_value_is_object(reply))
    status = ls_error_because(err, LS_REASON_OAUTH_REPLY_UNUSABLE, command,
                              "Invalid authentication response: no JSON object (HTTP %ld from %s)", http,
                              o->config.shown_url);
  else if (is_truthy(ls_value_get(reply, LS_SPAN("error"))))
    status = refuse(o, reply, http, err);
  else
    status = take_token(o, reply, http, unix_ms, err);
  ls_arena_deinit(&a);
  return status;
}

static enum ls_status failed(struct ls_oauth *o, CURLcode result, struct ls_error *err) {
  const char *url = o->config.shown_url;
  o->detail[ls_mask_apply(o->mask, o->detail, strlen(o->detail))] = '\0';
  if (o->overflow)
    return ls_error_because(err, LS_REASON_OAUTH_REPLY_UNUSABLE, command,
                            "%s answers more than %d octets, which no token reply has", url,
                            LS_OAUTH_REPLY_MAX);
  if (result == CURLE_OUT_OF_MEMORY || o->reply.status == LS_ENOMEM)
    return ls_error_no_memory(err, command);
  if (result == CURLE_OPERATION_TIMEDOUT)
    return ls_error_because(err, LS_REASON_OAUTH_TIMEOUT, command, "%s did not answer within %lld ms", url,
                            (long long)o->timeout_ms);
  int number = ls_shortage_behind(result);
  if (number)
    return ls_shortage_set(err, number, command, "connect", url);
  return ls_error_because(err, LS_REASON_OAUTH_UNREACHABLE, command, "%s cannot be reached: %s", url,
                          o->detail[0] ? o->detail : curl_easy_strerror(result));
}

enum ls_status ls_oauth_done(struct ls_oauth *o, CURL *easy, CURLcode result, int64_t unix_ms,
                             struct ls_error *err) {
  if (!ls_oauth_owns(o, easy))
    return ls_error_set(err, LS_EOAUTH2, command, "No renewal of the access token was under way");
  enum ls_status status = result == CURLE_OK ? read_reply(o, unix_ms, err) : failed(o, result, err);
  end_renewal(o);
  if (status != LS_OK && !o->refused && o->end_ms > unix_ms) {
    /* renewed early and in vain: what is there serves to its end */
    o->renew_ms = o->end_ms;
    if (err)
      ls_error_deinit(err);
    return LS_OK;
  }
  return status;
}

enum ls_status ls_oauth_read_challenge(struct ls_span challenge, struct ls_buf *out) {
  struct ls_arena a;
  struct ls_buf text;
  struct ls_value *v = NULL;
  ls_arena_init(&a, (size_t)LS_OAUTH_REPLY_MAX * 256);
  ls_buf_init(&text, LS_OAUTH_REPLY_MAX);
  size_t n = 0;
  char *room = ls_buf_room(&text, challenge.n / 4 * 3 + 3);
  if (room && ls_codec_unbase64(challenge, room, &n))
    ls_buf_grew(&text, n);
  enum ls_status status =
      text.status == LS_OK ? ls_json_parse(ls_buf_span(&text), &a, &v, NULL) : text.status;
  if (status == LS_OK && ls_value_is_object(v)) {
    struct ls_span code = ls_value_string(ls_value_get(v, LS_SPAN("status")));
    struct ls_span scope = ls_value_string(ls_value_get(v, LS_SPAN("scope")));
    ls_buf_adds(out, code.n ? "status " : "");
    add_words(out, ls_utf8_cut(code, WORDS_MAX / 2));
    ls_buf_adds(out, !scope.n ? "" : code.n ? ", needs scope " : "needs scope ");
    add_words(out, ls_utf8_cut(scope, WORDS_MAX / 2));
  }
  ls_buf_deinit(&text);
  ls_arena_deinit(&a);
  return status == LS_ENOMEM ? LS_ENOMEM : out->status;
}
