/* SPDX-License-Identifier: MIT */
#include "dkim_signer.h"

#include <stdio.h>
#include <stdlib.h>

#include <idn2.h>

#include "../pure/arena.h"
#include "../pure/canon.h"
#include "../pure/codec.h"
#include "../pure/dkim.h"
#include "crypto.h"

enum {
  ARENA_MAX = 1 << 20,
  TEXT_MAX = 1 << 20,   /* fields and signatures; the header of a message is bounded far below */
  BODY_CUT = 16 * 1024, /* octets made canonical at a time */
  KEYS_MAX = 16,
  NAME_N = 64 /* "dkim.keys[15].domainName" */
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

static enum ls_status no_memory(struct ls_error *err) {
  return ls_error_set(err, LS_ENOMEM, "API", "%s", ls_status_text(LS_ENOMEM));
}

/* A string that must be there. */
static enum ls_status read_string(const struct ls_value *object, const char *base, const char *option,
                                  struct ls_span *out, struct ls_error *err) {
  const struct ls_value *v = ls_value_get(object, ls_span_cstr(option));
  *out = ls_value_string(v);
  if (ls_value_is_nothing(v) || (ls_value_is(v, LS_VALUE_STRING) && !out->n))
    return ls_error_set(err, LS_EDKIM, "API",
                        "%s.%s is missing; DKIM needs domainName, keySelector and privateKey", base, option);
  if (!ls_value_is(v, LS_VALUE_STRING))
    return ls_error_set(err, LS_EDKIM, "API", "%s.%s must be a string", base, option);
  return LS_OK;
}

/* d= is looked up in DNS: a name in Unicode goes there as A-labels. */
static enum ls_status read_domain(struct ls_dkim_signer *s, struct ls_span given, const char *base,
                                  struct ls_span *out, struct ls_error *err) {
  struct ls_span copy = ls_arena_copy(&s->arena, given);
  if (!copy.p)
    return no_memory(err);
  if (!ls_span_is_ascii(copy)) {
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(copy.p, &ascii, IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
      return ls_error_set(err, LS_EDKIM, "API", "%s.domainName cannot be converted to ASCII: %s", base,
                          idn2_strerror(rc));
    copy = ls_arena_copy(&s->arena, ls_span_cstr(ascii));
    idn2_free(ascii);
    if (!copy.p)
      return no_memory(err);
  }
  *out = copy;
  return ls_dkim_is_domain(copy)
             ? LS_OK
             : ls_error_set(err, LS_EDKIM, "API",
                            "%s.domainName is no domain name; give one such as example.com", base);
}

static enum ls_status read_private_key(const struct ls_value *from, const char *base,
                                       struct ls_crypto_key **out, struct ls_error *err) {
  char name[NAME_N];
  snprintf(name, sizeof name, "%s.privateKey", base);
  const struct ls_value *v = ls_value_get(from, LS_SPAN("privateKey"));
  struct ls_crypto_source source = {.name = name, .status = LS_EDKIM};
  if (ls_value_is_object(v)) {
    source.passphrase = ls_value_string(ls_value_get(v, LS_SPAN("passphrase")));
    v = ls_value_get(v, LS_SPAN("key"));
  }
  if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_STRING))
    return ls_error_set(err, LS_EDKIM, "API", "%s must be a string: a private key in PEM", name);
  source.pem = ls_value_string(v);
  return ls_crypto_key_new(&source, out, err);
}

static enum ls_status read_key(struct ls_dkim_signer *s, const struct ls_value *from, const char *base,
                               struct ls_error *err) {
  if (!ls_value_is_object(from))
    return ls_error_set(err, LS_EDKIM, "API",
                        "%s must be an object with domainName, keySelector and privateKey", base);
  struct signing_key *k = &s->keys[s->count++];
  struct ls_span domain, selector;
  enum ls_status status = read_string(from, base, "domainName", &domain, err);
  if (status == LS_OK)
    status = read_domain(s, domain, base, &k->domain, err);
  if (status == LS_OK)
    status = read_string(from, base, "keySelector", &selector, err);
  if (status == LS_OK && !ls_dkim_is_domain(selector))
    status = ls_error_set(
        err, LS_EDKIM, "API",
        "%s.keySelector is no selector; give the part before ._domainkey of the key's DNS record", base);
  if (status == LS_OK) {
    k->selector = ls_arena_copy(&s->arena, selector);
    status = k->selector.p ? read_private_key(from, base, &k->key, err) : no_memory(err);
  }
  return status;
}

static enum ls_status read_keys(struct ls_dkim_signer *s, const struct ls_value *dkim, struct ls_error *err) {
  const struct ls_value *keys = ls_value_get(dkim, LS_SPAN("keys"));
  bool several = ls_value_is_array(keys);
  size_t count = !several ? 1 : keys->kind == LS_VALUE_ARRAY ? keys->as.array.count : 0;
  if (count == 0 || count > KEYS_MAX)
    return ls_error_set(err, LS_EDKIM, "API", "dkim.keys must hold 1 to %d keys, it holds %zu", KEYS_MAX,
                        count);
  s->keys = ls_arena_array(&s->arena, count, sizeof *s->keys);
  if (!s->keys)
    return no_memory(err);
  if (!several)
    return ls_value_is_nothing(keys) ? read_key(s, dkim, "dkim", err) : read_key(s, keys, "dkim.keys", err);
  enum ls_status status = LS_OK;
  for (size_t i = 0; i < count && status == LS_OK; i++) {
    char base[NAME_N];
    snprintf(base, sizeof base, "dkim.keys[%zu]", i);
    status = read_key(s, &keys->as.array.items[i], base, err);
  }
  return status;
}

static enum ls_status read_names(struct ls_dkim_signer *s, const struct ls_value *dkim,
                                 struct ls_error *err) {
  static const char *const options[] = {"headerFieldNames", "skipFields"};
  struct ls_span lists[2];
  for (size_t i = 0; i < 2; i++) {
    const struct ls_value *v = ls_value_get(dkim, ls_span_cstr(options[i]));
    if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_STRING))
      return ls_error_set(err, LS_EDKIM, "API",
                          "dkim.%s must be a string of header field names with colons between", options[i]);
    lists[i] = ls_value_string(v);
  }
  if (!lists[0].n)
    lists[0] = ls_span_cstr(ls_dkim_default_names);
  return ls_dkim_names(lists[0], lists[1], &s->names, err);
}

static enum ls_status check_hash(const struct ls_value *dkim, struct ls_error *err) {
  const struct ls_value *v = ls_value_get(dkim, LS_SPAN("hashAlgo"));
  struct ls_span name = ls_value_string(v);
  if (ls_value_is_nothing(v) || ls_span_ieq(name, LS_SPAN("sha256")) ||
      (ls_value_is(v, LS_VALUE_STRING) && !name.n))
    return LS_OK;
  if (ls_span_ieq(name, LS_SPAN("sha1")))
    return ls_error_set(
        err, LS_EDKIM, "API",
        "dkim.hashAlgo \"sha1\": receivers ignore SHA-1 signatures (RFC 8301); leave hashAlgo out");
  return ls_error_set(err, LS_EDKIM, "API", "dkim.hashAlgo must be \"sha256\"; leave it out");
}

enum ls_status ls_dkim_signer_new(const struct ls_value *dkim, struct ls_dkim_signer **out,
                                  struct ls_error *err) {
  *out = NULL;
  if (ls_value_is_nothing(dkim) || (ls_value_is(dkim, LS_VALUE_BOOLEAN) && !dkim->as.boolean))
    return LS_OK;
  if (!ls_value_is_object(dkim))
    return ls_error_set(err, LS_EDKIM, "API",
                        "dkim must be an object with domainName, keySelector and privateKey, or with keys");
  struct ls_dkim_signer *s = calloc(1, sizeof *s);
  if (!s)
    return no_memory(err);
  ls_arena_init(&s->arena, ARENA_MAX);
  ls_buf_init(&s->names, TEXT_MAX);
  enum ls_status status = check_hash(dkim, err);
  if (status == LS_OK)
    status = read_names(s, dkim, err);
  if (status == LS_OK)
    status = read_keys(s, dkim, err);
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
