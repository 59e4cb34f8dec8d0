/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "../pure/visible.h"

enum { NAMES_SHOWN = 8, TEXT_MAX = 4096, CHAIN_MAX = 32 };

/* Called by OpenSSL for each certificate, and for each thing wrong with it; the verdict stays OpenSSL's. */
static int on_verify(int ok, X509_STORE_CTX *store) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct ls_tls *t = ssl ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
  if (!t)
    return ok;
  X509 *leaf = X509_STORE_CTX_get0_cert(store);
  if (leaf && !t->leaf && X509_up_ref(leaf))
    t->leaf = leaf;
  X509 *current = X509_STORE_CTX_get_current_cert(store);
  if (!ok && !t->verify_error) {
    t->verify_error = X509_STORE_CTX_get_error(store);
    if (current && X509_up_ref(current))
      t->failed = current;
  }
  return ok;
}

static void forget(struct ls_tls *t) {
  X509_free(t->leaf);
  X509_free(t->failed);
  t->leaf = t->failed = NULL;
  t->verify_error = t->alert = 0;
}

static struct ls_tls *tls_of(const SSL *ssl) {
  return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* result: level and number. The two that are no failure end a connection in order. */
static void note_alert(struct ls_tls *t, int result) {
  int number = result & 0xff;
  if (number != SSL_AD_CLOSE_NOTIFY && number != SSL_AD_USER_CANCELLED && !t->alert)
    t->alert = number;
}

static void on_info(const SSL *ssl, int where, int result) {
  struct ls_tls *t = tls_of(ssl);
  if (t && (where & SSL_CB_HANDSHAKE_START) && !SSL_is_init_finished(ssl) && !t->of_proxy)
    ls_tls_context_offer(t->context, (SSL *)ssl);
  if (t && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
    note_alert(t, result);
}

/* 0: OpenSSL keeps its reference. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct ls_tls *t = tls_of(ssl);
  if (t)
    ls_tls_context_keep(t->context, session);
  return 0;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *tls) {
  (void)easy;
  SSL_CTX *ctx = ssl_ctx;
  struct ls_tls *t = tls;
  forget(t);
  t->of_proxy = t->through_tls && !t->seen;
  t->seen = true;
  SSL_CTX_set_app_data(ctx, tls);
  if (SSL_CTX_get_verify_mode(ctx) != SSL_VERIFY_NONE)
    SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), on_verify);
  if (!t->of_proxy) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
  }
  SSL_CTX_set_info_callback(ctx, on_info);
  return ls_tls_context_apply(t->context, ctx, t->of_proxy);
}

void ls_tls_watch(struct ls_tls *t, CURL *easy, struct ls_tls_context *context, bool through_tls) {
  const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
  t->context = context;
  t->through_tls = through_tls;
  if (v->ssl_version && strncmp(v->ssl_version, "OpenSSL", 7) == 0) {
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);
  }
  ls_tls_context_setup(context, easy);
}

void ls_tls_deinit(struct ls_tls *t) {
  forget(t);
  *t = (struct ls_tls){0};
}

static void add_time(struct ls_buf *b, const ASN1_TIME *time) {
  struct tm tm;
  if (!time || !ASN1_TIME_to_tm(time, &tm)) {
    ls_buf_adds(b, "an unknown date");
    return;
  }
  char text[32];
  size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  ls_buf_add(b, ls_span(text, n));
}

static void add_name(struct ls_buf *b, X509_NAME *name) {
  BIO *bio = name ? BIO_new(BIO_s_mem()) : NULL;
  if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    if (n > 0)
      ls_buf_add(b, ls_span(p, (size_t)n));
  }
  BIO_free(bio);
}

/* Names come from the other side: octets that are not printable ASCII are shown as '?'. */
static void add_printable(struct ls_buf *b, const unsigned char *p, int n) {
  for (int i = 0; i < n; i++)
    ls_buf_addc(b, p[i] > 0x20 && p[i] < 0x7f ? (char)p[i] : '?');
}

static void add_address(struct ls_buf *b, const unsigned char *p, int n) {
  if (n == 4) {
    for (int i = 0; i < 4; i++) {
      ls_buf_adds(b, i ? "." : "");
      ls_buf_addu(b, p[i]);
    }
    return;
  }
  for (int i = 0; i + 1 < n; i += 2) {
    char group[8];
    snprintf(group, sizeof group, "%s%x", i ? ":" : "", (unsigned)(p[i] << 8 | p[i + 1]));
    ls_buf_adds(b, group);
  }
}

/* The names a certificate is for: subjectAltName, else the common name. Answers whether it has the former. */
static bool add_names(struct ls_buf *b, X509 *cert) {
  GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
  int shown = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && shown < NAMES_SHOWN; i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD)
      continue;
    ls_buf_adds(b, shown++ ? ", " : "");
    const ASN1_STRING *s = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char *p = ASN1_STRING_get0_data(s);
    if (name->type == GEN_DNS)
      add_printable(b, p, ASN1_STRING_length(s));
    else
      add_address(b, p, ASN1_STRING_length(s));
  }
  GENERAL_NAMES_free(names);
  if (!shown)
    add_name(b, X509_get_subject_name(cert));
  return shown > 0;
}

/* Either libcurl has found it wrong, after OpenSSL found nothing, or OpenSSL, for an address. */
static bool is_wrong_name(const struct ls_tls *t) {
  return t->verify_error == X509_V_OK || t->verify_error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

bool ls_tls_unvouched(const struct ls_tls *t) {
  switch (t->verify_error) {
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    return true;
  default:
    return false;
  }
}

static enum ls_reason add_verdict(struct ls_buf *b, const struct ls_tls *t, const char *name) {
  X509 *cert = t->failed ? t->failed : t->leaf;
  if (is_wrong_name(t)) {
    ls_buf_adds(b, "the certificate is for ");
    bool common = !add_names(b, t->leaf);
    ls_buf_adds(b, ", not for ");
    ls_buf_adds(b, name);
    if (common && t->verify_error)
      ls_buf_adds(b, ": an address counts only as one of subjectAltName");
    ls_buf_adds(b, t->of_proxy ? "; use a name it is for in proxy"
                               : "; set tls.servername (or host) to a name it is for");
    return LS_REASON_TLS_WRONG_NAME;
  }
  if (ls_tls_unvouched(t)) {
    ls_buf_adds(b, "nothing this machine trusts vouches for the certificate (issuer: ");
    if (cert)
      add_name(b, X509_get_issuer_name(cert));
    ls_buf_adds(b, "); if you trust it, give it or its issuer's certificate as tls.ca");
    return LS_REASON_TLS_UNTRUSTED;
  }
  switch (t->verify_error) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    ls_buf_adds(b, "the certificate expired on ");
    add_time(b, cert ? X509_get0_notAfter(cert) : NULL);
    ls_buf_adds(b, "; the server needs a new one");
    return LS_REASON_TLS_EXPIRED;
  case X509_V_ERR_CERT_NOT_YET_VALID:
    ls_buf_adds(b, "the certificate is not valid before ");
    add_time(b, cert ? X509_get0_notBefore(cert) : NULL);
    ls_buf_adds(b, "; check the clock of both machines");
    return LS_REASON_TLS_NOT_YET_VALID;
  case X509_V_ERR_CERT_REVOKED:
    ls_buf_adds(b, "tls.crl says that the certificate was revoked (issuer: ");
    if (cert)
      add_name(b, X509_get_issuer_name(cert));
    ls_buf_adds(b, "); the server needs a new one");
    return LS_REASON_TLS_REVOKED;
  case X509_V_ERR_UNABLE_TO_GET_CRL:
    ls_buf_adds(b, "tls.crl has no revocation list of ");
    if (cert)
      add_name(b, X509_get_issuer_name(cert));
    ls_buf_adds(b, "; with any list given, each issuer's is needed: add it, or remove tls.crl");
    return LS_REASON_TLS_CRL_UNUSABLE;
  case X509_V_ERR_CRL_HAS_EXPIRED:
    ls_buf_adds(b, "a revocation list in tls.crl is out of date; give the issuer's new one");
    return LS_REASON_TLS_CRL_UNUSABLE;
  default:
    ls_buf_adds(b, "the certificate was not accepted");
    return LS_REASON_TLS_UNTRUSTED;
  }
}

enum { ALERT = SSL_AD_REASON_OFFSET };

/* What OpenSSL's number for a handshake that failed means; above ALERT it is the other side's verdict. */
static const struct {
  int number;
  enum ls_reason reason;
} handshakes[] = {
    {SSL_R_WRONG_VERSION_NUMBER, LS_REASON_TLS_CLEAR_PORT},
    {SSL_R_PACKET_LENGTH_TOO_LONG, LS_REASON_TLS_CLEAR_PORT},
    {SSL_R_HTTP_REQUEST, LS_REASON_TLS_CLEAR_PORT},
    {SSL_R_UNSUPPORTED_PROTOCOL, LS_REASON_TLS_VERSION},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, LS_REASON_TLS_VERSION},
    {SSL_R_VERSION_TOO_LOW, LS_REASON_TLS_VERSION},
    {ALERT + SSL_AD_PROTOCOL_VERSION, LS_REASON_TLS_VERSION},
    {SSL_R_NO_CIPHERS_AVAILABLE, LS_REASON_TLS_NOTHING_COMMON},
    {SSL_R_NO_CIPHER_MATCH, LS_REASON_TLS_NOTHING_COMMON},
    {SSL_R_NO_SUITABLE_DIGEST_ALGORITHM, LS_REASON_TLS_NOTHING_COMMON},
    {SSL_R_NO_SUITABLE_GROUPS, LS_REASON_TLS_NOTHING_COMMON},
    {SSL_R_NO_SUITABLE_KEY_SHARE, LS_REASON_TLS_NOTHING_COMMON},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, LS_REASON_TLS_NOTHING_COMMON},
    {ALERT + SSL_AD_HANDSHAKE_FAILURE, LS_REASON_TLS_NOTHING_COMMON},
    {ALERT + SSL_AD_INSUFFICIENT_SECURITY, LS_REASON_TLS_NOTHING_COMMON},
    {ALERT + SSL_AD_CERTIFICATE_REQUIRED, LS_REASON_TLS_CLIENT_WANTED},
    {ALERT + SSL_AD_UNKNOWN_CA, LS_REASON_TLS_CLIENT_REFUSED},
    {ALERT + SSL_AD_BAD_CERTIFICATE, LS_REASON_TLS_CLIENT_REFUSED},
    {ALERT + SSL_AD_UNSUPPORTED_CERTIFICATE, LS_REASON_TLS_CLIENT_REFUSED},
    {ALERT + SSL_AD_CERTIFICATE_REVOKED, LS_REASON_TLS_CLIENT_REFUSED},
    {ALERT + SSL_AD_CERTIFICATE_EXPIRED, LS_REASON_TLS_CLIENT_REFUSED},
    {ALERT + SSL_AD_CERTIFICATE_UNKNOWN, LS_REASON_TLS_CLIENT_REFUSED},
};

/* OpenSSL's number in libcurl's text, which has it in the form of ERR_error_string(3): libcurl has emptied
 * OpenSSL's own queue. 0: none. */
static int handshake_number(const char *text) {
  static const char mark[] = "error:";
  const char *at = strstr(text, mark);
  char *end = NULL;
  unsigned long packed = at ? strtoul(at + sizeof mark - 1, &end, 16) : 0;
  return packed && *end == ':' && ERR_GET_LIB(packed) == ERR_LIB_SSL ? ERR_GET_REASON(packed) : 0;
}

static enum ls_reason handshake_reason(const struct ls_tls *t, CURLcode result, const char *text) {
  int number = t->alert ? ALERT + t->alert : handshake_number(text);
  for (size_t i = 0; i < sizeof handshakes / sizeof *handshakes; i++)
    if (handshakes[i].number == number)
      return handshakes[i].reason;
  return result == CURLE_SSL_CIPHER ? LS_REASON_TLS_NOTHING_COMMON : LS_REASON_TLS_FAILED;
}

/* libcurl's words, unless they are not about the alert that came: it takes one for a verdict of its own on
 * the server's certificate, and speaks of the socket where a reset follows. */
static const char *handshake_words(const struct ls_tls *t, CURLcode result, const char *text) {
  if (t->alert && handshake_number(text) != ALERT + t->alert)
    return SSL_alert_desc_string_long(t->alert);
  return *text ? text : curl_easy_strerror(result);
}

static const char *handshake_hint(enum ls_reason reason, bool starttls) {
  switch (reason) {
  case LS_REASON_TLS_CLEAR_PORT:
    return starttls ? "; what came after STARTTLS is not TLS"
                    : "; this port does not speak TLS from the first octet: set secure to false (STARTTLS is "
                      "then used where offered), or use the TLS port, often 465";
  case LS_REASON_TLS_VERSION:
    return "; no TLS version suits both sides: see tls.minVersion and tls.maxVersion";
  case LS_REASON_TLS_NOTHING_COMMON:
    return "; the two sides have no cipher, curve or signature in common, or the server wants a certificate: "
           "see tls.ciphers, tls.ecdhCurve, tls.sigalgs, and tls.cert with tls.key";
  case LS_REASON_TLS_CLIENT_WANTED:
    return "; the server wants a certificate: give one as tls.cert with tls.key, or as tls.pfx";
  case LS_REASON_TLS_CLIENT_REFUSED:
    return "; the server does not accept our certificate: see tls.cert with tls.key, or tls.pfx";
  default:
    return "";
  }
}

void ls_tls_explain(const struct ls_tls *t, CURLcode result, const char *name, const char *curl_text,
                    bool starttls, struct ls_error *err) {
  enum ls_reason reason;
  struct ls_buf b;
  ls_buf_init(&b, TEXT_MAX);
  if (result == CURLE_PEER_FAILED_VERIFICATION && t->leaf && !t->alert) {
    if (!is_wrong_name(t))
      ls_buf_adds(&b, X509_verify_cert_error_string(t->verify_error));
    else
      ls_buf_adds(&b, "wrong name in certificate");
    ls_buf_adds(&b, ": ");
    reason = add_verdict(&b, t, name);
  } else {
    ls_buf_adds(&b, handshake_words(t, result, curl_text));
    while (b.n && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\n'))
      ls_buf_cut(&b, b.n - 1);
    reason = handshake_reason(t, result, curl_text);
    ls_buf_adds(&b, handshake_hint(reason, starttls));
  }
  char *text = ls_buf_take(&b, NULL);
  ls_error_because(err, reason, "CONN", "TLS with %s failed: %s", name,
                   text ? text : curl_easy_strerror(result));
  free(text);
  ls_buf_deinit(&b);
}

static char *take_text(struct ls_buf *b) {
  char *p = b->n ? ls_visible_copy(ls_buf_span(b)) : NULL;
  ls_buf_deinit(b);
  return p;
}

static void read_certificate(X509 *cert, struct ls_buf *b, char **subject, char **issuer, char **expires) {
  add_name(b, X509_get_subject_name(cert));
  *subject = take_text(b);
  add_name(b, X509_get_issuer_name(cert));
  *issuer = take_text(b);
  add_time(b, X509_get0_notAfter(cert));
  *expires = take_text(b);
}

static void read_chain(SSL *ssl, struct ls_buf *b, struct ls_tls_facts *out) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  int count = chain ? sk_X509_num(chain) : 0;
  if (count <= 0 || count > CHAIN_MAX)
    return;
  out->chain = calloc((size_t)count, sizeof *out->chain);
  out->chain_count = out->chain ? (size_t)count : 0;
  for (size_t i = 0; i < out->chain_count; i++) {
    struct ls_tls_certificate *c = &out->chain[i];
    read_certificate(sk_X509_value(chain, (int)i), b, &c->subject, &c->issuer, &c->expires);
  }
}

void ls_tls_facts_read(CURL *easy, struct ls_tls_facts *out) {
  const struct curl_tlssessioninfo *info = NULL;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info || !info->internals ||
      info->backend != CURLSSLBACKEND_OPENSSL)
    return;
  SSL *ssl = info->internals;
  struct ls_buf b;
  ls_buf_init(&b, TEXT_MAX);
  ls_buf_adds(&b, SSL_get_version(ssl));
  out->version = take_text(&b);
  ls_buf_adds(&b, SSL_get_cipher_name(ssl));
  out->cipher = take_text(&b);
  out->resumed = SSL_session_reused(ssl);
  X509 *cert = SSL_get1_peer_certificate(ssl);
  if (!cert)
    return;
  read_certificate(cert, &b, &out->peer, &out->issuer, &out->expires);
  X509_free(cert);
  read_chain(ssl, &b, out);
}
