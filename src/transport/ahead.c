/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "ahead.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../pure/reply.h"

void ls_ahead_init(struct ls_ahead *a) {
  *a = (struct ls_ahead){0};
  ls_buf_init(&a->seen, LS_REPLY_MAX);
  ls_buf_init(&a->kept, LS_REPLY_MAX);
}

void ls_ahead_deinit(struct ls_ahead *a) {
  ls_buf_deinit(&a->seen);
  ls_buf_deinit(&a->kept);
}

void ls_ahead_opened(struct ls_ahead *a, curl_socket_t fd) {
  size_t i = a->opened++ % LS_AHEAD_SOCKETS;
  struct stat s;
  a->sockets[i].fd = fstat(fd, &s) == 0 ? fd : CURL_SOCKET_BAD;
  a->sockets[i].inode = s.st_ino;
}

/* The i-th socket; CURL_SOCKET_BAD: it is closed. */
static curl_socket_t socket_at(const struct ls_ahead *a, size_t i) {
  struct stat s;
  if (i >= a->opened || a->sockets[i].fd == CURL_SOCKET_BAD || fstat(a->sockets[i].fd, &s) != 0)
    return CURL_SOCKET_BAD;
  return S_ISSOCK(s.st_mode) && s.st_ino == a->sockets[i].inode ? a->sockets[i].fd : CURL_SOCKET_BAD;
}

/* Asking for the number leaves a socket's pending error where libcurl looks for it; reading would take it. */
static size_t unread(curl_socket_t fd) {
  int n = 0;
  return fd != CURL_SOCKET_BAD && ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* The socket with something to read, of all that libcurl tries to connect. */
static curl_socket_t speaking(const struct ls_ahead *a, size_t *n) {
  for (size_t i = 0; i < LS_AHEAD_SOCKETS; i++) {
    curl_socket_t fd = socket_at(a, i);
    if ((*n = unread(fd)) > 0)
      return fd;
  }
  return CURL_SOCKET_BAD;
}

void ls_ahead_look(struct ls_ahead *a) {
  size_t n;
  if (!a->on)
    return;
  curl_socket_t fd = speaking(a, &n);
  if (fd == CURL_SOCKET_BAD)
    return;
  n = n < LS_REPLY_MAX ? n : LS_REPLY_MAX;
  char *room = ls_buf_room(&a->seen, n);
  ssize_t got = room ? recv(fd, room, n, MSG_PEEK | MSG_DONTWAIT) : 0;
  if (got > 0)
    ls_buf_grew(&a->seen, (size_t)got);
}

static void keep(struct ls_ahead *a, struct ls_span s) {
  size_t room = LS_REPLY_MAX - a->kept.n;
  ls_buf_add(&a->kept, ls_span_sub(s, 0, s.n < room ? s.n : room));
}

/* Lines that were given and not seen came behind all that was seen, and ended the line that is kept. */
static void drop_given(struct ls_ahead *a) {
  struct ls_span s = ls_buf_span(&a->kept);
  for (; a->lines_given && ls_span_index(s, '\n') < s.n; a->lines_given--)
    s = ls_span_sub(s, ls_span_index(s, '\n') + 1, s.n);
  size_t left = a->lines_given ? 0 : s.n;
  if (left)
    memmove(a->kept.p, s.p, left);
  ls_buf_cut(&a->kept, left);
  a->lines_given = 0;
}

void ls_ahead_read(struct ls_ahead *a) {
  size_t left = 0;
  if (!a->on)
    return;
  if (a->seen.n)
    speaking(a, &left);
  keep(a, ls_span_sub(ls_buf_span(&a->seen), 0, left < a->seen.n ? a->seen.n - left : 0));
  drop_given(a);
  ls_buf_cut(&a->seen, 0);
}

void ls_ahead_connected(struct ls_ahead *a) {
  a->connected = true;
}

bool ls_ahead_waits(const struct ls_ahead *a) {
  if (!a->on || !a->connected)
    return false;
  for (size_t i = 0; i < LS_AHEAD_SOCKETS; i++) {
    struct pollfd fd = {.fd = socket_at(a, i), .events = POLLIN};
    if (fd.fd != CURL_SOCKET_BAD && poll(&fd, 1, 0) != 0)
      return false;
  }
  return true;
}

void ls_ahead_given(struct ls_ahead *a) {
  a->lines_given++;
}

void ls_ahead_set(struct ls_ahead *a, bool on) {
  a->on = on;
  a->lines_given = 0;
  ls_buf_cut(&a->seen, 0);
  ls_buf_cut(&a->kept, 0);
}

struct ls_span ls_ahead_line(const struct ls_ahead *a) {
  struct ls_span s = ls_buf_span(&a->kept);
  while (ls_span_index(s, '\n') < s.n)
    s = ls_span_sub(s, ls_span_index(s, '\n') + 1, s.n);
  return s;
}

struct ls_span ls_ahead_left(const struct ls_ahead *a) {
  return ls_buf_span(&a->kept);
}

/* A shutdown alone would not do: Linux goes on to give what comes. */
void ls_ahead_break(struct ls_ahead *a) {
  const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  for (size_t i = 0; i < LS_AHEAD_SOCKETS; i++) {
    curl_socket_t fd = socket_at(a, i);
    if (fd == CURL_SOCKET_BAD)
      continue;
    shutdown(fd, SHUT_RDWR);
    (void)connect(fd, &nobody, sizeof nobody);
  }
}
