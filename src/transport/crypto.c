/* SPDX-License-Identifier: MIT */
#include "crypto.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum {
  PEM_MAX_N = 64 * 1024,
  RSA_MIN_BITS = 1024 /* RFC 8301, 3.2 */
};

struct ls_crypto_hash {
  EVP_MD_CTX *context;
};

struct ls_crypto_hash *ls_crypto_hash_new(void) {
  struct ls_crypto_hash *h = calloc(1, sizeof *h);
  if (!h)
    return NULL;
  h->context = EVP_MD_CTX_new();
  if (!h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
    ERR_clear_error();
    ls_crypto_hash_free(h);
    return NULL;
  }
  return h;
}

bool ls_crypto_hash_feed(struct ls_crypto_hash *h, struct ls_span in) {
  return in.n == 0 || EVP_DigestUpdate(h->context, in.p, in.n) == 1;
}

bool ls_crypto_hash_end(struct ls_crypto_hash *h, unsigned char out[LS_CRYPTO_SHA256_N]) {
  unsigned n = 0;
  return EVP_DigestFinal_ex(h->context, out, &n) == 1 && n == LS_CRYPTO_SHA256_N;
}

void ls_crypto_hash_free(struct ls_crypto_hash *h) {
  if (!h)
    return;
  EVP_MD_CTX_free(h->context);
  free(h);
}

struct ls_crypto_key {
  EVP_PKEY *pkey;
  enum ls_crypto_kind kind;
};

struct asking {
  struct ls_span passphrase;
  bool asked;
};

/* Without this, OpenSSL would ask for the passphrase on the terminal. */
static int give_passphrase(char *out, int size, int writing, void *context) {
  struct asking *a = context;
  (void)writing;
  a->asked = true;
  if (!a->passphrase.n || size < 0 || a->passphrase.n > (size_t)size)
    return -1;
  memcpy(out, a->passphrase.p, a->passphrase.n);
  return (int)a->passphrase.n;
}

static bool contains(struct ls_span s, const char *text) {
  struct ls_span wanted = ls_span_cstr(text);
  for (size_t i = 0; i + wanted.n <= s.n; i++)
    if (memcmp(s.p + i, wanted.p, wanted.n) == 0)
      return true;
  return false;
}

/* What a person most likely did, from how the text looks: OpenSSL's own words ("no start line") do not tell.
 */
static const char *diagnose(const struct ls_crypto_source *source, bool asked) {
  struct ls_span pem = source->pem;
  if (!pem.n)
    return "is empty; give a private key in PEM";
  if (!contains(pem, "-----BEGIN "))
    return "is no key in PEM; give the whole text from -----BEGIN PRIVATE KEY----- to -----END PRIVATE "
           "KEY-----, "
           "not a path or the bare base64";
  if (contains(pem, "PRIVATE KEY-----\\n") || contains(pem, "PRIVATE KEY-----\\r"))
    return "has the two characters \\ and n where its lines should end; replace them by line ends";
  if (contains(pem, "-----BEGIN OPENSSH PRIVATE KEY"))
    return "is in OpenSSH's format; convert a copy of it with: ssh-keygen -p -m PKCS8 -f COPY";
  if (!contains(pem, "PRIVATE KEY-----"))
    return "holds no private key but a public key or a certificate; give the private key";
  if (asked && !source->passphrase.n)
    return "is encrypted; give its passphrase as { key, passphrase }, or decrypt it with: openssl pkey -in "
           "FILE";
  if (asked)
    return "cannot be decrypted: the passphrase is wrong, or its cipher is not offered by this OpenSSL";
  return "is damaged; see what openssl pkey -in FILE says of it";
}

static enum ls_status accept_kind(const struct ls_crypto_source *source, struct ls_crypto_key *key,
                                  struct ls_error *err) {
  if (EVP_PKEY_is_a(key->pkey, "ED25519")) {
    key->kind = LS_CRYPTO_ED25519;
    return LS_OK;
  }
  if (!EVP_PKEY_is_a(key->pkey, "RSA")) {
    const char *type = EVP_PKEY_get0_type_name(key->pkey);
    return ls_error_set(err, source->status, "API",
                        "%s is a key of type %s, which cannot sign here; make an RSA key of 2048 bits",
                        source->name, type ? type : "unknown");
  }
  int bits = EVP_PKEY_get_bits(key->pkey);
  if (bits < RSA_MIN_BITS)
    return ls_error_set(err, source->status, "API",
                        "%s is an RSA key of %d bits, which receivers do not trust; make one of 2048 bits",
                        source->name, bits);
  key->kind = LS_CRYPTO_RSA;
  return LS_OK;
}

static EVP_PKEY *read_pem(const struct ls_crypto_source *source, struct asking *asking) {
  BIO *bio = source->pem.n <= PEM_MAX_N ? BIO_new_mem_buf(source->pem.p, (int)source->pem.n) : NULL;
  EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, asking) : NULL;
  BIO_free(bio);
  /* the queue is the thread's and would surface as somebody else's error */
  ERR_clear_error();
  return pkey;
}

enum ls_status ls_crypto_key_new(const struct ls_crypto_source *source, struct ls_crypto_key **out,
                                 struct ls_error *err) {
  *out = NULL;
  struct asking asking = {source->passphrase, false};
  struct ls_crypto_key *key = calloc(1, sizeof *key);
  if (!key)
    return ls_error_no_memory(err, "API");
  key->pkey = source->pem.n ? read_pem(source, &asking) : NULL;
  enum ls_status status = key->pkey ? accept_kind(source, key, err)
                                    : ls_error_set(err, source->status, "API", "%s %s", source->name,
                                                   diagnose(source, asking.asked));
  if (status != LS_OK) {
    ls_crypto_key_free(key);
    return status;
  }
  *out = key;
  return LS_OK;
}

void ls_crypto_key_free(struct ls_crypto_key *key) {
  if (!key)
    return;
  EVP_PKEY_free(key->pkey);
  free(key);
}

enum ls_crypto_kind ls_crypto_key_kind(const struct ls_crypto_key *key) {
  return key->kind;
}

enum ls_status ls_crypto_sign(const struct ls_crypto_key *key, struct ls_span data, struct ls_buf *out) {
  enum ls_status status = LS_EARGUMENT;
  const EVP_MD *md = key->kind == LS_CRYPTO_RSA ? EVP_sha256() : NULL;
  const unsigned char *in = (const unsigned char *)(data.n ? data.p : "");
  size_t n = 0;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (!context || EVP_DigestSignInit(context, NULL, md, NULL, key->pkey) != 1 ||
      EVP_DigestSign(context, NULL, &n, in, data.n) != 1)
    goto done;
  char *p = ls_buf_room(out, n);
  status = out->status;
  if (!p)
    goto done;
  if (EVP_DigestSign(context, (unsigned char *)p, &n, in, data.n) == 1)
    ls_buf_grew(out, n);
  else
    status = LS_EARGUMENT;
done:
  EVP_MD_CTX_free(context);
  ERR_clear_error();
  return status;
}
