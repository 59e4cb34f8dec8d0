/* SPDX-License-Identifier: MIT
 * tally: takes what an engine has done, and counts it. */
#ifndef LS_TRANSPORT_TALLY_H
#define LS_TRANSPORT_TALLY_H

#include <string.h>
#include <unistd.h>

#include "../../src/transport/clock.h"
#include "../../src/transport/engine.h"
#include "../unit/support.h"

enum { PATIENCE_MS = 30000 };

/* What has come out so far. */
struct tally {
  size_t count, fine, closed, unmade, verified;
  uint64_t last_verified_at; /* how many results there were before the last verification */
  uint64_t id_sum;
  size_t records;
  uint64_t handle; /* of the last record */
};

static inline void tally_add(struct tally *t, const struct ls_engine_result *r) {
  const struct ls_error *err = r->kind == LS_ENGINE_MESSAGE ? &r->result.error : &r->verification.error;
  t->fine += err->status == LS_OK;
  t->closed += err->status == LS_ECLOSED;
  t->unmade += r->issue.status != LS_OK && strstr(ls_error_text(err), "The config is not valid: ");
  if (r->kind == LS_ENGINE_VERIFICATION) {
    t->verified++;
    t->last_verified_at = t->count;
  }
  t->count++;
  t->id_sum += r->id;
}

static inline void take(struct ls_engine *e, struct tally *t) {
  struct ls_engine_batch b = {0};
  struct ls_engine_result r;
  assert_int_equal(ls_engine_take(e, &b, NULL), LS_OK);
  while (ls_engine_batch_next(&b, &r)) {
    tally_add(t, &r);
    ls_engine_result_deinit(&r);
  }
  for (const struct ls_log_record *x; (x = ls_log_peek(&b.log)) != NULL; ls_log_drop(&b.log)) {
    t->records++;
    t->handle = x->handle;
  }
  ls_engine_batch_deinit(&b);
}

/* Takes until there are so many results. */
static inline void take_until(struct ls_engine *e, struct tally *t, size_t count) {
  int64_t until_ms = ls_clock_ms() + PATIENCE_MS;
  for (take(e, t); t->count < count && ls_clock_ms() < until_ms; take(e, t))
    usleep(1000);
  assert_int_equal(t->count, count);
}

#endif
