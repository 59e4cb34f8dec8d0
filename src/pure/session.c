/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "content.h"
#include "session_state.h"

enum {
  SHOWN_MAX = 320,
  CLOSING_MS = 2000 /* a server that has said 421 has so long to finish what it has, and to close */
};

static void append(struct ls_flights *list, struct ls_flight *f) {
  f->next = NULL;
  f->prev = list->last;
  if (list->last)
    list->last->next = f;
  else
    list->first = f;
  list->last = f;
}

static void insert_before(struct ls_flights *list, struct ls_flight *f, struct ls_flight *place) {
  if (!place) {
    append(list, f);
    return;
  }
  f->next = place;
  f->prev = place->prev;
  if (place->prev)
    place->prev->next = f;
  else
    list->first = f;
  place->prev = f;
}

static void take_out(struct ls_flights *list, struct ls_flight *f) {
  if (f->prev)
    f->prev->next = f->next;
  else
    list->first = f->next;
  if (f->next)
    f->next->prev = f->prev;
  else
    list->last = f->prev;
}

static void drop_rejections(struct ls_flight *f) {
  for (size_t i = 0; i < f->rejection_count; i++)
    ls_error_deinit(&f->rejections[i].error);
  free(f->rejections);
  f->rejections = NULL;
  f->rejection_count = 0;
}

static void flight_free(struct ls_flight *f) {
  if (!f)
    return;
  drop_rejections(f);
  ls_error_deinit(&f->error);
  ls_buf_deinit(&f->response);
  ls_buf_deinit(&f->unasked.response);
  free(f);
}

static void free_all(struct ls_flights *list) {
  for (struct ls_flight *f = list->first, *next; f; f = next) {
    next = f->next;
    flight_free(f);
  }
}

struct ls_session *ls_session_new(const struct ls_session_options *options) {
  struct ls_session *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->options = *options;
  if (s->options.window_messages == 0)
    s->options.window_messages = 1;
  s->learned = options->learned;
  s->pipelining = options->pipelining && options->capability.pipelining;
  ls_queue_init(&s->queue);
  ls_reply_init(&s->reply);
  return s;
}

void ls_session_free(struct ls_session *s) {
  if (!s)
    return;
  ls_queue_deinit(&s->queue);
  ls_reply_deinit(&s->reply);
  free(s->awaited);
  free_all(&s->flights);
  free_all(&s->done);
  flight_free(s->given);
  ls_error_deinit(&s->ending);
  free(s);
}

size_t ls_session_room(const struct ls_session *s) {
  size_t octets = s->options.window_octets;
  if (s->over || s->closing || s->quit || s->in_flight >= s->options.window_messages ||
      (octets && s->in_flight_octets >= octets))
    return 0;
  return s->options.window_messages - s->in_flight;
}

static bool fits(const struct ls_session *s, size_t n) {
  size_t octets = s->options.window_octets;
  if (ls_session_room(s) == 0)
    return false;
  return octets == 0 || s->in_flight == 0 || n <= octets - s->in_flight_octets;
}

/* A length for "%.*s": an address of any size may be in an error message, but not whole. */
static int shown(struct ls_span s) {
  return s.n < SHOWN_MAX ? (int)s.n : SHOWN_MAX;
}

/* Nothing ends a command line, or an address in it, too early. In quotes '>' and space are text (RFC 5321
 * 4.1.2). */
static bool is_address_safe(struct ls_span s) {
  bool quoted = false;
  bool escaped = false;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (c == '\r' || c == '\n' || c == '\0' || (!quoted && (c == '<' || c == '>' || c == ' ')))
      return false;
    if (c == '"' && !escaped)
      quoted = !quoted;
    escaped = quoted && c == '\\' && !escaped;
  }
  return !quoted;
}

static bool is_parameter_safe(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] <= ' ' || s.p[i] > '~')
      return false;
  return true;
}

static enum ls_status check_envelope(const struct ls_envelope *env, struct ls_error *err) {
  if (env->count == 0)
    return ls_error_because(err, LS_REASON_NO_RECIPIENTS, "API", "No recipients defined");
  if (!is_address_safe(env->from))
    return ls_error_set(err, LS_EENVELOPE, "API", "Invalid sender \"%.*s\"", shown(env->from), env->from.p);
  if (!is_parameter_safe(env->ret) || !is_parameter_safe(env->envid))
    return ls_error_because(err, LS_REASON_DSN_UNUSABLE, "API", "Invalid DSN parameter of the sender");
  for (size_t i = 0; i < env->count; i++) {
    const struct ls_recipient *to = &env->to[i];
    if (to->address.n == 0 || !is_address_safe(to->address))
      return ls_error_set(err, LS_EENVELOPE, "API", "Invalid recipient \"%.*s\"", shown(to->address),
                          to->address.p ? to->address.p : "");
    if (!is_parameter_safe(to->notify) || !is_parameter_safe(to->orcpt))
      return ls_error_because(err, LS_REASON_DSN_UNUSABLE, "API",
                              "Invalid DSN parameter of recipient \"%.*s\"", shown(to->address),
                              to->address.p);
  }
  return LS_OK;
}

/* The first address that is not ASCII; n = 0: a header needs SMTPUTF8. */
static struct ls_span find_utf8(const struct ls_envelope *env) {
  if (!ls_span_is_ascii(env->from))
    return env->from;
  for (size_t i = 0; i < env->count; i++)
    if (!ls_span_is_ascii(env->to[i].address))
      return env->to[i].address;
  return ls_span(NULL, 0);
}

/* What this server cannot take by its own word is refused here, before anything is sent. */
static enum ls_status check_capability(const struct ls_session *s, const struct ls_envelope *env, size_t size,
                                       struct ls_error *err) {
  const struct ls_capability *c = &s->options.capability;
  struct ls_span address = find_utf8(env);
  if (!c->smtputf8 && address.n)
    return ls_error_because(err, LS_REASON_SMTPUTF8_NOT_OFFERED, "API",
                            "The server does not offer SMTPUTF8, which \"%.*s\" needs; use an ASCII address",
                            shown(address), address.p);
  if (!c->smtputf8 && env->smtputf8)
    return ls_error_because(err, LS_REASON_SMTPUTF8_NOT_OFFERED, "API",
                            "The server does not offer SMTPUTF8, which an address in the headers needs");
  if (!c->eightbit && env->body_8bit)
    return ls_error_because(err, LS_REASON_EIGHTBIT_NOT_OFFERED, "API",
                            "The server does not offer 8BITMIME, and the message has octets above 127; "
                            "use quoted-printable or base64");
  if (env->require_tls && !s->options.secure)
    return ls_error_because(
        err, LS_REASON_REQUIRETLS_IN_CLEAR, "MAIL FROM",
        "REQUIRETLS can only be used over TLS with a verified certificate (RFC 8689); use secure or "
        "requireTLS, and leave tls.rejectUnauthorized on");
  if (env->require_tls && !c->requiretls)
    return ls_error_because(err, LS_REASON_REQUIRETLS_NOT_OFFERED, "MAIL FROM",
                            "The server does not support REQUIRETLS (RFC 8689)");
  if (c->size && c->size_max && size > c->size_max)
    return ls_error_because(err, LS_REASON_SIZE_EXCEEDED, "API",
                            "The message has %zu octets, and the server takes %llu", size,
                            (unsigned long long)c->size_max);
  return LS_OK;
}

enum ls_status ls_session_submit(struct ls_session *s, uint64_t id, const struct ls_envelope *env,
                                 struct ls_span content, int64_t now_ms, struct ls_error *err) {
  if (s->over || s->closing || s->quit)
    return ls_error_set(err, LS_ECONNECTION, "CONN", "The session is over");
  if (id == 0)
    return ls_error_set(err, LS_EARGUMENT, "API", "0 is no id of a message");
  if (!fits(s, content.n))
    return LS_AGAIN;
  enum ls_status st = check_envelope(env, err);
  size_t size = ls_content_size(content);
  if (st == LS_OK)
    st = check_capability(s, env, size, err);
  if (st != LS_OK)
    return st;
  struct ls_flight *f = calloc(1, sizeof *f);
  if (!f)
    return ls_error_no_memory(err, NULL);
  f->id = id;
  f->env = env;
  f->content = content;
  f->size = size;
  f->asks_first = s->ask_first;
  s->ask_first = false;
  ls_buf_init(&f->response, LS_REPLY_MAX);
  append(&s->flights, f);
  s->in_flight++;
  s->in_flight_octets += content.n;
  if (!s->sender)
    s->sender = f;
  s->now_ms = now_ms;
  ls_session_pump(s);
  return LS_OK;
}

void ls_session_ask_first(struct ls_session *s) {
  s->ask_first = true;
}

void ls_session_quit(struct ls_session *s, int64_t now_ms) {
  s->now_ms = now_ms;
  s->quit = true;
  ls_session_pump(s);
}

void ls_session_noop(struct ls_session *s, int64_t now_ms) {
  s->now_ms = now_ms;
  s->noop = !s->quit;
  ls_session_pump(s);
}

struct ls_session_learned ls_session_learned(const struct ls_session *s) {
  return s->learned;
}

struct ls_session_record ls_session_record(const struct ls_session *s) {
  return s->record;
}

bool ls_session_closing(const struct ls_session *s) {
  return s->closing && !s->over;
}

void ls_session_finish(struct ls_session *s, struct ls_flight *f) {
  if (s->sender == f)
    s->sender = f->next;
  take_out(&s->flights, f);
  append(&s->done, f);
  s->in_flight--;
  s->in_flight_octets -= f->content.n;
  f->ended_ms = s->now_ms;
}

void ls_session_restart(struct ls_session *s, struct ls_flight *f) {
  struct ls_flight *place = s->sender == f ? f->next : s->sender;
  /* a transaction that has begun is not broken into */
  bool begun = s->sender != f && place && place->step != LS_SESSION_STEP_MAIL;
  take_out(&s->flights, f);
  insert_before(&s->flights, f, begun ? place->next : place);
  if (!begun)
    s->sender = f;
  f->step = LS_SESSION_STEP_MAIL;
  f->next_recipient = f->answered = f->accepted = 0;
  f->content_end = 0;
  f->begun = f->octets = 0;
  f->mail_refused = f->again = f->answered_last = false;
  drop_rejections(f);
}

/* Whether the server may have taken the message for somebody without our knowing. */
bool ls_session_may_be_accepted(const struct ls_session *s, const struct ls_flight *f) {
  if (f->content_end == 0 || s->queue.sent < f->content_end || f->mail_refused || f->answered_last)
    return false;
  return f->accepted > 0 || f->answered < f->env->count;
}

/* The first in line, and nobody before it on this connection has fared any better. */
enum ls_retry ls_session_retry(const struct ls_session *s, const struct ls_flight *f) {
  if (f != s->flights.first || !f->serial || s->record.answered)
    return LS_RETRY_FREE;
  return s->put_off ? LS_RETRY_PUT_OFF : LS_RETRY_SUSPECT;
}

void ls_session_count(struct ls_session *s, const struct ls_flight *f) {
  s->record.answered++;
  s->record.accepted_last = f->error.status == LS_OK;
  s->record.accepted += s->record.accepted_last;
}

static void tell_cut_reply(struct ls_session *s, struct ls_error *e) {
  ls_error_add_cut(e, s->reply.code, s->reply.enhanced, ls_session_words(s));
}

static void drop_rejections_from(struct ls_flight *f, size_t from) {
  while (f->rejection_count > from)
    ls_error_deinit(&f->rejections[--f->rejection_count].error);
}

/* Nothing that its replies were taken for stands. */
static void forget_answers(struct ls_session *s, struct ls_flight *f) {
  ls_error_deinit(&f->error);
  f->error = (struct ls_error){0};
  f->retry = LS_RETRY_NO;
  drop_rejections_from(f, f->unasked.rejections);
  (void)ls_error_copy(&f->error, &s->ending);
}

static void accept_doubtful(struct ls_session *s, struct ls_flight *f) {
  bool asked = f->granted && f->error.status == LS_OK;
  drop_rejections_from(f, f->unasked.rejections);
  ls_error_deinit(&f->error);
  f->error = (struct ls_error){0};
  if (!asked) {
    ls_buf_deinit(&f->response);
    f->response = f->unasked.response;
    ls_buf_init(&f->unasked.response, LS_REPLY_MAX);
  }
  f->retry = LS_RETRY_NO;
  ls_session_count(s, f);
}

/* The first to hear the 421 is told what it was taken for, all others that the connection ended. */
static void fail_doubtful(struct ls_session *s, struct ls_flight *f) {
  if (f != s->doubt.head || f->error.status == LS_OK)
    forget_answers(s, f);
  f->error.delivery = LS_DELIVERY_NOT_SENT;
  f->retry = ls_session_retry(s, f);
}

static void fail(struct ls_session *s, struct ls_flight *f, enum ls_ending how) {
  if (s->doubt.on && f->answered_last && !f->again && f->error.status == LS_OK) {
    ls_session_count(s, f); /* it was accepted */
    return;
  }
  if (f->error.status != LS_OK) {
    if (f->error.response_code && f->retry == LS_RETRY_NO)
      ls_session_count(s, f); /* it was refused, and only what is said behind that is missing */
    return;
  }
  /* out of memory leaves the sentence out, never the status */
  (void)ls_error_copy(&f->error, &s->ending);
  if (f == s->cut)
    tell_cut_reply(s, &f->error);
  if ((how != LS_ENDING_SHUTDOWN || s->went_on) && ls_session_may_be_accepted(s, f)) {
    f->error.delivery = LS_DELIVERY_UNKNOWN;
    return;
  }
  f->error.delivery = LS_DELIVERY_NOT_SENT;
  bool at_fault = how == LS_ENDING_FAULT && f == s->flights.first && f->serial;
  f->retry = how == LS_ENDING_LOCAL || at_fault ? LS_RETRY_NO : ls_session_retry(s, f);
}

static void tell_fate(struct ls_session *s, struct ls_flight *f, enum ls_ending how) {
  switch (ls_session_fate(s, f)) {
  case LS_FATE_AS_ANSWERED:
    fail(s, f, how);
    break;
  case LS_FATE_ACCEPTED:
    accept_doubtful(s, f);
    break;
  case LS_FATE_NOT_SENT:
    fail_doubtful(s, f);
    break;
  case LS_FATE_UNKNOWN:
    forget_answers(s, f);
    f->error.delivery = LS_DELIVERY_UNKNOWN;
    break;
  }
}

void ls_session_end(struct ls_session *s, enum ls_ending how) {
  if (s->over)
    return;
  if (how != LS_ENDING_SHUTDOWN)
    s->went_on = s->doubt.went_on = true;
  s->over = true;
  /* lent octets are let go before the events that give them back */
  ls_queue_clear(&s->queue);
  s->awaited_count = 0;
  s->sender = NULL;
  for (struct ls_flight *f = s->flights.first; f; f = f->next)
    tell_fate(s, f, how);
  while (s->flights.first)
    ls_session_finish(s, s->flights.first);
}

/* Replies to what never went out whole are not to be expected. */
static void expect_nothing_unsent(struct ls_session *s) {
  size_t mask = s->awaited_cap - 1;
  while (s->awaited_count && s->awaited[(s->awaited_from + s->awaited_count - 1) & mask].end > s->queue.sent)
    s->awaited_count--;
}

/* By the word of the server nothing behind its 421 is carried out, and all may go to another connection. But
 * a content that is out already would be accepted twice by a server that goes on all the same: see
 * session_doubt. */
void ls_session_shut_down(struct ls_session *s) {
  ls_queue_clear(&s->queue);
  s->sender = NULL;
  s->noop = false;
  s->closing = true;
  if (s->awaited_count)
    expect_nothing_unsent(s);
  if (!s->doubt.on || ls_session_doubt_over(s))
    ls_session_end(s, LS_ENDING_SHUTDOWN);
}

void ls_session_no_memory(struct ls_session *s) {
  s->why = LS_ENOMEM;
  ls_error_no_memory(&s->ending, NULL);
  ls_session_end(s, LS_ENDING_LOCAL);
}

struct ls_span ls_session_words(struct ls_session *s) {
  if (!s->masked)
    ls_reply_mask(&s->reply, s->options.mask);
  s->masked = true;
  return ls_buf_span(&s->reply.text);
}

static void fail_reading(struct ls_session *s, enum ls_status st) {
  const struct ls_reply *r = &s->reply;
  struct ls_span text = ls_session_words(s);
  struct ls_span line = r->complete ? text : ls_reply_excerpt(r);
  if (st == LS_ENOMEM) {
    ls_session_no_memory(s);
    return;
  }
  s->why = st;
  if (st == LS_ETOOBIG)
    ls_error_set(&s->ending, st, "CONN", "The server's reply is longer than %d octets", LS_REPLY_MAX);
  else
    ls_error_set(&s->ending, st, "CONN", "Unexpected Response: %.*s", (int)line.n, line.p ? line.p : "");
  if (st == LS_EPROTOCOL)
    ls_error_add_reply(&s->ending, r->complete && r->code >= 400 ? r->code : 0, r->enhanced, line);
  ls_session_end(s, LS_ENDING_FAULT);
}

/* The connection has ended in the middle of a reply. 421 is about the connection, all else about the message
 * whose turn it was. */
static void hear_cut_reply(struct ls_session *s) {
  if (!ls_reply_cut(&s->reply))
    return;
  s->masked = false;
  struct ls_span text = ls_session_words(s);
  if (s->awaited_count && !ls_reason_ends_connection(s->reply.code, s->reply.enhanced, text))
    s->cut = s->awaited[s->awaited_from].flight;
  if (s->cut && s->cut->again) /* the first refusal counts, and that is dealt with */
    s->cut = NULL;
  else if (!s->cut)
    tell_cut_reply(s, &s->ending);
  if (s->options.transcript)
    ls_session_note_reply(s->options.transcript, text);
}

enum ls_status ls_session_feed(struct ls_session *s, struct ls_span in, int64_t now_ms) {
  s->now_ms = now_ms;
  if (in.n)
    s->active_ms = now_ms;
  while (in.n && !s->over) {
    size_t used;
    s->masked = false;
    enum ls_status st = ls_reply_feed(&s->reply, in, &used);
    in = ls_span_sub(in, used, in.n);
    if (st == LS_OK)
      ls_session_answer(s);
    else if (st != LS_AGAIN)
      fail_reading(s, st);
  }
  ls_session_pump(s);
  return s->why;
}

void ls_session_eof(struct ls_session *s, const struct ls_error *why, int64_t now_ms) {
  s->now_ms = now_ms;
  if (s->over)
    return;
  /* a server may close instead of answering QUIT */
  bool orderly = s->quit_out && !s->flights.first;
  if (s->closing) {
    bool granting = ls_reply_cut(&s->reply) && s->reply.code < 400;
    s->went_on |= granting;
    s->doubt.went_on |= granting;
    ls_session_end(s, LS_ENDING_SHUTDOWN);
    return;
  }
  if (!orderly && why && why->status != LS_OK)
    (void)ls_error_copy(&s->ending, why);
  else if (!orderly)
    ls_error_set(&s->ending, LS_ECONNECTION, "CONN", "Connection closed unexpectedly");
  hear_cut_reply(s);
  ls_session_end(s, LS_ENDING_BROKEN);
  if (s->cut)
    tell_cut_reply(s, &s->ending);
}

void ls_session_abort(struct ls_session *s, const struct ls_error *why, int64_t now_ms) {
  if (s->closing) /* for all that can be seen it was still at work on what it has */
    s->went_on = s->doubt.went_on = true;
  ls_session_eof(s, why, now_ms);
}

struct ls_span ls_session_out(struct ls_session *s) {
  return ls_queue_out(&s->queue);
}

void ls_session_sent(struct ls_session *s, size_t n, int64_t now_ms) {
  ls_queue_sent(&s->queue, n);
  s->active_ms = s->now_ms = now_ms;
}

int64_t ls_session_deadline(const struct ls_session *s) {
  bool waiting = !s->over && (s->awaited_count > 0 || ls_queue_out(&s->queue).n > 0);
  int64_t timeout_ms = s->options.reply_timeout_ms;
  if (s->closing && !s->over)
    return s->doubt.since_ms + (timeout_ms > 0 && timeout_ms < CLOSING_MS ? timeout_ms : CLOSING_MS);
  if (!waiting || timeout_ms <= 0 || s->active_ms > INT64_MAX - timeout_ms)
    return INT64_MAX;
  return s->active_ms + timeout_ms;
}

void ls_session_expire(struct ls_session *s, int64_t now_ms) {
  if (now_ms < ls_session_deadline(s))
    return;
  s->now_ms = now_ms;
  if (s->closing) {
    ls_session_abort(s, NULL, now_ms);
    return;
  }
  ls_error_set(&s->ending, LS_ETIMEDOUT, "CONN", "Timeout");
  ls_session_end(s, LS_ENDING_FAULT);
}

bool ls_session_chunks(const struct ls_session *s) {
  return s->options.chunking && s->options.capability.chunking && !s->learned.chunking_refused;
}

bool ls_session_idle(const struct ls_session *s) {
  return !s->over && !s->closing && !s->quit && !s->noop && !s->flights.first && s->awaited_count == 0;
}

bool ls_session_over(const struct ls_session *s) {
  return s->over;
}

bool ls_session_reply_due(const struct ls_session *s) {
  return s->awaited_count > 0 && s->awaited[s->awaited_from].end <= s->queue.sent;
}

static void fill_event(struct ls_event *ev, struct ls_flight *f) {
  bool enveloped = f->env->count > 0 && f->answered == f->env->count;
  int64_t envelope_end = enveloped ? f->enveloped_ms : f->ended_ms;
  ev->id = f->id;
  ev->error = f->error;
  f->error = (struct ls_error){0};
  ev->retry = f->retry;
  ev->rejections = f->rejections;
  ev->rejection_count = f->rejection_count;
  ev->response = ls_buf_span(&f->response);
  ev->octets = f->octets;
  if (f->serial) {
    ev->envelope_ms = envelope_end - f->started_ms;
    ev->message_ms = f->ended_ms - envelope_end;
  }
}

int ls_session_next(struct ls_session *s, struct ls_event *ev) {
  struct ls_flight *f = s->done.first;
  flight_free(s->given);
  s->given = f;
  *ev = (struct ls_event){.kind = LS_EVENT_DONE};
  if (f) {
    take_out(&s->done, f);
    fill_event(ev, f);
    return 1;
  }
  if (!s->over || s->ended)
    return 0;
  s->ended = true;
  ev->kind = LS_EVENT_ENDED;
  ev->error = s->ending;
  s->ending = (struct ls_error){0};
  return 1;
}
