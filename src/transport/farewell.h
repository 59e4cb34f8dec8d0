/* SPDX-License-Identifier: MIT
 * farewell: connections that have said QUIT and wait for its answer before they close (RFC 5321 4.1.1.10),
 * for LS_FAREWELL_MS at most, and nobody waits for them. A server that is left earlier finds its 221
 * refused, and may call that an abort. */
#ifndef LS_FAREWELL_H
#define LS_FAREWELL_H

#include "conn.h"

enum {
  LS_FAREWELL_MS = 2000,
  LS_FAREWELL_MOST = 4 /* of one client: the oldest make way */
};

struct ls_farewell; /* one connection */

/* Ends c: says QUIT where it can, and keeps it until that is answered; else closes it. Takes c.
 * number: above 0 where ls_farewell_next is to tell how it went; such a one makes way for no other.
 * False: it was closed. */
bool ls_farewell_say(struct ls_farewell **list, struct ls_conn *c, uint64_t number, int64_t now_ms);

/* Does what can be done without waiting, and closes those that are done or late but for numbered ones. */
void ls_farewell_turn(struct ls_farewell **list, int64_t now_ms);

/* Closes one with a number that is done or late; its number, and in err, where the server ended it by itself,
 * why (status LS_OK else). 0: there is none. */
uint64_t ls_farewell_next(struct ls_farewell **list, int64_t now_ms, struct ls_error *err);

bool ls_farewell_has(const struct ls_farewell *list, uint64_t number);

/* Lets the loop's next wait look at them. Answers until when it may last: until_ms or earlier. */
int64_t ls_farewell_watch(const struct ls_farewell *list, struct ls_loop *loop, int64_t until_ms);

void ls_farewell_end(struct ls_farewell **list, int64_t now_ms); /* closes all, without waiting */
void ls_farewell_abandon(struct ls_farewell **list);             /* see ls_conn_abandon */

#endif
