/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <stdlib.h>

#include "shortage.h"

enum { FIRST_CAP = 16, LONGEST_MS = 60 * 1000, WITHOUT_MEMORY_MS = 10 };

/* libcurl does without what it is woken by, and would sleep for ever in the engine. */
enum ls_status ls_loop_init(struct ls_loop *l, struct ls_error *err) {
  *l = (struct ls_loop){.multi = curl_multi_init()};
  if (l->multi && curl_multi_wakeup(l->multi) == CURLM_OK)
    return LS_OK;
  int number = ls_shortage_now();
  ls_loop_deinit(l);
  return number ? ls_shortage_set(err, number, "API", "socketpair", "of the loop")
                : ls_error_no_memory(err, NULL);
}

void ls_loop_deinit(struct ls_loop *l) {
  curl_multi_cleanup(l->multi);
  free(l->fds);
  *l = (struct ls_loop){0};
}

/* Nothing has happened since libcurl had its last turn, and all it could do is to look whether a reply has
 * come. One that comes right then would be read before it could be looked at. */
static bool is_quiet(const struct ls_loop *l) {
  long ms = 0;
  int waiting = 0;
  for (const struct ls_ahead *a = l->aheads; a; a = a->next, waiting++)
    if (!ls_ahead_waits(a))
      return false;
  return waiting && waiting == l->running && !l->stirred && curl_multi_timeout(l->multi, &ms) == CURLM_OK &&
         ms != 0;
}

void ls_loop_run(struct ls_loop *l) {
  if (is_quiet(l))
    return;
  l->stirred = false;
  for (struct ls_ahead *a = l->aheads; a; a = a->next)
    ls_ahead_look(a);
  curl_multi_perform(l->multi, &l->running);
  for (struct ls_ahead *a = l->aheads; a; a = a->next)
    ls_ahead_read(a);
}

void ls_loop_add_ahead(struct ls_loop *l, struct ls_ahead *a) {
  a->next = l->aheads;
  l->aheads = a;
  l->stirred = true;
}

void ls_loop_drop_ahead(struct ls_loop *l, struct ls_ahead *a) {
  struct ls_ahead **at = &l->aheads;
  while (*at && *at != a)
    at = &(*at)->next;
  if (*at)
    *at = a->next;
}

int ls_loop_next(struct ls_loop *l, CURL **easy, CURLcode *result) {
  int left;
  for (CURLMsg *m = curl_multi_info_read(l->multi, &left); m; m = curl_multi_info_read(l->multi, &left)) {
    if (m->msg != CURLMSG_DONE)
      continue;
    *easy = m->easy_handle;
    *result = m->data.result;
    return 1;
  }
  return 0;
}

void ls_loop_watch(struct ls_loop *l, curl_socket_t fd, bool to_write) {
  if (l->count == l->cap) {
    size_t cap = l->cap ? l->cap * 2 : FIRST_CAP;
    struct curl_waitfd *fds = cap > SIZE_MAX / sizeof *fds ? NULL : realloc(l->fds, cap * sizeof *fds);
    if (!fds) {
      l->count = l->cap + 1; /* seen by wait */
      return;
    }
    l->fds = fds;
    l->cap = cap;
  } else if (l->count > l->cap) {
    return;
  }
  l->fds[l->count++] = (struct curl_waitfd){
      .fd = fd, .events = (short)(CURL_WAIT_POLLIN | (to_write ? CURL_WAIT_POLLOUT : 0)), .revents = 0};
}

void ls_loop_wait(struct ls_loop *l, int64_t ms) {
  size_t count = l->count;
  l->count = 0;
  if (count > l->cap) {
    count = l->cap;
    ms = ms < WITHOUT_MEMORY_MS ? ms : WITHOUT_MEMORY_MS;
  }
  if (ms > LONGEST_MS)
    ms = LONGEST_MS;
  l->waited = count;
  int came = 0;
  CURLMcode result = curl_multi_poll(l->multi, l->fds, (unsigned)count, ms > 0 ? (int)ms : 0, &came);
  l->stirred |= result != CURLM_OK || came > 0;
}

bool ls_loop_came(const struct ls_loop *l, curl_socket_t fd) {
  for (size_t i = 0; i < l->waited; i++)
    if (l->fds[i].fd == fd)
      return l->fds[i].revents != 0;
  return false;
}

void ls_loop_wake(struct ls_loop *l) {
  curl_multi_wakeup(l->multi);
}
