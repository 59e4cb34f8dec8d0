/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "random.h"

#include <unistd.h>

enum { MOST = 256 }; /* getentropy gives no more in one call */

bool ls_random_fill(void *p, size_t n) {
  unsigned char *at = p;
  while (n) {
    size_t step = n < MOST ? n : MOST;
    if (getentropy(at, step) != 0)
      return false;
    at += step;
    n -= step;
  }
  return true;
}
