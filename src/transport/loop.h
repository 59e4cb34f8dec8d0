/* SPDX-License-Identifier: MIT
 * loop: one curl_multi. Everything that waits, waits here. */
#ifndef LS_LOOP_H
#define LS_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../pure/error.h"
#include "ahead.h"

struct ls_loop {
  CURLM *multi;
  struct curl_waitfd *fds; /* what the next wait looks at besides libcurl's own sockets */
  size_t count, cap;
  int running;             /* handles that libcurl is at work on, as of its last turn */
  bool stirred;            /* something came since */
  struct ls_ahead *aheads; /* borrowed, a list: looked at before libcurl reads */
  size_t waited;           /* of them, those the last wait looked at */
};

/* LS_OK; LS_ESOCKET: no descriptor to be woken by is to be had; LS_ENOMEM. deinit is fine in every case. */
enum ls_status ls_loop_init(struct ls_loop *l, struct ls_error *err);
void ls_loop_deinit(struct ls_loop *l);

/* Lets libcurl do what it can without waiting. */
void ls_loop_run(struct ls_loop *l);

/* a is looked at around each run, from now on or no more (safe twice). */
void ls_loop_add_ahead(struct ls_loop *l, struct ls_ahead *a);
void ls_loop_drop_ahead(struct ls_loop *l, struct ls_ahead *a);

/* 1: libcurl has finished with *easy, *result says how. 0: no more of these. */
int ls_loop_next(struct ls_loop *l, CURL **easy, CURLcode *result);

/* Adds a socket to the next wait. Without memory the wait is short instead. */
void ls_loop_watch(struct ls_loop *l, curl_socket_t fd, bool to_write);

/* Waits until something can be done, wake is called, or ms have passed; forgets what was watched. */
void ls_loop_wait(struct ls_loop *l, int64_t ms);
bool ls_loop_came(const struct ls_loop *l, curl_socket_t fd); /* the last wait saw something at fd */
void ls_loop_wake(struct ls_loop *l);                         /* from any thread */

#endif
