/* SPDX-License-Identifier: MIT
 * sink: Postfix's smtp-sink, a mail server that takes all and keeps nothing, on loopback. */
#ifndef LS_TRANSPORT_SINK_H
#define LS_TRANSPORT_SINK_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket on a free port of loopback. */
static inline int bind_loopback(int *port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
      getsockname(fd, (struct sockaddr *)&a, &n) != 0)
    return -1;
  *port = ntohs(a.sin_port);
  return fd;
}

static inline bool answers(int port) {
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  bool fine = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
  close(fd);
  return fine;
}

/* Starts one on *port, which it finds. delay: of the reply to the content, in seconds; or NULL. */
static inline pid_t start_sink(int *port, const char *delay) {
  char address[40];
  int fd = bind_loopback(port);
  close(fd);
  snprintf(address, sizeof address, "127.0.0.1:%d", *port);
  pid_t pid = fork();
  if (pid == 0) {
    const char *arguments[8] = {"smtp-sink"};
    size_t n = 1;
    if (geteuid() == 0) {
      arguments[n++] = "-u";
      arguments[n++] = "daemon";
    }
    if (delay) {
      arguments[n++] = "-w";
      arguments[n++] = delay;
    }
    arguments[n++] = address;
    arguments[n++] = "100";
    execv("/usr/sbin/smtp-sink", (char *const *)(const void *)arguments);
    _exit(1);
  }
  for (int i = 0; i < 300 && !answers(*port); i++)
    usleep(10000);
  return pid;
}

#endif
