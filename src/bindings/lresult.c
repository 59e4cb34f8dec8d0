/* SPDX-License-Identifier: MIT */
#include "lresult.h"

#include "lerror.h"

/* Pushes the table of one refused recipient: an error with the recipient's address in it. */
static void push_rejection(lua_State *L, const struct ls_recipient_result *r) {
  ls_lerror_push_table(L, &r->error);
  lua_pushstring(L, r->address);
  lua_setfield(L, -2, "recipient");
}

/* Sets accepted, rejected and, where there are any, rejectedErrors in the table on top. */
static void set_recipients(lua_State *L, const struct ls_result *r) {
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L);
  int accepted = 0;
  int rejected = 0;
  for (size_t i = 0; i < r->count; i++) {
    const struct ls_recipient_result *to = &r->recipients[i];
    bool refused = to->error.status != LS_OK;
    lua_pushstring(L, to->address);
    if (!refused) {
      lua_rawseti(L, -4, ++accepted);
      continue;
    }
    lua_rawseti(L, -3, ++rejected);
    push_rejection(L, to);
    lua_rawseti(L, -2, rejected);
  }
  if (rejected)
    lua_setfield(L, -4, "rejectedErrors");
  else
    lua_pop(L, 1);
  lua_setfield(L, -3, "rejected");
  lua_setfield(L, -2, "accepted");
}

static void set_envelope(lua_State *L, const struct ls_result *r) {
  lua_createtable(L, 0, 2);
  lua_pushstring(L, r->from ? r->from : "");
  lua_setfield(L, -2, "from");
  lua_createtable(L, (int)r->count, 0);
  for (size_t i = 0; i < r->count; i++) {
    lua_pushstring(L, r->recipients[i].address);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "to");
  lua_setfield(L, -2, "envelope");
}

/* Sets tls in the table on top, where there was TLS. */
static void set_tls_facts(lua_State *L, const struct ls_tls_facts *f) {
  if (!f->version)
    return;
  lua_createtable(L, 0, 6);
  ls_set_text(L, "version", f->version);
  ls_set_text(L, "cipher", f->cipher);
  ls_set_text(L, "peer", f->peer);
  ls_set_text(L, "issuer", f->issuer);
  ls_set_text(L, "expires", f->expires);
  lua_pushboolean(L, f->resumed);
  lua_setfield(L, -2, "resumed");
  lua_setfield(L, -2, "tls");
}

static void set_facts(lua_State *L, const struct ls_result *r) {
  ls_set_text(L, "response", r->response);
  ls_set_text(L, "messageId", r->message_id);
  ls_set_number(L, "envelopeTime", (double)r->envelope_time);
  ls_set_number(L, "messageTime", (double)r->message_time);
  ls_set_number(L, "messageSize", (double)r->message_size);
}

static void set_tls(lua_State *L, const struct ls_result *r) {
  set_tls_facts(L, &r->tls);
}

static void set_ehlo(lua_State *L, const struct ls_result *r) {
  if (r->ehlo_count)
    ls_set_texts(L, "ehlo", r->ehlo, r->ehlo_count);
}

static void set_error(lua_State *L, const struct ls_result *r) {
  ls_lerror_fill(L, &r->error);
}

static void set_refused(lua_State *L, const struct ls_result *r) {
  bool refused = false;
  for (size_t i = 0; i < r->count; i++)
    refused = refused || r->recipients[i].error.status != LS_OK;
  if (refused)
    set_recipients(L, r);
}

typedef void set_part(lua_State *L, const struct ls_result *r);
static set_part *const info_parts[] = {set_recipients, set_facts, set_envelope, set_tls, set_ehlo};
static set_part *const failure_parts[] = {set_error, set_refused};

size_t ls_lresult_part_count(const struct ls_result *r) {
  return r->error.status == LS_OK ? sizeof info_parts / sizeof *info_parts
                                  : sizeof failure_parts / sizeof *failure_parts;
}

void ls_lresult_set_part(lua_State *L, const struct ls_result *r, size_t i) {
  (r->error.status == LS_OK ? info_parts : failure_parts)[i](L, r);
}

void ls_lresult_push(lua_State *L, const struct ls_result *r) {
  bool fine = r->error.status == LS_OK;
  if (fine)
    lua_createtable(L, 0, 11);
  else
    ls_lerror_push_table(L, &r->error); /* which is the first part */
  for (size_t i = fine ? 0 : 1; i < ls_lresult_part_count(r); i++)
    ls_lresult_set_part(L, r, i);
}

/* Sets chain in the table on top: the certificates that came over the line, the server's own first. */
static void set_chain(lua_State *L, const struct ls_tls_facts *f) {
  if (!f->chain_count)
    return;
  lua_createtable(L, (int)f->chain_count, 0);
  for (size_t i = 0; i < f->chain_count; i++) {
    lua_createtable(L, 0, 3);
    ls_set_text(L, "subject", f->chain[i].subject);
    ls_set_text(L, "issuer", f->chain[i].issuer);
    ls_set_text(L, "expires", f->chain[i].expires);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "chain");
}

static void set_time(lua_State *L, const char *name, int64_t ms) {
  if (ms >= 0)
    ls_set_number(L, name, (double)ms);
}

void ls_lresult_push_verification(lua_State *L, const struct ls_verification *v) {
  lua_createtable(L, 0, 6);
  ls_set_texts(L, "ehlo", v->ehlo, v->ehlo_count);
  ls_set_text(L, "greeting", v->greeting);
  ls_set_text(L, "mechanism", v->mechanism);
  ls_set_text(L, "address", v->address);
  set_tls_facts(L, &v->tls);
  set_chain(L, &v->tls);
  lua_createtable(L, 0, 6);
  set_time(L, "lookup", v->lookup_time);
  set_time(L, "connect", v->connect_time);
  set_time(L, "tls", v->tls_time);
  set_time(L, "greeting", v->greeting_time);
  set_time(L, "ehlo", v->ehlo_time);
  set_time(L, "ready", v->ready_time);
  lua_setfield(L, -2, "times");
}

void ls_lresult_push_stats(lua_State *L, const struct ls_client_stats *s) {
  const struct {
    const char *name;
    double value;
  } rows[] = {
      {"sent", (double)s->sent},
      {"failed", (double)s->failed},
      {"retries", (double)s->retries},
      {"logins", (double)s->logins},
      {"pending", (double)s->pending},
      {"queued", (double)s->queued},
      {"connectionsOpened", (double)s->connections_opened},
      {"connectionsClosed", (double)s->connections_closed},
      {"connectionsFailed", (double)s->connections_failed},
      {"connectionsOpen", (double)s->connections_open},
      {"connectionsIdle", (double)s->connections_idle},
      {"octetsSent", (double)s->octets_sent},
      {"octetsReceived", (double)s->octets_received},
  };
  lua_createtable(L, 0, (int)(sizeof rows / sizeof *rows));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    ls_set_number(L, rows[i].name, rows[i].value);
}
