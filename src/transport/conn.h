/* SPDX-License-Identifier: MIT
 * conn: one connection to the server. libcurl looks up the name, connects, does TLS, EHLO and AUTH
 * (CURLOPT_CONNECT_ONLY); from then on a session speaks through curl_easy_send and curl_easy_recv. Never
 * waits: the loop says when to look. */
#ifndef LS_CONN_H
#define LS_CONN_H

#include "../pure/session.h"
#include "dialogue.h"
#include "log.h"
#include "loop.h"

enum ls_conn_state {
  LS_CONN_OPENING, /* libcurl is at work */
  LS_CONN_READY,   /* the session takes messages */
  LS_CONN_FAILED,  /* never became ready: see ls_conn_error */
  LS_CONN_OVER     /* was ready, is gone */
};

struct ls_conn;

struct ls_conn_options {
  const struct ls_config *config; /* borrowed, must outlive the connection */
  const char *ehlo_name;          /* borrowed likewise */
  const char *bearer;             /* secret, borrowed for the call: OAuth 2.0 access token; NULL: none */
  struct ls_tls_context *tls;     /* borrowed likewise */
  struct ls_login_way way;
  size_t window_messages; /* in flight at most, where the server pipelines */
  struct ls_log *log;     /* borrowed likewise */
  struct ls_mask *mask;   /* borrowed likewise */
  struct ls_session_learned learned;
};

/* Starts to connect within loop, which must outlive the connection. NULL: err says why. */
struct ls_conn *ls_conn_open(struct ls_loop *loop, const struct ls_conn_options *options, int64_t now_ms,
                             struct ls_error *err);

/* Closes at once, without a word. NULL is fine. */
void ls_conn_close(struct ls_conn *c);

/* Says QUIT, where the connection is there and nothing is in flight: also over one that failed for its login.
 * True: its answer is awaited (READY until then). */
bool ls_conn_quit(struct ls_conn *c, int64_t now_ms);

/* Frees without a word to the server and without closing: for a process that did not open it. */
void ls_conn_abandon(struct ls_conn *c);

/* The connection behind an easy handle that libcurl has finished with, and what libcurl said. */
struct ls_conn *ls_conn_of(CURL *easy);
void ls_conn_finished(struct ls_conn *c, CURLcode result, int64_t now_ms);

/* Notices which step libcurl has reached and whether its time is up. */
void ls_conn_tick(struct ls_conn *c, int64_t now_ms);
int64_t ls_conn_deadline(const struct ls_conn *c); /* when tick has something to do; INT64_MAX: never */

/* Takes what came, without waiting; then sends what is out, without waiting. Events: see the session. */
void ls_conn_receive(struct ls_conn *c, int64_t now_ms);
void ls_conn_send(struct ls_conn *c, int64_t now_ms);

/* The attempt or the session ends here for the reason why (copied). */
void ls_conn_fail(struct ls_conn *c, const struct ls_error *why, int64_t now_ms);

/* True: fill a curl_waitfd with these, the session waits for them. */
bool ls_conn_wants(const struct ls_conn *c, curl_socket_t *fd, bool *to_write);

enum ls_conn_state ls_conn_state(const struct ls_conn *c);
struct ls_session *ls_conn_session(struct ls_conn *c); /* NULL before READY */
const struct ls_dialogue *ls_conn_dialogue(const struct ls_conn *c);
const struct ls_error *ls_conn_error(const struct ls_conn *c);
void ls_conn_tell(struct ls_conn *c);               /* gives what was said since the last time to the log */
bool ls_conn_connected(const struct ls_conn *c);    /* TCP is up, with implicit TLS that too */
uint64_t ls_conn_number(const struct ls_conn *c);   /* for the log */
int64_t ls_conn_ready_ms(const struct ls_conn *c);  /* when it became ready */
int64_t ls_conn_active_ms(const struct ls_conn *c); /* when octets last went either way */
uint64_t ls_conn_octets_in(const struct ls_conn *c);
uint64_t ls_conn_octets_out(const struct ls_conn *c);

/* The login failed in a way that makes another attempt worth while, with *way: the server offers another kind
 * of mechanism only, or did not understand how this one began. */
bool ls_conn_wants_other_way(const struct ls_conn *c, struct ls_login_way *way);

/* The attempt failed because the server does not take the access token. */
bool ls_conn_token_refused(const struct ls_conn *c);

/* Milliseconds from the start to each step; below 0: it did not happen. */
struct ls_conn_times {
  int64_t lookup, connect, tls, greeting, ehlo, ready; /* ehlo: the first reply to it */
};
struct ls_conn_times ls_conn_times(const struct ls_conn *c);

/* Address and port of the server; NULL: not connected, or no memory. Yours to free. */
char *ls_conn_address(const struct ls_conn *c);

#endif
