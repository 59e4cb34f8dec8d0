/* SPDX-License-Identifier: MIT
 * client: submit messages, poll for results; a pool of warm connections does the rest. All that bindings see
 * of the transport. One thread at a time; no callbacks; nothing here knows Lua. */
#ifndef LS_CLIENT_H
#define LS_CLIENT_H

#include <stdint.h>

#include "../pure/config.h"
#include "../pure/message.h"
#include "log.h"
#include "result.h"

struct ls_client;
struct ls_loop;

/* One-time init of libcurl, safe to call from any thread and often. LS_OK or LS_ENOMEM. */
enum ls_status ls_client_library_init(void);

/* Takes a, in which lies what config holds, and leaves it empty. loop: where the client waits, together with
 * others; borrowed; NULL: one of its own.
 * LS_OK; LS_ECONFIG, LS_EAUTH, LS_EOAUTH2, LS_EDKIM (an option of that part cannot be used): *out is NULL,
 * err says why, and which option. LS_ENOMEM, LS_ESOCKET (no descriptor is to be had): so too, but for the
 * moment only, and a is as it was. */
enum ls_status ls_client_new(const struct ls_config *config, struct ls_arena *a, struct ls_loop *loop,
                             struct ls_client **out, struct ls_error *err);
/* Whether such an error is the config's fault. */
bool ls_client_blames_config(enum ls_status status);
void ls_client_free(struct ls_client *c); /* closes; messages in flight are dropped. NULL is fine */

/* Composes mail as this client sends it: with its DKIM signatures, where the config asks for some. Statuses
 * and the rest as for ls_composer_compose; LS_EDKIM: it could not be signed. */
enum ls_status ls_client_compose(const struct ls_client *c, const struct ls_value *mail, struct ls_arena *a,
                                 struct ls_composed *out, struct ls_error *err);

/* Takes the composed message (its arena too) in every case, also in failure; *m and *a are left empty.
 * LS_OK: *id is its number, above 0. LS_EBUSY: the queue is full. LS_ECLOSED, LS_ENOMEM. */
enum ls_status ls_client_submit(struct ls_client *c, struct ls_composed *m, struct ls_arena *a, uint64_t *id,
                                struct ls_error *err);

/* Works for at most wait_ms (0: only what can be done without waiting; below 0: until something finishes or
 * nothing is pending). Answers how many finished results wait for ls_client_next. */
size_t ls_client_poll(struct ls_client *c, int64_t wait_ms);

/* 1: *out is filled and yours. 0: none. */
int ls_client_next(struct ls_client *c, struct ls_result *out);

/* Submit and poll until this message is done; results of others stay for ls_client_next. out is filled in
 * every case; answers out->error.status. */
enum ls_status ls_client_send(struct ls_client *c, struct ls_composed *m, struct ls_arena *a,
                              struct ls_result *out);

size_t ls_client_pending(const struct ls_client *c); /* submitted and not yet finished */

/* Opens a connection of its own: lookup, TCP, TLS, EHLO, AUTH, then QUIT; no mail. Answers out->error.status.
 */
enum ls_status ls_client_verify(struct ls_client *c, struct ls_verification *out);

void ls_client_stats(const struct ls_client *c, struct ls_client_stats *out);

/* The log: on when the config's logger is true, until set otherwise. Records wait to be peeked at and
 * dropped, also behind close; the transcript (debug) begins with the next connection. */
struct ls_log *ls_client_log(struct ls_client *c);
void ls_client_set_log(struct ls_client *c, bool on); /* off: as the config says */

/* Ends idle connections with QUIT (not waiting for the answer), fails what is pending as not sent or unknown.
 * Safe twice. */
void ls_client_close(struct ls_client *c);

/* What was learned of the server at this address holds no longer: another one is there now. */
void ls_client_forget_server(const char *host, uint16_t port);

/* "libcurl/7.88.1", "OpenSSL/3.0.x"; static storage of libcurl. */
struct ls_library_version {
  const char *curl, *tls, *features;
};
void ls_client_library_version(struct ls_library_version *out);

#endif
