/* SPDX-License-Identifier: MIT
 * status: what every function that can fail returns. 0 is fine, above 0 "not yet", below 0 failed. */
#ifndef LS_STATUS_H
#define LS_STATUS_H

#define X(name, code, text) LS_STATUS_INDEX_##name,
enum ls_status_index {
#include "status.def"
  LS_STATUS_COUNT
};
#undef X

#define X(name, code, text) LS_##name = -1 - LS_STATUS_INDEX_##name,
enum ls_status {
#include "status.def"
  LS_OK = 0,
  LS_AGAIN = 1 /* more octets or another turn are needed; nothing is wrong */
};
#undef X

/* The public code ("EAUTH") and the sentence of a status below 0; "" for LS_OK and LS_AGAIN. Static storage.
 */
const char *ls_status_code(enum ls_status status);
const char *ls_status_text(enum ls_status status);

#endif
