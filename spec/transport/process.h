/* SPDX-License-Identifier: MIT
 * process: what this process has open and at work. */
#ifndef LS_TRANSPORT_PROCESS_H
#define LS_TRANSPORT_PROCESS_H

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "../unit/support.h"

/* How many names a directory holds, "." and ".." among them. */
static inline size_t entries(const char *path) {
  size_t n = 0;
  DIR *d = opendir(path);
  assert_non_null(d);
  while (readdir(d))
    n++;
  closedir(d);
  return n;
}

static inline size_t threads(void) {
  return entries("/proc/self/task");
}

/* A look-up's thread may live for a moment longer than what it looked up. */
static inline void assert_threads(size_t wanted) {
  for (int i = 0; i < 100 && threads() != wanted; i++)
    usleep(10000);
  assert_int_equal(threads(), wanted);
}

/* Microseconds of processor time that the process takes in the next wait_us. */
static inline int64_t busy_us(useconds_t wait_us) {
  struct timespec before, after;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  usleep(wait_us);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  return (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
}

#endif
