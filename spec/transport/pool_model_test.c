/* SPDX-License-Identifier: MIT
 * pool_model: client and pool against simulated servers with a clock of their own. The connection is a model
 * (libcurl's part is what a server's habits make of it), all else is the real code. Each habit at each step
 * is met alone, then thousands of servers have habits at random. Whatever a server does: each message ends
 * once and by its totalTimeout, none is taken twice or told wrong, connections come no faster than the
 * attempts allow, and the loop is always woken. SEED=n in the environment plays one world again, ROUNDS=n so
 * many. */
#include "../unit/support.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/attempt.h"
#include "../../src/pure/config_read.h"
#include "../../src/transport/client_drive.h"
#include "../../src/transport/json.h"
#include "../../src/transport/lessons.h"
#include "../../src/transport/pool_state.h"
#include "model_conn.h"

enum { PROBES_MAX = 12, ROUNDS = 2000, SPINS_MAX = 60, TURNS_MAX = 200000 };

/* How messages come. */
enum feed { AT_ONCE, SPREAD, ONE_BY_ONE, FEEDS };

/* What a server is like as a whole, and so what is due to whoever sends to it. */
enum kind { ANY, TURNING, HEALTHY, LIMITED, REFUSING, RESTARTING, STUMBLING };

struct probe {
  struct ls_verifying state;
  struct ls_verification seen;
  int64_t begun_ms;
  bool begun, over;
};

static struct world {
  unsigned long long seed;
  enum kind kind;
  enum feed feed;
  size_t submitted, done, sent, unknown, not_sent;
  struct probe probes[PROBES_MAX];
  size_t probe_count;
  int64_t done_ms, gap_ms, next_ms, total_ms;
  size_t max_connections, max_requeues;
  struct ls_client *client;
} w;

static struct { size_t connections, probes, sent, unknown, not_sent; } sums;

#define check(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      fprintf(stderr, "SEED=%llu\n", w.seed);                                                                \
      assert_true(condition);                                                                                \
    }                                                                                                        \
  } while (0)

/* --- a world ------------------------------------------------------------------------------------------- */

static const char host[] = "127.0.0.1";

static void make_client(void) {
  struct ls_arena a, keep;
  struct ls_value *v = NULL;
  struct ls_config config;
  struct ls_error err = {0};
  static struct ls_loop loop; /* nothing waits in it */
  char text[400];
  snprintf(text, sizeof text,
           "{\"host\":\"%s\",\"port\":2525,\"auth\":{\"user\":\"u\",\"pass\":\"p\"},\"maxConnections\":%zu,"
           "\"maxRequeues\":%zu,\"maxMessages\":%zu,\"totalTimeout\":%lld,\"socketTimeout\":%u}",
           host, w.max_connections, w.max_requeues, model.max_messages, (long long)w.total_ms,
           500 + draw(5000));
  ls_arena_init(&a, 1 << 20);
  ls_arena_init(&keep, 1 << 20);
  assert_int_equal(ls_json_parse(ls_span_cstr(text), &a, &v, NULL), LS_OK);
  assert_int_equal(ls_config_read(v, &keep, &config, &err), LS_OK);
  assert_int_equal(ls_client_new(&config, &keep, &loop, &w.client, &err), LS_OK);
  ls_arena_deinit(&a);
  ls_lessons_forget(host, 2525);
}

static void submit(void) {
  static struct ls_recipient to; /* of all */
  struct ls_arena a;
  struct ls_composed m = {0};
  struct ls_error err = {0};
  uint64_t id = 0;
  char text[64];
  unsigned number = (unsigned)w.submitted;
  ls_arena_init(&a, 4096);
  to.address = LS_SPAN("r@y");
  snprintf(text, sizeof text, "m%u@x", number);
  m.envelope = (struct ls_envelope){.from = ls_arena_copy(&a, ls_span_cstr(text)), .to = &to, .count = 1};
  ls_buf_init(&m.content, 1 << 16);
  for (unsigned lines = 1 + draw(3); lines; lines--)
    ls_buf_adds(&m.content, "Subject: x\r\n");
  model.mails[number].submitted_ms = model.now_ms;
  w.submitted++;
  check(ls_client_submit(w.client, &m, &a, &id, &err) == LS_OK);
  check(id == w.submitted);
}

/* Messages and verifications whose time has come. */
static void feed(void) {
  while (w.submitted < model.count && model.now_ms >= w.next_ms &&
         (w.feed != ONE_BY_ONE || w.submitted == w.done)) {
    submit();
    if (w.feed == SPREAD)
      w.next_ms = model.now_ms + 1 + draw((unsigned)w.gap_ms);
    else if (w.feed == ONE_BY_ONE)
      w.next_ms = model.now_ms + draw(2);
  }
  for (size_t i = 0; i < w.probe_count; i++)
    if (!w.probes[i].begun && model.now_ms >= w.probes[i].begun_ms) {
      w.probes[i].begun = true;
      ls_verification_init(&w.probes[i].seen);
    }
}

static void finish(const struct ls_result *r) {
  struct mail *m = &model.mails[r->id - 1];
  enum ls_status status = r->error.status;
  bool unknown = status != LS_OK && r->error.delivery == LS_DELIVERY_UNKNOWN;
  m->ended++;
  w.done++;
  w.done_ms = model.now_ms;
  check(m->ended == 1);
  check(m->taken <= 1);
  check(status != LS_OK || m->taken == 1);
  check(status == LS_OK || unknown || m->taken == 0);
  check(model.now_ms <= m->submitted_ms + w.total_ms);
  check(m->suspects <= 1 + w.max_requeues);
  check(m->put_offs <= LS_ATTEMPT_MOST + w.max_requeues);
  w.sent += status == LS_OK;
  w.unknown += unknown;
  w.not_sent += status != LS_OK && !unknown && !m->refused;
}

static void verify_on(void) {
  model.verifying = true;
  for (size_t i = 0; i < w.probe_count; i++) {
    struct probe *x = &w.probes[i];
    if (!x->begun || x->over)
      continue;
    x->over = ls_client_verify_step(w.client, &x->state, model.now_ms, &x->seen);
    check(model.now_ms <= x->begun_ms + w.total_ms + 1);
    if (!x->over)
      continue;
    check(w.kind == ANY || w.kind == STUMBLING || x->seen.error.status == LS_OK);
    check(w.kind == ANY || x->seen.error.reason != LS_REASON_TIMEOUT_TOTAL);
    ls_verification_deinit(&x->seen);
  }
  model.verifying = false;
}

static void turn(void) {
  struct ls_result r;
  for (struct ls_conn *c = model.conns, *next; c; c = next) {
    next = c->next;
    if (c->state == LS_CONN_OPENING && model.now_ms >= c->opened_by_ms)
      check(ls_client_took(w.client, (CURL *)(void *)c, CURLE_OK, model.now_ms));
  }
  ls_client_turn(w.client, model.now_ms);
  verify_on();
  while (ls_client_next(w.client, &r)) {
    finish(&r);
    ls_result_deinit(&r);
  }
}

static int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* When something happens next. */
static int64_t next_event(void) {
  int64_t at_ms = ls_client_watch(w.client, model.now_ms, INT64_MAX);
  for (const struct ls_conn *c = model.conns; c; c = c->next) {
    if (c->state == LS_CONN_OPENING)
      at_ms = earlier(at_ms, c->opened_by_ms);
    if (c->state == LS_CONN_READY && c->server.flights)
      at_ms = earlier(at_ms, c->server.flights->at_ms);
  }
  if (w.submitted < model.count && (w.feed != ONE_BY_ONE || w.submitted == w.done))
    at_ms = earlier(at_ms, w.next_ms);
  for (size_t i = 0; i < w.probe_count; i++) {
    const struct probe *x = &w.probes[i];
    if (!x->begun)
      at_ms = earlier(at_ms, x->begun_ms);
    else if (!x->over)
      at_ms = earlier(at_ms, ls_client_verify_due(w.client, &x->state, model.now_ms));
  }
  return at_ms;
}

static bool is_over(void) {
  for (size_t i = 0; i < w.probe_count; i++)
    if (!w.probes[i].over)
      return false;
  return w.done == model.count;
}

/* Right before the next event there is nothing to do: else it was due before, and nothing woke the loop. */
static void check_sleep(int64_t at_ms) {
  size_t records = model.record_count, done = w.done, open = 0, still_open = 0;
  struct ls_client_stats before, after;
  ls_client_stats(w.client, &before);
  for (const struct ls_conn *c = model.conns; c; c = c->next)
    open++;
  model.now_ms = at_ms - 1;
  turn();
  for (const struct ls_conn *c = model.conns; c; c = c->next)
    still_open++;
  ls_client_stats(w.client, &after);
  check(records == model.record_count && done == w.done && open == still_open);
  check(before.queued == after.queued);
}

static void run(void) {
  unsigned spins = 0, turns = 0;
  for (feed(), turn(); !is_over(); feed(), turn()) {
    int64_t at_ms = next_event();
    check(at_ms != INT64_MAX); /* nothing would wake the loop */
    spins = at_ms <= model.now_ms ? spins + 1 : 0;
    check(spins < SPINS_MAX);
    check(++turns < TURNS_MAX);
    if (at_ms > model.now_ms + 1 && draw(4) == 0)
      check_sleep(at_ms);
    if (at_ms > model.now_ms)
      model.now_ms = at_ms;
  }
}

/* --- what must hold behind it --------------------------------------------------------------------------- */

/* So many attempts in a row fit into a time, at the shortest pauses. */
static size_t attempts_within(int64_t ms) {
  size_t count = 0;
  int64_t at_ms = 0, pause_ms = LS_ATTEMPT_SOON_MS;
  for (; at_ms <= ms; at_ms += pause_ms - pause_ms / 4, count++)
    if (count)
      pause_ms = count == 1 ? LS_ATTEMPT_PAUSE_MS : earlier(pause_ms * 2, LS_ATTEMPT_LONGEST_MS);
  return count;
}

/* Whether the server may end connections behind the login without a word that is heard. */
static bool is_rude(void) {
  enum act acts[] = {model.habits.at[0][AT_READY].act, model.habits.at[1][AT_READY].act};
  for (size_t i = 0; i < 2; i++)
    if (acts[i] == CLOSE || acts[i] == RESET || (acts[i] == FAREWELL && model.habits.resets))
      return true;
  return false;
}

/* Connections that were in vain and opened within so long from the i-th on: no more than one row of attempts,
 * and one for each that was useful meanwhile. Where nobody answers at all, each who asks may be told soon. */
static void check_window(size_t i, int64_t ms) {
  const struct record *first = &model.records[i];
  int64_t end_ms = first->opened_ms + ms;
  size_t vain = 0, absent = 0, useful = 0;
  for (size_t k = 0; k < model.record_count && model.records[k].opened_ms < end_ms; k++) {
    const struct record *r = &model.records[k];
    if (r->probe != first->probe || r->closed_ms < first->opened_ms)
      continue;
    useful += r->useful;
    absent += k >= i && !r->useful && r->absent;
    vain += k >= i && !r->useful && !r->absent;
  }
  size_t row = (w.max_connections + attempts_within(ms)) * (model.habits.other_way ? 2 : 1);
  if (first->probe && is_rude())
    row += (size_t)(ms / 1500); /* who asks is not refused there, so the pauses grow no further */
  check(vain <= (useful + absent + 1) * row);
  check(absent <= (useful + 1) * row + (size_t)(ms / (LS_ATTEMPT_SOON_MS * 3 / 4)));
}

/* Until one has logged in each waits for the one before. */
static void check_cold(void) {
  for (size_t i = 1; i < model.record_count && model.records[i].opened_ms < model.ready_ms; i++)
    check(model.records[i - 1].closed_ms <= model.records[i].opened_ms);
}

static void check_connections(void) {
  check_cold();
  for (size_t i = 0; i < model.record_count; i++) {
    check_window(i, 1000);
    check_window(i, 10 * 1000);
    check_window(i, LS_ATTEMPT_FORGET_MS - 1);
  }
}

/* Sending took what it takes, and no pause. */
static void check_speed(int64_t began_ms) {
  int64_t trips = 30 + (int64_t)model.count * 14;
  if (w.feed != SPREAD && w.kind != STUMBLING)
    check(w.done_ms - began_ms <= trips * model.habits.trip_ms + 2 * (int64_t)model.count + 300);
}

static size_t sent_over(void) {
  size_t count = 0;
  for (size_t i = 0; i < model.record_count; i++)
    count += !model.records[i].probe;
  return count;
}

static void check_kind(int64_t began_ms) {
  if (w.kind <= TURNING)
    return;
  check_speed(began_ms);
  check(w.not_sent == 0);
  size_t window = model.habits.chunking && model.habits.pipelining ? LS_POOL_WINDOW : 2;
  if (w.kind == RESTARTING)
    check(sent_over() <= 2 * w.max_connections + 3);
  check(w.unknown <= (w.kind == LIMITED || w.kind == RESTARTING ? window * w.max_connections : 0));
  if (w.kind != REFUSING)
    check(w.sent + w.unknown == model.count);
}

/* Behind an accepted message only 421 may come unasked; what else is said there would answer the next. */
static bool can_be(enum place place, enum act act) {
  if (place == AT_ACCEPT || place == AT_READY)
    return act >= FAREWELL && act != LIMIT;
  return place >= AT_MAIL || (act != LIMIT && act != SOFT_CLOSE);
}

static void draw_habit(unsigned set, enum place place, enum act act) {
  model.habits.at[set][place] = (struct habit){.act = act,
                                               .chance = draw(2) ? 1000 : draw(1000),
                                               .behind = place >= AT_MAIL && draw(2) ? draw(12) : 0};
}

static void set_habit(enum place place, enum act act, unsigned chance, unsigned behind) {
  model.habits.at[0][place] = (struct habit){.act = act, .chance = chance, .behind = behind};
}

static void be_any(void) {
  for (unsigned set = 0; set < 2; set++) {
    for (unsigned i = draw(4); i < 5; i++) {
      enum place place = (enum place)draw(PLACES);
      enum act act = (enum act)draw(ACTS);
      if (can_be(place, act))
        draw_habit(set, place, act);
    }
    if (set == 0)
      memcpy(model.habits.at[1], model.habits.at[0], sizeof model.habits.at[1]);
  }
  if (draw(2))
    model.habits.turned_ms = model.now_ms + draw(10000);
  if (draw(3) == 0)
    model.habits.healed_ms = model.now_ms + draw(20000);
}

static void be_limited(void) {
  static const enum act acts[] = {FAREWELL, LIMIT, CLOSE, RESET};
  unsigned limit = 1 + draw(12);
  if (draw(3))
    set_habit(AT_MAIL, acts[draw(4)], 1000, limit);
  else
    set_habit(AT_ACCEPT, draw(2) ? CLOSE : FAREWELL, 1000, limit - 1);
}

static void be_refusing(void) {
  static const enum place places[] = {AT_MAIL, AT_RCPT, AT_DATA, AT_CONTENT};
  set_habit(places[draw(4)], draw(2) ? SOFT : HARD, draw(2) ? 1000 : 300, 0);
}

/* Takes so many on a connection, and later none at all. */
static void be_turning(void) {
  be_limited();
  memcpy(model.habits.at[1], model.habits.at[0], sizeof model.habits.at[1]);
  model.habits.at[1][AT_CONTENT] = (struct habit){.act = draw(2) ? SOFT : HARD, .chance = 1000};
  model.habits.turned_ms = model.now_ms + draw(300);
  w.feed = ONE_BY_ONE;
}

/* Ends one connection behind a message or two it has accepted, and does well from then on. */
static void be_restarting(void) {
  static const enum act acts[] = {FAREWELL, CLOSE, RESET};
  static unsigned left;
  left = 1;
  set_habit(draw(2) ? AT_ACCEPT : AT_MAIL, acts[draw(3)], 1000, draw(2));
  model.habits.at[0][AT_MAIL].behind++;
  model.habits.left = &left;
  model.max_messages = 1000;
}

/* Ends what is opened, and then does no more: three attempts at most. */
static void be_stumbling(void) {
  static const enum act acts[] = {FAREWELL, CLOSE, RESET};
  enum place place = (enum place)(AT_GREETING + draw(6));
  set_habit(place, place >= AT_READY ? FAREWELL : acts[draw(3)], 1000, 0);
  model.habits.healed_ms = model.now_ms + draw(2000);
}

static void begin(unsigned long long seed, enum kind kind) {
  w = (struct world){.seed = seed, .kind = kind};
  model = (struct model){.ready_ms = INT64_MAX};
  model_state = seed * 0x9E3779B97F4A7C15u + 1;
  draw(2);
  w.feed = (enum feed)draw(FEEDS);
  model.now_ms = 1000000;
  w.gap_ms = 1 + draw(3000);
  model.count = 1 + draw(draw(2) ? 10 : MAILS_MAX);
  w.max_connections = 1 + draw(5);
  w.max_requeues = draw(3);
  model.max_messages = draw(4) ? 100 : 1 + draw(10);
  w.total_ms = kind == ANY && draw(2) ? 1000 + draw(20000) : 120000;
  model.habits = (struct habits){.trip_ms = 1 + draw(20),
                                 .pipelining = draw(4) > 0,
                                 .chunking = draw(2),
                                 .lingers = draw(2),
                                 .resets = draw(2),
                                 .overtaking = kind == ANY,
                                 .other_way = draw(4) == 0,
                                 .turned_ms = INT64_MAX,
                                 .healed_ms = INT64_MAX};
  w.probe_count = draw(3) ? 0 : draw(PROBES_MAX + 1);
  for (size_t i = 0; i < w.probe_count; i++)
    w.probes[i].begun_ms = model.now_ms + draw(2) * draw(5000);
}

static void play(void) {
  int64_t began_ms = model.now_ms;
  make_client();
  run();
  check_kind(began_ms);
  ls_client_close(w.client);
  ls_client_free(w.client);
  check(!model.conns);
  check_connections();
  sums.connections += model.record_count;
  sums.probes += w.probe_count;
  sums.sent += w.sent;
  sums.unknown += w.unknown;
  sums.not_sent += w.not_sent;
  free(model.records);
}

static void (*const be[])(void) = {[ANY] = be_any,
                                   [TURNING] = be_turning,
                                   [LIMITED] = be_limited,
                                   [REFUSING] = be_refusing,
                                   [RESTARTING] = be_restarting,
                                   [STUMBLING] = be_stumbling};

/* The number of a world says all about it: first each habit alone, then any, then those of a kind. */
enum { FIRST_ANY = 1000, FIRST_KIND = 1000000000 };

static void be_alone(unsigned i) {
  enum place place = (enum place)(i % PLACES);
  enum act act = (enum act)(i / PLACES % ACTS);
  w.feed = (enum feed)(i / PLACES / ACTS);
  model.count = 1 + draw(MAILS_MAX);
  if (can_be(place, act))
    set_habit(place, act, 1000, 0);
}

static void play_seed(unsigned long long seed) {
  enum kind kind = seed < FIRST_KIND ? ANY : (enum kind)(TURNING + seed % (STUMBLING - TURNING + 1));
  begin(seed, kind);
  if (seed < FIRST_ANY)
    be_alone((unsigned)seed);
  else if (be[kind])
    be[kind]();
  play();
}

static unsigned long long number_from(const char *name, unsigned long long otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}

static void play_seeds(unsigned long long first, unsigned long long count) {
  unsigned long long one = number_from("SEED", 0);
  for (unsigned long long seed = first; !one && seed < first + count; seed++)
    play_seed(seed);
  unsigned long long end = first == 0 ? FIRST_ANY : first == FIRST_ANY ? FIRST_KIND : ULLONG_MAX;
  if (one >= first && one < end && getenv("SEED"))
    play_seed(one);
}

static void test_pool_keeps_its_rules_with_each_habit_of_a_server(void **state) {
  (void)state;
  play_seeds(0, PLACES * ACTS * FEEDS);
}

static void test_pool_keeps_its_rules_whatever_a_server_does(void **state) {
  (void)state;
  play_seeds(FIRST_ANY, number_from("ROUNDS", ROUNDS));
}

static void test_pool_gets_all_to_a_server_that_does_well(void **state) {
  (void)state;
  play_seeds(FIRST_KIND, number_from("ROUNDS", ROUNDS));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pool_keeps_its_rules_with_each_habit_of_a_server),
      cmocka_unit_test(test_pool_keeps_its_rules_whatever_a_server_does),
      cmocka_unit_test(test_pool_gets_all_to_a_server_that_does_well),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("%zu connections, %zu verifications, %zu messages sent, %zu unknown, %zu not sent\n",
         sums.connections, sums.probes, sums.sent, sums.unknown, sums.not_sent);
  return failed;
}
