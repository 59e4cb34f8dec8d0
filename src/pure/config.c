/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stddef.h>

#include "config_auth.h"
#include "config_net.h"
#include "config_pool.h"
#include "config_tls.h"
#include "jstext.h"
#include "netaddr.h"
#include "schema.h"
#include "service.h"

struct reader {
  const struct ls_value *config;
  struct ls_arena *a;
  struct ls_config *out;
  struct ls_error *err;
};

#define REFUSE(r, ...) ls_error_set((r)->err, LS_ECONFIG, "API", __VA_ARGS__)

static enum ls_status no_memory(const struct reader *r) {
  return ls_error_set(r->err, LS_ENOMEM, NULL, "not enough memory to read the config");
}

static const struct ls_value *option(const struct reader *r, const char *name) {
  return ls_value_get(r->config, ls_span_cstr(name));
}

static enum ls_status keep(const struct reader *r, struct ls_span s, const char **out) {
  *out = ls_arena_copy(r->a, s).p;
  return *out ? LS_OK : no_memory(r);
}

/* A string option; absent, null and "" leave *out as it is. label: its name as a person writes it. */
static enum ls_status read_text(const struct reader *r, const struct ls_value *v, const char *label,
                                const char **out) {
  if (ls_value_is_nothing(v))
    return LS_OK;
  if (v->kind != LS_VALUE_STRING)
    return REFUSE(r, "%s must be a string", label);
  if (ls_span_index(v->as.string, '\0') < v->as.string.n)
    return REFUSE(r, "%s holds a NUL octet; remove it", label);
  return v->as.string.n ? keep(r, v->as.string, out) : LS_OK;
}

static enum ls_status read_host(const struct reader *r) {
  struct ls_span host = ls_value_string(option(r, "host"));
  if (host.n == 0)
    host = LS_SPAN("localhost");
  bool bracketed = host.p[0] == '[' && host.p[host.n - 1] == ']';
  if (bracketed)
    host = ls_span_sub(host, 1, host.n - 1);
  if (!ls_netaddr_is_zoned_ipv6(host) && (bracketed || !ls_netaddr_is_name(host)))
    return REFUSE(r,
                  "host must be a name or an IP address and nothing else, such as smtp.example.com; the port "
                  "goes into port, a login into auth");
  r->out->loopback = ls_netaddr_is_loopback(host);
  return keep(r, host, &r->out->host);
}

static enum ls_status read_port(const struct reader *r) {
  const struct ls_value *v = option(r, "port");
  const struct ls_value *secure = option(r, "secure");
  double port = 0;
  if (ls_value_is(v, LS_VALUE_STRING))
    ls_schema_read_digits(v->as.string, &port);
  else if (ls_value_is(v, LS_VALUE_NUMBER))
    port = v->as.number;
  r->out->secure = ls_value_is_nothing(secure) ? port == 465 : ls_value_is_true(secure);
  if (!(port > 0 || port < 0))
    port = r->out->secure ? 465 : 587;
  if (!(port >= 1 && port <= 65535) || port != (double)(uint16_t)port)
    return REFUSE(r, "port must be a whole number from 1 to 65535");
  r->out->port = (uint16_t)port;
  return LS_OK;
}

/* The EHLO argument: a domain, or an address in brackets (RFC 5321 4.1.3); a bare address gets its brackets.
 */
static enum ls_status read_name(const struct reader *r) {
  const char *text = NULL;
  enum ls_status st = read_text(r, option(r, "name"), "name", &text);
  if (st != LS_OK || !text)
    return st;
  struct ls_span s = ls_span_cstr(text);
  if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
    s = ls_span_sub(s, 1, s.n - 1);
  if (s.n > 5 && ls_span_ieq(ls_span_sub(s, 0, 5), LS_SPAN("IPv6:")))
    s = ls_span_sub(s, 5, s.n);
  bool v4 = ls_netaddr_is_ipv4(s);
  bool v6 = ls_netaddr_is_ipv6(s);
  if (!v4 && !v6) {
    if (text[0] == '[' || !ls_span_is_ascii(s) || !ls_netaddr_is_name(s))
      return REFUSE(r,
                    "name must be a domain name in ASCII, such as mail.example.com, or an IP address; it is "
                    "what the server is greeted with");
    return keep(r, s, &r->out->name);
  }
  struct ls_buf literal;
  ls_buf_init(&literal, s.n + 8);
  ls_buf_adds(&literal, v6 ? "[IPv6:" : "[");
  ls_buf_add(&literal, s);
  ls_buf_addc(&literal, ']');
  st = literal.status == LS_OK ? keep(r, ls_buf_span(&literal), &r->out->name) : no_memory(r);
  ls_buf_deinit(&literal);
  return st;
}

static enum ls_status read_local_address(const struct reader *r) {
  enum ls_status st = read_text(r, option(r, "localAddress"), "localAddress", &r->out->local_address);
  if (st != LS_OK || !r->out->local_address)
    return st;
  struct ls_span s = ls_span_cstr(r->out->local_address);
  return ls_netaddr_is_ipv4(s) || ls_netaddr_is_zoned_ipv6(s)
             ? LS_OK
             : REFUSE(r, "localAddress must be an IP address of this machine, or be left out");
}

static enum ls_status read_auth(const struct reader *r) {
  return ls_config_auth_read(r->config, r->a, r->out, r->err);
}

static enum ls_status read_times(const struct reader *r) {
  static const struct {
    const char *name;
    size_t offset;
    int64_t fallback;
  } rows[] = {
      {"connectionTimeout", offsetof(struct ls_config, connection_timeout), 120000},
      {"greetingTimeout", offsetof(struct ls_config, greeting_timeout), 30000},
      {"socketTimeout", offsetof(struct ls_config, socket_timeout), 600000},
      {"dnsTimeout", offsetof(struct ls_config, dns_timeout), 30000},
      {"dnsTtl", offsetof(struct ls_config, dns_ttl), 300000},
      {"totalTimeout", offsetof(struct ls_config, total_timeout), 120000},
  };
  const double longest = INT32_MAX; /* 24 days; what a 32-bit long of ms can hold */
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct ls_value *v = option(r, rows[i].name);
    int64_t *to = (int64_t *)(void *)((char *)r->out + rows[i].offset);
    *to = rows[i].fallback;
    if (!ls_jstext_is_truthy(v))
      continue;
    if (v->kind != LS_VALUE_NUMBER || v->as.number < 0)
      return REFUSE(r, "%s must be a number of milliseconds above 0, or be left out for %lld", rows[i].name,
                    (long long)rows[i].fallback);
    double ms = v->as.number < longest ? v->as.number : longest;
    *to = (int64_t)ms;
    if ((double)*to < ms) /* half a millisecond is a limit too, not none */
      ++*to;
  }
  return LS_OK;
}

static enum ls_status read_pool(const struct reader *r) {
  return ls_config_pool_read(r->config, r->out, r->err);
}

static enum ls_status read_tls(const struct reader *r) {
  return ls_config_tls_read(r->config, r->a, r->out, r->err);
}

static enum ls_status read_proxy(const struct reader *r) {
  return ls_config_net_read(r->config, r->a, r->out, r->err);
}

static bool is_on(const struct ls_value *v) {
  return !ls_value_is(v, LS_VALUE_BOOLEAN) || v->as.boolean;
}

enum ls_status ls_config_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                              struct ls_error *err) {
  /* the order of complaints; servername falls back on host, so host comes before tls */
  static enum ls_status (*const steps[])(const struct reader *) = {
      read_host,  read_port, read_auth,  read_name, read_local_address,
      read_times, read_pool, read_proxy, read_tls,
  };
  enum ls_status applied = ls_service_apply(config, a, &config, err);
  if (applied != LS_OK)
    return applied;
  const struct reader r = {config, a, out, err};
  *out = (struct ls_config){0};
  out->logger = ls_value_is_true(option(&r, "logger"));
  out->debug = ls_value_is_true(option(&r, "debug")) || ls_jstext_is_truthy(option(&r, "transactionLog"));
  out->pipelining = is_on(option(&r, "pipelining"));
  out->chunking = is_on(option(&r, "chunking"));
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    enum ls_status st = steps[i](&r);
    if (st != LS_OK)
      return st;
  }
  return LS_OK;
}
