/* SPDX-License-Identifier: MIT
 * session_model: the session against a strict server that refuses, shuts down, stalls and dies at random.
 * What the server took must be what the events claim: nothing twice, nothing under another message's
 * envelope, nothing called not sent that was. Deterministic: a failing seed fails again. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/buf.h"
#include "../../src/pure/session.h"

enum { MESSAGES = 8, RECIPIENTS = 3, ROUNDS = 4000 };

enum chunking { NONE, KNOWN, SWALLOWED, READ_AS_COMMANDS, CHUNKINGS };
/* GOING_ON: says 421 as SHUTDOWN does, but stays. FINISHING: says it in between, unasked, and finishes what
 * it has in hand, or a few commands more, before it closes or says it once more. */
enum fault { NO_FAULT, SHUTDOWN, GOING_ON, FINISHING, DEATH, STALL, EARLY_REFUSAL, FAULTS };

static unsigned long long seed_of_round;
static unsigned long long prng;

static unsigned draw(unsigned below) {
  prng ^= prng << 13;
  prng ^= prng >> 7;
  prng ^= prng << 17;
  return (unsigned)((prng >> 11) % below);
}

#define check(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      fprintf(stderr, "seed %llu\n", seed_of_round);                                                         \
      assert_true(condition);                                                                                \
    }                                                                                                        \
  } while (0)

/* --- messages ------------------------------------------------------------------------------------------ */

struct message {
  unsigned id;
  struct ls_envelope env;
  struct ls_recipient to[RECIPIENTS];
  char from[16], names[RECIPIENTS][16];
  char *content;      /* lives from submission to event, so that a late look at it is seen */
  struct ls_buf wire; /* what the server must read */
  bool submitted, finished;
  unsigned attempts;
  size_t taken;              /* times the server took it */
  bool taken_by[RECIPIENTS]; /* for whom */
};

static void make_message(struct message *m, unsigned id) {
  *m = (struct message){.id = id};
  snprintf(m->from, sizeof m->from, "s%u@x", id);
  m->env.from = ls_span_cstr(m->from);
  m->env.to = m->to;
  m->env.count = 1 + draw(RECIPIENTS);
  m->env.body_8bit = draw(2);
  for (unsigned i = 0; i < m->env.count; i++) {
    snprintf(m->names[i], sizeof m->names[i], "r%u-%u@y", id, i);
    m->to[i].address = ls_span_cstr(m->names[i]);
  }
  char text[64];
  ls_buf_init(&m->wire, 1 << 20);
  snprintf(text, sizeof text, "Subject: %u\r\n\r\n.dot\r\n..\r\n", id);
  ls_buf_adds(&m->wire, text);
  unsigned dots = draw(3) ? 500 : 10; /* a dot in so many lines: long runs are lent, short ones copied */
  for (unsigned n = draw(8) ? draw(3) : 3000; n; n--)
    ls_buf_adds(&m->wire, draw(dots) ? "0123456789\r\n" : ".\r\n");
  if (draw(4) == 0)
    ls_buf_adds(&m->wire, "MAIL FROM:<evil@x>\r\nRCPT TO:<evil@y>\r\nDATA\r\nRSET\r\n");
  snprintf(text, sizeof text, "end-%u\r\n", id);
  ls_buf_adds(&m->wire, text);
}

/* --- the server ---------------------------------------------------------------------------------------- */

struct server {
  struct message *messages;
  bool pipelining, parameters, lenient; /* lenient: after a refused BDAT the transaction is as before */
  enum chunking chunking;
  bool unread; /* refuses some BDAT without reading its octets, and then takes them for commands */
  enum fault fault;
  unsigned fault_after;          /* commands, or octets of content */
  unsigned refusals;             /* of ten */
  bool in_mail, in_data, failed; /* failed: BDAT was refused, only RSET helps */
  unsigned sender;
  bool accepted[RECIPIENTS];
  unsigned recipients;
  size_t chunk;                          /* octets of BDAT still to come */
  bool in_chunk, chunk_last, chunk_shut; /* chunk_shut: 421 is the answer to it */
  bool alone;                            /* the client may not send before it has read every reply */
  bool closed, stalled;
  bool finishing; /* has said 421 */
  unsigned pieces_left;
  struct ls_buf in, out, body;
};

static void reply(struct server *v, const char *line) {
  ls_buf_adds(&v->out, line);
  ls_buf_adds(&v->out, "\r\n");
}

static void reset(struct server *v) {
  v->in_mail = v->failed = false;
  ls_buf_cut(&v->body, 0);
  v->recipients = 0;
  memset(v->accepted, 0, sizeof v->accepted);
}

static bool refuses(struct server *v) {
  return draw(10) < v->refusals;
}

static void take_message(struct server *v, struct ls_span body) {
  struct message *m = &v->messages[v->sender];
  if (v->recipients == 0)
    return;
  check(ls_span_eq(body, ls_buf_span(&m->wire)));
  m->taken++;
  memcpy(m->taken_by, v->accepted, sizeof m->taken_by);
}

static void end_content(struct server *v, bool bdat) {
  struct ls_span body = ls_buf_span(&v->body);
  bool refused = v->recipients == 0 || !v->in_mail || v->failed || refuses(v);
  if (refused)
    reply(v, v->recipients ? draw(2) ? "452 4.3.1 later" : "554 5.6.0 no" : "554 5.5.1 no valid recipients");
  else
    take_message(v, body);
  if (!refused)
    reply(v, draw(2) ? "250 2.0.0 ok" : "250-2.0.0 ok\r\n250 2.0.0 really");
  if (refused && bdat)
    v->failed = v->in_mail && !v->lenient;
  else
    reset(v);
  ls_buf_cut(&v->body, 0);
}

static void mail(struct server *v, const char *line) {
  unsigned id = 0;
  bool parameters = strstr(line, "SIZE=") || strstr(line, "BODY=");
  check(sscanf(line, "MAIL FROM:<s%u@x>", &id) == 1 && id < MESSAGES);
  if (v->in_mail)
    reply(v, "503 5.5.1 nested MAIL");
  else if (parameters && !v->parameters)
    reply(v, "555 5.5.4 unknown parameter");
  else if (refuses(v))
    reply(v, draw(2) ? "550 5.7.1 sender" : "501 5.1.7 sender");
  else {
    reset(v);
    v->in_mail = true;
    v->sender = id;
    reply(v, "250 2.1.0 ok");
  }
}

static void rcpt(struct server *v, const char *line) {
  unsigned id = 0, i = 0;
  check(sscanf(line, "RCPT TO:<r%u-%u@y>", &id, &i) == 2 && i < RECIPIENTS);
  if (!v->in_mail || v->failed) {
    reply(v, "503 5.5.1 MAIL first");
  } else if (refuses(v)) {
    reply(v, draw(2) ? "550 5.1.1 nobody" : "450-4.2.1 busy\r\n450 4.2.1 still");
  } else {
    check(id == v->sender);
    v->accepted[i] = true;
    v->recipients++;
    reply(v, "250 2.1.5 ok");
  }
}

static void data(struct server *v) {
  v->alone = true;
  if (!v->in_mail || v->failed) {
    reply(v, "503 5.5.1 MAIL first");
  } else if (v->recipients == 0 ? draw(2) : refuses(v)) {
    reply(v, "554 5.5.1 not now");
  } else {
    v->in_data = true;
    reply(v, "354 go");
  }
}

static void end_chunk(struct server *v) {
  v->in_chunk = false;
  if (v->chunk_shut) {
    v->chunk_shut = false;
    v->failed = v->in_mail && !v->lenient;
    ls_buf_cut(&v->body, 0);
    reply(v, "421 4.3.2 shutting down");
  } else if (v->chunking == KNOWN && !v->chunk_last) {
    bool stands = v->in_mail && !v->failed && v->recipients > 0;
    if (!stands)
      ls_buf_cut(&v->body, 0);
    reply(v, stands ? "250 2.0.0 1 octet" : draw(2) ? "503 5.5.1 no transaction" : "250 2.0.0 whatever");
    v->alone = true;
  } else if (v->chunking == KNOWN) {
    end_content(v, true);
  } else {
    reply(v, "502 5.5.1 not implemented");
    ls_buf_cut(&v->body, 0);
  }
}

static void bdat(struct server *v, const char *line) {
  if (v->chunking == READ_AS_COMMANDS) {
    reply(v, "500 5.5.2 what?");
    return;
  }
  check(sscanf(line, "BDAT %zu", &v->chunk) == 1);
  v->in_chunk = true;
  v->chunk_last = strstr(line, " LAST") != NULL;
  check(v->chunking == KNOWN || (v->chunk == 1 && !v->chunk_last)); /* no content before BDAT is known */
  bool stands = v->in_mail && !v->failed && v->recipients > 0;
  if (v->unread && v->chunk_last && !(stands && draw(3))) {
    v->failed = v->in_mail && !v->lenient;
    v->in_chunk = false;
    v->chunk = 0;
    ls_buf_cut(&v->body, 0);
    reply(v, stands ? "552 5.3.4 too big" : "503 5.5.1 no transaction");
  } else if (v->chunk == 0) {
    end_chunk(v);
  }
}

static void command(struct server *v, const char *line) {
  bool starts_content = strncmp(line, "BDAT", 4) == 0;
  if (v->fault == SHUTDOWN && v->fault_after-- == 0) {
    reply(v, "421 4.3.2 shutting down");
    v->closed = true;
    return;
  }
  if (v->fault == GOING_ON && v->fault_after-- == 0) {
    v->chunk_shut = starts_content && v->chunking != READ_AS_COMMANDS;
    if (strcmp(line, "RSET") == 0)
      reset(v);
    if (v->chunk_shut)
      bdat(v, line);
    else
      reply(v, "421 4.3.2 shutting down");
    return;
  }
  if (strncmp(line, "MAIL", 4) == 0)
    mail(v, line);
  else if (strncmp(line, "RCPT", 4) == 0)
    rcpt(v, line);
  else if (strncmp(line, "DATA", 4) == 0)
    data(v);
  else if (starts_content)
    bdat(v, line);
  else if (strcmp(line, "RSET") == 0 || strcmp(line, "NOOP") == 0) {
    if (*line == 'R')
      reset(v);
    reply(v, "250 2.0.0 ok");
  } else if (strcmp(line, "QUIT") == 0) {
    reply(v, "221 2.0.0 bye");
    v->closed = true;
  } else {
    /* of the content one octet, in front of a word of our own, or lines that are no command at all */
    check(v->unread || (v->chunking == READ_AS_COMMANDS && *line == 'S' &&
                        (strcmp(line + 1, "RSET") == 0 || strcmp(line + 1, "NOOP") == 0 ||
                         strcmp(line + 1, "QUIT") == 0)));
    reply(v, "500 5.5.2 what?");
  }
  if (!v->pipelining && !v->in_chunk && v->chunking != READ_AS_COMMANDS)
    v->alone = true;
}

static void data_line(struct server *v, struct ls_span line) {
  if (ls_span_eq(line, LS_SPAN(".\r\n"))) {
    v->in_data = false;
    end_content(v, false);
    if (!v->pipelining)
      v->alone = true;
    return;
  }
  check(v->recipients > 0); /* RFC 2920 3.1: the end mark alone */
  ls_buf_add(&v->body, *line.p == '.' ? ls_span_sub(line, 1, line.n) : line);
}

/* Reads one piece of what has come. False: not enough. */
static bool read_piece(struct server *v, struct ls_span *rest) {
  if (v->in_chunk) {
    size_t n = v->chunk < rest->n ? v->chunk : rest->n;
    ls_buf_add(&v->body, ls_span_sub(*rest, 0, n));
    v->chunk -= n;
    *rest = ls_span_sub(*rest, n, rest->n);
    if (v->chunk)
      return false;
    end_chunk(v);
    if (!v->pipelining)
      v->alone = true;
    return true;
  }
  size_t n = ls_span_index(*rest, '\n');
  if (n == rest->n)
    return false;
  struct ls_span line = ls_span_sub(*rest, 0, n + 1);
  *rest = ls_span_sub(*rest, n + 1, rest->n);
  if (v->in_data) {
    data_line(v, line);
  } else {
    char text[256];
    check(n >= 1 && n < sizeof text && line.p[n - 1] == '\r');
    snprintf(text, sizeof text, "%.*s", (int)n - 1, line.p);
    command(v, text);
  }
  return true;
}

/* The 421 may come before the client has sent what it would be taken for the answer to, or behind. */
static void finish(struct server *v) {
  if (v->fault != FINISHING || v->closed)
    return;
  if (!v->finishing && v->fault_after-- == 0) {
    v->finishing = true;
    v->pieces_left = draw(draw(2) ? 3 : 12);
    reply(v, "421 4.3.2 shutting down after this one");
  } else if (v->finishing && v->pieces_left-- == 0) {
    if (draw(4) == 0)
      reply(v, "421 4.3.2 bye");
    v->closed = true;
  }
}

static void serve(struct server *v, struct ls_span octets) {
  check(!v->alone || octets.n == 0 || v->closed || v->stalled || v->finishing);
  ls_buf_add(&v->in, octets);
  struct ls_span rest = ls_buf_span(&v->in);
  while (rest.n && !v->closed && !v->stalled && read_piece(v, &rest)) {
    /* nothing may come behind a command that stands alone before it is answered */
    check(!v->alone || rest.n == 0 || v->finishing);
    if ((v->fault == DEATH || v->fault == STALL) && v->fault_after-- == 0) {
      v->closed = v->fault == DEATH;
      v->stalled = v->fault == STALL;
      ls_buf_cut(&v->out, draw((unsigned)v->out.n + 1)); /* what was on its way is lost */
    }
    if (!v->in_data && !v->in_chunk)
      finish(v);
  }
  if ((v->in_data || v->in_chunk) && draw(4) == 0)
    finish(v);
  if (v->fault == EARLY_REFUSAL && !v->closed && (v->in_data || v->in_chunk) && draw(3) == 0) {
    reply(v, "552 5.3.4 too big");
    v->closed = true;
  }
  size_t left = rest.n;
  memmove(v->in.p ? v->in.p : (char *)"", rest.p ? rest.p : "", left);
  ls_buf_cut(&v->in, left);
}

static void make_server(struct server *v, struct message *messages, struct ls_session_options *o,
                        bool faults) {
  *v = (struct server){.messages = messages};
  v->pipelining = draw(4) > 0;
  v->parameters = draw(4) > 0;
  v->lenient = draw(2);
  v->chunking = (enum chunking)draw(CHUNKINGS);
  v->unread = v->chunking == KNOWN && v->pipelining && draw(4) == 0;
  v->fault = faults ? (enum fault)draw(FAULTS) : NO_FAULT;
  v->fault_after = draw(30);
  v->refusals = draw(3) ? draw(4) : 0;
  ls_buf_init(&v->in, 1 << 20);
  ls_buf_init(&v->out, 1 << 20);
  ls_buf_init(&v->body, 1 << 20);
  ls_capability_init(&o->capability);
  o->capability.pipelining = v->pipelining;
  o->capability.chunking = v->chunking != NONE;
  o->capability.eightbit = o->capability.size = true;
}

static void end_server(struct server *v) {
  ls_buf_deinit(&v->in);
  ls_buf_deinit(&v->out);
  ls_buf_deinit(&v->body);
}

/* --- the driver ---------------------------------------------------------------------------------------- */

struct drive {
  struct message messages[MESSAGES];
  struct server server;
  struct ls_session *s;
  struct ls_buf sent; /* all octets of this connection */
  int64_t now;
  size_t retried;
  bool ended;
};

static bool was_sent_whole(const struct drive *d, const struct message *m) {
  char mark[24];
  size_t n = (size_t)snprintf(mark, sizeof mark, "end-%u\r\n", m->id);
  struct ls_span sent = ls_buf_span(&d->sent);
  for (size_t i = 0; i + n <= sent.n; i++)
    if (memcmp(sent.p + i, mark, n) == 0)
      return true;
  return false;
}

static void check_accepted(const struct message *m, const struct ls_event *ev) {
  bool expected[RECIPIENTS] = {false};
  check(m->taken == 1);
  check(ev->response.n > 0 && ev->response.p[0] == '2');
  check(ev->octets >= m->wire.n);
  for (size_t i = 0; i < m->env.count; i++)
    expected[i] = true;
  for (size_t i = 0; i < ev->rejection_count; i++)
    expected[ev->rejections[i].recipient] = false;
  check(memcmp(expected, m->taken_by, sizeof expected) == 0);
}

static void take_event(struct drive *d, struct ls_event *ev) {
  if (ev->kind == LS_EVENT_ENDED) {
    check(!d->ended);
    d->ended = true;
    return;
  }
  struct message *m = &d->messages[ev->id - 1];
  check(!d->ended && m->submitted && !m->finished);
  check(m->taken <= 1);
  m->submitted = false;
  free(m->content);
  m->content = NULL;
  m->finished = !ev->retry;
  d->retried += ev->retry;
  if (ev->error.status == LS_OK) {
    check(!ev->retry);
    check_accepted(m, ev);
  } else if (ev->error.delivery == LS_DELIVERY_UNKNOWN) {
    check(!ev->retry && was_sent_whole(d, m));
    check(d->server.unread || (d->server.fault != NO_FAULT && d->server.fault != SHUTDOWN));
  } else {
    check(m->taken == 0);
    check(ev->error.response_code != 503); /* this server says so only to commands out of order */
  }
  /* refusals alone never cost a connection */
  if (d->server.fault == NO_FAULT && !d->server.unread)
    check(ev->error.status == LS_OK || ev->error.status == LS_EENVELOPE || ev->error.status == LS_EMESSAGE);
}

static void take_events(struct drive *d) {
  struct ls_event ev;
  while (ls_session_next(d->s, &ev)) {
    take_event(d, &ev);
    ls_error_deinit(&ev.error);
  }
}

/* Submits the next message that waits; false: none does, or the window is full. */
static bool submit(struct drive *d) {
  for (size_t i = 0; i < MESSAGES; i++) {
    struct message *m = &d->messages[i];
    if (m->submitted || m->finished)
      continue;
    if (ls_session_room(d->s) == 0)
      return false;
    m->content = malloc(m->wire.n);
    assert_non_null(m->content);
    memcpy(m->content, m->wire.p, m->wire.n);
    enum ls_status st =
        ls_session_submit(d->s, m->id + 1, &m->env, ls_span(m->content, m->wire.n), d->now, NULL);
    m->submitted = st == LS_OK;
    check(st == LS_OK || st == LS_AGAIN);
    if (st != LS_OK) {
      free(m->content);
      m->content = NULL;
    }
    return st == LS_OK;
  }
  return false;
}

static void send_some(struct drive *d) {
  struct ls_span out = ls_session_out(d->s);
  if (out.n == 0)
    return;
  size_t n = draw(2) ? out.n : 1 + draw((unsigned)out.n);
  ls_buf_add(&d->sent, ls_span_sub(out, 0, n));
  serve(&d->server, ls_span_sub(out, 0, n));
  ls_session_sent(d->s, n, d->now);
}

static void receive_some(struct drive *d) {
  struct server *v = &d->server;
  size_t n = draw(2) ? v->out.n : draw((unsigned)v->out.n + 1);
  if (n) {
    ls_session_feed(d->s, ls_span(v->out.p, n), d->now);
    memmove(v->out.p, v->out.p + n, v->out.n - n);
    ls_buf_cut(&v->out, v->out.n - n);
  }
  if (v->out.n == 0)
    v->alone = false;
  if (v->out.n == 0 && (v->closed || (ls_session_closing(d->s) && v->lenient)))
    ls_session_eof(d->s, NULL, d->now);
  if (v->out.n == 0 && ls_session_closing(d->s)) {
    d->now = ls_session_deadline(d->s);
    ls_session_expire(d->s, d->now);
  }
  if (v->out.n == 0 && v->stalled && ls_session_deadline(d->s) != INT64_MAX) {
    d->now = ls_session_deadline(d->s);
    ls_session_expire(d->s, d->now);
  }
}

static bool all_done(const struct drive *d) {
  for (size_t i = 0; i < MESSAGES; i++)
    if (!d->messages[i].finished)
      return false;
  return true;
}

/* One connection, from its first octet to its last. */
static struct ls_session_learned connection(struct drive *d, struct ls_session_options *o, bool faults) {
  make_server(&d->server, d->messages, o, faults);
  ls_buf_init(&d->sent, 1 << 24);
  d->ended = false;
  d->s = ls_session_new(o);
  assert_non_null(d->s);
  for (unsigned turn = 0; !d->ended; turn++) {
    check(turn < 100000);
    d->now++;
    switch (draw(8)) {
    case 0:
    case 1:
      submit(d);
      break;
    case 2:
      if (draw(20) == 0)
        ls_session_noop(d->s, d->now);
      break;
    case 3:
    case 4:
      send_some(d);
      break;
    case 5:
      if (all_done(d) || draw(500) == 0)
        ls_session_quit(d->s, d->now);
      break;
    default:
      receive_some(d);
    }
    take_events(d);
  }
  for (size_t i = 0; i < MESSAGES; i++)
    check(!d->messages[i].submitted);
  struct ls_session_learned learned = ls_session_learned(d->s);
  ls_session_free(d->s);
  end_server(&d->server);
  ls_buf_deinit(&d->sent);
  return learned;
}

static void play_round(unsigned round, bool faults) {
  struct drive d = {.now = 1000};
  struct ls_session_options o = {0};
  seed_of_round = round + 1;
  prng = (round + 1) * 0x9E3779B97F4A7C15ull;
  o.pipelining = draw(8) > 0;
  o.chunking = draw(8) > 0;
  o.reply_timeout_ms = 1000000000;
  o.window_messages = draw(6);
  o.window_octets = draw(2) ? 0 : 100 + draw(30000);
  for (unsigned i = 0; i < MESSAGES; i++)
    make_message(&d.messages[i], i);
  for (unsigned n = 0; !all_done(&d); n++) {
    check(n < 1000);
    /* each connection meets another server: what was learned holds only for the same one */
    struct ls_session_learned learned = connection(&d, &o, faults && n < 100);
    o.learned = (struct ls_session_learned){.chunking_refused = learned.chunking_refused};
  }
  for (unsigned i = 0; i < MESSAGES; i++) {
    check(d.messages[i].taken <= 1);
    ls_buf_deinit(&d.messages[i].wire);
  }
}

static void test_session_claims_what_a_refusing_server_did(void **state) {
  (void)state;
  for (unsigned round = 0; round < ROUNDS / 2; round++)
    play_round(round, false);
}

static void test_session_claims_what_a_failing_server_did(void **state) {
  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++)
    play_round(round, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_session_claims_what_a_refusing_server_did),
      cmocka_unit_test(test_session_claims_what_a_failing_server_did),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
