/* SPDX-License-Identifier: MIT */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>

#include "os_error.h"

static const struct {
  enum ls_proxy_kind kind;
  const char *scheme;
  long type;
} kinds[] = {
    {LS_PROXY_HTTP, "http", CURLPROXY_HTTP},       {LS_PROXY_HTTPS, "https", CURLPROXY_HTTPS},
    {LS_PROXY_SOCKS4, "socks4", CURLPROXY_SOCKS4}, {LS_PROXY_SOCKS4A, "socks4a", CURLPROXY_SOCKS4A},
    {LS_PROXY_SOCKS5, "socks5", CURLPROXY_SOCKS5}, {LS_PROXY_SOCKS5H, "socks5h", CURLPROXY_SOCKS5_HOSTNAME},
};

static bool is_http(const struct ls_config *config) {
  return config->proxy.kind == LS_PROXY_HTTP || config->proxy.kind == LS_PROXY_HTTPS;
}

/* scheme://host:port, without a login. NULL: no memory. */
static char *url_of(const struct ls_config_proxy *p) {
  const char *scheme = "http";
  bool v6 = strchr(p->host, ':') != NULL;
  size_t size = strlen(p->host) + 32;
  char *url = malloc(size);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].kind == p->kind)
      scheme = kinds[i].scheme;
  if (url)
    snprintf(url, size, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", p->host, v6 ? "]" : "", (unsigned)p->port);
  return url;
}

CURLcode ls_proxy_setup(CURL *easy, const struct ls_config *config) {
  const struct ls_config_proxy *p = &config->proxy;
  CURLcode result;
  if (!p->host) {
    result = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return result ? result : curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  }
  char *url = url_of(p);
  result = url ? curl_easy_setopt(easy, CURLOPT_PROXY, url) : CURLE_OUT_OF_MEMORY;
  free(url);
  if (!result)
    result = curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* the environment's exceptions are not ours */
  if (!result && p->user)
    result = curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, p->user);
  if (!result && p->user)
    result = curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, p->pass);
  curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* the dialogue is with the server */
  /* whatever tls.rejectUnauthorized says of the server */
  curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  return result;
}

/* What to do about a login that the proxy wants, or does not take. */
static const char *login_advice(const struct ls_config *config) {
  return config->proxy.user ? "; it does not take the user and password in proxy: check them"
                            : "; it wants a login: put user and password into proxy, as in "
                              "scheme://user:password@host:port";
}

static const struct {
  CURLproxycode code;
  const char *text;
  const char *hint; /* NULL: login_advice */
} socks_failures[] = {
    {CURLPX_REPLY_NOT_ALLOWED, "its rules forbid the connection", ""},
    {CURLPX_REPLY_NETWORK_UNREACHABLE, "it has no route to that network", ""},
    {CURLPX_REPLY_HOST_UNREACHABLE, "it cannot reach the host", "; check host"},
    {CURLPX_REPLY_CONNECTION_REFUSED, "its connection was refused", "; check host and port"},
    {CURLPX_REPLY_TTL_EXPIRED, "its connection found no way in time", ""},
    {CURLPX_REPLY_GENERAL_SERVER_FAILURE, "it failed without saying why", ""},
    {CURLPX_REQUEST_FAILED, "it rejected the request or could not connect", "; check host and port"},
    {CURLPX_IDENTD, "it wants an identd to be reached on this machine", ""},
    {CURLPX_IDENTD_DIFFER, "its identd names another user", NULL},
    {CURLPX_USER_REJECTED, "it refused the login", NULL},
    {CURLPX_NO_AUTH, "it accepts no login that we can give", NULL},
    {CURLPX_GSSAPI, "it wants GSSAPI", ""},
    {CURLPX_CLOSED, "it closed the connection", "; is it a proxy of this kind?"},
    {CURLPX_BAD_VERSION, "its answer is not that of a SOCKS proxy",
     "; check the scheme and the port in proxy"},
    {CURLPX_RESOLVE_HOST, "the server's name could not be resolved on this machine",
     "; check host, or let the proxy resolve it: socks5h:// or socks4a://"},
};

static void explain_socks(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  long code = 0;
  const char *text = *f->text ? f->text : curl_easy_strerror(f->result), *hint = "";
  curl_easy_getinfo(f->easy, CURLINFO_PROXY_ERROR, &code);
  for (size_t i = 0; i < sizeof socks_failures / sizeof *socks_failures; i++)
    if ((long)socks_failures[i].code == code) {
      text = socks_failures[i].text;
      hint = socks_failures[i].hint ? socks_failures[i].hint : login_advice(f->config);
    }
  ls_error_set(&d->error, LS_EPROXY, "CONN", "The SOCKS proxy %s:%u gave no way to %s:%u: %s%s",
               f->config->proxy.host, (unsigned)f->config->proxy.port, f->config->host,
               (unsigned)f->config->port, text, hint);
}

static const char *http_hint(const struct ls_config *config, long code) {
  switch (code) {
  case 401:
  case 407:
    return login_advice(config);
  case 403:
  case 405:
    return "; its rules forbid the connection: many proxies let CONNECT through to port 443 only";
  case 400:
  case 404:
  case 501:
    return "; is it a proxy, and does it allow CONNECT?";
  case 500:
  case 502:
  case 503:
  case 504:
    return "; it could not reach the server: check host and port";
  default:
    return "";
  }
}

/* The proxy has answered CONNECT, but not with yes. */
static bool explain_http(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  long code = 0;
  curl_easy_getinfo(f->easy, CURLINFO_HTTP_CONNECTCODE, &code);
  if (code / 100 == 2 || d->greeted)
    return false;
  if (code == 0) {
    if (f->result != CURLE_RECV_ERROR && f->result != CURLE_SEND_ERROR && f->result != CURLE_GOT_NOTHING)
      return false;
    ls_error_because(
        &d->error, LS_REASON_PROXY_REPLY_UNUSABLE, "CONN",
        "The proxy %s:%u closed the connection without an answer that HTTP knows; check the scheme "
        "and the port in proxy",
        f->config->proxy.host, (unsigned)f->config->proxy.port);
    return true;
  }
  ls_error_set(&d->error, LS_EPROXY, "CONN", "Invalid response from proxy: %ld%s", code,
               http_hint(f->config, code));
  ls_error_add_reply(&d->error, 0, NULL, ls_span_cstr(d->proxy_words));
  return true;
}

static void explain_tls(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  struct ls_error why = {0};
  ls_tls_explain(f->tls, f->result, f->config->proxy.host, f->text, false, &why);
  ls_error_because(&d->error, LS_REASON_PROXY_TLS_FAILED, "CONN", "%s", ls_error_text(&why));
  ls_error_deinit(&why);
}

bool ls_proxy_explain(const struct ls_dialogue_end *f, struct ls_dialogue *d) {
  const struct ls_config_proxy *p = &f->config->proxy;
  const struct ls_os_error *why = ls_os_error_connect(f->easy);
  if (!p->host || d->greeted)
    return false;
  switch (f->result) {
  case CURLE_COULDNT_RESOLVE_PROXY:
    ls_error_because(&d->error, LS_REASON_PROXY_NOT_FOUND, "CONN",
                     "getaddrinfo ENOTFOUND %s; check the host in proxy", p->host);
    return true;
  case CURLE_COULDNT_CONNECT:
    ls_error_because(&d->error, LS_REASON_PROXY_UNREACHABLE, "CONN",
                     "connect %s to the proxy %s:%u failed; check proxy", why ? why->name : "", p->host,
                     (unsigned)p->port);
    return true;
  case CURLE_PROXY:
    explain_socks(f, d);
    return true;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
    if (!f->tls->of_proxy)
      return false;
    explain_tls(f, d);
    return true;
  case CURLE_OPERATION_TIMEDOUT:
    return ls_proxy_late(f->easy, f->config, &d->error);
  default:
    return is_http(f->config) && explain_http(f, d);
  }
}

bool ls_proxy_late(CURL *easy, const struct ls_config *config, struct ls_error *err) {
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &code);
  if (!config->proxy.host || code / 100 == 2)
    return false;
  if (is_http(config))
    ls_error_because(err, LS_REASON_TIMEOUT_PROXY, "CONN", "Timeout: no answer from the proxy %s:%u",
                     config->proxy.host, (unsigned)config->proxy.port);
  else
    ls_error_because(err, LS_REASON_TIMEOUT_PROXY, "CONN",
                     "Timeout: no answer from the proxy %s:%u, or from the server behind it",
                     config->proxy.host, (unsigned)config->proxy.port);
  return true;
}
