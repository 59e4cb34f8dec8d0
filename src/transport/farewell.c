/* SPDX-License-Identifier: MIT */
#include "farewell.h"

#include <stdlib.h>

struct ls_farewell {
  struct ls_farewell *next;
  struct ls_conn *conn;
  int64_t until_ms;
  uint64_t number;
};

static void drop(struct ls_farewell **at) {
  struct ls_farewell *f = *at;
  *at = f->next;
  ls_conn_close(f->conn);
  free(f);
}

/* The oldest are the last. */
static void drop_beyond(struct ls_farewell **at, size_t most) {
  while (*at)
    if ((*at)->number || most) {
      most -= !(*at)->number;
      at = &(*at)->next;
    } else {
      drop(at);
    }
}

bool ls_farewell_say(struct ls_farewell **list, struct ls_conn *c, uint64_t number, int64_t now_ms) {
  struct ls_farewell *f = ls_conn_quit(c, now_ms) ? malloc(sizeof *f) : NULL;
  if (!f) {
    ls_conn_close(c);
    return false;
  }
  *f = (struct ls_farewell){.next = *list, .conn = c, .until_ms = now_ms + LS_FAREWELL_MS, .number = number};
  *list = f;
  drop_beyond(list, LS_FAREWELL_MOST);
  return true;
}

static bool is_over(const struct ls_farewell *f, int64_t now_ms) {
  return ls_conn_state(f->conn) != LS_CONN_READY || now_ms >= f->until_ms;
}

/* Where a server has answered already, its answer is taken: a socket that is closed with it unread resets. */
static bool is_done(struct ls_farewell *f, int64_t now_ms) {
  ls_conn_receive(f->conn, now_ms);
  ls_conn_send(f->conn, now_ms);
  ls_conn_tell(f->conn);
  return is_over(f, now_ms);
}

void ls_farewell_turn(struct ls_farewell **list, int64_t now_ms) {
  for (struct ls_farewell **at = list; *at;)
    if (is_done(*at, now_ms) && !(*at)->number)
      drop(at);
    else
      at = &(*at)->next;
}

/* Why the server ended it. A server that closes instead of answering QUIT cannot be told from one that has
 * closed before. */
static void read_end(struct ls_session *s, struct ls_error *err) {
  struct ls_event ev;
  if (ls_session_record(s).parted || !ls_session_over(s))
    return;
  while (ls_session_next(s, &ev))
    if (ev.kind == LS_EVENT_ENDED && ev.error.status != LS_OK)
      *err = ev.error;
    else
      ls_error_deinit(&ev.error);
  if (err->status == LS_OK)
    ls_error_set(err, LS_ECONNECTION, "CONN", "Connection closed unexpectedly");
}

uint64_t ls_farewell_next(struct ls_farewell **list, int64_t now_ms, struct ls_error *err) {
  while (*list && (!(*list)->number || !is_over(*list, now_ms)))
    list = &(*list)->next;
  if (!*list)
    return 0;
  uint64_t number = (*list)->number;
  read_end(ls_conn_session((*list)->conn), err);
  drop(list);
  return number;
}

bool ls_farewell_has(const struct ls_farewell *list, uint64_t number) {
  while (list && list->number != number)
    list = list->next;
  return list != NULL;
}

int64_t ls_farewell_watch(const struct ls_farewell *list, struct ls_loop *loop, int64_t until_ms) {
  for (const struct ls_farewell *f = list; f; f = f->next) {
    curl_socket_t fd;
    bool to_write;
    if (ls_conn_wants(f->conn, &fd, &to_write))
      ls_loop_watch(loop, fd, to_write);
    until_ms = f->until_ms < until_ms ? f->until_ms : until_ms;
  }
  return until_ms;
}

void ls_farewell_end(struct ls_farewell **list, int64_t now_ms) {
  while (*list) {
    is_done(*list, now_ms);
    drop(list);
  }
}

void ls_farewell_abandon(struct ls_farewell **list) {
  while (*list) {
    struct ls_farewell *f = *list;
    *list = f->next;
    ls_conn_abandon(f->conn);
    free(f);
  }
}
