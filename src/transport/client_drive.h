/* SPDX-License-Identifier: MIT
 * client_drive: a client from below, for those who drive it: client.c itself, which waits for one client
 * alone, and the engine, which gives many one loop. */
#ifndef LS_CLIENT_DRIVE_H
#define LS_CLIENT_DRIVE_H

#include "client.h"
#include "job.h"
#include "loop.h"

struct ls_conn;

/* What libcurl has finished with, as ls_loop_next answers it. False: it is none of this client's. */
bool ls_client_took(struct ls_client *c, CURL *easy, CURLcode result, int64_t now_ms);
void ls_client_turn(struct ls_client *c, int64_t now_ms); /* all else that can be done without waiting */
/* Lets the loop's next wait look at the client's sockets. Answers until when it may last: until_ms or
 * earlier. */
int64_t ls_client_watch(struct ls_client *c, int64_t now_ms, int64_t until_ms);

/* Whether one more message, of n octets, may be enqueued. */
bool ls_client_has_room(const struct ls_client *c, size_t n);
/* When a message expires that is submitted now, behind `ahead` messages besides those the client has. */
int64_t ls_client_deadline(const struct ls_client *c, size_t ahead, int64_t now_ms);
/* Takes a composed message; its id, deadline and octets are set. */
void ls_client_enqueue(struct ls_client *c, struct ls_job *j);
/* Writes the error of what was not done within totalTimeout. */
enum ls_status ls_client_too_late(const struct ls_client *c, const char *command, struct ls_error *err);
struct ls_job *ls_client_pop(struct ls_client *c); /* a finished one, yours; NULL: none */

/* A verification in steps. Zeroes begin one, together with an initialised ls_verification. */
struct ls_verifying {
  struct ls_conn *conn; /* the probe; NULL: none yet */
  int64_t until_ms;     /* 0: not begun */
  uint64_t attempt;     /* its number; 0: it is not its turn yet */
  bool asked;           /* an access token is on its way */
  bool second;          /* the attempt was repeated */
};

/* True: it is over, *out is full. False: call again after a turn, and when ls_client_verify_due says. */
bool ls_client_verify_step(struct ls_client *c, struct ls_verifying *v, int64_t now_ms,
                           struct ls_verification *out);
/* When the next step has something to do, whatever happens: now_ms, or later. */
int64_t ls_client_verify_due(const struct ls_client *c, const struct ls_verifying *v, int64_t now_ms);
/* Ends one that is under way, for the reason why (copied). */
void ls_client_verify_end(struct ls_client *c, struct ls_verifying *v, const struct ls_error *why,
                          struct ls_verification *out);

/* As ls_client_close, for the reason why (copied). Verifications must have ended. */
void ls_client_end(struct ls_client *c, const struct ls_error *why);

#endif
