/* SPDX-License-Identifier: MIT
 * model_server: one connection of a simulated server, as octets: its habits say what it does at each step.
 * What it took of whom is counted; what it says arrives a trip later. */
#ifndef LS_TRANSPORT_MODEL_SERVER_H
#define LS_TRANSPORT_MODEL_SERVER_H

#include "../unit/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/buf.h"

enum place {
  AT_CONNECT,
  AT_GREETING,
  AT_EHLO,
  AT_STARTTLS,
  AT_AUTH,
  AT_READY, /* behind the login, unasked */
  AT_MAIL,
  AT_RCPT,
  AT_DATA,
  AT_CONTENT,
  AT_ACCEPT, /* behind the reply to a content it took */
  PLACES
};

enum act {
  GO_ON,
  SOFT,       /* refuses with 4xx */
  HARD,       /* refuses with 5xx */
  SOFT_CLOSE, /* refuses with 4xx and closes */
  FAREWELL,   /* 421, and closes now or when we do */
  LIMIT,      /* 452 4.5.3, and stays */
  CLOSE,
  RESET,
  HANG,
  ACTS
};

struct habit {
  enum act act;
  unsigned chance; /* of 1000 */
  unsigned behind; /* so many messages on the connection */
};

struct habits {
  struct habit at[2][PLACES]; /* at first, and from turned_ms on */
  bool pipelining, chunking, other_way;
  bool lingers;    /* behind 421 it waits for our end, else it */
  bool resets;     /* instead of closing; and with this a reset */
  bool overtaking; /* may come before what was said */
  int64_t trip_ms; /* there and back */
  int64_t turned_ms;
  unsigned *left;    /* so often it still acts; NULL: always */
  int64_t healed_ms; /* from then on it does all right */
};

struct mail {
  int64_t submitted_ms;
  unsigned taken;    /* so often has the server accepted it */
  unsigned refused;  /* and refused it */
  unsigned suspects; /* so often was it the first on a connection on which nothing was answered for good */
  unsigned put_offs; /* of those, so often it was told 421 at its MAIL */
  unsigned ended;
};

enum end { GOES_ON, CLOSED, BROKEN };

/* What arrives at once. */
struct flight {
  struct flight *next;
  int64_t at_ms;
  enum end end;
  size_t n;
  char octets[];
};

struct server {
  const struct habits *habits;
  struct mail *mails;
  size_t count;
  bool in_mail, in_data, in_chunk, last_chunk, failed;
  bool deaf; /* hangs, or is gone */
  bool said_goodbye, ended;
  bool put_off; /* by 421 to its first MAIL */
  unsigned begun, accepted, refused, sender, recipients;
  struct mail *first;
  size_t chunk;
  struct ls_buf in, out;
  struct flight *flights, *last;
  enum end end; /* of what is said now */
};

static uint64_t model_state;

static unsigned draw(unsigned below) {
  model_state ^= model_state << 13;
  model_state ^= model_state >> 7;
  model_state ^= model_state << 17;
  return (unsigned)((model_state >> 11) % below);
}

static enum act act_at(const struct habits *h, enum place place, unsigned begun, int64_t now_ms) {
  const struct habit *x = &h->at[now_ms >= h->turned_ms][place];
  bool acts = now_ms < h->healed_ms && begun >= x->behind && draw(1000) < x->chance;
  if (acts && x->act != GO_ON && h->left)
    acts = *h->left && (*h->left)--;
  return acts ? x->act : GO_ON;
}

static void server_says(struct server *v, const char *line) {
  ls_buf_adds(&v->out, line);
  ls_buf_adds(&v->out, "\r\n");
}

static void server_drop_flights(struct server *v) {
  for (struct flight *f = v->flights, *next; f; f = next) {
    next = f->next;
    free(f);
  }
  v->flights = v->last = NULL;
}

/* Puts what was said on its way. */
static void server_flush(struct server *v, int64_t now_ms) {
  if (v->end == BROKEN && v->habits->overtaking && draw(2)) {
    ls_buf_cut(&v->out, 0);
    server_drop_flights(v);
  }
  if (v->out.n == 0 && v->end == GOES_ON)
    return;
  struct flight *f = calloc(1, sizeof *f + v->out.n);
  assert_non_null(f);
  f->at_ms = now_ms + v->habits->trip_ms;
  f->n = v->out.n;
  f->end = v->end;
  if (f->n)
    memcpy(f->octets, v->out.p, f->n);
  if (v->last)
    v->last->next = f;
  else
    v->flights = f;
  v->last = f;
  v->ended |= v->end != GOES_ON;
  v->end = GOES_ON;
  ls_buf_cut(&v->out, 0);
}

/* Does what ends or silences the connection. False: it goes on, and has answered where it refuses. */
static bool server_acts(struct server *v, enum act act) {
  static const char *const words[ACTS] = {[SOFT] = "451 4.3.0 not now",
                                          [HARD] = "550 5.7.1 no",
                                          [SOFT_CLOSE] = "451 4.7.0 never",
                                          [FAREWELL] = "421 4.3.2 closing",
                                          [LIMIT] = "452 4.5.3 too many messages on this connection"};
  if (words[act])
    server_says(v, words[act]);
  v->said_goodbye |= act == FAREWELL;
  if (act == CLOSE || act == SOFT_CLOSE || (act == FAREWELL && !v->habits->lingers))
    v->end = act == FAREWELL && v->habits->resets ? BROKEN : CLOSED;
  else if (act == RESET)
    v->end = BROKEN;
  v->deaf |= v->end != GOES_ON || act == HANG || act == FAREWELL;
  return v->deaf;
}

static void server_reset(struct server *v) {
  v->in_mail = v->failed = false;
  v->recipients = 0;
}

static void server_mail(struct server *v, const char *line, int64_t now_ms) {
  unsigned id = 0;
  assert_true(sscanf(line, "MAIL FROM:<m%u@x>", &id) == 1 && id < v->count);
  if (!v->first)
    v->first = &v->mails[id];
  enum act act = act_at(v->habits, AT_MAIL, v->begun, now_ms);
  v->sender = id;
  v->put_off |= act == FAREWELL && v->begun == 0;
  if (act == SOFT || act == HARD || act == SOFT_CLOSE) {
    v->mails[id].refused++;
    v->refused++;
  }
  if (server_acts(v, act) || act != GO_ON)
    return;
  v->begun++;
  server_reset(v);
  v->in_mail = true;
  server_says(v, "250 2.1.0 ok");
}

static void server_rcpt(struct server *v, int64_t now_ms) {
  if (!v->in_mail || v->failed) {
    server_says(v, "503 5.5.1 MAIL first");
    return;
  }
  enum act act = act_at(v->habits, AT_RCPT, v->begun - 1, now_ms);
  if (server_acts(v, act) || act != GO_ON) {
    v->refused += act == SOFT || act == HARD || act == SOFT_CLOSE;
    v->mails[v->sender].refused++;
    return;
  }
  v->recipients++;
  server_says(v, "250 2.1.5 ok");
}

static void server_data(struct server *v, int64_t now_ms) {
  if (v->recipients == 0 || v->failed) {
    server_says(v, "503 5.5.1 RCPT first");
    return;
  }
  enum act act = act_at(v->habits, AT_DATA, v->begun - 1, now_ms);
  if (server_acts(v, act) || act != GO_ON) {
    v->refused += act == SOFT || act == HARD || act == SOFT_CLOSE;
    v->mails[v->sender].refused++;
    return;
  }
  v->in_data = true;
  server_says(v, "354 go");
}

static void server_took(struct server *v) {
  v->mails[v->sender].taken++;
  v->accepted++;
}

/* A content is whole. One whose reply is never said may have been taken all the same. */
static void server_content(struct server *v, int64_t now_ms) {
  if (v->recipients == 0 || v->failed) {
    server_says(v, "503 5.5.1 no transaction");
    return;
  }
  enum act act = act_at(v->habits, AT_CONTENT, v->begun - 1, now_ms);
  bool silent = act == CLOSE || act == RESET || act == HANG;
  if (silent && draw(2))
    server_took(v);
  if (server_acts(v, act) || act != GO_ON) {
    v->refused += act == SOFT || act == HARD || act == SOFT_CLOSE;
    v->mails[v->sender].refused++;
    v->failed = true;
    return;
  }
  server_took(v);
  server_says(v, "250 2.0.0 taken");
  server_acts(v, act_at(v->habits, AT_ACCEPT, v->begun - 1, now_ms));
}

static void server_chunk(struct server *v, int64_t now_ms) {
  v->in_chunk = false;
  if (!v->last_chunk) {
    server_says(v, v->recipients && !v->failed ? "250 2.0.0 more" : "503 5.5.1 no transaction");
    return;
  }
  server_content(v, now_ms);
  if (!v->failed)
    server_reset(v);
}

static void server_command(struct server *v, const char *line, int64_t now_ms) {
  if (strncmp(line, "MAIL", 4) == 0) {
    server_mail(v, line, now_ms);
  } else if (strncmp(line, "RCPT", 4) == 0) {
    server_rcpt(v, now_ms);
  } else if (strncmp(line, "DATA", 4) == 0) {
    server_data(v, now_ms);
  } else if (sscanf(line, "BDAT %zu", &v->chunk) == 1) {
    v->in_chunk = true;
    v->last_chunk = strstr(line, " LAST") != NULL;
  } else if (strcmp(line, "QUIT") == 0) {
    server_says(v, "221 2.0.0 bye");
    v->end = CLOSED;
    v->deaf = true;
  } else {
    if (strcmp(line, "RSET") == 0)
      server_reset(v);
    server_says(v, "250 2.0.0 ok");
  }
}

/* False: not enough has come. */
static bool server_reads(struct server *v, struct ls_span *rest, int64_t now_ms) {
  if (v->in_chunk) {
    size_t n = v->chunk < rest->n ? v->chunk : rest->n;
    v->chunk -= n;
    *rest = ls_span_sub(*rest, n, rest->n);
    if (v->chunk == 0)
      server_chunk(v, now_ms);
    return v->chunk == 0;
  }
  char text[256];
  size_t n = ls_span_index(*rest, '\n');
  if (n == rest->n)
    return false;
  snprintf(text, sizeof text, "%.*s", (int)n - 1, rest->p);
  *rest = ls_span_sub(*rest, n + 1, rest->n);
  if (!v->in_data) {
    server_command(v, text, now_ms);
  } else if (strcmp(text, ".") == 0) {
    v->in_data = false;
    server_content(v, now_ms);
    server_reset(v);
  }
  return true;
}

static void server_takes(struct server *v, struct ls_span octets, int64_t now_ms) {
  if (v->deaf)
    return;
  ls_buf_add(&v->in, octets);
  struct ls_span rest = ls_buf_span(&v->in);
  while (rest.n && !v->deaf && server_reads(v, &rest, now_ms))
    ;
  size_t left = rest.n;
  if (left)
    memmove(v->in.p, rest.p, left);
  ls_buf_cut(&v->in, left);
  server_flush(v, now_ms);
}

/* It lingers no longer: we have closed our side. */
static void server_sees_our_end(struct server *v, int64_t now_ms) {
  if (v->ended || !v->said_goodbye)
    return;
  v->end = CLOSED;
  server_flush(v, now_ms);
}

static void server_init(struct server *v, const struct habits *habits, struct mail *mails, size_t count) {
  *v = (struct server){.habits = habits, .mails = mails, .count = count};
  ls_buf_init(&v->in, 1 << 20);
  ls_buf_init(&v->out, 1 << 20);
}

static void server_deinit(struct server *v) {
  server_drop_flights(v);
  ls_buf_deinit(&v->in);
  ls_buf_deinit(&v->out);
}

#endif
