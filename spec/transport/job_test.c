/* SPDX-License-Identifier: MIT */
#include "../unit/support.h"

#include "../../src/transport/job.h"

enum { RECIPIENTS = 3, REFUSED = 1 };

static bool keep(struct ls_arena *a, struct ls_span *to, const char *text) {
  *to = ls_arena_copy(a, ls_span_cstr(text));
  return to->p != NULL;
}

static bool compose(struct ls_arena *a, struct ls_composed *m) {
  static const char *const addresses[RECIPIENTS] = {"a@example.com", "b@example.com", "c@example.com"};
  struct ls_envelope *env = &m->envelope;
  ls_arena_init(a, 1 << 20);
  ls_buf_init(&m->content, 1000);
  ls_buf_adds(&m->content, "Subject: x\r\n\r\nx\r\n");
  env->to = ls_arena_array(a, RECIPIENTS, sizeof *env->to);
  if (!env->to || m->content.status != LS_OK || !keep(a, &env->from, "s@example.com") ||
      !keep(a, &m->message_id, "<1@example.com>"))
    return false;
  for (env->count = 0; env->count < RECIPIENTS; env->count++)
    if (!keep(a, &env->to[env->count].address, addresses[env->count]))
      return false;
  return true;
}

/* Whether nothing is missing. What matters must be there in every case. */
static bool is_whole(const struct ls_result *r) {
  assert_int_equal(r->id, 7);
  assert_int_equal(r->error.status, LS_OK);
  assert_int_equal(r->count, RECIPIENTS);
  assert_string_equal(r->from, "s@example.com");
  assert_string_equal(r->message_id, "<1@example.com>");
  for (size_t i = 0; i < RECIPIENTS; i++) {
    assert_non_null(r->recipients[i].address);
    assert_int_equal(r->recipients[i].error.status, i == REFUSED ? LS_EENVELOPE : LS_OK);
  }
  assert_int_equal(r->recipients[REFUSED].error.response_code, 550);
  return r->response && r->ehlo && r->recipients[REFUSED].error.message &&
         r->recipients[REFUSED].error.response;
}

/* Once a message is on its way, no lack of memory hides what became of it. */
static bool send_one(void *context) {
  (void)context;
  struct ls_arena a;
  struct ls_composed m = {0};
  struct ls_rejection refused = {.recipient = REFUSED};
  ls_error_set(&refused.error, LS_EENVELOPE, "RCPT TO", "no such user");
  ls_error_add_reply(&refused.error, 550, "5.1.1", LS_SPAN("550 5.1.1 no such user"));
  bool described = refused.error.message && refused.error.response;
  struct ls_job *j = compose(&a, &m) ? ls_job_new(&m, &a) : NULL;
  ls_buf_deinit(&m.content);
  ls_arena_deinit(&a);
  bool whole = false;
  if (j) {
    struct ls_event ev = {.kind = LS_EVENT_DONE, .rejections = &refused, .rejection_count = 1};
    ev.response = LS_SPAN("250 2.0.0 taken");
    j->id = 7;
    ls_job_finish(j, &ev, LS_SPAN("SIZE\0PIPELINING\0"), 2);
    whole = is_whole(&j->result);
  }
  ls_job_free(j);
  ls_error_deinit(&refused.error);
  return whole && described;
}

static void test_job_tells_what_became_of_it_without_memory(void **state) {
  (void)state;
  assert_true(support_each_allocation(send_one, NULL) > RECIPIENTS * 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_job_tells_what_became_of_it_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
