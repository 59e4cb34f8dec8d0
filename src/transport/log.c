/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../pure/visible.h"
#include "clock.h"
#include "random.h"

enum { RECORDS_MAX = 4096, TEXT_MAX = 1024, LINE_MAX_OCTETS = 2048 };

void ls_log_init(struct ls_log *l, bool on, bool debug) {
  unsigned char octets[4] = {0};
  *l = (struct ls_log){.on = on, .debug = debug};
  ls_random_fill(octets, sizeof octets); /* without entropy the numbers alone must do */
  snprintf(l->prefix, sizeof l->prefix, "%02x%02x%02x%02x", octets[0], octets[1], octets[2], octets[3]);
}

static void free_record(struct ls_log_record *r) {
  free(r->message_id);
  free(r->text);
  free(r);
}

void ls_log_deinit(struct ls_log *l) {
  while (l->head)
    ls_log_drop(l);
}

uint64_t ls_log_connection(struct ls_log *l) {
  return ++l->connections;
}

static void push(struct ls_log *l, struct ls_log_record *r) {
  if (l->tail)
    l->tail->next = r;
  else
    l->head = r;
  l->tail = r;
  l->count++;
}

/* A record without its text; NULL: the log is full, or there is no memory. */
static struct ls_log_record *make(struct ls_log *l, enum ls_log_level level, const char *event,
                                  uint64_t connection) {
  struct ls_log_record *r = l->count < RECORDS_MAX ? calloc(1, sizeof *r) : NULL;
  if (!r) {
    l->dropped++;
    return NULL;
  }
  r->time_ms = ls_clock_unix_ms();
  r->level = level;
  r->event = event;
  r->handle = l->handle;
  if (connection)
    snprintf(r->sid, sizeof r->sid, "%s-%" PRIu64, l->prefix, connection);
  return r;
}

/* One line stays one line, whatever a server says. NULL: no memory. */
static char *line_of(struct ls_span text) {
  struct ls_buf line;
  ls_buf_init(&line, SIZE_MAX);
  ls_visible_add(&line, text, LS_VISIBLE_LINE);
  char *p = ls_buf_take(&line, NULL);
  ls_buf_deinit(&line);
  return p;
}

void ls_log_add(struct ls_log *l, enum ls_log_level level, const char *event,
                const struct ls_log_subject *about, const char *format, ...) {
  char text[TEXT_MAX];
  va_list arguments;
  if (!l->on || (level == LS_LOG_DEBUG && !l->debug))
    return;
  struct ls_log_record *r = make(l, level, event, about->connection);
  if (!r)
    return;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments); /* a longer one is cut */
  va_end(arguments);
  r->id = about->id;
  r->text = line_of(ls_span_cstr(text));
  r->message_id = about->message_id ? strdup(about->message_id) : NULL;
  if (about->error && about->error->status != LS_OK) {
    r->code = ls_status_code(about->error->status);
    r->response_code = about->error->response_code;
  }
  push(l, r);
}

void ls_log_add_transcript(struct ls_log *l, uint64_t connection, struct ls_buf *transcript) {
  struct ls_span rest = ls_buf_span(transcript);
  while (rest.n) {
    size_t end = ls_span_index(rest, '\n');
    struct ls_span line = ls_span_sub(rest, 0, end < TEXT_MAX ? end : TEXT_MAX);
    const char *event = line.n && line.p[0] == 'C' ? "command" : "reply";
    struct ls_log_record *r = make(l, LS_LOG_DEBUG, event, connection);
    rest = ls_span_sub(rest, end + 1, rest.n);
    if (!r)
      continue;
    if (line.n && line.p[line.n - 1] == '\r')
      line.n--;
    r->text = line_of(line);
    push(l, r);
  }
  size_t max = transcript->max;
  ls_buf_deinit(transcript);
  ls_buf_init(transcript, max);
}

static bool is_harmless(struct ls_span command) {
  static const char *const verbs[] = {"EHLO ", "HELO ", "STARTTLS", "NOOP", "RSET", "QUIT"};
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (ls_span_starts(command, ls_span_cstr(verbs[i])))
      return true;
  return false;
}

/* What is shown is what is known to be harmless; all else, above all the answers of a login, is masked. */
void ls_log_command(struct ls_buf *transcript, struct ls_span command) {
  while (command.n && (command.p[command.n - 1] == '\r' || command.p[command.n - 1] == '\n'))
    command.n--;
  ls_buf_adds(transcript, "C: ");
  if (is_harmless(command)) {
    ls_buf_add(transcript, ls_span_sub(command, 0, ls_span_index(command, '\n')));
  } else if (ls_span_starts(command, LS_SPAN("AUTH "))) {
    size_t n = 5;
    while (n < command.n && command.p[n] != ' ')
      n++;
    ls_buf_add(transcript, ls_span_sub(command, 0, n));
    ls_buf_adds(transcript, n < command.n ? " /* secret */" : "");
  } else {
    ls_buf_adds(transcript,
                ls_span_starts(command, LS_SPAN("CONNECT ")) ? "/* to the proxy */" : "/* secret */");
  }
  ls_buf_addc(transcript, '\n');
}

void ls_log_reply(struct ls_buf *transcript, struct ls_span reply, bool challenge) {
  while (reply.n) {
    size_t end = ls_span_index(reply, '\n');
    ls_buf_adds(transcript, "S: ");
    if (challenge) {
      ls_buf_add(transcript, ls_span_sub(reply, 0, 3));
      ls_buf_adds(transcript, " /* challenge */");
    } else {
      ls_buf_add(transcript, ls_span_sub(reply, 0, end));
    }
    ls_buf_addc(transcript, '\n');
    reply = ls_span_sub(reply, end + 1, reply.n);
  }
}

const struct ls_log_record *ls_log_peek(struct ls_log *l) {
  struct ls_log_record *r = NULL;
  char text[64];
  if (!l->head && l->dropped && (r = calloc(1, sizeof *r))) {
    r->time_ms = ls_clock_unix_ms();
    r->level = LS_LOG_WARN;
    r->event = "dropped";
    snprintf(text, sizeof text, "%zu records did not fit and are lost", l->dropped);
    r->text = strdup(text);
    l->dropped = 0;
    push(l, r);
  }
  return l->head;
}

void ls_log_drop(struct ls_log *l) {
  struct ls_log_record *r = l->head;
  if (!r)
    return;
  l->head = r->next;
  if (!l->head)
    l->tail = NULL;
  l->count--;
  free_record(r);
}

void ls_log_move(struct ls_log *from, struct ls_log *to) {
  while (from->head && to->count < RECORDS_MAX) {
    struct ls_log_record *r = from->head;
    from->head = r->next;
    from->tail = r->next ? from->tail : NULL;
    from->count--;
    r->next = NULL;
    push(to, r);
  }
  to->dropped += from->dropped;
  from->dropped = 0;
}

static const struct {
  const char *name, *shout;
} levels[] = {
    [LS_LOG_DEBUG] = {"debug", "DEBUG"},
    [LS_LOG_INFO] = {"info", "INFO"},
    [LS_LOG_WARN] = {"warn", "WARN"},
    [LS_LOG_ERROR] = {"error", "ERROR"},
};

const char *ls_log_level_name(enum ls_log_level level) {
  return levels[level].name;
}

void ls_log_line(const struct ls_log_record *r, struct ls_buf *out) {
  char when[40] = "";
  char line[LINE_MAX_OCTETS];
  struct tm parts;
  time_t seconds = (time_t)(r->time_ms / 1000);
  if (gmtime_r(&seconds, &parts))
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(line, sizeof line, "%s.%03dZ %s %s%s%s%s\n", when, (int)(r->time_ms % 1000),
           levels[r->level].shout, *r->sid ? "[" : "", r->sid, *r->sid ? "] " : "",
           r->text ? r->text : r->event);
  ls_buf_adds(out, line);
}
