/* SPDX-License-Identifier: MIT
 * What a reply means, by the command it answers:
 *
 *    command   2xx            3xx              4xx, 5xx
 *    RSET      nothing        protocol error   protocol error: the transaction before may still be open;
 *                                              once more behind the first octet of a content
 *    MAIL      nothing        refused          refused; once more without SIZE and BODY if they may be why
 *    RCPT      accepted       refused          refused; the message fails with its last recipient
 *    DATA      content next   content next     refused
 *    CONTENT   accepted       refused          refused
 *    CHUNK     content next   refused          refused; once more with DATA if the server does not know BDAT
 *              (or once more with DATA where the content could be taken for commands)
 *    BDAT      accepted       refused          refused
 *    CANCEL    accepted       protocol error   protocol error
 *    NOOP      nothing        nothing          nothing
 *    QUIT      over           over             over
 *
 * 1. Replies come in the order of the commands. One that comes before its command is out, or when none is
 *    due, answers nothing: it must never shift those behind it, hence a protocol error. 421 may come always.
 * 2. 421 means the same as a refusal, and that no command behind is answered or carried out (RFC 5321 3.8);
 *    so do other words about the connection, where a message would begin (see is_farewell). Nothing more is
 *    sent, and what is said nevertheless counts: the 421 may have answered nothing (see session_doubt).
 *    Whatever it answers, it is about the connection: the message may go to another.
 * 3. The first refusal names the error; what the commands behind it in the same flight are told counts for
 *    nothing.
 * 4. A message is settled when none of its replies is due any more: nothing is pulled from under the server.
 * 5. MAIL refused, a recipient accepted and DATA granted: the end mark would deliver an empty message. The
 *    session ends instead.
 */
#include <stdlib.h>

#include "content.h"
#include "session_state.h"

enum reply_class { YES, GO, NO, CLASSES };

typedef void handler(struct ls_session *s, struct ls_flight *f, size_t recipient);

static void set_error(struct ls_session *s, struct ls_error *e, enum ls_reason reason, const char *command,
                      const char *what) {
  if (e->status != LS_OK)
    return;
  struct ls_span text = ls_session_words(s);
  ls_error_because(e, reason, command, "%s: %.*s", what, (int)text.n, text.p);
  ls_error_add_reply(e, s->reply.code, s->reply.enhanced, text);
}

static void protocol_error(struct ls_session *s) {
  struct ls_span text = ls_session_words(s);
  struct ls_span line = ls_reply_excerpt(&s->reply);
  s->why = LS_EPROTOCOL;
  ls_error_set(&s->ending, LS_EPROTOCOL, "CONN", "Unexpected Response: %.*s", (int)line.n, line.p);
  ls_error_add_reply(&s->ending, s->reply.code, s->reply.enhanced, text);
  /* a reply to a line of a content is no fault of a message behind it */
  s->learned.chunking_refused |= s->unread;
  ls_session_end(s, s->unread ? LS_ENDING_BROKEN : LS_ENDING_FAULT);
}

/* This cannot answer what it is taken for. */
static void contradict(struct ls_session *s) {
  s->doubt.lost = s->doubt.on && !s->doubt.asked;
  if (!s->doubt.lost)
    protocol_error(s);
}

static void shut_down(struct ls_session *s) {
  set_error(s, &s->ending, LS_REASON_CONNECTION_LOST, "CONN", "Connection closed unexpectedly");
  ls_session_shut_down(s);
}

static bool is_between_messages(enum ls_session_command command) {
  return command == LS_SESSION_COMMAND_MAIL || command == LS_SESSION_COMMAND_RSET ||
         command == LS_SESSION_COMMAND_CANCEL || command == LS_SESSION_COMMAND_NOOP;
}

/* The server ends the connection: by 421, or before a message has begun by another word about the connection
 * ("451 4.4.2 Timeout waiting for data", "452 4.5.3 too many messages on this connection"). Was it meant for
 * the message, the next connection will refuse it again, as its first. */
static bool is_farewell(struct ls_session *s, const struct ls_awaited *a) {
  int code = s->reply.code;
  const char *enhanced = s->reply.enhanced;
  if (code == 421 || code / 100 != 4 || (a && !is_between_messages(a->command)))
    return code == 421;
  /* 4.5.3 counts recipients, and here there are none yet */
  bool counts =
      a && a->command == LS_SESSION_COMMAND_MAIL && s->record.answered && strcmp(enhanced, "4.5.3") == 0;
  return counts || ls_reason_ends_connection(code, enhanced, ls_session_words(s));
}

/* Is the 421 about the connection alone? */
static void note_put_off(struct ls_session *s, const struct ls_awaited *a) {
  s->put_off |= s->reply.code == 421 && !s->closing && (!a || is_between_messages(a->command));
}

static void ignore(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)s;
  (void)f;
  (void)recipient;
}

static void reset_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)f;
  (void)recipient;
  s->in_doubt = false;
}

static void reset_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)f;
  (void)recipient;
  if (s->in_doubt) /* the octet stood before it: once more */
    s->open = true;
  else if (!is_farewell(s, NULL))
    contradict(s);
  s->in_doubt = false;
}

/* Refusals that a parameter of MAIL can be the cause of (RFC 5321 4.1.1.11, RFC 1870 6) */
static bool is_parameter_refusal(int code) {
  return code == 501 || code == 504 || code == 555;
}

static void mail_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  if (f->plain)
    s->learned.parameters_refused = true;
}

static void mail_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  f->mail_refused = true;
  if (f->has_parameters && is_parameter_refusal(s->reply.code)) {
    f->plain = f->again = true;
    return;
  }
  set_error(s, &f->error, LS_REASON_SENDER_REFUSED, "MAIL FROM", "Mail command failed");
}

static void rcpt_answered(struct ls_session *s, struct ls_flight *f) {
  if (++f->answered == f->env->count)
    f->enveloped_ms = s->now_ms;
}

static void rcpt_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  if (f->env->probe && f->accepted == 0) {
    ls_buf_cut(&f->response, 0);
    ls_buf_add(&f->response, ls_session_words(s));
  }
  f->accepted++;
  rcpt_answered(s, f);
}

/* A refusal that cannot be told must not be lost either: without memory for it the session ends. */
static bool add_rejection(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  if (!f->rejections)
    f->rejections = calloc(f->env->count, sizeof *f->rejections);
  if (!f->rejections) {
    ls_session_no_memory(s);
    return false;
  }
  struct ls_rejection *r = &f->rejections[f->rejection_count++];
  r->recipient = recipient;
  set_error(s, &r->error, LS_REASON_RECIPIENT_REFUSED, "RCPT TO", "Recipient command failed");
  return true;
}

static void rcpt_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  rcpt_answered(s, f);
  if (f->mail_refused || !add_rejection(s, f, recipient) || f->answered < f->env->count || f->accepted)
    return;
  set_error(s, &f->error, LS_REASON_RECIPIENT_REFUSED, "RCPT TO",
            "Can't send mail - all recipients were rejected");
}

static void data_go(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  if (f->mail_refused && f->accepted)
    contradict(s);
  else
    f->step = LS_SESSION_STEP_CONTENT;
}

static void data_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  f->answered_last = true;
  if (f->again || f->error.status != LS_OK)
    return;
  set_error(s, &f->error, LS_REASON_DATA_REFUSED, "DATA", "Data command failed");
}

static void content_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  f->answered_last = true;
  f->granted = f->content_end > 0;
  if (f->mail_refused && f->accepted) {
    /* some server took it though it had refused the sender: sending it again would be wrong */
    set_error(s, &f->error, LS_REASON_SENDER_REFUSED, "MAIL FROM", "Mail command failed");
    f->error.delivery = LS_DELIVERY_UNKNOWN;
    f->again = false;
    f->retry = LS_RETRY_NO;
  }
  if (f->error.status == LS_OK && !f->again)
    ls_buf_add(&f->response, ls_session_words(s));
}

static void content_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  f->answered_last = true;
  if (!f->again)
    set_error(s, &f->error, LS_REASON_MESSAGE_REFUSED, "DATA", "Message failed");
}

static void bdat_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  if (f->serial == s->serial)
    s->open = false;
  content_yes(s, f, recipient);
}

static bool envelope_stands(const struct ls_flight *f) {
  return !f->mail_refused && f->accepted > 0;
}

static void chunk_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)recipient;
  s->learned.chunking_proven = true;
  if (!envelope_stands(f))
    f->answered_last = true;
  else if (ls_content_may_command(f->content))
    f->again = true; /* by DATA */
  else
    f->step = LS_SESSION_STEP_END;
}

static void chunk_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  int code = s->reply.code;
  bool unknown = code == 500 || code == 502 || (envelope_stands(f) && code > 500 && code <= 504);
  s->learned.chunking_refused |= unknown;
  s->in_doubt = true;
  f->again |= unknown && envelope_stands(f);
  content_no(s, f, recipient);
}

/* It was known once. The next connection had better not try: another machine may answer to the name. */
static void bdat_no(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  s->unread = !s->learned.chunks_read;
  s->learned.chunking_refused |= s->reply.code == 500 || s->reply.code == 502;
  content_no(s, f, recipient);
}

static void cancel_yes(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)s;
  (void)recipient;
  f->answered_last = true;
}

static void quit_answered(struct ls_session *s, struct ls_flight *f, size_t recipient) {
  (void)f;
  (void)recipient;
  s->record.parted = s->reply.code != 421;
  if (s->reply.code == 421) /* it was said before QUIT had come there */
    set_error(s, &s->ending, LS_REASON_CONNECTION_LOST, "CONN", "Connection closed unexpectedly");
  ls_session_end(s, LS_ENDING_SHUTDOWN);
}

static handler *const handlers[LS_SESSION_COMMAND_COUNT][CLASSES] = {
    [LS_SESSION_COMMAND_RSET] = {reset_yes, reset_no, reset_no},
    [LS_SESSION_COMMAND_MAIL] = {mail_yes, mail_no, mail_no},
    [LS_SESSION_COMMAND_RCPT] = {rcpt_yes, rcpt_no, rcpt_no},
    [LS_SESSION_COMMAND_DATA] = {data_go, data_go, data_no},
    [LS_SESSION_COMMAND_CONTENT] = {content_yes, content_no, content_no},
    [LS_SESSION_COMMAND_CHUNK] = {chunk_yes, chunk_no, chunk_no},
    [LS_SESSION_COMMAND_BDAT] = {bdat_yes, bdat_no, bdat_no},
    [LS_SESSION_COMMAND_CANCEL] = {cancel_yes, reset_no, reset_no},
    [LS_SESSION_COMMAND_NOOP] = {ignore, ignore, ignore},
    [LS_SESSION_COMMAND_QUIT] = {quit_answered, quit_answered, quit_answered},
};

static void settle(struct ls_session *s, struct ls_flight *f) {
  if (f->awaited > 0 || f->step == LS_SESSION_STEP_CONTENT || s->doubt.on)
    return;
  if (f->again) {
    if (!s->closing) /* else it is left to the end, and goes to another connection */
      ls_session_restart(s, f);
  } else if (f->answered_last || f->error.status != LS_OK) {
    if (f->retry == LS_RETRY_NO)
      ls_session_count(s, f);
    ls_session_finish(s, f);
  }
}

/* A reply while its command is still on its way out. A refusal of a content in the middle is final for the
 * message; what is left of the content cannot be sent to anyone, so the connection is at its end too. */
static void answer_early(struct ls_session *s, const struct ls_awaited *a) {
  bool content = a && (a->command == LS_SESSION_COMMAND_CONTENT || a->command == LS_SESSION_COMMAND_BDAT);
  if (is_farewell(s, content ? a : NULL)) {
    note_put_off(s, content ? a : NULL);
    shut_down(s);
    return;
  }
  if (content && s->reply.code >= 400) {
    if (!a->flight->again)
      set_error(s, &a->flight->error, LS_REASON_MESSAGE_REFUSED, "DATA", "Message failed");
    /* what it says is about that message, and not about those behind it */
    ls_error_set(&s->ending, LS_ECONNECTION, "CONN", "Connection closed unexpectedly");
    ls_session_shut_down(s);
    return;
  }
  if (content && a->flight->error.status == LS_OK) {
    ls_session_words(s);
    struct ls_span line = ls_reply_excerpt(&s->reply);
    ls_error_set(&a->flight->error, LS_EPROTOCOL, "DATA", "Unexpected Response: %.*s", (int)line.n, line.p);
    a->flight->error.delivery = LS_DELIVERY_UNKNOWN;
  }
  protocol_error(s);
}

void ls_session_note_reply(struct ls_buf *transcript, struct ls_span text) {
  while (text.n) {
    size_t end = ls_span_index(text, '\n');
    ls_buf_adds(transcript, "S: ");
    ls_buf_add(transcript, ls_span_sub(text, 0, end));
    ls_buf_addc(transcript, '\n');
    text = ls_span_sub(text, end + 1, text.n);
  }
}

/* No line of a content that went by BDAT is granted anything. So the first yes behind a refused BDAT is to a
 * command of ours, and a no is not, for RSET goes first. */
static bool is_out_of_step(struct ls_session *s, bool farewell) {
  bool granted = s->reply.code < 400;
  if (!s->unread || farewell)
    return false;
  s->learned.chunks_read |= granted;
  s->unread = !granted;
  return s->unread;
}

void ls_session_answer(struct ls_session *s) {
  if (s->options.transcript)
    ls_session_note_reply(s->options.transcript, ls_session_words(s));
  struct ls_awaited *head = s->awaited_count ? &s->awaited[s->awaited_from] : NULL;
  if (s->doubt.on)
    ls_session_hear_doubtful(s);
  if (s->doubt.on && !head) {
    shut_down(s);
    return;
  }
  if (!head || head->end > s->queue.sent) {
    answer_early(s, head);
    return;
  }
  struct ls_awaited a = *head;
  int code = s->reply.code;
  bool farewell = is_farewell(s, &a);
  bool failed = a.flight && a.flight->error.status != LS_OK;
  if (is_out_of_step(s, farewell)) {
    protocol_error(s);
    return;
  }
  note_put_off(s, &a);
  if (farewell)
    ls_session_doubt(s);
  s->awaited_from = (s->awaited_from + 1) & (s->awaited_cap - 1);
  s->awaited_count--;
  s->went_on |= s->closing && code < 400 && a.command != LS_SESSION_COMMAND_RSET;
  if (a.flight)
    a.flight->awaited--;
  handlers[a.command][code < 300 ? YES : code < 400 ? GO : NO](s, a.flight, a.recipient);
  if (s->over)
    return;
  if (a.flight && a.flight->error.status == LS_OK && s->doubt.head == a.flight)
    s->doubt.head = NULL; /* what it is told later is not what the 421 made of it */
  if (s->doubt.lost) {
    shut_down(s);
    return;
  }
  if (farewell && a.flight && !failed && a.flight->error.status != LS_OK)
    a.flight->retry = ls_session_retry(s, a.flight);
  if (a.flight)
    settle(s, a.flight);
  if (farewell || (s->closing && s->awaited_count == 0))
    shut_down(s);
}
