/* SPDX-License-Identifier: MIT
 * pool_log: what the pool has to tell, in words. Each does nothing while the log is off. */
#ifndef LS_POOL_LOG_H
#define LS_POOL_LOG_H

#include "../pure/attempt.h"
#include "conn.h"
#include "log.h"
#include "result.h"

void ls_pool_log_connect(struct ls_log *l, const struct ls_conn *c, const struct ls_config *config);
void ls_pool_log_ready(struct ls_log *l, const struct ls_conn *c, const struct ls_config *config);
void ls_pool_log_failed(struct ls_log *l, const struct ls_conn *c);
/* The next attempt waits, and `waiting` messages with it. */
void ls_pool_log_pause(struct ls_log *l, const struct ls_attempts *a, size_t waiting, int64_t now_ms);
void ls_pool_log_retry(struct ls_log *l, const struct ls_conn *c, uint64_t id, const struct ls_error *why);
void ls_pool_log_ended(struct ls_log *l, const struct ls_conn *c, const struct ls_error *why);
void ls_pool_log_closed(struct ls_log *l, const struct ls_conn *c, size_t messages);

void ls_pool_log_token(struct ls_log *l, const struct ls_error *why); /* why: LS_OK after a success */

/* c: NULL when the message was on no connection. */
void ls_pool_log_finished(struct ls_log *l, const struct ls_conn *c, const struct ls_result *r);

#endif
