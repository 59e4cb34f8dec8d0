/* SPDX-License-Identifier: MIT */
#include "rule.h"

#include "jstext.h"

static void check_port(const struct ls_config_reader *r) {
  const struct ls_value *v = ls_config_option_value(r, LS_OPTION_CONFIG_port);
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
  if (got.status != LS_OK)
    ls_config_option_no_memory(r);
  else
    ls_config_option_refuse(
        r, LS_OPTION_CONFIG_port, LS_ITEM_NONE, LS_ECONFIG,
        "must be a whole number from 1 to 65535, not %.*s; usual ports are 587 (STARTTLS), "
        "465 (secure: true) and 25",
        (int)got.n, got.p);
  ls_buf_deinit(&got);
}

static void check_tls_options(const struct ls_config_reader *r) {
  if (!ls_value_is_true(ls_config_option_value(r, LS_OPTION_CONFIG_ignoreTLS)) ||
      !ls_value_is_true(ls_config_option_value(r, LS_OPTION_CONFIG_requireTLS)))
    return;
  ls_config_option_refuse(r, LS_OPTION_CONFIG_ignoreTLS, LS_ITEM_NONE, LS_ECONFIG,
                          "and requireTLS contradict each other; keep requireTLS for TLS, or ignoreTLS for a "
                          "server that has none");
}

/* Each does nothing in the original unless it is truthy, so `sendmail: false` is no harm. What OAuth 2.0
 * alone would use is its reader's. */
static void check_refusals(const struct ls_config_reader *r) {
  for (int id = 0; id < LS_OPTION_COUNT; id++) {
    const struct ls_option *o = &ls_options[id];
    if (o->effect == LS_EFFECT_REFUSED && !o->oauth &&
        ls_jstext_is_truthy(ls_config_option_value(r, (enum ls_option_id)id)))
      ls_config_option_refuse(r, (enum ls_option_id)id, LS_ITEM_NONE, LS_ECONFIG, "is refused: %s", o->text);
  }
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
  if (ls_span_ieq(name, LS_SPAN("Resent-Bcc")))
    return "every reader would see who gets a blind copy; remove it";
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

static void check_headers(const struct ls_config_reader *r) {
  const struct ls_value *headers = ls_config_option_value(r, LS_OPTION_CONFIG_customHeaders);
  if (!ls_value_is(headers, LS_VALUE_OBJECT))
    return;
  for (size_t i = 0; i < headers->as.object.count; i++) {
    struct ls_span name = headers->as.object.members[i].name;
    check_header(name, name, r->list);
  }
  /* {key = name, value = text} is one header of that name to those who read the object as a pair */
  if (ls_jstext_is_truthy(ls_value_get(headers, LS_SPAN("value"))))
    check_header(LS_SPAN("key"), ls_value_string(ls_value_get(headers, LS_SPAN("key"))), r->list);
}

void ls_rule_check(const struct ls_config_reader *r) {
  check_port(r);
  check_tls_options(r);
  check_refusals(r);
  check_headers(r);
}
