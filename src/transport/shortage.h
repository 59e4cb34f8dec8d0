/* SPDX-License-Identifier: MIT
 * shortage: no further descriptor is to be had, of this process or of the machine. It makes all kinds of
 * things fail, files, sockets, name look-ups, certificates; it is told as what it is. */
#ifndef LS_SHORTAGE_H
#define LS_SHORTAGE_H

#include <curl/curl.h>

#include "../pure/error.h"

/* number, as in errno, is of this kind. */
bool ls_shortage_is(int number);

/* EMFILE or ENFILE where hardly a descriptor is to be had at the moment; 0: there are enough. For those who
 * are told that something failed, and not why. */
int ls_shortage_now(void);

/* The same behind what libcurl failed with; 0: that has other reasons. */
int ls_shortage_behind(CURLcode result);

/* Writes "doing EMFILE object; what to do" as LS_ESOCKET, which it answers. */
enum ls_status ls_shortage_set(struct ls_error *err, int number, const char *command, const char *doing,
                               const char *object);

#endif
