/* SPDX-License-Identifier: MIT
 * failure: a libcurl result, seen at a step of the dialogue, as the error a person can act on. */
#ifndef LS_FAILURE_H
#define LS_FAILURE_H

#include "dialogue.h"

struct ls_failure {
  CURLcode result;
  CURL *easy;
  const char *text; /* libcurl's error buffer, "" when it says nothing */
  const struct ls_config *config;
  const struct ls_tls *tls;
  int number; /* errno of a socket that was not to be had; 0: each was */
};

/* Writes d->error, unless the dialogue has written it. Answers its status. */
enum ls_status ls_failure_explain(const struct ls_failure *f, struct ls_dialogue *d);

/* Why reading from or writing to easy failed, as the system names it ("ECONNRESET"); NULL: it did not say,
 * the other side just closed. */
const char *ls_failure_broken(CURL *easy);

/* The system's name for why easy could not connect; "" where it did not say. */
const char *ls_failure_number(CURL *easy);

#endif
