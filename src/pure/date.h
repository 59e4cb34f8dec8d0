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

/* Appends the moment that text names, as RFC 5322 wants it and with text's own offset: "Mon, 23 Nov 2026
 * 14:03:24 +0200". Taken are RFC 5322 3.3, with the old zones, two-digit years and comments that 4.3 lets
 * readers take, and ISO 8601: "2026-11-23T14:03:24.5+02:00", "20261123T120324Z", "2026-11-23" (midnight UTC).
 * NULL; or what is wrong, a sentence's end that does not quote text. out->status may have failed. */
const char *ls_date_read(struct ls_buf *out, struct ls_span text);

#endif
