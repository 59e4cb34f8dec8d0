/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "doorbell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "shortage.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* the thread that rings has SIGPIPE blocked */
#endif

static const char prefix[] = "logto-smtp-";
static const char socket_name[] = "socket";

enum { RANDOM_CHARS = 6, BACKLOG = 16, PAUSE_MS = 100 };

static enum ls_status failed(struct ls_error *err, const char *what, const char *path) {
  if (ls_shortage_is(errno))
    return ls_shortage_set(err, errno, "API", what, path);
  return ls_error_set(err, LS_ECONFIG, "API", "%s %s: %s; set `directory` to one that can be written to",
                      what, path, strerror(errno));
}

static bool set_flags(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static enum ls_status make_names(struct ls_doorbell *b, const char *parent, struct ls_error *err) {
  const char *tmpdir = getenv("TMPDIR");
  if (!parent)
    parent = tmpdir && *tmpdir ? tmpdir : "/tmp";
  size_t size = strlen(parent) + 80;
  b->directory = malloc(size);
  b->path = malloc(size);
  if (!b->directory || !b->path)
    return ls_error_no_memory(err, NULL);
  snprintf(b->directory, size, "%s/%s%ld-XXXXXX", parent, prefix, (long)getpid());
  size_t n = strlen(b->directory) + sizeof "/socket";
  if (n <= sizeof((struct sockaddr_un *)NULL)->sun_path)
    return LS_OK;
  return ls_error_set(err, LS_ECONFIG, "API",
                      "The path of the socket in %s would have %zu octets, and the system takes %zu; set "
                      "`directory` to a shorter one",
                      parent, n, sizeof((struct sockaddr_un *)NULL)->sun_path);
}

static enum ls_status listen_there(struct ls_doorbell *b, struct ls_error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, b->path, strlen(b->path) + 1);
  b->listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (b->listener < 0 || !set_flags(b->listener) ||
      bind(b->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(b->listener, BACKLOG) != 0)
    return failed(err, "Cannot listen on", b->path);
  return LS_OK;
}

enum ls_status ls_doorbell_init(struct ls_doorbell *b, const char *parent, struct ls_error *err) {
  *b = (struct ls_doorbell){.lock = -1, .listener = -1, .reader = -1};
  enum ls_status status = make_names(b, parent, err);
  if (status == LS_OK && !mkdtemp(b->directory)) {
    status = failed(err, "Cannot make", b->directory);
    free(b->directory); /* not ours to remove */
    b->directory = NULL;
  }
  if (status == LS_OK) {
    sprintf(b->path, "%s/%s", b->directory, socket_name);
    b->lock = open(b->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->lock < 0 || flock(b->lock, LOCK_EX | LOCK_NB) != 0)
      status = failed(err, "Cannot lock", b->directory);
  }
  if (status == LS_OK)
    status = listen_there(b, err);
  if (status != LS_OK)
    ls_doorbell_deinit(b);
  return status;
}

static void close_one(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void ls_doorbell_deinit(struct ls_doorbell *b) {
  close_one(&b->reader);
  close_one(&b->listener);
  if (b->path && b->lock >= 0)
    unlink(b->path);
  if (b->directory)
    rmdir(b->directory);
  close_one(&b->lock);
  free(b->path);
  free(b->directory);
  b->path = b->directory = NULL;
}

/* The process that made the directory of this name; 0: it is none of ours. */
static pid_t maker_of(const char *name) {
  if (strncmp(name, prefix, sizeof prefix - 1) != 0)
    return 0;
  char *end;
  long pid = strtol(name + sizeof prefix - 1, &end, 10);
  return *end == '-' && strlen(end + 1) == RANDOM_CHARS && pid > 0 && pid == (pid_t)pid ? (pid_t)pid : 0;
}

/* In another container that shares the directory a process we cannot see may be at work: it holds the lock.
 * */
static void remove_litter(int parent, const char *name) {
  struct stat s;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return;
  if (fstat(fd, &s) == 0 && s.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0) {
    unlinkat(fd, socket_name, 0);
    unlinkat(parent, name, AT_REMOVEDIR);
  }
  close(fd);
}

void ls_doorbell_sweep(const struct ls_doorbell *b) {
  char *parent = strdup(b->directory);
  if (!parent)
    return;
  *strrchr(parent, '/') = '\0';
  DIR *d = opendir(*parent ? parent : "/");
  free(parent);
  if (!d)
    return;
  for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
    pid_t pid = maker_of(entry->d_name);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)
      remove_litter(dirfd(d), entry->d_name);
  }
  closedir(d);
}

int64_t ls_doorbell_watch(const struct ls_doorbell *b, struct ls_loop *l, int64_t now_ms, int64_t until_ms) {
  if (b->reader >= 0)
    ls_loop_watch(l, b->reader, false);
  if (now_ms < b->again_ms)
    return b->again_ms < until_ms ? b->again_ms : until_ms;
  ls_loop_watch(l, b->listener, false);
  return until_ms;
}

static bool accept_readers(struct ls_doorbell *b) {
  bool any = false;
  for (int fd; (fd = accept(b->listener, NULL, NULL)) >= 0; any = true) {
    close_one(&b->reader);
    b->reader = fd;
    if (!set_flags(fd))
      close_one(&b->reader);
  }
  /* one that cannot be taken stays there to be seen, and would keep the thread awake */
  if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
    b->again_ms = ls_clock_ms() + PAUSE_MS;
  return any;
}

bool ls_doorbell_serve(struct ls_doorbell *b, const struct ls_loop *l) {
  char octets[64];
  if (b->reader >= 0 && ls_loop_came(l, b->reader)) {
    ssize_t n = recv(b->reader, octets, sizeof octets, 0); /* a reader has nothing to say but farewell */
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
      close_one(&b->reader);
  }
  return ls_loop_came(l, b->listener) && accept_readers(b);
}

void ls_doorbell_ring(struct ls_doorbell *b) {
  /* a reader whose buffer is full has enough octets to wake up by */
  if (b->reader >= 0 && send(b->reader, "!", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != EINTR)
    close_one(&b->reader);
}
