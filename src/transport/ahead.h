/* SPDX-License-Identifier: MIT
 * ahead: what came over a connection in clear and libcurl keeps to itself. Greeting, EHLO and AUTH are read
 * by libcurl, which gives whole lines only: the words of a server that closes in the middle of a line would
 * be lost, and so would what comes in one piece with the last reply. So the socket is looked at before
 * libcurl reads from it. Over TLS nothing can be seen so. */
#ifndef LS_AHEAD_H
#define LS_AHEAD_H

#include <curl/curl.h>
#include <sys/types.h>

#include "../pure/buf.h"

enum { LS_AHEAD_SOCKETS = 4 }; /* as many addresses as libcurl tries at a time, and more */

struct ls_ahead {
  struct {
    curl_socket_t fd;
    ino_t inode; /* libcurl closes sockets, and the number may be another file's then */
  } sockets[LS_AHEAD_SOCKETS];
  size_t opened;
  struct ls_ahead *next; /* of those that a loop looks at */
  bool on;
  bool connected;
  struct ls_buf seen; /* came, and was not read yet when last looked at */
  struct ls_buf kept; /* was read, and not given yet */
  size_t lines_given; /* since the last look */
};

void ls_ahead_init(struct ls_ahead *a);
void ls_ahead_deinit(struct ls_ahead *a);
void ls_ahead_opened(struct ls_ahead *a, curl_socket_t fd);

/* From now on replies come in clear, or they do not. */
void ls_ahead_set(struct ls_ahead *a, bool on);

/* libcurl knows that TCP is up, and reads as soon as there is something. */
void ls_ahead_connected(struct ls_ahead *a);
bool ls_ahead_waits(const struct ls_ahead *a); /* for that, and there is nothing */

/* Before libcurl may read; after it may have; when it gives a line. */
void ls_ahead_look(struct ls_ahead *a);
void ls_ahead_read(struct ls_ahead *a);
void ls_ahead_given(struct ls_ahead *a);

/* What came of a line without an end. */
struct ls_span ls_ahead_line(const struct ls_ahead *a);

/* What came behind the last line that was given: libcurl gives it to nobody once it is done. */
struct ls_span ls_ahead_left(const struct ls_ahead *a);

/* Breaks the connection off, so that libcurl stops reading from it at once. */
void ls_ahead_break(struct ls_ahead *a);

#endif
