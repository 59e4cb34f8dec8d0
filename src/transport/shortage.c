/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "shortage.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A look-up takes four at most: two to report, a file or a socket to look in, one for the interfaces. What
 * failed has closed its own by the time anybody asks. */
enum { ENOUGH = 4 };

static const struct {
  int number;
  const char *name, *hint;
} rows[] = {
    {EMFILE, "EMFILE", "this process has too many files open: raise its limit (ulimit -n), or open less"},
    {ENFILE, "ENFILE", "this machine has too many files open: raise its limit (fs.file-max), or open less"},
};

bool ls_shortage_is(int number) {
  return number == EMFILE || number == ENFILE;
}

int ls_shortage_now(void) {
  int fds[ENOUGH];
  int number = 0;
  size_t n = 0;
  while (n < ENOUGH && (fds[n] = open("/", O_RDONLY | O_CLOEXEC)) >= 0)
    n++;
  if (n < ENOUGH)
    number = errno;
  while (n)
    close(fds[--n]);
  return ls_shortage_is(number) ? number : 0;
}

/* A trust store whose files cannot be opened knows nobody. */
int ls_shortage_behind(CURLcode result) {
  switch (result) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
  case CURLE_INTERFACE_FAILED:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_FAILED_INIT:
  case CURLE_OUT_OF_MEMORY:
    return ls_shortage_now();
  default:
    return 0;
  }
}

enum ls_status ls_shortage_set(struct ls_error *err, int number, const char *command, const char *doing,
                               const char *object) {
  size_t i = number == ENFILE;
  return ls_error_because(err, LS_REASON_NO_DESCRIPTOR, command, "%s %s %.300s; %s", doing, rows[i].name,
                          object, rows[i].hint);
}
