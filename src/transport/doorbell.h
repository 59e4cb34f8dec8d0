/* SPDX-License-Identifier: MIT
 * doorbell: a unix socket in a private directory, over which a thread tells an event loop that there is
 * something to fetch, one octet at a time. One reader at once; a newer one takes the place of an older. */
#ifndef LS_DOORBELL_H
#define LS_DOORBELL_H

#include "../pure/error.h"
#include "loop.h"

struct ls_doorbell {
  char *directory; /* mode 0700, "logto-smtp-<pid>-XXXXXX" */
  char *path;      /* of the socket in it */
  int lock;        /* the directory, opened; locked while its process lives */
  int listener;
  int reader;       /* below 0: none */
  int64_t again_ms; /* no reader can be taken before this: the process has no descriptor left */
};

/* Makes the directory in parent (NULL: $TMPDIR, or /tmp) and listens.
 * LS_OK; LS_ECONFIG: it cannot be made there, or its path is too long for a socket; LS_ENOMEM. */
enum ls_status ls_doorbell_init(struct ls_doorbell *b, const char *parent, struct ls_error *err);
void ls_doorbell_deinit(struct ls_doorbell *b); /* closes and removes all; safe twice */

/* Removes what processes of the same user that are gone have left beside this one. */
void ls_doorbell_sweep(const struct ls_doorbell *b);

/* Lets the loop's next wait look at the socket. Answers until when it may last: until_ms or earlier. */
int64_t ls_doorbell_watch(const struct ls_doorbell *b, struct ls_loop *l, int64_t now_ms, int64_t until_ms);
/* After the loop's wait: takes a new reader, notices that one has gone. True: there is a new one. */
bool ls_doorbell_serve(struct ls_doorbell *b, const struct ls_loop *l);

void ls_doorbell_ring(struct ls_doorbell *b); /* one octet, where there is a reader; never waits */

#endif
