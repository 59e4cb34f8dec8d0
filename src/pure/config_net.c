/* SPDX-License-Identifier: MIT
 * The way to the server: the proxy's URL, taken apart. */
#include "config_parts.h"
#include "jstext.h"
#include "netaddr.h"

enum { LOGIN_MAX = 255 }; /* octets of a SOCKS 5 user or password (RFC 1929) */

/* In the order of ls_words_proxies. */
static const struct {
  enum ls_proxy_kind kind;
  uint16_t port;
} schemes[] = {
#define LS_PROXY(scheme, kind, port) {LS_PROXY_##kind, port},
#include "proxy.def"
};

static enum ls_status refuse(const struct ls_config_reader *r, const char *text) {
  return ls_config_option_refuse(r, LS_OPTION_CONFIG_proxy, LS_ITEM_NONE, LS_ECONFIG, "%s", text);
}

/* The words in front of "://"; what is behind is left in *url. */
static enum ls_status read_scheme(const struct ls_config_reader *r, struct ls_span *url) {
  struct ls_config_proxy *p = &r->out->proxy;
  size_t n = ls_span_index(*url, ':');
  struct ls_span scheme = ls_span_sub(*url, 0, n);
  *url = ls_span_sub(*url, n, url->n);
  size_t i = ls_words_find(&ls_words_proxies, scheme, true);
  if (i < ls_words_proxies.count && ls_span_starts(*url, LS_SPAN("://"))) {
    p->kind = schemes[i].kind;
    p->port = schemes[i].port;
    *url = ls_span_sub(*url, 3, url->n);
    return LS_OK;
  }
  return refuse(r, "must be a URL that begins with http://, https://, socks4://, socks4a://, socks5:// or "
                   "socks5h://, such as http://user:password@proxy.example.com:3128");
}

/* User or password with its %XX read. */
static enum ls_status read_decoded(const struct ls_config_reader *r, struct ls_span s, const char **out) {
  struct ls_span copy = ls_arena_copy(r->a, s);
  char *p = (char *)copy.p;
  size_t n = 0;
  if (!p)
    return ls_config_option_no_memory(r);
  for (size_t i = 0; i < s.n; i++, n++) {
    p[n] = s.p[i];
    if (s.p[i] != '%')
      continue;
    if (i + 2 >= s.n || ls_ascii_hex_value(s.p[i + 1]) < 0 || ls_ascii_hex_value(s.p[i + 2]) < 0)
      return refuse(r, "has a \"%\" in its user or password that is not followed by two hexadecimal digits; "
                       "write it as %25");
    p[n] = (char)(ls_ascii_hex_value(s.p[i + 1]) << 4 | ls_ascii_hex_value(s.p[i + 2]));
    i += 2;
  }
  p[n] = '\0';
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
      return refuse(r, "has a control character in its user or password; remove it");
  if (n > LOGIN_MAX)
    return refuse(r, "has a user or password of more than 255 octets");
  *out = p;
  return LS_OK;
}

static enum ls_status read_login(const struct ls_config_reader *r, struct ls_span login) {
  struct ls_config_proxy *p = &r->out->proxy;
  size_t colon = ls_span_index(login, ':');
  enum ls_status st = read_decoded(r, ls_span_sub(login, 0, colon), &p->user);
  if (st == LS_OK)
    st = read_decoded(r, ls_span_sub(login, colon + 1, login.n), &p->pass);
  if (st != LS_OK)
    return st;
  bool http = p->kind == LS_PROXY_HTTP || p->kind == LS_PROXY_HTTPS;
  if (http && strchr(p->user, ':'))
    return refuse(r, "has a \":\" in its user, which HTTP cannot carry (RFC 7617 2)");
  if (*p->pass && (p->kind == LS_PROXY_SOCKS4 || p->kind == LS_PROXY_SOCKS4A))
    return refuse(r, "has a password, and SOCKS 4 has no way to say it; use socks5://, or leave it out");
  if (!*p->user && !*p->pass)
    p->user = p->pass = NULL;
  return LS_OK;
}

/* host, host:port or [address]:port. */
static enum ls_status read_target(const struct ls_config_reader *r, struct ls_span s) {
  struct ls_config_proxy *p = &r->out->proxy;
  struct ls_span host;
  bool bracketed = s.n && s.p[0] == '[';
  size_t end = ls_span_index(s, bracketed ? ']' : ':');
  host = bracketed ? ls_span_sub(s, 1, end) : ls_span_sub(s, 0, end);
  struct ls_span rest = ls_span_sub(s, bracketed ? end + 1 : end, s.n);
  if (bracketed ? end == s.n || !ls_netaddr_is_zoned_ipv6(host) : !ls_netaddr_is_name(host))
    return refuse(r, "must name a host, such as http://proxy.example.com:3128");
  if (rest.n > 1 || (rest.n && rest.p[0] != ':')) {
    double port = 0;
    if (rest.p[0] != ':' || !ls_schema_read_digits(ls_span_sub(rest, 1, rest.n), &port) || port < 1 ||
        port > 65535)
      return refuse(r, "must have a port from 1 to 65535 behind its host, and nothing else");
    p->port = (uint16_t)port;
  }
  p->host = ls_arena_copy(r->a, host).p;
  return p->host ? LS_OK : ls_config_option_no_memory(r);
}

enum ls_status ls_config_read_proxy(const struct ls_config_reader *r) {
  const struct ls_value *v = ls_config_option_value(r, LS_OPTION_CONFIG_proxy);
  if (!ls_jstext_is_truthy(v))
    return LS_OK;
  struct ls_span url = ls_value_string(v);
  ls_config_option_note(r, LS_OPTION_CONFIG_proxy, LS_ITEM_NONE, url);
  enum ls_status st = read_scheme(r, &url);
  if (st != LS_OK)
    return st;
  size_t path = ls_span_index(url, '/');
  if (path + 1 < url.n || ls_span_index(url, '?') < url.n || ls_span_index(url, '#') < url.n)
    return refuse(r, "must end behind its host and port; a \"/\", \"?\" or \"#\" in the password is written "
                     "as %2F, %3F or %23");
  url = ls_span_sub(url, 0, path);
  size_t at = url.n;
  while (at && url.p[at - 1] != '@')
    at--;
  if (at)
    st = read_login(r, ls_span_sub(url, 0, at - 1));
  return st == LS_OK ? read_target(r, ls_span_sub(url, at, url.n)) : st;
}
