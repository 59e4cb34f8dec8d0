/* SPDX-License-Identifier: MIT
 * upload KEY=VALUE...: libcurl's own SMTP upload with connection reuse; one handle for each connection,
 * driven by one multi handle. Takes and prints what bench/README.md says of every driver. */
#define _DEFAULT_SOURCE
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { SAMPLES_MAX = 100000, CONNECTIONS_MAX = 16 };

struct upload {
  CURL *easy;
  size_t at;
};

static char **arguments;
static int argument_count;
static char *message;
static size_t message_size;
static double samples[SAMPLES_MAX];

static const char *given(const char *key, const char *otherwise) {
  size_t n = strlen(key);
  for (int i = 1; i < argument_count; i++)
    if (strncmp(arguments[i], key, n) == 0 && arguments[i][n] == '=')
      return arguments[i] + n + 1;
  return otherwise;
}

static double number(const char *key, const char *otherwise) {
  return atof(given(key, otherwise));
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t on_read(char *to, size_t size, size_t count, void *data) {
  struct upload *u = data;
  size_t n = message_size - u->at;
  n = n < size * count ? n : size * count;
  memcpy(to, message + u->at, n);
  u->at += n;
  return n;
}

static void read_message(void) {
  FILE *f = fopen(given("message", ""), "rb");
  if (!f)
    exit((perror("message"), 1));
  fseek(f, 0, SEEK_END);
  message_size = (size_t)ftell(f);
  rewind(f);
  message = malloc(message_size);
  if (!message || fread(message, 1, message_size, f) != message_size)
    exit((perror("message"), 1));
  fclose(f);
}

static CURL *new_easy(struct upload *u, struct curl_slist *to) {
  char url[128];
  CURL *e = curl_easy_init();
  snprintf(url, sizeof url, "smtp://%s:%s/bench.example", given("host", "127.0.0.1"), given("port", "25"));
  curl_easy_setopt(e, CURLOPT_URL, url);
  curl_easy_setopt(e, CURLOPT_MAIL_FROM, given("from", ""));
  curl_easy_setopt(e, CURLOPT_MAIL_RCPT, to);
  curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(e, CURLOPT_READDATA, u);
  curl_easy_setopt(e, CURLOPT_PRIVATE, u);
  curl_easy_setopt(e, CURLOPT_PROXY, "");
  if (number("tls", "0")) {
    curl_easy_setopt(e, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(e, CURLOPT_CAINFO, given("ca", ""));
    curl_easy_setopt(e, CURLOPT_USERNAME, given("user", ""));
    curl_easy_setopt(e, CURLOPT_PASSWORD, given("pass", ""));
    curl_easy_setopt(e, CURLOPT_SASL_IR, 1L);
  }
  u->easy = e;
  return e;
}

static void check(CURLcode result) {
  if (result != CURLE_OK) {
    fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(result));
    exit(1);
  }
}

/* One after another; cold: each on a new connection. What comes before the measured ones warms up. Answers
 * how many samples there are. */
static size_t one_by_one(struct curl_slist *to, size_t count, double limit, bool cold) {
  struct upload u = {0};
  size_t n = 0, warmup = (size_t)number("warmup", "1");
  double until = 0;
  for (size_t i = 0; n < count && n < SAMPLES_MAX && (n == 0 || now() < until); i++) {
    double began = now();
    if (i == warmup)
      until = began + limit;
    if (!u.easy)
      new_easy(&u, to);
    u.at = 0;
    check(curl_easy_perform(u.easy));
    if (i >= warmup)
      samples[n++] = now() - began;
    if (cold) {
      curl_easy_cleanup(u.easy);
      u.easy = NULL;
    }
  }
  curl_easy_cleanup(u.easy);
  return n;
}

/* Sends count messages over all handles; answers how many were sent before the time was up. */
static size_t many(CURLM *multi, struct upload *all, int connections, size_t count, double until) {
  size_t started = 0, done = 0;
  int running, left;
  for (int i = 0; i < connections && started < count; i++, started++) {
    all[i].at = 0;
    curl_multi_add_handle(multi, all[i].easy);
  }
  while (done < started) {
    curl_multi_perform(multi, &running);
    for (CURLMsg *m = curl_multi_info_read(multi, &left); m; m = curl_multi_info_read(multi, &left)) {
      struct upload *u;
      check(m->data.result);
      curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&u);
      curl_multi_remove_handle(multi, u->easy);
      done++;
      if (started < count && now() < until) {
        u->at = 0;
        curl_multi_add_handle(multi, u->easy);
        started++;
      }
    }
    if (done < started)
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return done;
}

int main(int argc, char **argv) {
  static struct upload all[CONNECTIONS_MAX];
  arguments = argv;
  argument_count = argc;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  read_message();
  struct curl_slist *to = curl_slist_append(NULL, given("to", ""));
  const char *mode = given("mode", "");
  size_t count = (size_t)number("count", "1");
  double limit = number("seconds", "1e9");
  if (strcmp(mode, "throughput") != 0) {
    size_t n = one_by_one(to, count, limit, strcmp(mode, "cold") == 0);
    printf("{\"samples\":[");
    for (size_t i = 0; i < n; i++)
      printf("%s%.7f", i ? "," : "", samples[i]);
    printf("]}\n");
    return 0;
  }
  int connections = (int)number("connections", "1");
  CURLM *multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
  for (int i = 0; i < connections; i++)
    new_easy(&all[i], to);
  many(multi, all, connections, (size_t)number("warmup", "1"), 1e18);
  double began = now(), cpu_began = cpu();
  size_t sent = many(multi, all, connections, count, began + limit);
  printf("{\"sent\":%zu,\"seconds\":%.7f,\"cpu\":%.6f}\n", sent, now() - began, cpu() - cpu_began);
  return 0;
}
