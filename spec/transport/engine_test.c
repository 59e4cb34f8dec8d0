/* SPDX-License-Identifier: MIT
 * The engine between two threads: with servers of Postfix's smtp-sink, and with one that accepts connections
 * and says nothing. Runs under ASan and UBSan, and under TSan. */
#define _DEFAULT_SOURCE
#include "../unit/support.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/transport/clock.h"
#include "../../src/pure/config_read.h"
#include "../../src/pure/option.h"
#include "../../src/transport/engine.h"
#include "../../src/transport/json.h"
#include "process.h"
#include "sink.h"
#include "tally.h"

enum { MAIL_MAX = 1 << 20 };

static char folder[] = "/tmp/logto-smtp-engine-XXXXXX"; /* no name of an engine's own: "engine" is no pid */
static pid_t quick, slow;
static int quick_port, slow_port, silent_port;
static int silent = -1;

static int start_servers(void **state) {
  (void)state;
  silent = bind_loopback(&silent_port);
  if (!mkdtemp(folder) || silent < 0 || listen(silent, 100) != 0)
    return -1;
  quick = start_sink(&quick_port, NULL);
  slow = start_sink(&slow_port, "1");
  return answers(quick_port) && answers(slow_port) ? 0 : -1;
}

static int stop_servers(void **state) {
  (void)state;
  const pid_t pids[] = {quick, slow};
  for (size_t i = 0; i < 2; i++) {
    kill(pids[i], SIGTERM);
    waitpid(pids[i], NULL, 0);
  }
  close(silent);
  curl_global_cleanup();
  return rmdir(folder); /* empty: every engine has cleaned up */
}

static struct ls_engine *engine_with(size_t max_queue) {
  struct ls_engine_options o = {
      .max_queue = max_queue, .max_octets = 64 << 20, .max_clients = 2, .directory = folder};
  struct ls_engine *e = NULL;
  struct ls_error err = {0};
  if (ls_engine_new(&o, &e, &err) != LS_OK)
    fail_msg("%s", ls_error_text(&err));
  return e;
}

static struct ls_value *parse(struct ls_arena *a, const char *text) {
  struct ls_value *v = NULL;
  assert_int_equal(ls_json_parse(ls_span_cstr(text), a, &v, NULL), LS_OK);
  return v;
}

static enum ls_status try_configure(struct ls_engine *e, const char *text, uint64_t *handle,
                                    struct ls_error *err) {
  struct ls_arena a, keep;
  struct ls_config config;
  struct ls_error why = {0};
  ls_arena_init(&a, MAIL_MAX);
  ls_arena_init(&keep, MAIL_MAX);
  ls_config_read(parse(&a, text), &keep, &config, &why);
  ls_arena_deinit(&a);
  return ls_engine_configure(e, &config, &keep, &why, handle, err);
}

/* more: further members in JSON, with a comma before them. */
static uint64_t configure(struct ls_engine *e, int port, const char *more) {
  char text[400];
  uint64_t handle = 0;
  struct ls_error err = {0};
  snprintf(text, sizeof text, "{\"host\":\"127.0.0.1\",\"port\":%d,\"ignoreTLS\":true%s}", port, more);
  if (try_configure(e, text, &handle, &err) != LS_OK)
    fail_msg("%s", ls_error_text(&err));
  return handle;
}

static enum ls_status try_submit(struct ls_engine *e, uint64_t handle, uint64_t *id, struct ls_error *err) {
  struct ls_arena a;
  ls_arena_init(&a, MAIL_MAX);
  struct ls_value *mail = parse(&a, "{\"from\":\"a@example.com\",\"to\":\"b@example.com\","
                                    "\"subject\":\"code\",\"text\":\"123456\"}");
  return ls_engine_submit(e, handle, mail, &a, id, err);
}

static uint64_t submit(struct ls_engine *e, uint64_t handle) {
  uint64_t id = 0;
  struct ls_error err = {0};
  if (try_submit(e, handle, &id, &err) != LS_OK)
    fail_msg("%s", ls_error_text(&err));
  return id;
}

static int reader_of(const struct ls_engine *e) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  assert_true(strlen(ls_engine_path(e)) < sizeof a.sun_path);
  strcpy(a.sun_path, ls_engine_path(e));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  return fd;
}

/* Octets that come within ms: all that are there. 0: the end; -1: nothing came. */
static ssize_t hear(int fd, int ms) {
  char octets[100];
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, ms) == 1 ? read(fd, octets, sizeof octets) : -1;
}

static void test_engine_sends_what_is_submitted_while_it_works(void **state) {
  (void)state;
  const size_t count = 600;
  struct ls_engine *e = engine_with(10000);
  uint64_t handles[2] = {configure(e, quick_port, ""), configure(e, quick_port, "")};
  struct tally t = {0};
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += submit(e, handles[i % 2]);
    if (i % 7 == 0)
      take(e, &t);
    if (i % 50 == 0)
      usleep(2000);
  }
  take_until(e, &t, count);
  assert_int_equal(t.fine, count);
  assert_int_equal(t.id_sum, sum);
  assert_int_equal(ls_engine_pending(e), 0);
  struct ls_client_stats s;
  ls_engine_stats(e, &s);
  assert_int_equal(s.sent, count);
  assert_true(s.connections_opened <= 10);
  ls_engine_free(e);
}

static void test_engine_takes_more_for_one_client_than_its_queue_holds(void **state) {
  (void)state;
  const size_t count = 2500;
  struct ls_engine *e = engine_with(count);
  uint64_t big = configure(e, quick_port, "");
  struct ls_error err = {0};
  struct tally t = {0};
  uint64_t id;
  for (size_t i = 0; i < count; i++)
    submit(e, big);
  assert_int_equal(try_submit(e, big, &id, &err), LS_EBUSY);
  assert_non_null(strstr(ls_error_text(&err), "2500 messages wait already"));
  ls_error_deinit(&err);
  take_until(e, &t, count);
  assert_int_equal(t.fine, count);
  submit(e, big); /* there is room again */
  ls_engine_free(e);
}

static void test_engine_lets_no_batch_hold_up_another_client(void **state) {
  (void)state;
  const size_t count = 2500;
  struct ls_engine *e = engine_with(count);
  uint64_t stuck = configure(e, silent_port, ",\"greetingTimeout\":100000");
  uint64_t small = configure(e, quick_port, "");
  struct tally t = {0};
  for (size_t i = 1; i < count; i++)
    submit(e, stuck);
  submit(e, small);
  take_until(e, &t, 1);
  assert_int_equal(t.fine, 1);
  ls_engine_close(e, 0, NULL);
  take_until(e, &t, count);
  assert_int_equal(t.closed, count - 1);
  ls_engine_free(e);
}

static void test_engine_closes_with_mails_in_flight(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(100);
  uint64_t handle = configure(e, slow_port, "");
  struct tally t = {0};
  for (int i = 0; i < 40; i++)
    submit(e, handle);
  usleep(200000);
  int64_t began_ms = ls_clock_ms();
  assert_int_equal(ls_engine_close(e, 0, NULL), LS_OK);
  assert_true(ls_clock_ms() - began_ms < 900); /* it did not wait for the server */
  take_until(e, &t, 40);
  assert_int_equal(t.closed, 40);
  assert_int_equal(ls_engine_pending(e), 0);
  assert_int_equal(ls_engine_close(e, 0, NULL), LS_OK);
  uint64_t id;
  assert_int_equal(try_submit(e, handle, &id, NULL), LS_ECLOSED);
  ls_engine_free(e);
}

static void test_engine_waits_at_close_as_long_as_it_is_told(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(100);
  uint64_t handle = configure(e, slow_port, "");
  struct tally t = {0};
  for (int i = 0; i < 5; i++)
    submit(e, handle);
  assert_int_equal(ls_engine_close(e, PATIENCE_MS, NULL), LS_OK);
  take_until(e, &t, 5);
  assert_int_equal(t.fine, 5);
  ls_engine_free(e);

  e = engine_with(100);
  submit(e, configure(e, silent_port, ""));
  int64_t began_ms = ls_clock_ms();
  assert_int_equal(ls_engine_close(e, 300, NULL), LS_OK);
  int64_t took_ms = ls_clock_ms() - began_ms;
  assert_true(took_ms >= 290 && took_ms < 2000);
  struct tally late = {0};
  take_until(e, &late, 1);
  assert_int_equal(late.closed, 1);
  ls_engine_free(e);
}

static void test_engine_leaves_nothing_behind(void **state) {
  (void)state;
  ls_engine_free(engine_with(1)); /* what libraries open once is open now */
  size_t fds = entries("/proc/self/fd"), before = threads();
  for (int i = 0; i < 20; i++) {
    struct ls_engine *e = engine_with(100);
    if (i % 4 > 0)
      submit(e, configure(e, i % 4 == 1 ? silent_port : quick_port, ""));
    if (i % 4 == 3)
      usleep(50000);
    int reader = i % 2 ? reader_of(e) : -1;
    ls_engine_free(e);
    if (reader >= 0) {
      while (hear(reader, PATIENCE_MS) > 0)
        ;
      close(reader);
    }
  }
  assert_int_equal(entries("/proc/self/fd"), fds);
  assert_threads(before);
  assert_int_equal(entries(folder), 2); /* "." and ".." */
}

static void test_engine_rings_once_for_a_batch(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t handle = configure(e, quick_port, "");
  struct tally t = {0};
  int reader = reader_of(e);
  assert_int_equal(hear(reader, 50), -1);
  submit(e, handle);
  assert_int_equal(hear(reader, PATIENCE_MS), 1);
  for (int i = 0; i < 100; i++)
    submit(e, handle);
  struct ls_client_stats s = {0};
  for (int i = 0; i < 3000 && s.sent < 101; i++, usleep(10000))
    ls_engine_stats(e, &s);
  assert_int_equal(hear(reader, 50), -1); /* nobody has taken what it has rung for */
  take_until(e, &t, 101);
  submit(e, handle);
  assert_int_equal(hear(reader, PATIENCE_MS), 1);
  close(reader);
  ls_engine_free(e);
}

static void test_engine_rings_the_newest_reader(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t handle = configure(e, quick_port, "");
  struct tally t = {0};
  submit(e, handle);
  struct ls_client_stats s = {0};
  for (int i = 0; i < 3000 && s.sent < 1; i++, usleep(10000))
    ls_engine_stats(e, &s);
  int first = reader_of(e);
  assert_int_equal(hear(first, PATIENCE_MS), 1); /* a result waited already */
  int second = reader_of(e);
  assert_int_equal(hear(first, PATIENCE_MS), 0); /* its place is taken */
  assert_int_equal(hear(second, PATIENCE_MS), 1);
  take_until(e, &t, 1);
  close(second);
  close(first);
  submit(e, handle); /* nobody listens */
  take_until(e, &t, 2);
  int third = reader_of(e);
  assert_int_equal(hear(third, 50), -1);
  submit(e, handle);
  assert_int_equal(hear(third, PATIENCE_MS), 1);
  close(third);
  ls_engine_free(e);
}

static void test_engine_verifies_while_others_send(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t good = configure(e, quick_port, "");
  uint64_t bad = configure(e, silent_port, ",\"greetingTimeout\":700");
  struct tally t = {0};
  uint64_t id;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(ls_engine_verify(e, bad, &id, NULL), LS_OK);
    assert_int_equal(ls_engine_verify(e, good, &id, NULL), LS_OK);
  }
  for (int i = 0; i < 50; i++)
    submit(e, good);
  take_until(e, &t, 56);
  assert_int_equal(t.verified, 6);
  assert_int_equal(t.fine, 53);
  assert_true(t.last_verified_at >= 53); /* the silent server held up nothing but its own */
  assert_int_equal(ls_engine_verify(e, bad, &id, NULL), LS_OK);
  usleep(50000);
  ls_engine_close(e, 0, NULL);
  take_until(e, &t, 57);
  assert_int_equal(t.closed, 1);
  ls_engine_free(e);
}

static void test_engine_says_with_each_message_why_a_client_cannot_be_made(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t handle = configure(e, quick_port,
                              ",\"dkim\":{\"domainName\":\"example.com\",\"keySelector\":\"s\","
                              "\"privateKey\":\"none\"}");
  struct tally t = {0};
  uint64_t id;
  submit(e, handle);
  submit(e, handle);
  assert_int_equal(ls_engine_verify(e, handle, &id, NULL), LS_OK);
  struct ls_engine_batch b = {0};
  struct ls_engine_result r;
  for (int i = 0; i < 3000 && !b.first; i++, usleep(10000))
    ls_engine_take(e, &b, NULL);
  assert_int_equal(ls_engine_batch_next(&b, &r), 1);
  assert_int_equal(r.issue.status, LS_EDKIM);
  assert_ptr_equal(r.issue.option, &ls_options[LS_OPTION_DKIM_privateKey]);
  assert_int_equal(strncmp(ls_error_text(&r.issue), "dkim", 4), 0);
  tally_add(&t, &r);
  ls_engine_result_deinit(&r);
  while (ls_engine_batch_next(&b, &r)) {
    tally_add(&t, &r);
    ls_engine_result_deinit(&r);
  }
  take_until(e, &t, 3);
  assert_int_equal(t.unmade, 3);
  ls_engine_free(e);
}

static void test_engine_forgets_a_client_once_it_is_done(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t handle = configure(e, slow_port, "");
  struct tally t = {0};
  struct ls_error err = {0};
  uint64_t id;
  submit(e, handle);
  assert_int_equal(ls_engine_forget(e, handle, NULL), LS_OK);
  assert_int_equal(try_submit(e, handle, &id, &err), LS_EARGUMENT);
  ls_error_deinit(&err);
  assert_int_equal(ls_engine_forget(e, handle, NULL), LS_EARGUMENT);
  take_until(e, &t, 1);
  assert_int_equal(t.fine, 1);
  struct ls_client_stats s = {.connections_open = 1};
  for (int i = 0; i < 3000 && s.connections_open; i++, usleep(10000))
    ls_engine_stats(e, &s);
  assert_int_equal(s.connections_open, 0);
  assert_int_equal(s.connections_closed, 1);
  assert_int_equal(s.sent, 1);
  ls_engine_free(e);
}

static void test_engine_refuses_clients_without_end(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  static const char config[] = "{\"host\":\"127.0.0.1\",\"port\":1}";
  struct ls_error err = {0};
  uint64_t handle = 0;
  for (int i = 0; i < 8; i++)
    assert_int_equal(try_configure(e, config, &handle, &err), LS_OK);
  assert_int_equal(try_configure(e, config, &handle, &err), LS_EBUSY);
  assert_non_null(strstr(ls_error_text(&err), "8 clients already, for maxClients = 2"));
  ls_error_deinit(&err);
  assert_int_equal(ls_engine_forget(e, handle, NULL), LS_OK);
  assert_int_equal(try_configure(e, config, &handle, &err), LS_OK);
  ls_engine_free(e);
}

static void test_engine_tells_what_happens_with_handles(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t silent_one = configure(e, quick_port, ""), telling = configure(e, quick_port, ",\"logger\":true");
  struct tally t = {0};
  submit(e, silent_one);
  take_until(e, &t, 1);
  assert_int_equal(t.records, 0);
  submit(e, telling);
  take_until(e, &t, 2);
  assert_true(t.records >= 2);
  assert_int_equal(t.handle, telling);
  assert_int_equal(ls_engine_set_logging(e, true, NULL), LS_OK);
  size_t before = t.records;
  submit(e, silent_one);
  take_until(e, &t, 3);
  assert_true(t.records > before);
  assert_int_equal(t.handle, silent_one);
  ls_engine_free(e);
}

static volatile sig_atomic_t handled_in_thread;
static pthread_t host;

static void on_signal(int number) {
  (void)number;
  handled_in_thread = !pthread_equal(pthread_self(), host);
}

static void test_engine_leaves_signals_to_the_host(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = on_signal}, before;
  sigset_t one, was, now;
  host = pthread_self();
  sigaction(SIGUSR1, &action, &before);
  pthread_sigmask(SIG_SETMASK, NULL, &was);
  struct ls_engine *e = engine_with(10);
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  assert_int_equal(sigismember(&was, SIGUSR1), sigismember(&now, SIGUSR1));
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &one, NULL);
  handled_in_thread = 2;
  kill(getpid(), SIGUSR1);
  usleep(50000);
  assert_int_equal(handled_in_thread, 2); /* it waits for the host */
  pthread_sigmask(SIG_UNBLOCK, &one, NULL);
  assert_int_equal(handled_in_thread, 0);
  sigaction(SIGUSR1, &before, NULL);
  ls_engine_free(e);
}

static bool refuses_in_child(struct ls_engine *e, uint64_t handle) {
  struct ls_error err = {0};
  struct ls_engine_batch b = {0};
  uint64_t id;
  bool fine = try_submit(e, handle, &id, &err) == LS_ECONNECTION &&
              strstr(ls_error_text(&err), "made in another process") &&
              ls_engine_verify(e, handle, &id, NULL) == LS_ECONNECTION &&
              ls_engine_forget(e, handle, NULL) == LS_ECONNECTION &&
              ls_engine_take(e, &b, NULL) == LS_ECONNECTION &&
              ls_engine_close(e, 1000, NULL) == LS_ECONNECTION;
  ls_error_deinit(&err);
  ls_engine_free(e);
  return fine;
}

static void test_engine_refuses_to_work_in_a_forked_child(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(1000);
  uint64_t handle = configure(e, quick_port, "");
  struct tally t = {0};
  submit(e, handle);
  int status;
  pid_t pid = fork();
  if (pid == 0)
    _exit(refuses_in_child(e, handle) ? 7 : 1);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  take_until(e, &t, 1);
  submit(e, handle);
  take_until(e, &t, 2);
  assert_int_equal(t.fine, 2);
  ls_engine_free(e);
}

static void make_litter(char *path, size_t n, pid_t pid) {
  char file[200];
  snprintf(path, n, "%s/logto-smtp-%d-abcdef", folder, (int)pid);
  assert_int_equal(mkdir(path, 0700), 0);
  snprintf(file, sizeof file, "%s/socket", path);
  close(open(file, O_CREAT | O_WRONLY, 0600));
}

static void test_engine_removes_what_the_dead_have_left(void **state) {
  (void)state;
  char dead[100], living[100], locked[100], socket_file[200];
  pid_t pid = fork();
  if (pid == 0)
    _exit(0);
  waitpid(pid, NULL, 0);
  make_litter(dead, sizeof dead, pid);
  make_litter(living, sizeof living, getppid());
  make_litter(locked, sizeof locked, 2147483647);
  int lock = open(locked, O_RDONLY | O_DIRECTORY);
  assert_int_equal(flock(lock, LOCK_EX), 0);
  struct ls_engine *e = engine_with(1);
  for (int i = 0; i < 500 && access(dead, F_OK) == 0; i++)
    usleep(10000);
  assert_int_not_equal(access(dead, F_OK), 0);
  ls_engine_free(e);
  const char *const kept[] = {living, locked};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(access(kept[i], F_OK), 0);
    snprintf(socket_file, sizeof socket_file, "%s/socket", kept[i]);
    assert_int_equal(unlink(socket_file), 0);
    assert_int_equal(rmdir(kept[i]), 0);
  }
  close(lock);
}

static void test_engine_says_why_its_socket_cannot_be_made(void **state) {
  (void)state;
  const struct {
    const char *directory, *words;
  } rows[] = {
      {"/nonexistent/logto", "No such file or directory; set `directory`"},
      {"/tmp/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "set `directory` to a shorter one"},
  };
  for (size_t i = 0; i < 2; i++) {
    struct ls_engine_options o = {
        .max_queue = 1, .max_octets = 1, .max_clients = 1, .directory = rows[i].directory};
    struct ls_engine *e = NULL;
    struct ls_error err = {0};
    assert_int_equal(ls_engine_new(&o, &e, &err), LS_ECONFIG);
    assert_null(e);
    assert_non_null(strstr(ls_error_text(&err), rows[i].words));
    ls_error_deinit(&err);
  }
}

static void test_engine_sleeps_when_there_is_nothing_to_do(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(10);
  struct tally t = {0};
  submit(e, configure(e, quick_port, ""));
  take_until(e, &t, 1);
  int reader = reader_of(e);
  usleep(100000);
  assert_true(busy_us(1000000) < 20000);
  close(reader);
  ls_engine_free(e);
}

static void test_engine_sleeps_while_no_reader_can_be_taken(void **state) {
  (void)state;
  struct ls_engine *e = engine_with(10);
  struct tally t = {0};
  submit(e, configure(e, silent_port, ",\"greetingTimeout\":100"));
  usleep(300000);
  struct rlimit was, few;
  getrlimit(RLIMIT_NOFILE, &was);
  int next = dup(silent);
  close(next);
  few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = was.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  int reader = reader_of(e); /* takes the last descriptor there is */
  usleep(50000);
  assert_true(busy_us(500000) < 50000);
  assert_int_equal(hear(reader, 0), -1);
  setrlimit(RLIMIT_NOFILE, &was);
  assert_int_equal(hear(reader, PATIENCE_MS), 1);
  take_until(e, &t, 1);
  close(reader);
  ls_engine_free(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_engine_sends_what_is_submitted_while_it_works),
      cmocka_unit_test(test_engine_takes_more_for_one_client_than_its_queue_holds),
      cmocka_unit_test(test_engine_lets_no_batch_hold_up_another_client),
      cmocka_unit_test(test_engine_closes_with_mails_in_flight),
      cmocka_unit_test(test_engine_waits_at_close_as_long_as_it_is_told),
      cmocka_unit_test(test_engine_leaves_nothing_behind),
      cmocka_unit_test(test_engine_rings_once_for_a_batch),
      cmocka_unit_test(test_engine_rings_the_newest_reader),
      cmocka_unit_test(test_engine_verifies_while_others_send),
      cmocka_unit_test(test_engine_says_with_each_message_why_a_client_cannot_be_made),
      cmocka_unit_test(test_engine_forgets_a_client_once_it_is_done),
      cmocka_unit_test(test_engine_refuses_clients_without_end),
      cmocka_unit_test(test_engine_tells_what_happens_with_handles),
      cmocka_unit_test(test_engine_leaves_signals_to_the_host),
      cmocka_unit_test(test_engine_refuses_to_work_in_a_forked_child),
      cmocka_unit_test(test_engine_removes_what_the_dead_have_left),
      cmocka_unit_test(test_engine_says_why_its_socket_cannot_be_made),
      cmocka_unit_test(test_engine_sleeps_when_there_is_nothing_to_do),
      cmocka_unit_test(test_engine_sleeps_while_no_reader_can_be_taken),
  };
  return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
