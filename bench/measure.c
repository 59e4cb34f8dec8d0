/* SPDX-License-Identifier: MIT
 * measure COMMAND...: runs it and writes one JSON line behind its output: wall and CPU seconds, the peak of
 * resident memory in KiB, the exit status. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  struct rusage use;
  int status = 0;
  if (argc < 2)
    return 2;
  double began = now();
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &use) != child) {
    perror("measure");
    return 1;
  }
  printf("{\"wall\":%.6f,\"cpuTotal\":%.6f,\"peakKiB\":%ld,\"status\":%d}\n", now() - began,
         seconds(use.ru_utime) + seconds(use.ru_stime), use.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
