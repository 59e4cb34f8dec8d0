/* SPDX-License-Identifier: MIT
 * relay PORT TARGET_PORT RTT_MS: a TCP relay on loopback that adds half a round trip in each direction and
 * nothing else. What one read gives leaves by one write, in order, when its time has come; the throughput is
 * not limited. Each read is acknowledged at once, so that no delay of the kernel's own is added to ours. The
 * connection to the target is opened one and a half round trips after the client's, as a handshake over the
 * wire would have it: the server's greeting arrives two round trips after the client began. RTT_MS may have a
 * fraction. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS_MAX = 256, READ_SIZE = 256 * 1024, HELD_MAX = 64 * 1024 * 1024 };

struct piece {
  struct piece *next;
  int64_t due_ns;
  size_t n, sent; /* n = 0: the end of the stream */
  char octets[];
};

struct way {
  int from, to;
  struct piece *head, *tail;
  size_t held;
  bool eof, done, blocked;
};

struct pair {
  bool used, connected;
  int64_t connect_ns;
  struct way ways[2]; /* to the server, to the client */
};

static struct pair pairs[PAIRS_MAX];
static char octets[READ_SIZE];
static int64_t rtt_ns;
static uint16_t target_port;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void prepare(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void acknowledge(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void end_pair(struct pair *p) {
  close(p->ways[0].from);
  if (p->connected)
    close(p->ways[0].to);
  for (int i = 0; i < 2; i++)
    while (p->ways[i].head) {
      struct piece *next = p->ways[i].head->next;
      free(p->ways[i].head);
      p->ways[i].head = next;
    }
  *p = (struct pair){0};
}

static void accept_one(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0)
    return;
  for (int i = 0; i < PAIRS_MAX; i++)
    if (!pairs[i].used) {
      prepare(fd);
      pairs[i] = (struct pair){.used = true, .connect_ns = now() + rtt_ns + rtt_ns / 2};
      pairs[i].ways[0] = (struct way){.from = fd, .to = -1};
      pairs[i].ways[1] = (struct way){.from = -1, .to = fd};
      return;
    }
  close(fd);
}

static void connect_target(struct pair *p) {
  struct sockaddr_in a = loopback(target_port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
    if (fd >= 0)
      close(fd);
    end_pair(p);
    return;
  }
  prepare(fd);
  p->connected = true;
  p->ways[0].to = p->ways[1].from = fd;
}

static void keep(struct way *w, size_t n) {
  struct piece *k = malloc(sizeof *k + n);
  if (!k)
    die("malloc");
  *k = (struct piece){.due_ns = now() + rtt_ns / 2, .n = n};
  memcpy(k->octets, octets, n);
  if (w->tail)
    w->tail->next = k;
  else
    w->head = k;
  w->tail = k;
  w->held += n;
}

static void take_in(struct way *w) {
  ssize_t n = recv(w->from, octets, sizeof octets, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    w->eof = true;
  else
    acknowledge(w->from);
  keep(w, n > 0 ? (size_t)n : 0);
}

static void give_out(struct way *w, int64_t at) {
  w->blocked = false;
  while (w->head && w->head->due_ns <= at) {
    struct piece *k = w->head;
    if (k->n == 0) {
      shutdown(w->to, SHUT_WR);
      w->done = true;
    } else {
      ssize_t n = send(w->to, k->octets + k->sent, k->n - k->sent, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) {
        w->eof = w->done = true;
        return;
      }
      k->sent += n > 0 ? (size_t)n : 0;
      if (k->sent < k->n) {
        w->blocked = true;
        return;
      }
    }
    w->held -= k->n;
    w->head = k->next;
    if (!w->head)
      w->tail = NULL;
    free(k);
  }
}

static int listen_on(uint16_t port) {
  struct sockaddr_in a = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0)
    die("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 256) != 0)
    die("bind");
  return fd;
}

/* Fills fds and answers how many; *wake_ns is when something falls due. */
static nfds_t watch(struct pollfd *fds, struct way **of, int64_t *wake_ns) {
  nfds_t n = 1;
  *wake_ns = INT64_MAX;
  for (int i = 0; i < PAIRS_MAX; i++) {
    struct pair *p = &pairs[i];
    if (p->used && !p->connected && p->connect_ns < *wake_ns)
      *wake_ns = p->connect_ns;
    for (int d = 0; p->used && d < 2; d++) {
      struct way *w = &p->ways[d];
      if (w->from >= 0 && !w->eof && w->held < HELD_MAX) {
        of[n] = w;
        fds[n++] = (struct pollfd){.fd = w->from, .events = POLLIN};
      }
      if (w->to >= 0 && w->blocked) {
        of[n] = NULL;
        fds[n++] = (struct pollfd){.fd = w->to, .events = POLLOUT};
      } else if (w->to >= 0 && w->head && w->head->due_ns < *wake_ns) {
        *wake_ns = w->head->due_ns;
      }
    }
  }
  return n;
}

int main(int argc, char **argv) {
  static struct pollfd fds[1 + PAIRS_MAX * 4];
  static struct way *of[1 + PAIRS_MAX * 4];
  if (argc != 4) {
    fprintf(stderr, "usage: relay PORT TARGET_PORT RTT_MS\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  int listener = listen_on((uint16_t)atoi(argv[1]));
  target_port = (uint16_t)atoi(argv[2]);
  rtt_ns = (int64_t)(atof(argv[3]) * 1e6);
  for (;;) {
    int64_t wake_ns;
    fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    nfds_t n = watch(fds, of, &wake_ns);
    int64_t left = wake_ns == INT64_MAX ? INT64_C(3600000000000) : wake_ns - now();
    if (left < 0)
      left = 0;
    struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    int ready = ppoll(fds, n, &t, NULL);
    for (nfds_t i = 1; ready > 0 && i < n; i++)
      if (of[i] && fds[i].revents)
        take_in(of[i]);
    int64_t at = now();
    for (int i = 0; i < PAIRS_MAX; i++) {
      struct pair *p = &pairs[i];
      if (p->used && !p->connected && p->connect_ns <= at)
        connect_target(p);
      for (int d = 0; p->used && p->connected && d < 2; d++)
        give_out(&p->ways[d], at);
      if (p->used && p->ways[0].done && p->ways[1].done)
        end_pair(p);
    }
    if (ready > 0 && fds[0].revents)
      accept_one(listener);
  }
}
