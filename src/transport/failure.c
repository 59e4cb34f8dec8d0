/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include "os_error.h"
#include "proxy.h"
#include "shortage.h"

/* CURLE_TOO_LARGE of libcurl 8.6 and later, whatever this was built with. */
static const CURLcode TOO_LARGE = (CURLcode)100;

/* The system has said why it could not connect. */
static bool known(const struct ls_dialogue_end *f) {
  return f->result == CURLE_COULDNT_CONNECT && ls_os_error_connect(f->easy);
}

static enum ls_status explain_connect(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  const struct ls_os_error *why = ls_os_error_connect(f->easy);
  char *address = NULL;
  curl_easy_getinfo(f->easy, CURLINFO_PRIMARY_IP, &address);
  if (f->result == CURLE_INTERFACE_FAILED)
    return ls_error_because(
        &d->error, LS_REASON_LOCAL_ADDRESS_UNUSABLE, "CONN",
        "cannot connect from localAddress %s; is it an address of this machine, and of the "
        "same family as the server's?",
        f->config->local_address ? f->config->local_address : "");
  if (!address || !*address)
    address = (char *)f->config->host;
  if (!why)
    return ls_error_set(&d->error, LS_ESOCKET, "CONN", "connect to %s:%u failed: %s", address,
                        (unsigned)f->config->port, *f->text ? f->text : curl_easy_strerror(f->result));
  return ls_error_because(&d->error, why->reason, "CONN", "connect %s %s:%u%s", why->name, address,
                          (unsigned)f->config->port, why->hint);
}

static enum ls_status explain_tls(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  const char *name = f->config->servername ? f->config->servername : f->config->host;
  ls_tls_explain(f->tls, f->result, name, f->text, d->step == LS_DIALOGUE_STARTTLS, &d->error);
  return d->error.status;
}

/* The server went away while libcurl spoke with it. */
static enum ls_status explain_closed(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  const struct ls_os_error *why = ls_os_error_broken(f->easy);
  if (f->tls->alert) /* TLS 1.3: the server's verdict on us comes after the handshake */
    return explain_tls(f, d);
  if (why)
    return ls_error_because(&d->error, LS_REASON_CONNECTION_RESET, "CONN", "read %s", why->name);
  if (!d->greeted)
    return ls_error_because(&d->error, LS_REASON_GREETING_MISSING, "CONN", "Unexpected socket close");
  return ls_error_set(&d->error, LS_ECONNECTION, "CONN", "Connection closed unexpectedly");
}

static enum ls_status explain_login(struct ls_dialogue *d) {
  d->logged_in = false; /* whatever the server said last: libcurl had given up before */
  return ls_dialogue_finish(d) != LS_OK ? d->error.status
                                        : ls_error_set(&d->error, LS_EAUTH, "AUTH", "Invalid login");
}

/* A mechanism that could not even begin: Kerberos has no ticket for the user, say. */
static enum ls_status explain_preparation(const struct ls_dialogue_end *f, struct ls_dialogue *d,
                                          const char *text) {
  const char *method = f->config->auth_method ? f->config->auth_method : "the server's mechanism";
  bool kerberos = strcmp(method, "GSSAPI") == 0;
  return ls_error_because(&d->error, LS_REASON_AUTH_NOT_BEGUN, ls_dialogue_command(d),
                          "The login by %s could not be begun here: %s%s", method, text,
                          kerberos ? "; it needs a Kerberos ticket of the user (kinit)" : "");
}

/* Whether it only failed for want of a descriptor. */
static bool explain_shortage(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  bool lookup = f->result == CURLE_COULDNT_RESOLVE_HOST || f->result == CURLE_COULDNT_RESOLVE_PROXY;
  bool other = f->result == CURLE_PEER_FAILED_VERIFICATION && !ls_tls_unvouched(f->tls);
  int number = ls_shortage_is(f->number) ? f->number : other || known(f) ? 0 : ls_shortage_behind(f->result);
  const char *proxy = f->config->proxy.host;
  if (number)
    ls_shortage_set(&d->error, number, "CONN", lookup ? "getaddrinfo" : "connect",
                    proxy ? proxy : f->config->host);
  return number != 0;
}

static enum ls_status too_large(struct ls_dialogue *d) {
  return ls_error_set(&d->error, LS_ETOOBIG, ls_dialogue_command(d),
                      "The server's reply is longer than a reply may be");
}

static enum ls_status explain(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  const char *text = *f->text ? f->text : curl_easy_strerror(f->result);
  if (explain_shortage(f, d) || ls_proxy_explain(f, d))
    return d->error.status;
  if (f->result == TOO_LARGE)
    return too_large(d);
  switch (f->result) {
  case CURLE_COULDNT_RESOLVE_HOST:
    return ls_error_set(&d->error, LS_EDNS, "CONN", "getaddrinfo ENOTFOUND %s", f->config->host);
  case CURLE_COULDNT_CONNECT:
  case CURLE_INTERFACE_FAILED:
    return explain_connect(f, d);
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_GOT_NOTHING:
    return strstr(f->text, "Too large") ? too_large(d) : explain_closed(f, d);
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
#if LIBCURL_VERSION_NUM >= 0x074d00
  case CURLE_SSL_CLIENTCERT:
#endif
    return explain_tls(f, d);
  case CURLE_USE_SSL_FAILED:
    return ls_dialogue_finish(d) != LS_OK
               ? d->error.status
               : ls_error_set(&d->error, LS_ETLS, "STARTTLS", "STARTTLS failed: %s", text);
  case CURLE_LOGIN_DENIED:
    return explain_login(d);
  case CURLE_AUTH_ERROR:
    return explain_preparation(f, d, text);
  case CURLE_OPERATION_TIMEDOUT:
    return ls_error_because(&d->error, LS_REASON_TIMEOUT_CONNECT, "CONN", "Connection timeout");
  case CURLE_OUT_OF_MEMORY:
    return ls_error_no_memory(&d->error, "CONN");
  case CURLE_URL_MALFORMAT:
    return ls_error_set(&d->error, LS_ECONFIG, "API", "host or name cannot be used: %s", text);
  case CURLE_WEIRD_SERVER_REPLY:
    return ls_error_set(&d->error, LS_EPROTOCOL, ls_dialogue_command(d), "Unexpected Response: %s", text);
  default:
    return ls_error_set(&d->error, LS_ECONNECTION, ls_dialogue_command(d), "%s", text);
  }
}

enum ls_status ls_failure_explain(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  if (d->error.status != LS_OK)
    return d->error.status;
  explain(f, d);
  if (d->error.status == LS_ECONNECTION || d->error.reason == LS_REASON_CONNECTION_RESET)
    ls_dialogue_ended(d);
  return d->error.status;
}
