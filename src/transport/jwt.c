/* SPDX-License-Identifier: MIT */
#include "jwt.h"

#include "../pure/codec.h"
#include "json.h"

enum { ARENA_MAX = 64 * 1024, TEXT_MAX = 256 * 1024 };

/* RFC 4648, 5, without padding. */
static void add_base64url(struct ls_buf *out, struct ls_span octets) {
  size_t start = out->n;
  ls_codec_base64(out, octets);
  if (out->status != LS_OK)
    return;
  while (out->n > start && out->p[out->n - 1] == '=')
    ls_buf_cut(out, out->n - 1);
  for (size_t i = start; i < out->n; i++)
    out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
}

static enum ls_status add_claims(const struct ls_jwt_claims *claims, struct ls_buf *json) {
  const struct {
    const char *name;
    struct ls_span value;
  } texts[] = {
      {"iss", claims->issuer}, {"scope", claims->scope}, {"sub", claims->subject}, {"aud", claims->audience}};
  struct ls_arena a;
  ls_arena_init(&a, ARENA_MAX);
  struct ls_value *v = ls_value_new(&a, LS_VALUE_OBJECT);
  bool fine = v != NULL;
  for (size_t i = 0; fine && i < 4; i++)
    fine = ls_value_set(&a, v, ls_span_cstr(texts[i].name), ls_value_new_string(&a, texts[i].value));
  fine = fine && ls_value_set(&a, v, LS_SPAN("iat"), ls_value_new_number(&a, (double)claims->issued_s)) &&
         ls_value_set(&a, v, LS_SPAN("exp"), ls_value_new_number(&a, (double)claims->expires_s));
  enum ls_status status = fine ? ls_json_write(v, json) : LS_ENOMEM;
  ls_arena_deinit(&a);
  return status;
}

enum ls_status ls_jwt_sign(const struct ls_crypto_key *key, const struct ls_jwt_claims *claims,
                           struct ls_buf *out, struct ls_error *err) {
  size_t start = out->n;
  struct ls_buf json, signature;
  ls_buf_init(&json, TEXT_MAX);
  ls_buf_init(&signature, TEXT_MAX);
  enum ls_status status = add_claims(claims, &json);
  if (status == LS_EARGUMENT) {
    status = ls_error_because(err, LS_REASON_OAUTH_UNUSABLE, "AUTH XOAUTH2",
                              "auth.serviceClient, auth.scope or auth.user is not in UTF-8");
    goto done;
  }
  if (status != LS_OK)
    goto done;
  add_base64url(out, LS_SPAN("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
  ls_buf_addc(out, '.');
  add_base64url(out, ls_buf_span(&json));
  status = out->status;
  if (status == LS_OK)
    status = ls_crypto_sign(key, ls_span(out->p + start, out->n - start), &signature);
  if (status == LS_EARGUMENT)
    status = ls_error_because(err, LS_REASON_OAUTH_UNUSABLE, "AUTH XOAUTH2",
                              "OpenSSL could not sign with auth.privateKey");
  if (status != LS_OK)
    goto done;
  ls_buf_addc(out, '.');
  add_base64url(out, ls_buf_span(&signature));
  status = out->status;
done:
  ls_buf_deinit(&json);
  ls_buf_deinit(&signature);
  if (status != LS_OK)
    ls_buf_cut(out, start);
  return status == LS_OK ? LS_OK : ls_error_set(err, status, "AUTH XOAUTH2", "%s", ls_status_text(status));
}
