/* SPDX-License-Identifier: MIT */
#include "os_error.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static const struct {
  struct ls_os_error error;
  bool breaks; /* can happen to an established connection */
} rows[] = {
    {{ECONNREFUSED, "ECONNREFUSED", LS_REASON_CONNECTION_REFUSED,
      "; nothing listens there: check host and port"},
     false},
    {{ECONNRESET, "ECONNRESET", LS_REASON_CONNECTION_RESET, ""}, true},
    {{ECONNABORTED, "ECONNABORTED", LS_REASON_CONNECTION_RESET, ""}, true},
    {{EHOSTUNREACH, "EHOSTUNREACH", LS_REASON_UNREACHABLE, "; no route to that host"}, true},
    {{ENETUNREACH, "ENETUNREACH", LS_REASON_UNREACHABLE, "; no route to that network"}, true},
    {{ETIMEDOUT, "ETIMEDOUT", LS_REASON_CONNECT_UNANSWERED, "; a firewall may swallow the packets"}, true},
    {{EADDRNOTAVAIL, "EADDRNOTAVAIL", LS_REASON_CONNECT_FAILED, ""}, false},
    {{EACCES, "EACCES", LS_REASON_CONNECT_FAILED, ""}, false},
    {{EPERM, "EPERM", LS_REASON_CONNECT_FAILED, ""}, false},
    {{EPIPE, "EPIPE", LS_REASON_CONNECTION_RESET, ""}, true},
};

/* libcurl keeps the number of the last system call that failed, be it an attempt to connect to another
 * address of the name. */
static const struct ls_os_error *last_of(CURL *easy, bool breaks) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].error.number == number)
      return breaks && !rows[i].breaks ? NULL : &rows[i].error;
  return NULL;
}

const struct ls_os_error *ls_os_error_connect(CURL *easy) {
  return last_of(easy, false);
}

const struct ls_os_error *ls_os_error_broken(CURL *easy) {
  return last_of(easy, true);
}
