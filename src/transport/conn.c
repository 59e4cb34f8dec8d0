/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"
#include "conn_setup.h"
#include "failure.h"
#include "os_error.h"
#include "proxy.h"

enum {
  READ_SIZE = 16 * 1024,
  READS_MAX = 64,                   /* in one turn, so that one server cannot keep the others waiting */
  TRANSCRIPT_MAX = 4 * 1024 * 1024, /* octets between two looks at it */
  WINDOW_OCTETS = 4 * 1024 * 1024
};

/* The phases of an attempt, each with a time limit of its own. */
enum phase { LOOKING_UP, CONNECTING, GREETING, TALKING };

struct ls_conn {
  struct ls_loop *loop;
  bool added; /* easy is in the loop's multi */
  CURL *easy;
  struct ls_conn_options options;
  enum ls_conn_state state;
  enum phase phase;
  int64_t started_ms, looked_up_ms, connected_ms, ready_ms, active_ms;
  bool open;    /* libcurl has handed the connection over, be it of use or not */
  bool blocked; /* the socket takes no more for now */
  bool shut;    /* closed for writing */
  uint64_t octets_in, octets_out;
  struct ls_session *session;
  struct ls_dialogue dialogue;
  struct ls_tls tls;
  struct curl_slist *target;
  uint64_t number;
  int socket_error; /* errno of the last socket that was not to be had; 0: each was */
  struct ls_buf transcript;
  char text[CURL_ERROR_SIZE];
};

/* libcurl asks for a socket once the name is looked up, for each address it tries. */
static curl_socket_t on_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  struct ls_conn *c = data;
  (void)purpose;
  if (c->phase == LOOKING_UP) {
    c->phase = CONNECTING;
    c->looked_up_ms = ls_clock_ms();
  }
  curl_socket_t fd = socket(address->family, address->socktype, address->protocol);
  if (fd == CURL_SOCKET_BAD) {
    c->socket_error = errno;
    return fd;
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC); /* a child must not hold the connection open */
  ls_ahead_opened(&c->dialogue.ahead, fd);
  return fd;
}

void ls_conn_tell(struct ls_conn *c) {
  if (c->transcript.n)
    ls_log_add_transcript(c->options.log, c->number, &c->transcript);
}

static struct ls_buf *transcript_of(struct ls_conn *c) {
  const struct ls_log *log = c->options.log;
  return log->on && log->debug ? &c->transcript : NULL;
}

static void free_all(struct ls_conn *c) {
  ls_conn_tell(c);
  if (c->added)
    curl_multi_remove_handle(c->loop->multi, c->easy);
  ls_loop_drop_ahead(c->loop, &c->dialogue.ahead);
  curl_easy_cleanup(c->easy);
  ls_session_free(c->session);
  ls_dialogue_deinit(&c->dialogue);
  ls_tls_deinit(&c->tls);
  curl_slist_free_all(c->target);
  free(c);
}

struct ls_conn *ls_conn_open(struct ls_loop *loop, const struct ls_conn_options *options, int64_t now_ms,
                             struct ls_error *err) {
  struct ls_conn *c = calloc(1, sizeof *c);
  if (c)
    c->easy = curl_easy_init();
  if (!c || !c->easy) {
    free(c);
    ls_error_no_memory(err, NULL);
    return NULL;
  }
  c->loop = loop;
  c->options = *options;
  c->started_ms = c->active_ms = now_ms;
  c->number = ls_log_connection(options->log);
  ls_buf_init(&c->transcript, TRANSCRIPT_MAX);
  ls_dialogue_init(&c->dialogue, c->easy, options->config, options->way, options->bearer, options->mask);
  c->dialogue.transcript = transcript_of(c);
  c->options.bearer = NULL;
  curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
  curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->text);
  curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETDATA, c);
  if (ls_conn_setup(c->easy, options, &c->target, err) != LS_OK) {
    free_all(c);
    return NULL;
  }
  bool through_tls = options->config->proxy.kind == LS_PROXY_HTTPS;
  ls_tls_watch(&c->tls, c->easy, options->tls, through_tls);
  if (curl_multi_add_handle(loop->multi, c->easy) != CURLM_OK) {
    ls_error_no_memory(err, NULL);
    free_all(c);
    return NULL;
  }
  c->added = true;
  ls_loop_add_ahead(loop, &c->dialogue.ahead);
  return c;
}

void ls_conn_close(struct ls_conn *c) {
  /* Taking a CONNECT_ONLY handle out of its multi closes the connection as a dead one. Only so does libcurl
     not say QUIT itself and wait up to two minutes for the answer. */
  if (c)
    free_all(c);
}

void ls_conn_abandon(struct ls_conn *c) {
  ls_loop_drop_ahead(c->loop, &c->dialogue.ahead);
  /* libcurl would say goodbye over TLS on a socket that another process still uses: its handles are left */
  ls_session_free(c->session);
  ls_dialogue_deinit(&c->dialogue);
  ls_tls_deinit(&c->tls);
  ls_buf_deinit(&c->transcript);
  free(c);
}

struct ls_conn *ls_conn_of(CURL *easy) {
  char *c = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
  return (struct ls_conn *)(void *)c;
}

/* What the server said behind its last answer, and libcurl has read with it. Is it the end, the connection is
 * ready once nevertheless, and over at its first tick. */
static void hear_left(struct ls_conn *c, int64_t now_ms) {
  struct ls_span left = ls_ahead_left(&c->dialogue.ahead);
  c->octets_in += left.n;
  ls_session_feed(c->session, left, now_ms);
}

static void start_session(struct ls_conn *c, int64_t now_ms) {
  const struct ls_config *config = c->options.config;
  bool pipelining = config->pipelining && c->dialogue.capability.pipelining;
  struct ls_session_options options = {
      .capability = c->dialogue.capability,
      .pipelining = config->pipelining,
      .chunking = config->chunking,
      .secure = c->dialogue.tls && config->verify_peer,
      .reply_timeout_ms = config->socket_timeout,
      .window_messages = pipelining ? c->options.window_messages : 1,
      .window_octets = WINDOW_OCTETS,
      .transcript = transcript_of(c),
      .mask = c->options.mask,
      .learned = c->options.learned,
  };
  c->session = ls_session_new(&options);
  if (!c->session) {
    ls_error_no_memory(&c->dialogue.error, NULL);
    c->state = LS_CONN_FAILED;
    return;
  }
  c->state = LS_CONN_READY;
  /* now_ms is of the turn's beginning, and the last reply came within it */
  c->ready_ms = c->active_ms = now_ms > c->dialogue.last_ms ? now_ms : c->dialogue.last_ms;
  hear_left(c, c->ready_ms);
}

void ls_conn_finished(struct ls_conn *c, CURLcode result, int64_t now_ms) {
  struct ls_dialogue_end end = {.result = result,
                                .easy = c->easy,
                                .text = c->text,
                                .config = c->options.config,
                                .tls = &c->tls,
                                .number = c->socket_error};
  if (c->state != LS_CONN_OPENING)
    return;
  ls_loop_drop_ahead(c->loop, &c->dialogue.ahead);
  c->text[ls_mask_apply(c->options.mask, c->text, strlen(c->text))] = '\0';
  c->open = result == CURLE_OK;
  enum ls_status status =
      result == CURLE_OK ? ls_dialogue_finish(&c->dialogue) : ls_failure_explain(&end, &c->dialogue);
  if (status == LS_OK)
    start_session(c, now_ms);
  else
    c->state = LS_CONN_FAILED;
}

static bool reached(struct ls_conn *c, CURLINFO info) {
  curl_off_t us = 0;
  return curl_easy_getinfo(c->easy, info, &us) == CURLE_OK && us > 0;
}

static void notice_phase(struct ls_conn *c, int64_t now_ms) {
  if (c->phase < GREETING &&
      reached(c, c->options.config->secure ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T)) {
    c->phase = GREETING;
    c->connected_ms = now_ms;
    ls_ahead_connected(&c->dialogue.ahead);
    ls_conn_setup_connected(c->easy);
  }
  if (c->phase == GREETING && c->dialogue.greeted)
    c->phase = TALKING;
}

static int64_t attempt_deadline(const struct ls_conn *c) {
  const struct ls_config *config = c->options.config;
  int64_t connect = c->started_ms + config->connection_timeout;
  int64_t lookup = c->started_ms + config->dns_timeout;
  switch (c->phase) {
  case LOOKING_UP:
    return lookup < connect ? lookup : connect;
  case CONNECTING:
    return connect;
  case GREETING:
    return c->connected_ms + config->greeting_timeout;
  default:
    return c->dialogue.last_ms + config->socket_timeout;
  }
}

static void give_up(struct ls_conn *c, int64_t now_ms) {
  const struct ls_config *config = c->options.config;
  struct ls_error *e = &c->dialogue.error;
  bool late = c->phase > LOOKING_UP && !c->dialogue.greeted && ls_proxy_late(c->easy, config, e);
  if (late)
    c->state = LS_CONN_FAILED;
  else if (c->phase == LOOKING_UP && now_ms < c->started_ms + config->connection_timeout)
    ls_error_because(e, LS_REASON_TIMEOUT_LOOKUP, "CONN", "getaddrinfo ETIMEOUT %s",
                     config->proxy.host ? config->proxy.host : config->host);
  else if (c->phase <= CONNECTING)
    ls_error_because(e, LS_REASON_TIMEOUT_CONNECT, "CONN", "Connection timeout");
  else if (c->phase == GREETING)
    ls_error_because(e, LS_REASON_TIMEOUT_GREETING, "CONN", "Greeting never received");
  else
    ls_error_set(e, LS_ETIMEDOUT, "CONN", "Timeout");
  c->state = LS_CONN_FAILED;
}

void ls_conn_tick(struct ls_conn *c, int64_t now_ms) {
  if (c->state == LS_CONN_OPENING) {
    notice_phase(c, now_ms);
    if (now_ms >= attempt_deadline(c))
      give_up(c, now_ms);
  } else if (c->state == LS_CONN_READY) {
    if (now_ms >= ls_session_deadline(c->session))
      ls_session_expire(c->session, now_ms);
    if (ls_session_over(c->session))
      c->state = LS_CONN_OVER;
  }
}

int64_t ls_conn_deadline(const struct ls_conn *c) {
  if (c->state == LS_CONN_OPENING)
    return attempt_deadline(c);
  return c->state == LS_CONN_READY ? ls_session_deadline(c->session) : INT64_MAX;
}

/* The error of a transfer that broke; what the server has said before is fed already. Servers often close TLS
 * without its farewell: that is a closed connection like any other. */
static void broke(struct ls_conn *c, CURLcode result, const char *doing, int64_t now_ms) {
  struct ls_error why = {0};
  const struct ls_os_error *seen = ls_os_error_broken(c->easy);
  if (result == CURLE_OUT_OF_MEMORY)
    ls_error_no_memory(&why, "CONN");
  else if (seen)
    ls_error_because(&why, LS_REASON_CONNECTION_RESET, "CONN", "%s %s", doing, seen->name);
  else
    ls_error_set(&why, LS_ECONNECTION, "CONN", "Connection closed unexpectedly");
  ls_session_eof(c->session, &why, now_ms);
  ls_error_deinit(&why);
  c->state = LS_CONN_OVER;
}

/* A server that answers in several writes with Nagle's algorithm on holds the next answer back until our
 * kernel acknowledges the last, which it may delay by 40 ms. The option does not last: it is set again while
 * more is due. */
static void acknowledge(struct ls_conn *c) {
#ifdef TCP_QUICKACK
  curl_socket_t fd;
  const int on = 1;
  if (ls_session_reply_due(c->session) &&
      curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
#else
  (void)c;
#endif
}

/* The server has said that it closes. Seeing our end of it closed, one that lingers does so at once. */
static void shut(struct ls_conn *c) {
  curl_socket_t fd;
  if (!c->shut && curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
    shutdown(fd, SHUT_WR);
  c->shut = true;
}

void ls_conn_receive(struct ls_conn *c, int64_t now_ms) {
  char octets[READ_SIZE];
  for (int i = 0; i < READS_MAX && c->state == LS_CONN_READY; i++) {
    size_t n = 0;
    *c->text = '\0';
    CURLcode result = curl_easy_recv(c->easy, octets, sizeof octets, &n);
    if (result == CURLE_AGAIN)
      return;
    if (result != CURLE_OK) {
      broke(c, result, "read", now_ms);
    } else if (n == 0) {
      ls_session_eof(c->session, NULL, now_ms);
    } else {
      c->octets_in += n;
      c->active_ms = now_ms;
      ls_session_feed(c->session, ls_span(octets, n), now_ms);
      acknowledge(c);
      if (ls_session_closing(c->session))
        shut(c);
    }
    if (ls_session_over(c->session))
      c->state = LS_CONN_OVER;
    if (n < sizeof octets && !c->dialogue.tls)
      return; /* that was all; TLS may hold more records, and answers one at a time */
  }
}

void ls_conn_send(struct ls_conn *c, int64_t now_ms) {
  c->blocked = false;
  while (c->state == LS_CONN_READY) {
    struct ls_span out = ls_session_out(c->session);
    if (ls_session_over(c->session)) {
      c->state = LS_CONN_OVER;
      return;
    }
    if (out.n == 0)
      return;
    size_t n = 0;
    *c->text = '\0';
    CURLcode result = curl_easy_send(c->easy, out.p, out.n, &n);
    if (result == CURLE_AGAIN) {
      c->blocked = true;
      return;
    }
    if (result != CURLE_OK) {
      /* a server that closes may have said why before */
      ls_conn_receive(c, now_ms);
      if (c->state == LS_CONN_READY)
        broke(c, result, "write", now_ms);
      return;
    }
    c->octets_out += n;
    c->active_ms = now_ms;
    ls_session_sent(c->session, n, now_ms);
  }
}

bool ls_conn_quit(struct ls_conn *c, int64_t now_ms) {
  if (c->state == LS_CONN_FAILED && c->open)
    start_session(c, now_ms);
  if (c->state != LS_CONN_READY || !ls_session_idle(c->session))
    return false;
  ls_session_quit(c->session, now_ms);
  ls_conn_send(c, now_ms);
  return c->state == LS_CONN_READY;
}

void ls_conn_fail(struct ls_conn *c, const struct ls_error *why, int64_t now_ms) {
  if (c->state == LS_CONN_OPENING) {
    if (c->dialogue.error.status == LS_OK && ls_error_copy(&c->dialogue.error, why) != LS_OK)
      c->dialogue.error.status = why->status;
    c->state = LS_CONN_FAILED;
  } else if (c->state == LS_CONN_READY) {
    ls_session_abort(c->session, why, now_ms);
    c->state = LS_CONN_OVER;
  }
}

bool ls_conn_wants(const struct ls_conn *c, curl_socket_t *fd, bool *to_write) {
  *fd = CURL_SOCKET_BAD;
  *to_write = c->blocked;
  return c->state == LS_CONN_READY && curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, fd) == CURLE_OK &&
         *fd != CURL_SOCKET_BAD;
}

uint64_t ls_conn_number(const struct ls_conn *c) {
  return c->number;
}

enum ls_conn_state ls_conn_state(const struct ls_conn *c) {
  return c->state;
}

struct ls_session *ls_conn_session(struct ls_conn *c) {
  return c->session;
}

const struct ls_dialogue *ls_conn_dialogue(const struct ls_conn *c) {
  return &c->dialogue;
}

const struct ls_error *ls_conn_error(const struct ls_conn *c) {
  return &c->dialogue.error;
}

bool ls_conn_connected(const struct ls_conn *c) {
  /* a reset that comes with the answer to SYN is seen before TCP is seen to be up */
  const struct ls_os_error *why = ls_os_error_connect(c->easy);
  return c->phase > CONNECTING || (why && why->number == ECONNRESET);
}

int64_t ls_conn_ready_ms(const struct ls_conn *c) {
  return c->ready_ms;
}

int64_t ls_conn_active_ms(const struct ls_conn *c) {
  return c->active_ms;
}

uint64_t ls_conn_octets_in(const struct ls_conn *c) {
  return c->octets_in + c->dialogue.octets_in;
}

uint64_t ls_conn_octets_out(const struct ls_conn *c) {
  return c->octets_out + c->dialogue.octets_out;
}

bool ls_conn_wants_other_way(const struct ls_conn *c, struct ls_login_way *way) {
  const struct ls_dialogue *d = &c->dialogue;
  *way = c->options.way;
  if (c->state != LS_CONN_FAILED || d->error.status != LS_EAUTH || !d->login)
    return false;
  if (d->mechanism) {
    way->steps |= d->wants_steps;
    return way->steps != c->options.way.steps;
  }
  way->cram = !way->cram;
  return d->capability.auth & ls_mechanism_wanted(NULL, false, way->cram) & ~d->mechanisms &&
         !c->options.config->auth_method && !c->options.config->oauth2;
}

bool ls_conn_token_refused(const struct ls_conn *c) {
  const struct ls_dialogue *d = &c->dialogue;
  return c->state == LS_CONN_FAILED && d->error.status == LS_EAUTH && d->token_refused;
}

/* libcurl's time of a step. It is taken when libcurl gets to it, which may be behind what the step led to. */
static int64_t curl_ms(const struct ls_conn *c, CURLINFO info) {
  curl_off_t us = 0;
  return curl_easy_getinfo(c->easy, info, &us) == CURLE_OK && us > 0 ? (int64_t)(us / 1000) : -1;
}

/* A step that lies before another; below 0: it did not happen. */
static int64_t no_later(int64_t ms, int64_t next) {
  return next >= 0 && ms > next ? next : ms;
}

static int64_t since_start(const struct ls_conn *c, int64_t at_ms) {
  return at_ms ? at_ms - c->started_ms : -1;
}

struct ls_conn_times ls_conn_times(const struct ls_conn *c) {
  const struct ls_dialogue *d = &c->dialogue;
  struct ls_conn_times t = {
      .tls = since_start(c, d->tls_ms),
      .greeting = since_start(c, d->greeted ? d->greeted_ms : 0),
      .ehlo = since_start(c, d->ehlo_ms),
      .ready = since_start(c, c->ready_ms),
  };
  int64_t handshake = d->tls_ms ? -1 : no_later(curl_ms(c, CURLINFO_APPCONNECT_TIME_T), t.greeting);
  if (!d->tls_ms)
    t.tls = handshake;
  t.connect = no_later(no_later(curl_ms(c, CURLINFO_CONNECT_TIME_T), t.greeting), handshake);
  t.lookup = no_later(since_start(c, c->looked_up_ms), t.connect);
  return t;
}

char *ls_conn_address(const struct ls_conn *c) {
  char *ip = NULL;
  if (curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_IP, &ip) != CURLE_OK || !ip || !*ip)
    return NULL;
  bool v6 = strchr(ip, ':') != NULL;
  size_t size = strlen(ip) + sizeof "[]:65535";
  char *text = malloc(size);
  if (text)
    snprintf(text, size, "%s%s%s:%u", v6 ? "[" : "", ip, v6 ? "]" : "", (unsigned)c->options.config->port);
  return text;
}
