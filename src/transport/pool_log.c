/* SPDX-License-Identifier: MIT */
#include "pool_log.h"

#include <stdlib.h>

static struct ls_log_subject about(const struct ls_conn *c) {
  return (struct ls_log_subject){.connection = c ? ls_conn_number(c) : 0};
}

void ls_pool_log_connect(struct ls_log *l, const struct ls_conn *c, const struct ls_config *config) {
  if (!l->on)
    return;
  struct ls_log_subject s = about(c);
  ls_log_add(l, LS_LOG_INFO, "connect", &s, "Connecting to %s:%u", config->host, (unsigned)config->port);
}

void ls_pool_log_ready(struct ls_log *l, const struct ls_conn *c, const struct ls_config *config) {
  if (!l->on)
    return;
  const struct ls_dialogue *d = ls_conn_dialogue(c);
  struct ls_log_subject s = about(c);
  char *address = ls_conn_address(c);
  if (d->tls)
    ls_log_add(l, LS_LOG_INFO, "tls", &s, "Encrypted with %s %s", d->facts.version ? d->facts.version : "TLS",
               d->facts.cipher ? d->facts.cipher : "");
  if (d->logged_in)
    ls_log_add(l, LS_LOG_INFO, "login", &s, "User \"%s\" logged in by %s", config->user ? config->user : "",
               d->mechanism ? d->mechanism->name : "AUTH");
  ls_log_add(l, LS_LOG_INFO, "ready", &s, "Connected to %s", address ? address : config->host);
  free(address);
}

void ls_pool_log_failed(struct ls_log *l, const struct ls_conn *c) {
  if (!l->on)
    return;
  struct ls_log_subject s = about(c);
  s.error = ls_conn_error(c);
  ls_log_add(l, LS_LOG_ERROR, "failed", &s, "Connection failed: %s", ls_error_text(s.error));
}

void ls_pool_log_pause(struct ls_log *l, const struct ls_attempts *a, size_t waiting, int64_t now_ms) {
  if (!l->on || !waiting)
    return;
  struct ls_log_subject s = about(NULL);
  ls_log_add(l, LS_LOG_WARN, "pause", &s, "%u failed in a row; the next attempt comes in %lld ms, %zu wait",
             a->level, (long long)(a->again_ms - now_ms), waiting);
}

void ls_pool_log_retry(struct ls_log *l, const struct ls_conn *c, uint64_t id, const struct ls_error *why) {
  if (!l->on)
    return;
  struct ls_log_subject s = about(c);
  s.id = id;
  s.error = why;
  ls_log_add(l, LS_LOG_WARN, "retry", &s, "Message goes to another connection: %s", ls_error_text(why));
}

void ls_pool_log_ended(struct ls_log *l, const struct ls_conn *c, const struct ls_error *why) {
  if (!l->on || why->status == LS_OK)
    return;
  struct ls_log_subject s = about(c);
  s.error = why;
  ls_log_add(l, LS_LOG_INFO, "ended", &s, "%s", ls_error_text(why));
}

void ls_pool_log_closed(struct ls_log *l, const struct ls_conn *c, size_t messages) {
  if (!l->on)
    return;
  struct ls_log_subject s = about(c);
  ls_log_add(l, LS_LOG_INFO, "close", &s, "Connection closed after %zu messages", messages);
}

void ls_pool_log_finished(struct ls_log *l, const struct ls_conn *c, const struct ls_result *r) {
  if (!l->on)
    return;
  struct ls_log_subject s = about(c);
  size_t accepted = 0;
  const char *id = r->message_id ? r->message_id : "";
  const char *what = r->probe ? "Probe" : "Message";
  s.id = r->id;
  s.message_id = r->message_id;
  s.error = &r->error;
  for (size_t i = 0; i < r->count; i++)
    accepted += r->recipients[i].error.status == LS_OK;
  if (r->error.status == LS_OK)
    ls_log_add(l, accepted < r->count ? LS_LOG_WARN : LS_LOG_INFO, "accepted", &s,
               "%s %s accepted for %zu of %zu recipients: %s", what, id, accepted, r->count,
               r->response ? r->response : "");
  else
    ls_log_add(l, LS_LOG_ERROR, r->error.response_code ? "refused" : "error", &s, "%s %s %s: %s", what, id,
               r->error.delivery == LS_DELIVERY_UNKNOWN ? "may have been delivered or not" : "not sent",
               ls_error_text(&r->error));
}

void ls_pool_log_token(struct ls_log *l, const struct ls_error *why) {
  if (!l->on)
    return;
  struct ls_log_subject s = {.error = why};
  if (why->status == LS_OK)
    ls_log_add(l, LS_LOG_INFO, "token", &s, "Access token renewed");
  else
    ls_log_add(l, LS_LOG_ERROR, "token", &s, "Access token not renewed: %s", ls_error_text(why));
}
