/* SPDX-License-Identifier: MIT
 * tls_context: what the connections of one client share for TLS: whom to trust, what was revoked, who we are,
 * which ciphers, and the sessions to resume. Files are read once, when it is made. Needs libcurl over
 * OpenSSL; over another library, options that go beyond it are refused. */
#ifndef LS_TLS_CONTEXT_H
#define LS_TLS_CONTEXT_H

#include <curl/curl.h>

#include "../pure/config.h"

struct ls_tls_context;

/* config must outlive it. LS_OK; LS_ECONFIG: *out is NULL, err names the option and what is wrong with what
 * it holds; LS_ENOMEM. */
enum ls_status ls_tls_context_new(const struct ls_config *config, struct ls_tls_context **out,
                                  struct ls_error *err);

/* Only when no easy handle uses it any more. NULL is fine. */
void ls_tls_context_free(struct ls_tls_context *c);

/* Tells easy what is said by libcurl's own options: whom to trust, and to leave the sessions to us. */
void ls_tls_context_setup(const struct ls_tls_context *c, CURL *easy);

/* Fits out an SSL_CTX that libcurl has made. of_proxy: it is for the TLS of a proxy, which learns neither who
 * we are nor anything else that is for the server. */
CURLcode ls_tls_context_apply(const struct ls_tls_context *c, void *ssl_ctx, bool of_proxy);

/* Where name is an IP address, a certificate must hold it as one; false: no memory. libcurl, which sees to
 * names, takes a common name for an address where there is no subjectAltName (RFC 9525 6.5: it is none). */
bool ls_tls_context_expect(void *ssl_ctx, const char *name);

/* The session that a handshake may resume, kept from an earlier one with the server. libcurl's
 * own cache will not do: it forgets those that came after STARTTLS, and OpenSSL declares the session of a
 * connection dead that ends without TLS's farewell, so what is kept and what is used are copies. */
void ls_tls_context_offer(const struct ls_tls_context *c, void *ssl);
void ls_tls_context_keep(struct ls_tls_context *c, void *ssl_session);

#endif
