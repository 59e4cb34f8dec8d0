/* SPDX-License-Identifier: MIT
 * clock: the only clock. Pure rooms get the time as an argument. */
#ifndef LS_CLOCK_H
#define LS_CLOCK_H

#include <stdint.h>

int64_t ls_clock_ms(void);     /* monotonic; only differences mean something */
int64_t ls_clock_unix_s(void); /* seconds since 1970 UTC */
int64_t ls_clock_unix_ms(void);

#endif
