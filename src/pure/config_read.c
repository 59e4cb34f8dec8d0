/* SPDX-License-Identifier: MIT */
#include "config_read.h"

#include "config_parts.h"
#include "jstext.h"
#include "netaddr.h"
#include "service.h"

static const struct ls_value *value_of(const struct ls_config_reader *r, enum ls_option_id id) {
  return ls_config_option_value(r, id);
}

static enum ls_status refuse(const struct ls_config_reader *r, enum ls_option_id id, const char *text) {
  return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "%s", text);
}

static enum ls_status keep(const struct ls_config_reader *r, struct ls_span s, const char **out) {
  *out = ls_arena_copy(r->a, s).p;
  return *out ? LS_OK : ls_config_option_no_memory(r);
}

static enum ls_status read_host(const struct ls_config_reader *r) {
  struct ls_span host = ls_value_string(value_of(r, LS_OPTION_CONFIG_host));
  if (host.n == 0)
    host = LS_SPAN("localhost");
  bool bracketed = host.p[0] == '[' && host.p[host.n - 1] == ']';
  if (bracketed)
    host = ls_span_sub(host, 1, host.n - 1);
  if (bracketed ? !ls_netaddr_is_zoned_ipv6(host) : !ls_netaddr_is_host(host))
    return refuse(r, LS_OPTION_CONFIG_host,
                  "must be a name or an IP address and nothing else, such as smtp.example.com; the port goes "
                  "into port, a login into auth");
  r->out->loopback = ls_netaddr_is_loopback(host);
  ls_config_option_note(r, LS_OPTION_CONFIG_host, LS_ITEM_NONE, host);
  return keep(r, host, &r->out->host);
}

static enum ls_status read_port(const struct ls_config_reader *r) {
  const struct ls_value *v = value_of(r, LS_OPTION_CONFIG_port);
  const struct ls_value *secure = value_of(r, LS_OPTION_CONFIG_secure);
  double port = 0;
  if (ls_value_is(v, LS_VALUE_STRING))
    ls_schema_read_digits(v->as.string, &port);
  else if (ls_value_is(v, LS_VALUE_NUMBER))
    port = v->as.number;
  r->out->secure = ls_value_is_nothing(secure) ? port == 465 : ls_value_is_true(secure);
  if (!(port > 0 || port < 0))
    port = r->out->secure ? 465 : 587;
  if (!(port >= 1 && port <= 65535) || port != (double)(uint16_t)port)
    return refuse(r, LS_OPTION_CONFIG_port, "must be a whole number from 1 to 65535");
  r->out->port = (uint16_t)port;
  const unsigned char octets[] = {r->out->port & 0xff, r->out->port >> 8, r->out->secure};
  ls_config_option_note(r, LS_OPTION_CONFIG_port, LS_ITEM_NONE, ls_span((const char *)octets, sizeof octets));
  return LS_OK;
}

/* The EHLO argument: a domain, or an address in brackets (RFC 5321 4.1.3); a bare address gets its brackets.
 */
static enum ls_status read_name(const struct ls_config_reader *r) {
  const char *text = NULL;
  enum ls_status st =
      ls_config_option_text(r, LS_OPTION_CONFIG_name, value_of(r, LS_OPTION_CONFIG_name), &text);
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
      return refuse(r, LS_OPTION_CONFIG_name,
                    "must be a domain name in ASCII, such as mail.example.com, or an IP address; it is what "
                    "the server is greeted with");
    return keep(r, s, &r->out->name);
  }
  struct ls_buf literal;
  ls_buf_init(&literal, s.n + 8);
  ls_buf_adds(&literal, v6 ? "[IPv6:" : "[");
  ls_buf_add(&literal, s);
  ls_buf_addc(&literal, ']');
  st =
      literal.status == LS_OK ? keep(r, ls_buf_span(&literal), &r->out->name) : ls_config_option_no_memory(r);
  ls_buf_deinit(&literal);
  return st;
}

static enum ls_status check_local_address(const struct ls_config_reader *r) {
  struct ls_span s = ls_span_cstr(r->out->local_address);
  return !s.n || ls_netaddr_is_ipv4(s) || ls_netaddr_is_zoned_ipv6(s)
             ? LS_OK
             : refuse(r, LS_OPTION_CONFIG_localAddress,
                      "must be an IP address of this machine, or be left out");
}

/* The name that was given in tls comes first, then this one, then host. */
static enum ls_status read_servername(const struct ls_config_reader *r) {
  const char *name = NULL;
  enum ls_status st =
      ls_config_option_text(r, LS_OPTION_CONFIG_servername, value_of(r, LS_OPTION_CONFIG_servername), &name);
  if (st == LS_OK && name && !ls_netaddr_is_host(ls_span_cstr(name)))
    st = refuse(r, LS_OPTION_CONFIG_servername, "must be a host name, such as smtp.example.com");
  if (!r->out->servername)
    r->out->servername = name ? name : r->out->host;
  return st;
}

/* Options of plain types that the guard's own schema has, or has not. */
static enum ls_status read_plain(const struct ls_config_reader *r, bool guard) {
  enum ls_status first = LS_OK;
  for (int id = 0; id < LS_OPTION_COUNT; id++) {
    if (!ls_options[id].field || ls_options[id].guard != guard)
      continue;
    enum ls_status st = ls_config_option_read(r, (enum ls_option_id)id);
    first = first == LS_OK ? st : first;
  }
  return first;
}

enum ls_status ls_config_read_ours(struct ls_config_reader *r) {
  struct ls_error why = {0};
  *r->out = (struct ls_config){0};
  const struct ls_value *served = r->config;
  enum ls_status unknown = ls_service_apply(r->config, r->a, &served, &why);
  if (served != r->config)
    ls_config_reader_open(r, served);
  enum ls_status st = read_plain(r, false);
  if (unknown != LS_OK) {
    enum ls_status told = ls_config_option_pass(r, &why);
    st = st == LS_OK ? told : st;
  }
  ls_error_deinit(&why);
  if (st != LS_OK || (r->list && ls_issue_count(r->list)))
    return st; /* the rest looks at values that are of the right types */
  if (!r->out->pool)
    r->out->max_messages = 1;
  enum ls_status proxy = ls_config_read_proxy(r);
  enum ls_status tls = ls_config_read_tls(r);
  return proxy == LS_OK ? tls : proxy;
}

/* To a proxy elsewhere, "localhost" is another machine. */
static void settle_loopback(struct ls_config *out) {
  if (out->proxy.host)
    out->loopback = out->loopback && ls_netaddr_is_loopback(ls_span_cstr(out->proxy.host));
}

static enum ls_status read_plain_of_guard(const struct ls_config_reader *r) {
  enum ls_status st = read_plain(r, true);
  if (ls_jstext_is_truthy(value_of(r, LS_OPTION_CONFIG_transactionLog))) {
    r->out->debug = true;
    ls_config_option_note(r, LS_OPTION_CONFIG_transactionLog, LS_ITEM_NONE, LS_SPAN("on"));
  }
  return st == LS_OK ? check_local_address(r) : st;
}

enum ls_status ls_config_read_rest(const struct ls_config_reader *r) {
  /* the order of complaints; plain ones set secure, which goes by the port */
  static enum ls_status (*const steps[])(const struct ls_config_reader *) = {
      read_plain_of_guard, read_host,       read_port,           ls_config_read_auth,
      read_name,           read_servername, ls_config_read_dkim,
  };
  if (r->err && r->err->status != LS_OK)
    return r->err->status; /* a client cannot use what was read before */
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    enum ls_status st = steps[i](r);
    if (st != LS_OK)
      return st;
  }
  settle_loopback(r->out);
  return r->err ? r->err->status
                : LS_OK; /* what was noted on the way may have been too much for the memory */
}

/* cppcheck-suppress unusedFunction ; for tests of the reader alone */
enum ls_status ls_config_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                              struct ls_error *err) {
  struct ls_error own = {0};
  struct ls_config_reader r = {.a = a, .out = out, .err = err ? err : &own};
  ls_config_reader_open(&r, config);
  enum ls_status st = ls_config_read_ours(&r);
  if (st == LS_OK)
    st = ls_config_read_rest(&r);
  ls_error_deinit(&own);
  return st;
}
