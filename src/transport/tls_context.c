/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "../pure/codec.h"
#include "tls_file.h"

struct ls_tls_context {
  const struct ls_config *config;
  SSL_SESSION *session; /* NULL: none yet */
  X509 *cert;
  EVP_PKEY *key;
  STACK_OF(X509) * chain; /* from cert's issuer on */
  X509_STORE *store;      /* NULL: the system's */
  STACK_OF(X509_CRL) * crls;
};

/* Why OpenSSL refused; the first of its reasons is the nearest to the cause. */
static const char *reason(void) {
  const char *text = ERR_reason_error_string(ERR_peek_error());
  return text ? text : "OpenSSL does not say why";
}

static enum ls_status refuse(struct ls_error *err, enum ls_option_id option, const char *text) {
  ls_option_error(err, LS_ECONFIG, option, LS_ITEM_NONE, "%s (%s)", text, reason());
  ERR_clear_error();
  return LS_ECONFIG;
}

struct passphrase {
  const char *text; /* NULL: none was given */
  bool asked;
};

/* Never asks the terminal, as OpenSSL's own would. */
static int on_passphrase(char *out, int size, int writing, void *data) {
  struct passphrase *p = data;
  (void)writing;
  size_t n = p && p->text ? strlen(p->text) : 0;
  if (p)
    p->asked = true;
  if (!p || !p->text || size < 0 || n > (size_t)size)
    return -1;
  memcpy(out, p->text, n);
  return (int)n;
}

static bool is_end_of_pem(void) {
  unsigned long e = ERR_peek_last_error();
  return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

/* Adds every certificate of the source to list. */
static enum ls_status read_certificates(const struct ls_config_source *source, enum ls_option_id option,
                                        STACK_OF(X509) * list, struct ls_error *err) {
  struct ls_tls_file file;
  enum ls_status status = ls_tls_file_open(&file, source, option, true, err);
  int before = sk_X509_num(list);
  while (status == LS_OK) {
    struct passphrase none = {0};
    X509 *cert = PEM_read_bio_X509_AUX(file.bio, NULL, on_passphrase, &none);
    if (!cert)
      break;
    if (sk_X509_push(list, cert) <= 0) {
      X509_free(cert);
      status = ls_error_no_memory(err, NULL);
    }
  }
  if (status == LS_OK && (sk_X509_num(list) == before || !is_end_of_pem()))
    status = refuse(err, option, "must hold certificates in PEM (\"-----BEGIN CERTIFICATE-----\")");
  ERR_clear_error();
  ls_tls_file_close(&file);
  return status;
}

static enum ls_status read_crl(struct ls_tls_context *c, const struct ls_config_source *source,
                               struct ls_error *err) {
  struct ls_tls_file file;
  enum ls_status status = ls_tls_file_open(&file, source, LS_OPTION_TLS_crl, true, err);
  int before = sk_X509_CRL_num(c->crls);
  while (status == LS_OK) {
    X509_CRL *crl = PEM_read_bio_X509_CRL(file.bio, NULL, NULL, NULL);
    if (!crl)
      break;
    if (sk_X509_CRL_push(c->crls, crl) <= 0) {
      X509_CRL_free(crl);
      status = ls_error_no_memory(err, NULL);
    }
  }
  if (status == LS_OK && (sk_X509_CRL_num(c->crls) == before || !is_end_of_pem()))
    status =
        refuse(err, LS_OPTION_TLS_crl, "must hold revocation lists in PEM (\"-----BEGIN X509 CRL-----\")");
  ERR_clear_error();
  ls_tls_file_close(&file);
  return status;
}

static enum ls_status read_trust(struct ls_tls_context *c, struct ls_error *err) {
  const struct ls_config_tls *tls = &c->config->tls;
  enum ls_status status = LS_OK;
  STACK_OF(X509) *list = sk_X509_new_null();
  c->crls = sk_X509_CRL_new_null();
  c->store = tls->ca_count ? X509_STORE_new() : NULL;
  if (!list || !c->crls || (tls->ca_count && !c->store))
    status = ls_error_no_memory(err, NULL);
  for (size_t i = 0; i < tls->ca_count && status == LS_OK; i++)
    status = read_certificates(&tls->ca[i], LS_OPTION_TLS_ca, list, err);
  for (int i = 0; c->store && i < sk_X509_num(list) && status == LS_OK; i++)
    if (X509_STORE_add_cert(c->store, sk_X509_value(list, i)) != 1)
      status = refuse(err, LS_OPTION_TLS_ca, "holds a certificate that cannot be used");
  /* a certificate named in tls.ca is trusted for itself, be it no root */
  if (c->store)
    X509_STORE_set_flags(c->store, X509_V_FLAG_PARTIAL_CHAIN);
  for (size_t i = 0; i < tls->crl_count && status == LS_OK; i++)
    status = read_crl(c, &tls->crl[i], err);
  for (int i = 0; c->store && i < sk_X509_CRL_num(c->crls) && status == LS_OK; i++)
    if (X509_STORE_add_crl(c->store, sk_X509_CRL_value(c->crls, i)) != 1)
      status = refuse(err, LS_OPTION_TLS_crl, "holds a list that cannot be used");
  sk_X509_pop_free(list, X509_free);
  return status;
}

static enum ls_status read_key(struct ls_tls_context *c, struct ls_error *err) {
  struct ls_tls_file file;
  struct passphrase passphrase = {.text = c->config->tls.passphrase};
  enum ls_status status = ls_tls_file_open(&file, &c->config->tls.key, LS_OPTION_TLS_key, false, err);
  if (status == LS_OK)
    c->key = PEM_read_bio_PrivateKey(file.bio, NULL, on_passphrase, &passphrase);
  ls_tls_file_close(&file);
  if (status != LS_OK || c->key)
    return status;
  if (passphrase.asked && !passphrase.text)
    return refuse(err, LS_OPTION_TLS_key, "is encrypted: give its passphrase as tls.passphrase");
  return passphrase.asked ? refuse(err, LS_OPTION_TLS_passphrase, "does not open tls.key")
                          : refuse(err, LS_OPTION_TLS_key,
                                   "must hold a private key in PEM (\"-----BEGIN PRIVATE KEY-----\")");
}

static enum ls_status read_pair(struct ls_tls_context *c, struct ls_error *err) {
  STACK_OF(X509) *list = sk_X509_new_null();
  enum ls_status status = list ? read_certificates(&c->config->tls.cert, LS_OPTION_TLS_cert, list, err)
                               : ls_error_no_memory(err, NULL);
  if (status == LS_OK) {
    c->cert = sk_X509_shift(list);
    c->chain = list;
    return read_key(c, err);
  }
  sk_X509_pop_free(list, X509_free);
  return status;
}

static enum ls_status unpack_pfx(struct ls_tls_context *c, PKCS12 *pfx, struct ls_error *err) {
  const char *passphrase = c->config->tls.passphrase;
  ERR_clear_error();
  if (!PKCS12_verify_mac(pfx, passphrase ? passphrase : "", passphrase ? -1 : 0) &&
      (passphrase || !PKCS12_verify_mac(pfx, NULL, 0)))
    return passphrase ? refuse(err, LS_OPTION_TLS_passphrase, "does not open tls.pfx")
                      : refuse(err, LS_OPTION_TLS_pfx, "is encrypted: give its passphrase as tls.passphrase");
  if (!PKCS12_parse(pfx, passphrase, &c->key, &c->cert, &c->chain))
    return refuse(err, LS_OPTION_TLS_pfx,
                  "cannot be decrypted by this OpenSSL; old ones use RC2: export it again, with AES");
  return c->key && c->cert ? LS_OK
                           : refuse(err, LS_OPTION_TLS_pfx, "must hold a certificate and its private key");
}

static enum ls_status read_pfx(struct ls_tls_context *c, struct ls_error *err) {
  const struct ls_config_source *source = &c->config->tls.pfx;
  struct ls_tls_file file;
  enum ls_status status = ls_tls_file_open(&file, source, LS_OPTION_TLS_pfx, false, err);
  struct ls_buf der;
  size_t n = 0;
  ls_buf_init(&der, SIZE_MAX);
  if (status == LS_OK && !source->is_file) {
    char *room = ls_buf_room(&der, strlen(source->text) / 4 * 3 + 3);
    if (!room)
      status = ls_error_no_memory(err, NULL);
    else if (!ls_codec_unbase64(ls_span_cstr(source->text), room, &n))
      status = refuse(err, LS_OPTION_TLS_pfx, "must be base64 in one line, or the name of a file");
    else
      ls_buf_grew(&der, n);
  }
  BIO *bio = source->is_file || status != LS_OK ? NULL : BIO_new_mem_buf(der.p, (int)der.n);
  if (status == LS_OK && !source->is_file && !bio)
    status = ls_error_no_memory(err, NULL);
  PKCS12 *pfx = status == LS_OK ? d2i_PKCS12_bio(bio ? bio : file.bio, NULL) : NULL;
  if (status == LS_OK)
    status = pfx ? unpack_pfx(c, pfx, err) : refuse(err, LS_OPTION_TLS_pfx, "must be PKCS #12 (.p12, .pfx)");
  PKCS12_free(pfx);
  BIO_free(bio);
  ls_buf_deinit(&der);
  ls_tls_file_close(&file);
  return status;
}

static enum ls_status read_identity(struct ls_tls_context *c, struct ls_error *err) {
  const struct ls_config_tls *tls = &c->config->tls;
  if (!tls->cert.text && !tls->pfx.text)
    return LS_OK;
  enum ls_status status = tls->pfx.text ? read_pfx(c, err) : read_pair(c, err);
  if (status == LS_OK && X509_check_private_key(c->cert, c->key) != 1)
    status = refuse(err, LS_OPTION_TLS_key, "does not belong to tls.cert: they are not a pair");
  return status;
}

/* Sets in ctx what is a matter of words; answers the option that OpenSSL refuses, LS_OPTION_COUNT: none. */
static enum ls_option_id apply_lists(const struct ls_config_tls *tls, SSL_CTX *ctx) {
  if (tls->cipher_list && SSL_CTX_set_cipher_list(ctx, tls->cipher_list) != 1)
    return LS_OPTION_TLS_ciphers;
  if (tls->cipher_suites && SSL_CTX_set_ciphersuites(ctx, tls->cipher_suites) != 1)
    return LS_OPTION_TLS_ciphers;
  if (tls->curves && SSL_CTX_set1_groups_list(ctx, tls->curves) != 1)
    return LS_OPTION_TLS_ecdhCurve;
  if (tls->sigalgs && SSL_CTX_set1_sigalgs_list(ctx, tls->sigalgs) != 1)
    return LS_OPTION_TLS_sigalgs;
  if (tls->alpn.n && SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)tls->alpn.p, (unsigned)tls->alpn.n))
    return LS_OPTION_TLS_ALPNProtocols;
  return LS_OPTION_COUNT;
}

/* The server's context as each connection will have it, for once: what OpenSSL refuses is told now. */
static enum ls_status rehearse(const struct ls_tls_context *c, struct ls_error *err) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  if (!ctx)
    return ls_error_no_memory(err, NULL);
  ERR_clear_error();
  enum ls_option_id refused = apply_lists(&c->config->tls, ctx);
  enum ls_status status = LS_OK;
  if (refused != LS_OPTION_COUNT)
    status = refuse(err, refused, "is not understood by OpenSSL, or names nothing it has");
  else if (ls_tls_context_apply(c, ctx, false) != CURLE_OK)
    status = refuse(err, c->config->tls.pfx.text ? LS_OPTION_TLS_pfx : LS_OPTION_TLS_cert,
                    "is not accepted by OpenSSL");
  SSL_CTX_free(ctx);
  return status;
}

static enum ls_status check_library(const struct ls_config_tls *tls, struct ls_error *err) {
  const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  bool special = tls->ca_count || tls->crl_count || tls->cert.text || tls->pfx.text || tls->cipher_list ||
                 tls->cipher_suites || tls->curves || tls->sigalgs || tls->alpn.n;
  if (!special || (library && strncmp(library, "OpenSSL", 7) == 0))
    return LS_OK;
  return ls_error_set(
      err, LS_ECONFIG, "API",
      "This libcurl has its TLS from %s; the options of tls need one that has it from OpenSSL",
      library ? library : "nothing");
}

enum ls_status ls_tls_context_new(const struct ls_config *config, struct ls_tls_context **out,
                                  struct ls_error *err) {
  *out = NULL;
  enum ls_status status = check_library(&config->tls, err);
  struct ls_tls_context *c = status == LS_OK ? calloc(1, sizeof *c) : NULL;
  if (status == LS_OK && !c)
    status = ls_error_no_memory(err, NULL);
  if (status != LS_OK)
    return status;
  c->config = config;
  ERR_clear_error();
  if (status == LS_OK)
    status = read_trust(c, err);
  if (status == LS_OK)
    status = read_identity(c, err);
  if (status == LS_OK)
    status = rehearse(c, err);
  if (status == LS_OK)
    *out = c;
  else
    ls_tls_context_free(c);
  return status;
}

void ls_tls_context_free(struct ls_tls_context *c) {
  if (!c)
    return;
  SSL_SESSION_free(c->session);
  X509_free(c->cert);
  EVP_PKEY_free(c->key);
  sk_X509_pop_free(c->chain, X509_free);
  X509_STORE_free(c->store);
  sk_X509_CRL_pop_free(c->crls, X509_CRL_free);
  free(c);
}

void ls_tls_context_setup(const struct ls_tls_context *c, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  if (!c->store)
    return;
  static const CURLoption stores[] = {CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO,
                                      CURLOPT_PROXY_CAPATH};
  for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) /* no need to read the system's */
    curl_easy_setopt(easy, stores[i], NULL);
}

void ls_tls_context_offer(const struct ls_tls_context *c, void *ssl) {
  SSL_SESSION *copy = c->session ? SSL_SESSION_dup(c->session) : NULL;
  if (copy)
    SSL_set_session(ssl, copy);
  SSL_SESSION_free(copy);
}

void ls_tls_context_keep(struct ls_tls_context *c, void *ssl_session) {
  SSL_SESSION *copy = SSL_SESSION_dup(ssl_session);
  if (!copy)
    return;
  SSL_SESSION_free(c->session);
  c->session = copy;
}

/* With any revocation list, every certificate of a chain needs the one of its issuer. */
static bool apply_crls(const struct ls_tls_context *c, SSL_CTX *ctx) {
  int count = sk_X509_CRL_num(c->crls);
  if (count < 1)
    return true;
  for (int i = 0; !c->store && i < count; i++)
    if (X509_STORE_add_crl(SSL_CTX_get_cert_store(ctx), sk_X509_CRL_value(c->crls, i)) != 1)
      return false;
  return X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
                                     X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

static bool apply_identity(const struct ls_tls_context *c, SSL_CTX *ctx) {
  if (!c->cert)
    return true;
  if (SSL_CTX_use_certificate(ctx, c->cert) != 1 || SSL_CTX_use_PrivateKey(ctx, c->key) != 1)
    return false;
  for (int i = 0; i < sk_X509_num(c->chain); i++)
    if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(c->chain, i)) != 1)
      return false;
  return true;
}

bool ls_tls_context_expect(void *ssl_ctx, const char *name) {
  char address[INET6_ADDRSTRLEN];
  unsigned char octets[16];
  size_t n = strcspn(name, "%"); /* the interface behind it is ours alone */
  if (n >= sizeof address)
    return true;
  memcpy(address, name, n);
  address[n] = '\0';
  int family = strchr(address, ':') ? AF_INET6 : AF_INET;
  return inet_pton(family, address, octets) != 1 ||
         X509_VERIFY_PARAM_set1_ip(SSL_CTX_get0_param(ssl_ctx), octets, family == AF_INET ? 4 : 16) == 1;
}

/* The name that the other side's certificate is to be for. */
static const char *expected(const struct ls_config *config, bool of_proxy) {
  if (of_proxy)
    return config->proxy.host;
  return config->servername && *config->servername ? config->servername : config->host;
}

CURLcode ls_tls_context_apply(const struct ls_tls_context *c, void *ssl_ctx, bool of_proxy) {
  SSL_CTX *ctx = ssl_ctx;
  if (c->store)
    SSL_CTX_set1_cert_store(ctx, c->store);
  if ((of_proxy || c->config->verify_peer) && !ls_tls_context_expect(ctx, expected(c->config, of_proxy)))
    return CURLE_OUT_OF_MEMORY;
  if (of_proxy)
    return CURLE_OK;
  return apply_lists(&c->config->tls, ctx) == LS_OPTION_COUNT && apply_crls(c, ctx) && apply_identity(c, ctx)
             ? CURLE_OK
             : CURLE_SSL_CERTPROBLEM;
}
