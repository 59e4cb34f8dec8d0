/* SPDX-License-Identifier: MIT */
#include "dkim_signer.h"

#include <stdlib.h>

#include <idn2.h>

#include "../pure/arena.h"
#include "../pure/canon.h"
#include "../pure/codec.h"
#include "../pure/dkim.h"
#include "crypto.h"

enum {
  ARENA_MAX = 1 << 20,
  TEXT_MAX = 1 << 20,  /* fields and signatures; the header of a message is bounded far below */
  BODY_CUT = 16 * 1024 /* octets made canonical at a time */
};

struct signing_key {
  struct ls_span domain, selector;
  struct ls_crypto_key *key;
};

struct ls_dkim_signer {
  struct ls_arena arena;
  struct ls_buf names; /* to sign, as ls_dkim_names lists them */
  struct signing_key *keys;
  size_t count;
};

/* d= is looked up in DNS: a name in Unicode goes there as A-labels. */
static enum ls_status read_domain(struct ls_dkim_signer *s, const struct ls_config_dkim_key *from,
                                  struct ls_span *out, struct ls_error *err) {
  struct ls_span domain = from->domain;
  char *ascii = NULL;
  if (!ls_span_is_ascii(domain)) {
    int rc = idn2_to_ascii_8z(domain.p, &ascii, IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
      return ls_option_error(err, LS_EDKIM, LS_OPTION_DKIM_domainName, from->item,
                             "cannot be converted to ASCII: %s", idn2_strerror(rc));
    domain = ls_span_cstr(ascii);
  }
  *out = ls_arena_copy(&s->arena, domain);
  if (ascii)
    idn2_free(ascii);
  if (!out->p)
    return ls_error_no_memory(err, "API");
  return ls_dkim_is_domain(*out) ? LS_OK
                                 : ls_option_error(err, LS_EDKIM, LS_OPTION_DKIM_domainName, from->item,
                                                   "is no domain name; give one such as example.com");
}

static enum ls_status read_key(struct ls_dkim_signer *s, const struct ls_config_dkim_key *from,
                               struct ls_error *err) {
  struct signing_key *k = &s->keys[s->count++];
  char label[LS_OPTION_LABEL];
  enum ls_status status = read_domain(s, from, &k->domain, err);
  if (status != LS_OK)
    return status;
  k->selector = ls_arena_copy(&s->arena, from->selector);
  if (!k->selector.p)
    return ls_error_no_memory(err, "API");
  ls_option_label(LS_OPTION_DKIM_privateKey, from->item, label);
  const struct ls_crypto_source source = {label, LS_EDKIM, from->key.pem, from->key.passphrase};
  status = ls_crypto_key_new(&source, &k->key, err);
  if (status != LS_OK)
    ls_option_blame(err, LS_OPTION_DKIM_privateKey, from->item);
  return status;
}

enum ls_status ls_dkim_signer_new(const struct ls_config_dkim *dkim, struct ls_dkim_signer **out,
                                  struct ls_error *err) {
  *out = NULL;
  if (!dkim->count)
    return LS_OK;
  struct ls_dkim_signer *s = calloc(1, sizeof *s);
  if (!s)
    return ls_error_no_memory(err, "API");
  ls_arena_init(&s->arena, ARENA_MAX);
  ls_buf_init(&s->names, TEXT_MAX);
  enum ls_status status = ls_dkim_names(dkim->names.n ? dkim->names : ls_span_cstr(ls_dkim_default_names),
                                        dkim->skip, &s->names, err);
  s->keys = ls_arena_array(&s->arena, dkim->count, sizeof *s->keys);
  if (status == LS_OK && !s->keys)
    status = ls_error_no_memory(err, "API");
  for (size_t i = 0; i < dkim->count && status == LS_OK; i++)
    status = read_key(s, &dkim->keys[i], err);
  if (status != LS_OK) {
    ls_dkim_signer_free(s);
    return status;
  }
  *out = s;
  return LS_OK;
}

void ls_dkim_signer_free(struct ls_dkim_signer *s) {
  if (!s)
    return;
  for (size_t i = 0; i < s->count; i++)
    ls_crypto_key_free(s->keys[i].key);
  ls_buf_deinit(&s->names);
  ls_arena_deinit(&s->arena);
  free(s);
}

/* Appends bh=. */
static enum ls_status hash_body(struct ls_span body, struct ls_buf *out) {
  unsigned char hash[LS_CRYPTO_SHA256_N];
  struct ls_canon_body canon = {0};
  struct ls_buf piece;
  ls_buf_init(&piece, (size_t)-1);
  struct ls_crypto_hash *h = ls_crypto_hash_new();
  bool fine = h != NULL;
  for (size_t at = 0; fine && at < body.n; at += BODY_CUT) {
    ls_canon_body_feed(&canon, ls_span_sub(body, at, at + BODY_CUT), &piece);
    fine = piece.status == LS_OK && ls_crypto_hash_feed(h, ls_buf_span(&piece));
    ls_buf_cut(&piece, 0);
  }
  ls_canon_body_end(&canon, &piece);
  fine = fine && piece.status == LS_OK && ls_crypto_hash_feed(h, ls_buf_span(&piece)) &&
         ls_crypto_hash_end(h, hash);
  if (fine)
    ls_codec_base64(out, ls_span((const char *)hash, sizeof hash));
  ls_buf_deinit(&piece);
  ls_crypto_hash_free(h);
  return fine ? out->status : LS_ENOMEM;
}

/* Ed25519 signs the hash, not the octets (RFC 8463, 3). */
static enum ls_status sign_octets(const struct ls_crypto_key *key, struct ls_span data, struct ls_buf *out) {
  if (ls_crypto_key_kind(key) == LS_CRYPTO_RSA)
    return ls_crypto_sign(key, data, out);
  unsigned char hash[LS_CRYPTO_SHA256_N];
  struct ls_crypto_hash *h = ls_crypto_hash_new();
  bool fine = h && ls_crypto_hash_feed(h, data) && ls_crypto_hash_end(h, hash);
  ls_crypto_hash_free(h);
  return fine ? ls_crypto_sign(key, ls_span((const char *)hash, sizeof hash), out) : LS_ENOMEM;
}

/* One field. data: the signed fields in relaxed form; it ends as it began. */
static enum ls_status sign_with(const struct signing_key *k, struct ls_dkim_tags tags, struct ls_buf *data,
                                struct ls_buf *out) {
  size_t start = out->n, signed_fields = data->n;
  struct ls_buf signature, base64;
  ls_buf_init(&signature, TEXT_MAX);
  ls_buf_init(&base64, TEXT_MAX);
  tags.algorithm =
      ls_crypto_key_kind(k->key) == LS_CRYPTO_RSA ? LS_SPAN("rsa-sha256") : LS_SPAN("ed25519-sha256");
  tags.domain = k->domain;
  tags.selector = k->selector;
  ls_dkim_begin(out, &tags);
  enum ls_status status = out->status;
  if (status == LS_OK) {
    ls_canon_header(data, ls_span(out->p + start, out->n - start));
    status = data->status;
  }
  if (status == LS_OK)
    status = sign_octets(k->key, ls_buf_span(data), &signature);
  if (status == LS_OK) {
    ls_codec_base64(&base64, ls_buf_span(&signature));
    ls_dkim_finish(out, ls_buf_span(&base64));
    status = base64.status != LS_OK ? base64.status : out->status;
  }
  ls_buf_cut(data, signed_fields);
  ls_buf_deinit(&signature);
  ls_buf_deinit(&base64);
  return status;
}

enum ls_status ls_dkim_signer_sign(const struct ls_dkim_signer *s, struct ls_span head, struct ls_span body,
                                   int64_t now_s, struct ls_buf *out, struct ls_error *err) {
  size_t start = out->n;
  struct ls_buf body_hash, fields, data;
  ls_buf_init(&body_hash, TEXT_MAX);
  ls_buf_init(&fields, TEXT_MAX);
  ls_buf_init(&data, (size_t)-1);
  enum ls_status status = ls_dkim_select(head, ls_buf_span(&s->names), &fields, &data, err);
  if (status == LS_OK)
    status = hash_body(body, &body_hash);
  struct ls_dkim_tags tags = {
      .time_s = now_s, .body_hash = ls_buf_span(&body_hash), .fields = ls_buf_span(&fields)};
  for (size_t i = 0; i < s->count && status == LS_OK; i++)
    status = sign_with(&s->keys[i], tags, &data, out);
  ls_buf_deinit(&body_hash);
  ls_buf_deinit(&fields);
  ls_buf_deinit(&data);
  if (status == LS_OK)
    return LS_OK;
  ls_buf_cut(out, start);
  if (status == LS_EARGUMENT)
    return ls_error_set(err, LS_EDKIM, "API", "OpenSSL could not sign with one of the DKIM keys");
  if (status == LS_ETOOBIG) {
    ls_error_deinit(err);
    return ls_error_set(err, LS_EDKIM, "API", "The names of the fields to sign take over %d octets",
                        TEXT_MAX);
  }
  return ls_error_set(err, status, "API", "%s", ls_status_text(status));
}
