/* SPDX-License-Identifier: MIT */
#include "login.h"

#include "../pure/option.h"
#include "clock.h"

/* Mechanisms that are a matter of how libcurl was built. */
static const struct {
  const char *method;
  int feature;
  const char *library;
} optional[] = {
    {"NTLM", CURL_VERSION_NTLM, "NTLM"},
    {"GSSAPI", CURL_VERSION_GSSAPI, "GSSAPI (Kerberos)"},
#ifdef CURL_VERSION_GSASL
    {"SCRAM-SHA-1", CURL_VERSION_GSASL, "GNU SASL"},
    {"SCRAM-SHA-256", CURL_VERSION_GSASL, "GNU SASL"},
#else
    {"SCRAM-SHA-1", 0, "GNU SASL"},
    {"SCRAM-SHA-256", 0, "GNU SASL"},
#endif
};

static enum ls_status check_build(const char *method, struct ls_error *err) {
  const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
  for (size_t i = 0; method && i < sizeof optional / sizeof *optional; i++)
    if (strcmp(optional[i].method, method) == 0 && !(v->features & optional[i].feature))
      return ls_option_error(err, LS_EAUTH, LS_OPTION_AUTH_method, LS_ITEM_NONE,
                             "%s needs a libcurl that was built with %s, and libcurl %s here was not; "
                             "use PLAIN or LOGIN over TLS, or CRAM-MD5",
                             method, optional[i].library, v->version);
  return LS_OK;
}

static int64_t shorter(int64_t a, int64_t b) {
  return a < b ? a : b;
}

enum ls_status ls_login_init(struct ls_login *l, const struct ls_config *config, struct ls_mask *mask,
                             struct ls_error *err) {
  *l = (struct ls_login){0};
  enum ls_status status = check_build(config->auth_method, err);
  if (status == LS_OK && config->oauth2)
    status = ls_oauth_new(&config->oauth, ls_clock_unix_ms(), mask, &l->oauth, err);
  if (l->oauth)
    ls_oauth_set_timeout(
        l->oauth, shorter(shorter(config->connection_timeout, config->socket_timeout), LS_OAUTH_TIMEOUT_MS));
  return status;
}

void ls_login_deinit(struct ls_login *l) {
  ls_oauth_free(l->oauth);
  ls_error_deinit(&l->failure);
  *l = (struct ls_login){0};
}

enum ls_status ls_login_token(struct ls_login *l, CURLM *multi, const char **token, uint64_t *serial,
                              struct ls_error *err) {
  int64_t unix_ms = ls_clock_unix_ms();
  *token = NULL;
  *serial = 0;
  if (!l->oauth)
    return LS_OK;
  enum ls_status status = ls_oauth_token(l->oauth, unix_ms, token);
  if (status == LS_AGAIN && !l->pending) {
    ls_error_deinit(&l->failure);
    status = ls_oauth_begin(l->oauth, multi, unix_ms, err);
    l->pending = status == LS_AGAIN;
    if (status == LS_OK)
      status = ls_oauth_token(l->oauth, unix_ms, token);
  }
  *serial = ls_oauth_serial(l->oauth);
  return status;
}

bool ls_login_took(struct ls_login *l, CURL *easy, CURLcode result, struct ls_error *err) {
  if (!l->oauth || !ls_oauth_owns(l->oauth, easy))
    return false;
  l->pending = false;
  if (ls_oauth_done(l->oauth, easy, result, ls_clock_unix_ms(), err) != LS_OK) {
    ls_error_deinit(&l->failure);
    ls_error_copy(&l->failure, err);
  }
  return true;
}

bool ls_login_refused(struct ls_login *l, uint64_t serial) {
  if (!l->oauth)
    return false;
  if (serial != ls_oauth_serial(l->oauth))
    return true; /* another connection has brought a new one meanwhile */
  bool second = l->successor && serial >= l->successor;
  bool renewable = ls_oauth_invalidate(l->oauth, serial);
  if (!second)
    l->successor = serial + 1;
  return renewable && !second;
}

void ls_login_accepted(struct ls_login *l) {
  l->successor = 0;
}
