/* SPDX-License-Identifier: MIT
 * tls: what libcurl does not tell about a TLS handshake: which certificate failed and why, which names it
 * carries, and for a good one version, cipher, peer and expiry. Needs libcurl over OpenSSL; over another
 * library everything here stays empty and libcurl's own words remain. */
#ifndef LS_TLS_H
#define LS_TLS_H

#include <curl/curl.h>

#include "../pure/buf.h"
#include "../pure/error.h"
#include "tls_context.h"
#include "tls_facts.h"

/* Collected while libcurl verifies. Zeroes are a valid start. */
struct ls_tls {
  struct ls_tls_context *context; /* borrowed */
  bool through_tls;               /* the proxy is spoken to over TLS: the first handshake is with it */
  bool of_proxy;                  /* the handshake seen last was */
  bool seen;                      /* there was one */
  void *leaf;                     /* X509 of the server, owned; NULL: none seen */
  void *failed;                   /* X509 that failed, owned; NULL: none did */
  int verify_error;               /* X509_V_*; 0: the chain was fine */
  int alert;                      /* SSL_AD_*: the other side ended TLS, and this is why; 0: none came */
};

/* Takes the connection's TLS in hand. t must live as long as easy, context longer. */
void ls_tls_watch(struct ls_tls *t, CURL *easy, struct ls_tls_context *context, bool through_tls);
void ls_tls_deinit(struct ls_tls *t); /* safe twice, safe on zeroes */

/* Writes the ETLS error of a handshake that failed. name: what the certificate must be for; curl_text:
 * libcurl's error buffer; starttls: the handshake came after STARTTLS. */
void ls_tls_explain(const struct ls_tls *t, CURLcode result, const char *name, const char *curl_text,
                    bool starttls, struct ls_error *err);

/* Nobody was found who vouches for the certificate: perhaps because nobody could be looked for. */
bool ls_tls_unvouched(const struct ls_tls *t);

/* What the handshake that is over came to. To be called from within a libcurl callback of easy: only there
 * the TLS layer can be reached. */
void ls_tls_facts_read(CURL *easy, struct ls_tls_facts *out);

#endif
