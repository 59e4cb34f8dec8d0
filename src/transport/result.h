/* SPDX-License-Identifier: MIT
 * result: what became of messages and verifications, and counts of them. */
#ifndef LS_RESULT_H
#define LS_RESULT_H

#include <stdint.h>

#include "../pure/error.h"
#include "tls_facts.h"

struct ls_recipient_result {
  char *address;         /* owned */
  struct ls_error error; /* status LS_OK: accepted */
};

/* What became of one message. Owned by whoever holds it; ls_result_deinit frees. */
struct ls_result {
  uint64_t id;
  struct ls_error error; /* status LS_OK: the server accepted the message for at least one recipient */
  char *from;
  struct ls_recipient_result *recipients;
  size_t count;
  char **ehlo; /* capability lines of the server, without "250-" */
  size_t ehlo_count;
  char *message_id;
  char *response;          /* the final reply, lines joined by LF; NULL with an error */
  struct ls_tls_facts tls; /* of the connection; set where an answer came over it */
  bool probe;              /* no message went out: the response is that to RCPT TO */
  size_t message_size;     /* octets of content on the wire */
  int64_t envelope_time;   /* ms */
  int64_t message_time;    /* ms */
};
void ls_result_deinit(struct ls_result *r);

/* What verify saw; where it failed, as far as it got. Strings are owned. Times in ms since the attempt began;
 * below 0: that step did not happen.
 */
struct ls_verification {
  struct ls_error error; /* LS_OK: connected, TLS as configured, logged in */
  char **ehlo;
  size_t ehlo_count;
  char *greeting;
  struct ls_tls_facts tls;
  char *mechanism; /* "PLAIN"; NULL: no login */
  char *address;   /* "127.0.0.1:587" */
  int64_t lookup_time, connect_time, tls_time, greeting_time, ehlo_time, ready_time;
};
void ls_verification_init(struct ls_verification *v); /* nothing has happened yet */
void ls_verification_deinit(struct ls_verification *v);

struct ls_client_stats {
  uint64_t sent, failed; /* messages */
  uint64_t connections_opened, connections_closed, connections_failed, logins, retries;
  size_t connections_open, connections_idle, pending, queued;
  uint64_t octets_sent, octets_received;
};

#endif
