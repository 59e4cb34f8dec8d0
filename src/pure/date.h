/* SPDX-License-Identifier: MIT
 * date: a moment as mail headers write it (RFC 5322 3.3). No clock, no time zone, no locale. */
#ifndef LS_DATE_H
#define LS_DATE_H

#include <stdint.h>

#include "buf.h"

/* The moments a four-digit year can name: 0000-01-01 00:00:00 to 9999-12-31 23:59:59 UTC, in seconds. */
#define LS_DATE_MIN INT64_C(-62167219200)
#define LS_DATE_MAX INT64_C(253402300799)

/* Appends "Mon, 23 Nov 2026 14:03:24 +0000". s: seconds since 1970 UTC; outside the range the nearest end is
 * written. */
void ls_date_write(struct ls_buf *out, int64_t s);

#endif
