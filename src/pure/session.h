/* SPDX-License-Identifier: MIT
 * session: mail transactions on one connection, as octets. Speaks SMTP from after EHLO and AUTH on (RFC 5321,
 * 2920, 3030); knows no socket, clock or Lua. Drive it: feed what came, send what is out, wake at the
 * deadline, pop events. */
#ifndef LS_SESSION_H
#define LS_SESSION_H

#include <stdint.h>

#include "buf.h"
#include "capability.h"
#include "envelope.h"
#include "error.h"
#include "mask.h"

struct ls_session;

/* What a server's answers taught us about it, beyond what it offers. Hand it to the next session with the
 * same server, and nothing is tried in vain twice. */
struct ls_session_learned {
  bool chunking_refused;   /* CHUNKING was offered and BDAT is not known: never BDAT */
  bool chunking_proven;    /* a BDAT was understood: contents may go by it without asking first */
  bool chunks_read;        /* the octets of a BDAT that was refused are read, and not taken for commands */
  bool parameters_refused; /* MAIL went through only without SIZE and BODY: never give them */
};

struct ls_session_options {
  struct ls_capability capability; /* what the server offers, as of the last EHLO */
  bool pipelining;                 /* false: never, whatever the server offers */
  bool chunking;                   /* false: never BDAT */
  bool secure;              /* the connection is encrypted, and the server's certificate was verified */
  int64_t reply_timeout_ms; /* silence while a reply is due; <= 0: none */
  size_t window_messages;   /* messages in flight at most; 0: 1 */
  size_t window_octets; /* octets of content in flight at most (one message may always pass); 0: no limit */
  struct ls_buf *transcript;  /* gets each command and each reply as a line, "C: " or "S: " in front and LF
                                behind, of content the number of octets; borrowed; NULL: none */
  const struct ls_mask *mask; /* what is told of replies passes it; borrowed; NULL: there are no secrets */
  struct ls_session_learned learned; /* zeroes for a server not met before */
};

/* What became of the messages that the server has answered for good on one connection. */
struct ls_session_record {
  size_t answered; /* accepted, or refused for their own sake */
  size_t accepted;
  bool accepted_last; /* the newest of them was accepted */
  bool parted;        /* QUIT was answered, and not by 421 */
};

struct ls_rejection {
  size_t recipient;      /* index into the envelope */
  struct ls_error error; /* EENVELOPE, "RCPT TO", with the reply */
};

enum ls_event_kind {
  LS_EVENT_DONE, /* the message's last reply came, or it failed: see error */
  LS_EVENT_ENDED /* the session is over, once, behind every DONE; id is 0; error says why, and has status
                    LS_OK after QUIT */
};

/* Whether another connection may take a message that failed. */
enum ls_retry {
  LS_RETRY_NO,      /* it was refused, or may have been accepted */
  LS_RETRY_SUSPECT, /* nothing of it can have been accepted; the connection ended while it was the first on it
                       to be answered, and for all that is known because of it */
  LS_RETRY_PUT_OFF, /* the same, and the server said 421 where a message begins: that is about the connection,
                       and no message's fault */
  LS_RETRY_FREE     /* nothing of it can have been accepted, and it was not the cause: it only waited, or the
                       connection had carried others */
};

struct ls_event {
  enum ls_event_kind kind;
  uint64_t id;
  struct ls_error error; /* status LS_OK: accepted. Yours: move or deinit it */
  enum ls_retry retry;   /* of DONE with error */
  struct ls_rejection
      *rejections; /* refused recipients, also of an accepted message; borrowed until the next call on s */
  size_t rejection_count;
  struct ls_span
      response;        /* the final reply of an accepted message (of a probe: the first recipient's), lines
                              joined by LF; borrowed likewise */
  int64_t envelope_ms; /* from submission on the wire to the last RCPT reply */
  int64_t message_ms;  /* from there to the final reply */
  size_t octets;       /* content octets on the wire, with dot transparency and the end mark */
};

/* NULL: no memory. */
struct ls_session *ls_session_new(const struct ls_session_options *options);
void ls_session_free(struct ls_session *s); /* NULL is fine; no events */

/* How many more messages the window takes now. 0 while it is full, over, or quitting. */
size_t ls_session_room(const struct ls_session *s);

/* Queues one message behind those in flight. env and content are borrowed until the event with this id.
 * content: octets of the message, CRLF line ends, no dot transparency yet. id is not 0. Parameters of MAIL
 * and RCPT go out where the server offers their extension, DSN's are left out elsewhere. LS_OK; LS_EENVELOPE:
 * no recipient, an address that would break the command, SMTPUTF8 needed and not offered; LS_EMESSAGE: over
 * the server's SIZE, or 8-bit content for a server without 8BITMIME (RFC 6152 forbids it); LS_ETLS:
 * REQUIRETLS is wanted, and not offered, or not to be asked for on this connection (RFC 8689); LS_AGAIN: the
 * window is full; LS_ECONNECTION: the session is over or quitting; LS_EARGUMENT: id 0; LS_ENOMEM. Other than
 * LS_OK: nothing was queued. */
enum ls_status ls_session_submit(struct ls_session *s, uint64_t id, const struct ls_envelope *env,
                                 struct ls_span content, int64_t now_ms, struct ls_error *err);

/* The next message submitted leaves by DATA: a server that ends the connection instead has none of it. */
void ls_session_ask_first(struct ls_session *s);

/* QUIT behind what is in flight; no more submissions. */
void ls_session_quit(struct ls_session *s, int64_t now_ms);

/* A NOOP between two messages, to see whether the server is still there. */
void ls_session_noop(struct ls_session *s, int64_t now_ms);

/* What this server taught us; also of a session that is over. */
struct ls_session_learned ls_session_learned(const struct ls_session *s);

struct ls_session_record ls_session_record(const struct ls_session *s);

/* The server has said that it closes (421), and what it was sent before may still be answered: nothing goes
 * out any more, and the next thing to hear is its last replies or its end. Close our side for writing. */
bool ls_session_closing(const struct ls_session *s);

/* Takes octets from the server, in any cut. now_ms: the caller's monotonic clock.
 * LS_OK, also when the session ended in an orderly way (421, QUIT answered): look at ls_session_over.
 * LS_EPROTOCOL, LS_ETOOBIG, LS_ENOMEM: the session is over. Every pending id still gets its event. */
enum ls_status ls_session_feed(struct ls_session *s, struct ls_span in, int64_t now_ms);

/* Closed or broken. why: copied into the error of each message that was still in flight; NULL: closed. */
void ls_session_eof(struct ls_session *s, const struct ls_error *why, int64_t now_ms);
/* The same where we end it, not the server. */
void ls_session_abort(struct ls_session *s, const struct ls_error *why, int64_t now_ms);

/* The next octets to send; n = 0: none. Same address, never shorter, until acknowledged by sent(), or until
 * the session is over: then there are none, and those given before must not be touched any more. Feed what
 * has come and submit what waits before asking, so that one write carries a whole flight. */
struct ls_span ls_session_out(struct ls_session *s);
void ls_session_sent(struct ls_session *s, size_t n, int64_t now_ms); /* the transport took the first n */

/* reply_timeout_ms after octets last went either way, while a reply is due or octets wait to be sent; on
 * now_ms's clock; INT64_MAX: none. */
int64_t ls_session_deadline(const struct ls_session *s);
void ls_session_expire(struct ls_session *s, int64_t now_ms); /* the deadline has passed */

/* Whether messages go out by BDAT, so that many can be in flight at once. */
bool ls_session_chunks(const struct ls_session *s);

bool ls_session_idle(const struct ls_session *s); /* nothing in flight or awaited; not at its end */
bool ls_session_over(const struct ls_session *s);
bool ls_session_reply_due(const struct ls_session *s); /* a command is out whole and its reply is awaited */

/* 1: *ev filled, valid to the next call on s (ev->error is yours). 0: none. */
int ls_session_next(struct ls_session *s, struct ls_event *ev);

#endif
