/* SPDX-License-Identifier: MIT
 * What may go out, and when:
 *
 * 1. Without PIPELINING nothing goes out while a reply is due.
 * 2. With it, commands go out at once, but nothing follows one whose answer decides what comes next: DATA
 *    (step GO), NOOP and QUIT (RFC 2920 3.1), the first BDAT, and RSET behind one that was refused
 *    (s->barrier).
 * 3. The content follows the answer to its DATA, and the next message's envelope follows the content in the
 *    same flight (RFC 2920 3.1). BDAT and its content are a command like any other (RFC 3030 4.2), once the
 *    server has shown that it knows it: one that lists CHUNKING and does not would read the content as
 *    commands, and who wrote the content would speak to it. The first BDAT of all carries one octet (Postfix
 *    refuses an empty chunk): at worst it stands before the RSET that follows, which is then said again.
 *    A server that knows BDAT may still refuse one and take its content for commands. What is out cannot be
 *    called back, whatever the server has shown before, so only a content in which nobody could find a
 *    command goes by BDAT, and all others by DATA, which is answered before the content goes out. Behind a
 *    refused BDAT RSET goes alone, and anything but a yes ends the session: then those were replies to lines
 *    of the content (s->unread).
 * 4. Before MAIL goes RSET if the last transaction may still be open: BDAT was refused or its answer is not
 *    here yet, DATA was refused, or no recipient was left for it. Else a refused BDAT would leave its
 * envelope to the next message. The end mark closes a transaction whatever its reply (RFC 5321 4.1.1.4).
 * 5. QUIT waits for the last message to be settled: it may have to go out once more.
 * 6. DATA that was granted though every recipient was refused gets the end mark alone (RFC 2920 3.1).
 *
 *    step      puts out                 next                     awaits
 *    MAIL      [RSET] MAIL              RCPT                     RSET, MAIL
 *    RCPT      one RCPT                 RCPT; END after the last RCPT
 *    END       DATA                     GO                       DATA
 *              BDAT 1 with an octet     GO                       CHUNK
 *              BDAT with content        SENT                     BDAT
 *              RSET, for a probe        SENT                     CANCEL
 *    GO        nothing                  (session_in: CONTENT, or END once more)
 *    CONTENT   content, end mark        SENT                     CONTENT
 */
#include <stdlib.h>

#include "content.h"
#include "session_state.h"

enum {
  COPY_MAX =
      16 * 1024, /* a content up to this goes into the same chunk, and the same write, as its envelope */
  LEND_MIN = 2 * 1024, /* of a larger one, runs from this on are sent from where they lie */
  FIRST_RING = 16
};

static bool grow_ring(struct ls_session *s) {
  size_t cap = s->awaited_cap ? s->awaited_cap * 2 : FIRST_RING;
  struct ls_awaited *ring = cap > SIZE_MAX / sizeof *ring ? NULL : malloc(cap * sizeof *ring);
  if (!ring)
    return false;
  for (size_t i = 0; i < s->awaited_count; i++)
    ring[i] = s->awaited[(s->awaited_from + i) & (s->awaited_cap - 1)];
  free(s->awaited);
  s->awaited = ring;
  s->awaited_cap = cap;
  s->awaited_from = 0;
  return true;
}

/* The command just queued wants a reply. */
static void await(struct ls_session *s, enum ls_session_command command, struct ls_flight *f,
                  size_t recipient) {
  if (s->awaited_count == s->awaited_cap && !grow_ring(s)) {
    s->queue.status = LS_ENOMEM;
    return;
  }
  size_t at = (s->awaited_from + s->awaited_count) & (s->awaited_cap - 1);
  s->awaited[at] = (struct ls_awaited){command, f, recipient, s->queue.added};
  s->awaited_count++;
  if (f)
    f->awaited++;
}

/* A piece of a command line. */
static void say(struct ls_session *s, struct ls_span words) {
  struct ls_buf *t = s->options.transcript;
  ls_queue_add(&s->queue, words);
  if (!t)
    return;
  if (t->n == 0 || t->p[t->n - 1] == '\n')
    ls_buf_adds(t, "C: ");
  ls_buf_add(t, words);
}

static void says(struct ls_session *s, const char *words) {
  say(s, ls_span_cstr(words));
}

static void say_number(struct ls_session *s, uint64_t number) {
  ls_queue_addu(&s->queue, number);
  if (s->options.transcript)
    ls_buf_addu(s->options.transcript, number);
}

static void add_parameter(struct ls_session *s, const char *name, struct ls_span value) {
  if (value.n == 0)
    return;
  says(s, name);
  say(s, value);
}

static void put_mail(struct ls_session *s, struct ls_flight *f) {
  const struct ls_capability *c = &s->options.capability;
  bool parameters = !f->plain && !s->learned.parameters_refused;
  bool size = parameters && c->size;
  bool body = parameters && c->eightbit && f->env->body_8bit;
  says(s, "MAIL FROM:<");
  say(s, f->env->from);
  says(s, ">");
  if (size) {
    says(s, " SIZE=");
    say_number(s, f->size);
  }
  if (body)
    says(s, " BODY=8BITMIME");
  if (f->env->smtputf8 && c->smtputf8)
    says(s, " SMTPUTF8");
  if (f->env->require_tls)
    says(s, " REQUIRETLS");
  if (c->dsn) {
    add_parameter(s, " RET=", f->env->ret);
    add_parameter(s, " ENVID=", f->env->envid);
  }
  says(s, "\r\n");
  await(s, LS_SESSION_COMMAND_MAIL, f, 0);
  f->has_parameters = size || body;
  f->serial = ++s->serial;
  f->started_ms = s->now_ms;
  s->open = true;
  f->step = LS_SESSION_STEP_RCPT;
}

static void put_reset(struct ls_session *s, struct ls_flight *f, enum ls_session_command command) {
  says(s, "RSET\r\n");
  await(s, command, f, 0);
  s->open = false;
  s->barrier |= s->in_doubt;
}

static void put_rcpt(struct ls_session *s, struct ls_flight *f) {
  size_t i = f->next_recipient++;
  const struct ls_recipient *to = &f->env->to[i];
  says(s, "RCPT TO:<");
  say(s, to->address);
  says(s, ">");
  if (s->options.capability.dsn) {
    add_parameter(s, " NOTIFY=", to->notify);
    add_parameter(s, " ORCPT=", to->orcpt);
  }
  says(s, "\r\n");
  await(s, LS_SESSION_COMMAND_RCPT, f, i);
  if (f->next_recipient == f->env->count)
    f->step = LS_SESSION_STEP_END;
}

static void put_octets(struct ls_session *s, struct ls_flight *f, bool data) {
  struct ls_content c;
  struct ls_span run;
  bool copy = f->content.n <= COPY_MAX;
  size_t skip = f->begun;
  ls_content_init(&c, f->content, data);
  while (s->queue.status == LS_OK && ls_content_next(&c, &run)) {
    run = ls_span_sub(run, skip, run.n);
    skip = 0;
    if (copy || run.n < LEND_MIN)
      ls_queue_add(&s->queue, run);
    else
      ls_queue_lend(&s->queue, run);
    f->octets += run.n;
  }
  f->content_end = s->queue.status == LS_OK ? s->queue.added : 0;
  if (s->options.transcript) {
    ls_buf_adds(s->options.transcript, "C: <");
    ls_buf_addu(s->options.transcript, f->octets);
    ls_buf_adds(s->options.transcript, " octets of content>\n");
  }
}

static void sent_all(struct ls_session *s, struct ls_flight *f) {
  f->step = LS_SESSION_STEP_SENT;
  s->sender = f->next;
}

static void put_first_octet(struct ls_session *s, struct ls_flight *f) {
  struct ls_content c;
  struct ls_span run;
  ls_content_init(&c, f->content, false);
  ls_content_next(&c, &run);
  says(s, "BDAT 1\r\n");
  await(s, LS_SESSION_COMMAND_CHUNK, f, 0); /* who does not know BDAT may answer before the octet is out */
  ls_queue_add(&s->queue, ls_span_sub(run, 0, 1));
  f->begun = f->octets = 1;
  s->barrier = true;
  f->step = LS_SESSION_STEP_GO;
}

/* The one octet that asks whether BDAT is known is harmless, whatever is behind it. */
static bool goes_by_chunks(const struct ls_session *s, const struct ls_flight *f) {
  bool asks = !s->learned.chunking_proven && f->size;
  return ls_session_chunks(s) && !f->asks_first && (asks || !ls_content_may_command(f->content));
}

static void put_end(struct ls_session *s, struct ls_flight *f) {
  if (f->env->probe) {
    put_reset(s, f, LS_SESSION_COMMAND_CANCEL);
    sent_all(s, f);
    return;
  }
  if (!goes_by_chunks(s, f)) {
    says(s, "DATA\r\n");
    await(s, LS_SESSION_COMMAND_DATA, f, 0);
    f->step = LS_SESSION_STEP_GO;
    return;
  }
  if (!s->learned.chunking_proven && f->size && !f->begun) {
    put_first_octet(s, f);
    return;
  }
  says(s, "BDAT ");
  say_number(s, f->size - f->begun);
  says(s, " LAST\r\n");
  put_octets(s, f, false);
  await(s, LS_SESSION_COMMAND_BDAT, f, 0);
  sent_all(s, f);
}

static void put_content(struct ls_session *s, struct ls_flight *f) {
  if (f->accepted)
    put_octets(s, f, true);
  else
    says(s, ".\r\n");
  await(s, LS_SESSION_COMMAND_CONTENT, f, 0);
  s->open = false;
  sent_all(s, f);
}

static void put_step(struct ls_session *s, struct ls_flight *f) {
  switch (f->step) {
  case LS_SESSION_STEP_MAIL:
    if (s->open)
      put_reset(s, f, LS_SESSION_COMMAND_RSET);
    else
      put_mail(s, f);
    break;
  case LS_SESSION_STEP_RCPT:
    put_rcpt(s, f);
    break;
  case LS_SESSION_STEP_END:
    put_end(s, f);
    break;
  case LS_SESSION_STEP_CONTENT:
    put_content(s, f);
    break;
  case LS_SESSION_STEP_GO:
  case LS_SESSION_STEP_SENT:
    break;
  }
}

static void put_last(struct ls_session *s, const char *line, enum ls_session_command command) {
  says(s, line);
  await(s, command, NULL, 0);
  s->barrier = true;
}

/* False: nothing may go out now, or there is nothing. */
static bool put_next(struct ls_session *s) {
  struct ls_flight *f = s->sender;
  if (s->awaited_count == 0)
    s->barrier = false;
  else if (!s->pipelining || s->barrier || s->unread)
    return false;
  if (s->awaited_count == 0 && ls_queue_out(&s->queue).n == 0)
    s->active_ms = s->now_ms; /* the wait for a reply starts now */
  if (s->noop && (!f || f->step == LS_SESSION_STEP_MAIL)) {
    s->noop = false;
    put_last(s, "NOOP\r\n", LS_SESSION_COMMAND_NOOP);
  } else if (f && f->step != LS_SESSION_STEP_GO) {
    put_step(s, f);
  } else if (!s->flights.first && s->quit && !s->quit_out) {
    s->quit_out = true;
    put_last(s, "QUIT\r\n", LS_SESSION_COMMAND_QUIT);
  } else {
    return false;
  }
  return true;
}

void ls_session_pump(struct ls_session *s) {
  while (!s->over && !s->closing && put_next(s))
    if (s->queue.status != LS_OK)
      ls_session_no_memory(s);
}
