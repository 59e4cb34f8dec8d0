/* SPDX-License-Identifier: MIT
 * os_error: the system's word on why a connection could not be made, or broke, as libcurl keeps it. */
#ifndef LS_OS_ERROR_H
#define LS_OS_ERROR_H

#include <curl/curl.h>

#include "../pure/reason.h"

struct ls_os_error {
  int number; /* errno */
  const char *name;
  enum ls_reason reason; /* of an attempt to connect */
  const char *hint;      /* "; what to do", or "" */
};

/* Why easy could not connect; NULL: the system did not say. */
const struct ls_os_error *ls_os_error_connect(CURL *easy);

/* Why reading from or writing to easy failed; NULL: the system did not say, the other side just closed. */
const struct ls_os_error *ls_os_error_broken(CURL *easy);

#endif
