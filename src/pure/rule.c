/* SPDX-License-Identifier: MIT */
#include "rule.h"

#include "config_net.h"
#include "config_pool.h"
#include "config_tls.h"
#include "jstext.h"
#include "service.h"

struct refusal {
  const char *parent; /* the object that holds it; NULL: the config itself */
  const char *name;
  const char *reason;
};

#define LOCAL_PROGRAM "it would hand the mail to a local program; remove it, mail goes to host and port"
#define NOT_SENT "it would report success without sending anything; remove it"
#define OWN_SOCKET "it would take the connection away from host and port; remove it"
#define REDIRECT "it would redirect the TLS connection; set it on the config itself"

#define ENGINE "it would load a program into this process; give the key as tls.key or tls.pfx"

/* Each does nothing in the original unless it is truthy, so `sendmail: false` is no harm. */
static const struct refusal refusals[] = {
    {NULL, "sendmail", LOCAL_PROGRAM},
    {NULL, "path", LOCAL_PROGRAM},
    {NULL, "args", LOCAL_PROGRAM},
    {NULL, "url", "it would replace the whole config; set host, port, secure and auth instead"},
    {NULL, "streamTransport", NOT_SENT},
    {NULL, "jsonTransport", NOT_SENT},
    {NULL, "SES", "it would go round SMTP; use the host, port and SMTP credentials of Amazon SES instead"},
    {NULL, "connection", OWN_SOCKET},
    {NULL, "socket", OWN_SOCKET},
    {NULL, "getSocket", OWN_SOCKET},
    {NULL, "secured", "it would claim TLS for a connection that has none; set secure instead"},
    {NULL, "customAuth", "login goes by auth.user and auth.pass or by OAuth 2.0; remove it"},
    {NULL, "lmtp", "LMTP is not spoken here; remove it and use an SMTP port"},
    {"tls", "host", REDIRECT},
    {"tls", "port", REDIRECT},
    {"tls", "path", "it would redirect the TLS connection; remove it"},
    {"tls", "socket", "it would redirect the TLS connection; remove it"},
    {"tls", "lookup", "it would redirect the TLS connection; remove it"},
    {"tls", "secureContext", "it is an object of another runtime; give ca, cert, key and the like instead"},
    {"tls", "secureProtocol", "set tls.minVersion and tls.maxVersion instead"},
    {"tls", "secureOptions", "set tls.minVersion, tls.maxVersion and tls.ciphers instead"},
    {"tls", "checkServerIdentity", "the name in the certificate is always checked; set tls.servername to it"},
    {"tls", "pskCallback", "keys shared beforehand are not spoken here; use tls.cert and tls.key"},
    {"tls", "minDHSize", "put \"@SECLEVEL=2\" into tls.ciphers for at least 2048 bits instead"},
    {"tls", "clientCertEngine", ENGINE},
    {"tls", "privateKeyEngine", ENGINE},
    {"tls", "privateKeyIdentifier", ENGINE},
};

static void check_port(const struct ls_value *config, struct ls_issue_list *list) {
  const struct ls_value *v = ls_value_get(config, LS_SPAN("port"));
  double port = 0;
  if (ls_value_is(v, LS_VALUE_NUMBER))
    port = v->as.number;
  else if (!ls_value_is(v, LS_VALUE_STRING) || !ls_schema_read_digits(v->as.string, &port))
    return; /* a matter of type, which the schema has told */
  if (port != port || (port >= 1 && port <= 65535 && port == (double)(long)port))
    return;
  struct ls_buf got;
  ls_buf_init(&got, 32);
  ls_jstext_number(port, &got);
  const struct ls_span parts[] = {LS_SPAN("port must be a whole number from 1 to 65535, not "),
                                  ls_buf_span(&got),
                                  LS_SPAN("; usual ports are 587 (STARTTLS), 465 (secure: true) and 25")};
  const struct ls_issue_path at = {.name = LS_SPAN("port")};
  list->failed = list->failed || got.status != LS_OK;
  ls_issue_add_custom(list, parts, 3, &at);
  ls_buf_deinit(&got);
}

static void check_tls_options(const struct ls_value *config, struct ls_issue_list *list) {
  if (!ls_value_is_true(ls_value_get(config, LS_SPAN("ignoreTLS"))) ||
      !ls_value_is_true(ls_value_get(config, LS_SPAN("requireTLS"))))
    return;
  const struct ls_span text =
      LS_SPAN("ignoreTLS and requireTLS contradict each other; keep requireTLS for TLS, "
              "or ignoreTLS for a server that has none");
  const struct ls_issue_path at = {.name = LS_SPAN("ignoreTLS")};
  ls_issue_add_custom(list, &text, 1, &at);
}

static void check_refusal(const struct ls_value *config, const struct refusal *r,
                          struct ls_issue_list *list) {
  const struct ls_value *holder = r->parent ? ls_value_get(config, ls_span_cstr(r->parent)) : config;
  if (!ls_jstext_is_truthy(ls_value_get(holder, ls_span_cstr(r->name))))
    return;
  const struct ls_issue_path parent = {.name = ls_span_cstr(r->parent)};
  const struct ls_issue_path at = {.up = r->parent ? &parent : NULL, .name = ls_span_cstr(r->name)};
  const struct ls_span parts[] = {parent.name, r->parent ? LS_SPAN(".") : LS_SPAN(""), at.name,
                                  LS_SPAN(" is refused: "), ls_span_cstr(r->reason)};
  ls_issue_add_custom(list, parts, 5, &at);
}

/* A header's name as it would end up in a message: without blanks and line ends around it, up to the colon.
 */
static struct ls_span header_name(struct ls_span name) {
  name = ls_span_sub(name, 0, ls_span_index(name, ':'));
  while (name.n && (unsigned char)name.p[0] <= ' ')
    name = ls_span_sub(name, 1, name.n);
  while (name.n && (unsigned char)name.p[name.n - 1] <= ' ')
    name.n--;
  return name;
}

/* Why a config may not set this header; NULL: it may. */
static const char *header_refusal(struct ls_span name) {
  if (ls_span_ieq(name, LS_SPAN("Bcc")) || ls_span_ieq(name, LS_SPAN("Cc")))
    return "it would add recipients to every message; remove it";
  if (ls_span_ieq(ls_span_sub(name, 0, 8), LS_SPAN("Content-")) || ls_span_ieq(name, LS_SPAN("MIME-Version")))
    return "it is set with the body and would break the message; set contentType in the template instead";
  return NULL;
}

static void check_header(struct ls_span key, struct ls_span name, struct ls_issue_list *list) {
  const struct ls_issue_path headers = {.name = LS_SPAN("customHeaders")};
  const struct ls_issue_path at = {.up = &headers, .name = key};
  name = header_name(name);
  const char *reason = header_refusal(name);
  if (!reason)
    return;
  const struct ls_span parts[] = {LS_SPAN("customHeaders may not set "), name, LS_SPAN(": "),
                                  ls_span_cstr(reason)};
  ls_issue_add_custom(list, parts, 4, &at);
}

static void check_headers(const struct ls_value *config, struct ls_issue_list *list) {
  const struct ls_value *headers = ls_value_get(config, LS_SPAN("customHeaders"));
  if (!ls_value_is(headers, LS_VALUE_OBJECT))
    return;
  for (size_t i = 0; i < headers->as.object.count; i++) {
    struct ls_span name = headers->as.object.members[i].name;
    check_header(name, name, list);
  }
  /* {key = name, value = text} is one header of that name to those who read the object as a pair */
  if (ls_jstext_is_truthy(ls_value_get(headers, LS_SPAN("value"))))
    check_header(LS_SPAN("key"), ls_value_string(ls_value_get(headers, LS_SPAN("key"))), list);
}

void ls_rule_check(const struct ls_value *config, struct ls_issue_list *list) {
  check_port(config, list);
  check_tls_options(config, list);
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
    check_refusal(config, &refusals[i], list);
  check_headers(config, list);
  ls_config_pool_check(config, list);
  ls_service_check(config, list);
  if (ls_issue_count(list))
    return; /* the rest looks at values that are of the right types */
  ls_config_net_check(config, list);
  ls_config_tls_check(config, list);
}
