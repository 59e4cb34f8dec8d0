/* SPDX-License-Identifier: MIT */
#include "config_pool.h"

#include "jstext.h"

enum option {
  MAX_CONNECTIONS,
  MAX_MESSAGES,
  MAX_REQUEUES,
  RATE_LIMIT,
  RATE_DELTA, /* from here on: times */
  MAX_IDLE,
  MAX_AGE,
  CHECK_IDLE,
  OPTION_COUNT
};

struct row {
  const char *name;
  double least;    /* what is given must not be below */
  double fallback; /* for what is not given; 0 means the same, where it is below the least */
  const char *advice;
};

/* The strictest of the common servers end an idle session after 10 to 30 seconds, many any session after five
 * minutes. */
static const struct row rows[OPTION_COUNT] = {
    [MAX_CONNECTIONS] = {"maxConnections", 1, 5,
                         "maxConnections must be a number from 1, or be left out for 5"},
    [MAX_MESSAGES] = {"maxMessages", 1, 100, "maxMessages must be a number from 1, or be left out for 100"},
    [MAX_REQUEUES] = {"maxRequeues", 0, 1,
                      "maxRequeues must be a number from 0: how often a message that its connection gave "
                      "back unsent is sent again; left out, it is 1"},
    [RATE_LIMIT] = {"rateLimit", 1, 0,
                    "rateLimit must be a number of messages from 1, or be left out for no limit"},
    [RATE_DELTA] = {"rateDelta", 1, 1000,
                    "rateDelta must be a number of milliseconds above 0, or be left out for 1000; it is the "
                    "time in which rateLimit messages may start"},
    [MAX_IDLE] = {"maxIdle", 1, 20000,
                  "maxIdle must be a number of milliseconds above 0, or be left out for 20000"},
    [MAX_AGE] = {"maxAge", 1, 280000,
                 "maxAge must be a number of milliseconds above 0, or be left out for 280000"},
    [CHECK_IDLE] = {"checkIdle", 1, 5000,
                    "checkIdle must be a number of milliseconds above 0, or be left out for 5000; a "
                    "connection idle for longer is checked before a message goes over it"},
};

static const char pool_advice[] = "pool must be true (connections are kept for the next message, as without "
                                  "it) or false (each message has its own)";

static const struct ls_value *option(const struct ls_value *config, const char *name) {
  return ls_value_get(config, ls_span_cstr(name));
}

/* Half a millisecond is a limit too, not none; half a message is none. */
static bool read(const struct ls_value *config, const struct row *row, double *number) {
  const struct ls_value *v = option(config, row->name);
  *number = row->fallback;
  bool zero_counts = row->least <= 0 && ls_value_is(v, LS_VALUE_NUMBER) && v->as.number <= 0;
  if (!zero_counts && !ls_jstext_is_truthy(v))
    return true;
  double least = row->least;
  bool is_time = row >= &rows[RATE_DELTA];
  if (v->kind != LS_VALUE_NUMBER || !(v->as.number >= least || (is_time && v->as.number > 0)))
    return false;
  *number = v->as.number < INT32_MAX ? v->as.number : INT32_MAX;
  if (is_time && *number < least)
    *number = least;
  return true;
}

static bool is_pool_fine(const struct ls_value *config) {
  const struct ls_value *v = option(config, "pool");
  return ls_value_is_nothing(v) || v->kind == LS_VALUE_BOOLEAN;
}

static void complain(struct ls_issue_list *list, const char *name, const char *advice) {
  const struct ls_span text = ls_span_cstr(advice);
  const struct ls_issue_path at = {.name = ls_span_cstr(name)};
  ls_issue_add_custom(list, &text, 1, &at);
}

void ls_config_pool_check(const struct ls_value *config, struct ls_issue_list *list) {
  double number;
  if (!is_pool_fine(config))
    complain(list, "pool", pool_advice);
  for (size_t i = 0; i < OPTION_COUNT; i++)
    if (!read(config, &rows[i], &number))
      complain(list, rows[i].name, rows[i].advice);
}

enum ls_status ls_config_pool_read(const struct ls_value *config, struct ls_config *out,
                                   struct ls_error *err) {
  double numbers[OPTION_COUNT];
  const struct ls_value *pool = option(config, "pool");
  if (!is_pool_fine(config))
    return ls_error_set(err, LS_ECONFIG, "API", "%s", pool_advice);
  for (size_t i = 0; i < OPTION_COUNT; i++)
    if (!read(config, &rows[i], &numbers[i]))
      return ls_error_set(err, LS_ECONFIG, "API", "%s", rows[i].advice);
  bool alone = ls_value_is(pool, LS_VALUE_BOOLEAN) && !pool->as.boolean;
  out->max_connections = (size_t)numbers[MAX_CONNECTIONS];
  out->max_messages = alone ? 1 : (size_t)numbers[MAX_MESSAGES];
  out->max_requeues = (size_t)numbers[MAX_REQUEUES];
  out->rate_limit = (size_t)numbers[RATE_LIMIT];
  out->rate_delta = (int64_t)numbers[RATE_DELTA];
  out->max_idle = (int64_t)numbers[MAX_IDLE];
  out->check_idle = (int64_t)numbers[CHECK_IDLE];
  out->max_age = (int64_t)numbers[MAX_AGE];
  return LS_OK;
}
