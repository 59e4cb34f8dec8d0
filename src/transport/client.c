/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* dladdr */
#include "client.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../pure/config_secret.h"
#include "../pure/option.h"
#include "client_drive.h"
#include "clock.h"
#include "composer.h"
#include "idn.h"
#include "pool.h"

enum { QUEUE_MESSAGES = 1000, QUEUE_OCTETS = 64 * 1024 * 1024 };

struct ls_client {
  struct ls_arena arena; /* the config's strings, the password among them: wiped with it */
  struct ls_config config;
  struct ls_dkim_signer *signer; /* NULL: messages go unsigned */
  struct ls_loop own;            /* unused where the loop is the caller's */
  struct ls_loop *loop;
  struct ls_pool pool;
  struct ls_log log;
  struct ls_mask *mask; /* of the config, of logins and tokens, of the messages on their way */
  uint64_t last_id;
  size_t octets; /* of content submitted and not yet finished */
  pid_t owner;
  bool closed;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static CURLcode library_result;

/* The library with this address in it stays in memory. */
static void pin(const void *address) {
#ifdef RTLD_NODELETE
  Dl_info info;
  if (dladdr(address, &info) && info.dli_fname)
    dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}

/* A look-up that hangs goes on in a thread of libcurl's after we have given up on it: its code must stay when
 * the host unloads us. And so must ours: Lua 5.1 and LuaJIT unload a module that finalizers older than it may
 * still call. */
static void pin_code(void) {
  curl_version_info_data *(*of_libcurl)(CURLversion) = curl_version_info;
  void *address;
  memcpy(&address, &of_libcurl, sizeof address);
  pin(address);
  pin(&library_once);
}

/* A host that exits without closing an engine leaves its thread at work: OpenSSL must not be taken apart
 * under it. Without effect where the host has started OpenSSL before us. */
static void library_start(void) {
  pin_code();
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
  library_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum ls_status ls_client_library_init(void) {
  return pthread_once(&library_once, library_start) == 0 && library_result == CURLE_OK ? LS_OK : LS_ENOMEM;
}

void ls_client_forget_server(const char *host, uint16_t port) {
  ls_lessons_forget(host, port);
}

void ls_client_library_version(struct ls_library_version *out) {
  const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
  bool threaded = v->features & CURL_VERSION_ASYNCHDNS;
  *out = (struct ls_library_version){
      .curl = v->version, .tls = v->ssl_version, .features = threaded ? "asynchdns" : ""};
}

/* A host name in Unicode as A-labels: libcurl would convert it by the locale of the process. */
static enum ls_status to_ascii(struct ls_arena *a, enum ls_option_id id, const char **name,
                               struct ls_error *err) {
  struct ls_mailbox m = {.local = LS_SPAN("postmaster"), .domain = ls_span_cstr(*name)};
  if (!*name || ls_span_is_ascii(m.domain))
    return LS_OK;
  struct ls_error why = {0};
  enum ls_status status = ls_idn_domain(&m, a, &why);
  ls_error_deinit(&why);
  if (status == LS_EENVELOPE)
    return ls_option_error(err, LS_ECONFIG, id, LS_ITEM_NONE, "is no name of a host: \"%.200s\"", *name);
  struct ls_span copy = status == LS_OK ? ls_arena_copy(a, m.domain) : ls_span(NULL, 0);
  if (!copy.p)
    return ls_error_no_memory(err, NULL);
  *name = copy.p;
  return LS_OK;
}

static enum ls_status init(struct ls_client *c, struct ls_error *err) {
  struct ls_config *config = &c->config;
  enum ls_status status = to_ascii(&c->arena, LS_OPTION_CONFIG_host, &config->host, err);
  if (status == LS_OK)
    status = to_ascii(&c->arena, LS_OPTION_CONFIG_servername, &config->servername, err);
  if (status == LS_OK)
    status = to_ascii(&c->arena, LS_OPTION_CONFIG_proxy, &config->proxy.host, err);
  if (status == LS_OK)
    status = ls_dkim_signer_new(&config->dkim, &c->signer, err);
  if (status == LS_OK)
    status = ls_pool_init(&c->pool, config, c->loop, &c->log, c->mask, err);
  if (status == LS_OK)
    status = ls_login_init(&c->pool.login, config, c->mask, err);
  return status;
}

enum ls_status ls_client_new(const struct ls_config *config, struct ls_arena *a, struct ls_loop *loop,
                             struct ls_client **out, struct ls_error *err) {
  *out = NULL;
  struct ls_client *c = calloc(1, sizeof *c);
  if (c)
    c->mask = ls_mask_new();
  if (!c || !c->mask || ls_client_library_init() != LS_OK) {
    ls_mask_free(c ? c->mask : NULL);
    free(c);
    return ls_error_no_memory(err, NULL);
  }
  c->arena = *a;
  ls_arena_init(a, a->max);
  c->config = *config;
  c->owner = getpid();
  c->loop = loop ? loop : &c->own;
  ls_config_secret_add_read(&c->config, c->mask);
  ls_log_init(&c->log, c->config.logger, c->config.debug);
  enum ls_status status = loop ? LS_OK : ls_loop_init(&c->own, err);
  if (status == LS_OK)
    status = init(c, err);
  if (status == LS_OK) {
    *out = c;
    return LS_OK;
  }
  if (!ls_client_blames_config(status)) {
    *a = c->arena; /* for another try; it goes on to hold what is freed here */
    ls_arena_init(&c->arena, a->max);
  }
  ls_client_free(c);
  return status;
}

bool ls_client_blames_config(enum ls_status status) {
  return status != LS_OK && status != LS_ENOMEM && status != LS_ESOCKET;
}

/* The sockets belong to the process that opened them: two that speak on one would garble each other's mail.
 */
static bool is_ours(const struct ls_client *c) {
  return c->owner == getpid();
}

void ls_client_free(struct ls_client *c) {
  if (!c)
    return;
  if (is_ours(c)) {
    ls_pool_deinit(&c->pool);
    if (c->own.multi)
      ls_loop_deinit(&c->own);
  } else {
    ls_pool_abandon(&c->pool);
  }
  ls_dkim_signer_free(c->signer);
  ls_log_deinit(&c->log);
  ls_mask_free(c->mask);
  ls_arena_deinit(&c->arena);
  free(c);
}

enum ls_status ls_client_compose(const struct ls_client *c, const struct ls_value *mail, struct ls_arena *a,
                                 struct ls_composed *out, struct ls_error *err) {
  enum ls_status status = ls_composer_compose(mail, a, out, err);
  return status == LS_OK && !ls_composer_signs(mail) ? ls_composer_sign(c->signer, out, err) : status;
}

static enum ls_status check_usable(const struct ls_client *c, struct ls_error *err) {
  if (c->closed)
    return ls_error_set(err, LS_ECLOSED, "API", "The client is closed");
  if (!is_ours(c))
    return ls_error_because(err, LS_REASON_FORKED, "API",
                            "The client was made in another process; make a new one after fork");
  return LS_OK;
}

static void drop(struct ls_composed *m, struct ls_arena *a) {
  ls_buf_deinit(&m->content);
  *m = (struct ls_composed){0};
  ls_arena_deinit(a);
}

bool ls_client_has_room(const struct ls_client *c, size_t n) {
  bool full = c->octets && (n > QUEUE_OCTETS || c->octets > QUEUE_OCTETS - n);
  return !full && ls_client_pending(c) < QUEUE_MESSAGES;
}

int64_t ls_client_deadline(const struct ls_client *c, size_t ahead, int64_t now_ms) {
  return now_ms + ls_pool_delay(&c->pool, ahead, now_ms) + c->config.total_timeout;
}

void ls_client_enqueue(struct ls_client *c, struct ls_job *j) {
  c->octets += j->octets;
  for (size_t i = 0; i < j->message.secret_count; i++)
    ls_mask_add(c->mask, &j->secrets, j->message.secrets[i]);
  ls_pool_submit(&c->pool, j);
}

enum ls_status ls_client_submit(struct ls_client *c, struct ls_composed *m, struct ls_arena *a, uint64_t *id,
                                struct ls_error *err) {
  enum ls_status status = check_usable(c, err);
  size_t n = m->content.n;
  if (status == LS_OK && !ls_client_has_room(c, n))
    status = ls_error_set(err, LS_EBUSY, "API",
                          "%zu messages wait already; poll until some are finished, then submit again",
                          ls_client_pending(c));
  if (status != LS_OK) {
    drop(m, a);
    return status;
  }
  struct ls_job *j = ls_job_new(m, a);
  if (!j)
    return ls_error_no_memory(err, NULL);
  j->id = *id = ++c->last_id;
  j->deadline_ms = ls_client_deadline(c, 0, ls_clock_ms());
  j->octets = n;
  ls_client_enqueue(c, j);
  return LS_OK;
}

size_t ls_client_pending(const struct ls_client *c) {
  return ls_pool_pending(&c->pool);
}

static bool is_finished(const struct ls_client *c, uint64_t id) {
  for (struct ls_job *j = c->pool.finished.head; j; j = j->next)
    if (id == 0 || j->id == id)
      return true;
  return false;
}

bool ls_client_took(struct ls_client *c, CURL *easy, CURLcode result, int64_t now_ms) {
  return ls_pool_took(&c->pool, easy, result, now_ms);
}

void ls_client_turn(struct ls_client *c, int64_t now_ms) {
  ls_pool_turn(&c->pool, now_ms);
}

int64_t ls_client_watch(struct ls_client *c, int64_t now_ms, int64_t until_ms) {
  return ls_pool_watch(&c->pool, now_ms, until_ms);
}

/* A turn of a client that has its loop to itself, and a wait of one. */
static void turn(struct ls_client *c, int64_t now_ms) {
  CURL *easy;
  CURLcode result;
  ls_loop_run(c->loop);
  while (ls_loop_next(c->loop, &easy, &result))
    ls_client_took(c, easy, result, now_ms);
  ls_client_turn(c, now_ms);
}

static void wait_until(struct ls_client *c, int64_t now_ms, int64_t until_ms) {
  ls_loop_wait(c->loop, ls_client_watch(c, now_ms, until_ms) - now_ms);
}

/* Turns until the message id (0: any) is finished, nothing is pending, or until_ms. */
static void work(struct ls_client *c, uint64_t id, int64_t until_ms) {
  for (;;) {
    int64_t now_ms = ls_clock_ms();
    turn(c, now_ms);
    if (is_finished(c, id) || ls_client_pending(c) == 0 || now_ms >= until_ms)
      return;
    wait_until(c, now_ms, until_ms);
  }
}

size_t ls_client_poll(struct ls_client *c, int64_t wait_ms) {
  if (!c->closed && is_ours(c)) {
    int64_t now_ms = ls_clock_ms();
    work(c, 0, wait_ms < 0 || wait_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + wait_ms);
  }
  return c->pool.finished.count;
}

static struct ls_job *release(struct ls_client *c, struct ls_job *j) {
  if (j) {
    c->octets -= j->octets;
    ls_mask_retire(c->mask, &j->secrets);
  }
  return j;
}

struct ls_job *ls_client_pop(struct ls_client *c) {
  return release(c, ls_job_pop(&c->pool.finished));
}

static int give(struct ls_job *j, struct ls_result *out) {
  if (!j)
    return 0;
  *out = j->result;
  j->result = (struct ls_result){0};
  ls_job_free(j);
  return 1;
}

int ls_client_next(struct ls_client *c, struct ls_result *out) {
  *out = (struct ls_result){0};
  return give(ls_client_pop(c), out);
}

enum ls_status ls_client_send(struct ls_client *c, struct ls_composed *m, struct ls_arena *a,
                              struct ls_result *out) {
  uint64_t id = 0;
  *out = (struct ls_result){0};
  enum ls_status status = ls_client_submit(c, m, a, &id, &out->error);
  if (status != LS_OK)
    return status;
  work(c, id, INT64_MAX);
  if (!give(release(c, ls_job_take(&c->pool.finished, id)), out))
    ls_error_set(&out->error, LS_ECONNECTION, "API", "The message was lost on the way through the client");
  return out->error.status;
}

static void read_verification(struct ls_conn *conn, struct ls_verification *out) {
  const struct ls_dialogue *d = ls_conn_dialogue(conn);
  struct ls_conn_times t = ls_conn_times(conn);
  struct ls_verification v = *out;
  v.ehlo = ls_job_texts(ls_buf_span(&d->ehlo), d->ehlo_count);
  v.ehlo_count = v.ehlo ? d->ehlo_count : 0;
  v.greeting = d->greeting ? strdup(d->greeting) : NULL;
  ls_tls_facts_copy(&v.tls, &d->facts);
  ls_tls_facts_copy_chain(&v.tls, &d->facts);
  v.mechanism = d->mechanism ? strdup(d->mechanism->name) : NULL;
  v.address = ls_conn_address(conn);
  v.lookup_time = t.lookup;
  v.connect_time = t.connect;
  v.tls_time = t.tls;
  v.greeting_time = t.greeting;
  v.ehlo_time = t.ehlo;
  v.ready_time = t.ready;
  *out = v;
}

enum ls_status ls_client_too_late(const struct ls_client *c, const char *command, struct ls_error *err) {
  return ls_error_because(err, LS_REASON_TIMEOUT_TOTAL, command,
                          "Timeout: not done within totalTimeout (%lld ms)",
                          (long long)c->config.total_timeout);
}

/* Waits for its turn, and then for an access token where one is needed. False: out->error says why there is
 * no probe, or it goes on waiting. */
static bool open_probe(struct ls_client *c, struct ls_verifying *v, int64_t now_ms,
                       struct ls_verification *out) {
  const struct ls_error *failure = &c->pool.login.failure;
  if (!v->attempt && ls_pool_probe_turn(&c->pool, now_ms, &out->error) == LS_OK)
    v->attempt = ls_pool_probe_begin(&c->pool, now_ms);
  if (v->asked && failure->status != LS_OK)
    ls_error_copy(&out->error, failure);
  else if (v->attempt)
    v->conn = ls_pool_probe(&c->pool, now_ms, &out->error);
  v->asked = v->attempt && !v->conn;
  if (!v->conn && out->error.status == LS_OK && now_ms >= v->until_ms)
    ls_client_too_late(c, v->asked ? "AUTH XOAUTH2" : "CONN", &out->error);
  return v->conn != NULL;
}

/* Reads what the probe has come to. False: it goes on, with another one. */
static bool close_probe(struct ls_client *c, struct ls_verifying *v, int64_t now_ms,
                        struct ls_verification *out) {
  bool again = !v->second && ls_pool_probe_again(&c->pool, v->conn);
  if (!again) {
    read_verification(v->conn, out);
    const struct ls_error *why = ls_pool_probe_error(&c->pool, v->conn);
    if (why->status != LS_OK)
      ls_error_copy(&out->error, why);
  }
  ls_pool_probe_end(&c->pool, v->conn, again ? 0 : v->attempt, now_ms);
  v->conn = NULL;
  v->second = true;
  return !again;
}

static bool verify_step(struct ls_client *c, struct ls_verifying *v, int64_t now_ms,
                        struct ls_verification *out) {
  if (!v->until_ms)
    v->until_ms = now_ms + c->config.total_timeout;
  if (!v->conn && !open_probe(c, v, now_ms, out))
    return out->error.status != LS_OK;
  if (ls_conn_state(v->conn) == LS_CONN_OPENING && now_ms >= v->until_ms) {
    struct ls_error why = {0};
    ls_client_too_late(c, ls_dialogue_command(ls_conn_dialogue(v->conn)), &why);
    ls_conn_fail(v->conn, &why, now_ms);
    ls_error_deinit(&why);
  }
  return ls_conn_state(v->conn) != LS_CONN_OPENING && close_probe(c, v, now_ms, out);
}

/* why: as ls_pool_probe_done takes it. */
static void end_attempt(struct ls_client *c, struct ls_verifying *v, const struct ls_error *why,
                        int64_t now_ms) {
  if (v->attempt)
    ls_pool_probe_done(&c->pool, v->attempt, why, now_ms);
  v->attempt = 0;
}

bool ls_client_verify_step(struct ls_client *c, struct ls_verifying *v, int64_t now_ms,
                           struct ls_verification *out) {
  bool over = verify_step(c, v, now_ms, out);
  if (over)
    end_attempt(c, v, &out->error, now_ms);
  return over;
}

/* Between two attempts there is no connection, and nothing that would end a wait. */
int64_t ls_client_verify_due(const struct ls_client *c, const struct ls_verifying *v, int64_t now_ms) {
  if (v->conn)
    return ls_conn_state(v->conn) == LS_CONN_OPENING ? v->until_ms : now_ms;
  if (v->asked)
    return v->until_ms;
  int64_t due_ms = v->attempt ? now_ms : ls_pool_probe_due(&c->pool, now_ms);
  return due_ms < v->until_ms ? due_ms : v->until_ms;
}

void ls_client_verify_end(struct ls_client *c, struct ls_verifying *v, const struct ls_error *why,
                          struct ls_verification *out) {
  int64_t now_ms = ls_clock_ms();
  v->second = true;
  if (v->conn) {
    ls_conn_fail(v->conn, why, now_ms);
    close_probe(c, v, now_ms, out);
  }
  end_attempt(c, v, NULL, now_ms);
  if (out->error.status == LS_OK)
    ls_error_copy(&out->error, why);
}

/* Nobody else turns this client once its caller has what it wants to know. */
static void see_off(struct ls_client *c, int64_t until_ms) {
  for (int64_t now_ms = ls_clock_ms(); c->pool.leaving && now_ms < until_ms; now_ms = ls_clock_ms()) {
    wait_until(c, now_ms, until_ms);
    turn(c, ls_clock_ms());
  }
}

/* Results of messages gather meanwhile. */
enum ls_status ls_client_verify(struct ls_client *c, struct ls_verification *out) {
  struct ls_verifying v = {0};
  ls_verification_init(out);
  if (check_usable(c, &out->error) != LS_OK)
    return out->error.status;
  for (int64_t now_ms = ls_clock_ms(); !ls_client_verify_step(c, &v, now_ms, out); now_ms = ls_clock_ms()) {
    wait_until(c, now_ms, ls_client_verify_due(c, &v, now_ms));
    turn(c, ls_clock_ms());
  }
  see_off(c, v.until_ms);
  return out->error.status;
}

void ls_client_stats(const struct ls_client *c, struct ls_client_stats *out) {
  ls_pool_stats(&c->pool, out);
}

struct ls_log *ls_client_log(struct ls_client *c) {
  return &c->log;
}

void ls_client_set_log(struct ls_client *c, bool on) {
  c->log.on = on || c->config.logger;
}

void ls_client_end(struct ls_client *c, const struct ls_error *why) {
  if (!c->closed && is_ours(c))
    ls_pool_close(&c->pool, why, ls_clock_ms());
  c->closed = true;
}

void ls_client_close(struct ls_client *c) {
  struct ls_error why = {0};
  ls_error_set(&why, LS_ECLOSED, "API", "The client was closed before the message was done");
  ls_client_end(c, &why);
  ls_error_deinit(&why);
}
