/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "conn_setup.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../pure/option.h"
#include "proxy.h"
#include "tls_versions.h"

enum { NAME_MAX_OCTETS = 1024, HOST_MAX = 4096 };

/* Our own timers rule (conn.c); libcurl's are put out of the way. */
enum { LONG_TIME_S = 24 * 60 * 60 };

/* Names have no colon. */
static bool is_ipv6(const char *host) {
  return strchr(host, ':') != NULL;
}

/* The host of a URL: a name, an address, or an IPv6 address with the interface it is behind ("fe80::1%eth0").
 */
static bool set_host(CURLU *u, const char *name) {
  char host[HOST_MAX];
  bool v6 = is_ipv6(name);
  size_t n = v6 ? strcspn(name, "%") : strlen(name);
  if (n > sizeof host - 3 || strpbrk(name, v6 ? "/?#@\\ \t\r\n" : "/?#@%\\ \t\r\n"))
    return false;
  snprintf(host, sizeof host, "%s%.*s%s", v6 ? "[" : "", (int)n, name, v6 ? "]" : "");
  return curl_url_set(u, CURLUPART_HOST, host, 0) == CURLUE_OK &&
         (name[n] == '\0' || curl_url_set(u, CURLUPART_ZONEID, name + n + 1, 0) == CURLUE_OK);
}

char *ls_conn_ehlo_name(const char *configured) {
  char machine[NAME_MAX_OCTETS] = "";
  unsigned char octets[4];
  const char *name = configured;
  if (!name || !*name) {
    if (gethostname(machine, sizeof machine - 1) != 0 || !strchr(machine, '.'))
      snprintf(machine, sizeof machine, "[127.0.0.1]");
    name = machine;
  }
  bool bare = inet_pton(AF_INET, name, octets) == 1;
  size_t size = strlen(name) + 3;
  char *out = malloc(size);
  if (out)
    snprintf(out, size, "%s%s%s", bare ? "[" : "", name, bare ? "]" : "");
  return out;
}

/* smtp://name:port/ehlo, where name is the one that SNI and the certificate go by. */
static enum ls_status set_url(CURL *easy, const struct ls_conn_options *o, const char *name,
                              struct ls_error *err) {
  enum ls_status status = LS_ENOMEM;
  char port[8], *url = NULL;
  char *ehlo = curl_easy_escape(easy, o->ehlo_name, 0);
  size_t size = ehlo ? strlen(ehlo) + 2 : 0;
  char *path = ehlo ? malloc(size) : NULL;
  CURLU *u = curl_url();
  if (!u || !path)
    goto done;
  snprintf(path, size, "/%s", ehlo);
  snprintf(port, sizeof port, "%u", (unsigned)o->config->port);
  status = LS_ECONFIG;
  if (curl_url_set(u, CURLUPART_SCHEME, o->config->secure ? "smtps" : "smtp", 0) || !set_host(u, name) ||
      curl_url_set(u, CURLUPART_PORT, port, 0) || curl_url_set(u, CURLUPART_PATH, path, 0) ||
      curl_url_get(u, CURLUPART_URL, &url, 0)) {
    ls_error_set(err, status, "API", "\"%.200s\" cannot be used as host or servername", name);
    goto done;
  }
  status = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK ? LS_OK : LS_ENOMEM;
done:
  if (status == LS_ENOMEM)
    ls_error_set(err, status, NULL, "not enough memory");
  curl_url_cleanup(u);
  curl_free(url);
  curl_free(ehlo);
  free(path);
  return status;
}

/* libcurl has no option for the name to verify: the URL carries it, and this says where to go. */
static CURLcode set_target(CURL *easy, const struct ls_config *config, struct curl_slist **list) {
  char target[HOST_MAX + 32];
  bool v6 = is_ipv6(config->host);
  int n = snprintf(target, sizeof target, "::%s%s%s:%u", v6 ? "[" : "", config->host, v6 ? "]" : "",
                   (unsigned)config->port);
  if (n < 0 || (size_t)n >= sizeof target)
    return CURLE_URL_MALFORMAT;
  *list = curl_slist_append(NULL, target);
  return *list ? curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *list) : CURLE_OUT_OF_MEMORY;
}

static size_t version_of(const char *name) {
  return ls_words_find(&ls_words_tls_versions, ls_span_cstr(name), false);
}

static void set_tls(CURL *easy, const struct ls_config *config) {
  const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
  long use = config->secure || config->ignore_tls ? CURLUSESSL_NONE
             : ls_dialogue_requires_tls(config)   ? CURLUSESSL_ALL
                                                  : CURLUSESSL_TRY;
  curl_easy_setopt(easy, CURLOPT_USE_SSL, use);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->verify_peer ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->verify_peer ? 2L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                   ls_tls_versions(version_of(config->min_version), version_of(config->max_version)));
  if (v->cainfo && access(v->cainfo, R_OK) == 0) {
    /* libcurl keeps the parsed trust store for later connections, but only when there is no directory */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
}

/* libcurl takes the best of these that the server offers. */
static CURLcode set_mechanisms(CURL *easy, unsigned wanted) {
  struct ls_buf options;
  const struct ls_mechanism *m;
  ls_buf_init(&options, SIZE_MAX);
  for (size_t i = 0; (m = ls_mechanism_at(i)) != NULL; i++)
    if (wanted & m->flag) {
      ls_buf_adds(&options, options.n ? ";AUTH=" : "AUTH=");
      ls_buf_adds(&options, m->name);
    }
  char *text = ls_buf_take(&options, NULL);
  CURLcode result = text ? curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, text) : CURLE_OUT_OF_MEMORY;
  ls_buf_deinit(&options);
  free(text);
  return result;
}

static CURLcode set_login(CURL *easy, const struct ls_conn_options *o) {
  const struct ls_config *config = o->config;
  if (!ls_dialogue_wants_login(config))
    return CURLE_OK;
  CURLcode result = curl_easy_setopt(easy, CURLOPT_USERNAME, config->user);
  if (!result && o->bearer)
    result = curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, o->bearer);
  else if (!result)
    result = curl_easy_setopt(easy, CURLOPT_PASSWORD, config->pass);
  if (!result)
    result = set_mechanisms(easy, ls_mechanism_wanted(config->auth_method, config->oauth2, o->way.cram));
  return result;
}

static long bounded_ms(int64_t ms) {
  return ms > 0 && ms < LONG_TIME_S * (int64_t)1000 ? (long)ms : LONG_TIME_S * 1000L;
}

void ls_conn_setup_connected(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, LONG_TIME_S * 1000L);
}

static CURLcode set_network(CURL *easy, const struct ls_config *config) {
  char from[256];
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a hanging look-up holds nobody */
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)LONG_TIME_S);
  /* each address of a name gets its share of this */
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, bounded_ms(config->connection_timeout));
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)((config->dns_ttl + 999) / 1000));
  CURLcode result = ls_proxy_setup(easy, config);
  if (!result && config->local_address) {
    snprintf(from, sizeof from, "host!%.200s", config->local_address);
    result = curl_easy_setopt(easy, CURLOPT_INTERFACE, from);
  }
  return result;
}

enum ls_status ls_conn_setup(CURL *easy, const struct ls_conn_options *o, struct curl_slist **target,
                             struct ls_error *err) {
  const struct ls_config *config = o->config;
  const char *name = config->servername && *config->servername ? config->servername : config->host;
  enum ls_status status = set_url(easy, o, name, err);
  if (status != LS_OK)
    return status;
  CURLcode result = set_network(easy, config);
  if (!result)
    result = set_login(easy, o);
  if (!result && strcmp(name, config->host) != 0)
    result = set_target(easy, config, target);
  set_tls(easy, config);
  if (result == CURLE_URL_MALFORMAT)
    return ls_error_set(err, LS_ECONFIG, "API", "\"%.200s\" cannot be used as host", config->host);
  return result == CURLE_OK ? LS_OK : ls_error_no_memory(err, NULL);
}
