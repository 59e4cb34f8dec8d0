/* SPDX-License-Identifier: MIT */
#include "attempt.h"

/* Greeting and EHLO say EPROTOCOL or ECONNECTION when they refuse; a login that is refused for now (454) is
 * not tried again and again all the same. */
static bool puts_off(const struct ls_error *why) {
  return why->response_code == 421 || (why->response_code / 100 == 4 && why->status == LS_EPROTOCOL);
}

enum ls_attempt_verdict ls_attempt_judge(const struct ls_error *why, bool connected) {
  if (why->response_code)
    return puts_off(why) ? LS_ATTEMPT_PASSING : LS_ATTEMPT_FINAL;
  switch (why->status) {
  case LS_ECONNECTION:
    return LS_ATTEMPT_PASSING;
  case LS_ESOCKET:
    return connected ? LS_ATTEMPT_PASSING : LS_ATTEMPT_ABSENT;
  case LS_EDNS:
    return LS_ATTEMPT_ABSENT;
  case LS_ETIMEDOUT:
    return connected ? LS_ATTEMPT_SILENT : LS_ATTEMPT_ABSENT;
  default:
    return LS_ATTEMPT_FINAL;
  }
}

static bool is_forgotten(const struct ls_attempts *a, int64_t now_ms) {
  return now_ms - a->failed_ms >= LS_ATTEMPT_FORGET_MS;
}

bool ls_attempt_was_vain(const struct ls_attempt_use *use) {
  if (use->accepted)
    return false;
  if (use->answered)
    return use->answered < LS_ATTEMPT_MUCH && use->lived_ms < LS_ATTEMPT_LONGEST_MS;
  return use->wanted;
}

bool ls_attempt_may_begin(const struct ls_attempts *a, size_t unproven, int64_t now_ms) {
  if (a->level == 0)
    return true;
  return unproven == 0 && now_ms >= a->again_ms;
}

uint64_t ls_attempt_begin(struct ls_attempts *a, int64_t now_ms) {
  if (is_forgotten(a, now_ms))
    a->failures = a->level = 0;
  return ++a->begun;
}

/* Jitter keeps many clients of one server from coming back together. */
static int64_t pause_ms(unsigned level, uint32_t chance) {
  int64_t pause = LS_ATTEMPT_SOON_MS;
  if (level > 1) {
    pause = LS_ATTEMPT_PAUSE_MS;
    for (unsigned i = 2; i < level && pause < LS_ATTEMPT_LONGEST_MS; i++)
      pause *= 2;
  }
  return pause - pause / 4 + (int64_t)(chance % (uint32_t)(pause / 2 + 1));
}

static void note_failure(struct ls_attempts *a, int64_t now_ms, uint32_t chance) {
  a->judged = a->begun;
  a->failures++;
  a->level++;
  a->failed_ms = now_ms;
  a->again_ms = now_ms + pause_ms(a->level, chance);
}

void ls_attempt_failed(struct ls_attempts *a, uint64_t number, int64_t now_ms, uint32_t chance) {
  if (number > a->judged)
    note_failure(a, now_ms, chance);
}

void ls_attempt_worked(struct ls_attempts *a, uint64_t number) {
  a->failures = 0;
  if (number > a->judged) {
    a->level = 0;
    a->again_ms = 0;
  }
}

void ls_attempt_answered(struct ls_attempts *a) {
  a->failures = 0;
}

void ls_attempt_told(struct ls_attempts *a, int64_t now_ms, uint32_t chance) {
  a->failures = a->level = 0;
  note_failure(a, now_ms, chance);
}

bool ls_attempt_exhausted(const struct ls_attempts *a) {
  return a->failures >= LS_ATTEMPT_MOST;
}
