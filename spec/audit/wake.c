/* SPDX-License-Identifier: MIT
 * Finds what nothing would wake the loop for. Linked into a module whose calls it wraps (make audit). Before
 * the loop sleeps it is sent round once more, with the network held still and the clock put to the end of the
 * sleep. Whatever is done in that turn was due before, and would have waited for an event, or a time, that
 * has nothing to do with it. */
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/transport/client.h"
#include "../../src/transport/conn.h"
#include "../../src/transport/engine.h"
#include "../../src/transport/job.h"
#include "../../src/transport/loop.h"
#include "../../src/transport/oauth.h"

static _Thread_local struct {
  bool on;          /* in the turn in which nothing may be done */
  bool full;        /* the wait is also for a socket that took no more */
  const char *done; /* what was done in it; NULL: nothing */
  int64_t now_ms;   /* the clock, as read first since the last sleep, and as it stands meanwhile */
  bool read;        /* it was */
  int sleep_ms;     /* what was to be slept */
  unsigned wakes;   /* by other threads, as of the last sleep */
} audit;

static atomic_uint wakes;

#define REAL(type, name, ...)                                                                                \
  type __real_##name(__VA_ARGS__);                                                                           \
  type __wrap_##name(__VA_ARGS__);                                                                           \
  type __wrap_##name(__VA_ARGS__)

/* Another thread may bring something at any moment; it wakes the loop, and the turn proves nothing. */
static bool held(void) {
  return audit.on &= audit.wakes == wakes;
}

static void note(const char *what) {
  if (held() && !audit.done)
    audit.done = what;
}

static void conclude(void) {
  if (held() && audit.done) {
    fprintf(stderr, "logto-smtp: the loop was to sleep for %d ms, and %s before\n", audit.sleep_ms,
            audit.done);
    abort();
  }
  audit.on = false;
}

REAL(int64_t, ls_clock_ms, void) {
  if (held())
    return audit.now_ms;
  int64_t now_ms = __real_ls_clock_ms();
  if (!audit.read)
    audit.now_ms = now_ms;
  audit.read = true;
  return now_ms;
}

REAL(void, ls_loop_run, struct ls_loop *l) {
  if (!held())
    __real_ls_loop_run(l);
}

REAL(int, ls_loop_next, struct ls_loop *l, CURL **easy, CURLcode *result) {
  return held() ? 0 : __real_ls_loop_next(l, easy, result);
}

REAL(void, ls_loop_wake, struct ls_loop *l) {
  wakes++;
  __real_ls_loop_wake(l);
}

/* The same before what another thread brings can be seen: between that and its wake the loop may turn. */
REAL(enum ls_status, ls_engine_configure, struct ls_engine *e, const struct ls_config *config,
     struct ls_arena *a, struct ls_error *why, uint64_t *handle, struct ls_error *err) {
  wakes++;
  return __real_ls_engine_configure(e, config, a, why, handle, err);
}

REAL(enum ls_status, ls_engine_forget, struct ls_engine *e, uint64_t handle, struct ls_error *err) {
  wakes++;
  return __real_ls_engine_forget(e, handle, err);
}

REAL(enum ls_status, ls_engine_submit, struct ls_engine *e, uint64_t handle, struct ls_value *mail,
     struct ls_arena *a, uint64_t *id, struct ls_error *err) {
  wakes++;
  return __real_ls_engine_submit(e, handle, mail, a, id, err);
}

REAL(enum ls_status, ls_engine_verify, struct ls_engine *e, uint64_t handle, uint64_t *id,
     struct ls_error *err) {
  wakes++;
  return __real_ls_engine_verify(e, handle, id, err);
}

REAL(enum ls_status, ls_engine_set_logging, struct ls_engine *e, bool on, struct ls_error *err) {
  wakes++;
  return __real_ls_engine_set_logging(e, on, err);
}

REAL(enum ls_status, ls_engine_close, struct ls_engine *e, int64_t wait_ms, struct ls_error *err) {
  wakes++;
  return __real_ls_engine_close(e, wait_ms, err);
}

REAL(CURLcode, curl_easy_recv, CURL *easy, void *to, size_t size, size_t *n) {
  return held() ? CURLE_AGAIN : __real_curl_easy_recv(easy, to, size, n);
}

REAL(CURLcode, curl_easy_send, CURL *easy, const void *from, size_t size, size_t *n) {
  if (held() && audit.full)
    return CURLE_AGAIN;
  note("octets went out");
  return __real_curl_easy_send(easy, from, size, n);
}

REAL(struct ls_conn *, ls_conn_open, struct ls_loop *loop, const struct ls_conn_options *options,
     int64_t now_ms, struct ls_error *err) {
  note("a connection was opened");
  return __real_ls_conn_open(loop, options, now_ms, err);
}

REAL(void, ls_conn_close, struct ls_conn *c) {
  note("a connection was closed");
  __real_ls_conn_close(c);
}

REAL(void, ls_conn_fail, struct ls_conn *c, const struct ls_error *why, int64_t now_ms) {
  note("a connection was given up");
  __real_ls_conn_fail(c, why, now_ms);
}

REAL(void, ls_session_expire, struct ls_session *s, int64_t now_ms) {
  note("a session's time was up");
  __real_ls_session_expire(s, now_ms);
}

REAL(enum ls_status, ls_session_submit, struct ls_session *s, uint64_t id, const struct ls_envelope *env,
     struct ls_span content, int64_t now_ms, struct ls_error *err) {
  enum ls_status status = __real_ls_session_submit(s, id, env, content, now_ms, err);
  if (status == LS_OK)
    note("a message began");
  return status;
}

REAL(void, ls_job_fail, struct ls_job *j, const struct ls_error *why) {
  note("a message failed");
  __real_ls_job_fail(j, why);
}

REAL(enum ls_status, ls_client_compose, const struct ls_client *c, const struct ls_value *mail,
     struct ls_arena *a, struct ls_composed *out, struct ls_error *err) {
  note("a mail was composed");
  return __real_ls_client_compose(c, mail, a, out, err);
}

REAL(enum ls_status, ls_oauth_begin, struct ls_oauth *o, CURLM *multi, int64_t unix_ms,
     struct ls_error *err) {
  note("an access token was asked for");
  return __real_ls_oauth_begin(o, multi, unix_ms, err);
}

/* Who calls a client may bring something new; who was called before has ended in the turn that is judged. */
REAL(size_t, ls_client_poll, struct ls_client *c, int64_t wait_ms) {
  conclude();
  return __real_ls_client_poll(c, wait_ms);
}

REAL(enum ls_status, ls_client_submit, struct ls_client *c, struct ls_composed *m, struct ls_arena *a,
     uint64_t *id, struct ls_error *err) {
  conclude();
  return __real_ls_client_submit(c, m, a, id, err);
}

REAL(enum ls_status, ls_client_send, struct ls_client *c, struct ls_composed *m, struct ls_arena *a,
     struct ls_result *out) {
  conclude();
  return __real_ls_client_send(c, m, a, out);
}

REAL(enum ls_status, ls_client_verify, struct ls_client *c, struct ls_verification *out) {
  conclude();
  return __real_ls_client_verify(c, out);
}

REAL(void, ls_client_close, struct ls_client *c) {
  conclude();
  __real_ls_client_close(c);
}

REAL(void, ls_client_free, struct ls_client *c) {
  conclude();
  __real_ls_client_free(c);
}

/* The only place where anything sleeps. */
REAL(CURLMcode, curl_multi_poll, CURLM *multi, struct curl_waitfd *fds, unsigned n, int ms, int *seen) {
  bool audited = audit.on, woken = audit.wakes != wakes;
  int events = 0;
  long timer_ms = -1;
  conclude();
  audit.wakes = wakes;
  audit.read = false;
  if (audited || ms <= 0)
    return __real_curl_multi_poll(multi, fds, n, ms, seen);
  CURLMcode result = __real_curl_multi_poll(multi, fds, n, 0, &events);
  curl_multi_timeout(multi, &timer_ms);
  audit.on = events == 0 && timer_ms != 0 && !woken;
  audit.sleep_ms = timer_ms > 0 && timer_ms < ms ? (int)timer_ms : ms;
  audit.now_ms += audit.sleep_ms - 1;
  audit.full = false;
  audit.done = NULL;
  for (unsigned i = 0; i < n; i++)
    audit.full |= (fds[i].events & CURL_WAIT_POLLOUT) != 0;
  if (seen)
    *seen = events;
  return result;
}
