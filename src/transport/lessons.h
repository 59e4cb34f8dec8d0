/* SPDX-License-Identifier: MIT
 * lessons: what this process has learned of servers, by host and port, for all clients in all threads; it
 * outlives connections and clients. The one thing that is shared so: a table behind a lock that is held for
 * copying a few words, never while anything waits. It holds the LS_LESSONS_MOST servers met last. A process
 * that was forked while the lock was held does without it. */
#ifndef LS_LESSONS_H
#define LS_LESSONS_H

#include "../pure/lesson.h"

enum { LS_LESSONS_MOST = 512 };

/* Fills *out with what is known of the server; zeroes: nothing is. */
void ls_lessons_recall(const char *host, uint16_t port, struct ls_lesson *out);

/* Adds news of the server, and fills *out with what is known now. Without memory *out alone learns. */
void ls_lessons_add(const char *host, uint16_t port, const struct ls_lesson_news *news,
                    struct ls_lesson *out);

/* Another server is at this address from now on. */
void ls_lessons_forget(const char *host, uint16_t port);

#endif
