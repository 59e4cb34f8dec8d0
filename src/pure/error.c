/* SPDX-License-Identifier: MIT */
#include "error.h"

#include <stdio.h>
#include <stdlib.h>

#include "visible.h"

static char *duplicate(struct ls_span s) {
  char *p = malloc(s.n + 1);
  if (!p)
    return NULL;
  if (s.n)
    memcpy(p, s.p, s.n);
  p[s.n] = '\0';
  return p;
}

static char *format_text(const char *label, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  size_t before = label ? strlen(label) : 0;
  char *p = n < 0 ? NULL : malloc(before + (size_t)n + 2);
  if (!p)
    return NULL;
  if (before)
    memcpy(p, label, before);
  char *text = p + before + (label != NULL);
  vsnprintf(text, (size_t)n + 1, format, args);
  if (label && *text == ':')
    memmove(p + before, text, (size_t)n + 1);
  else if (label)
    p[before] = ' ';
  char *shown = ls_visible_copy(ls_span_cstr(p));
  free(p);
  return shown;
}

void ls_error_vbecause(struct ls_error *e, enum ls_reason reason, const char *command, const char *label,
                       const char *format, va_list args) {
  if (!e || e->status != LS_OK)
    return;
  e->message = format_text(label, format, args);
  e->status = ls_reason_status(reason);
  e->reason = reason;
  e->command = command;
}

enum ls_status ls_error_because(struct ls_error *e, enum ls_reason reason, const char *command,
                                const char *format, ...) {
  va_list args;
  va_start(args, format);
  ls_error_vbecause(e, reason, command, NULL, format, args);
  va_end(args);
  return ls_reason_status(reason);
}

enum ls_status ls_error_set(struct ls_error *e, enum ls_status status, const char *command,
                            const char *format, ...) {
  va_list args;
  va_start(args, format);
  ls_error_vbecause(e, ls_reason_of(status), command, NULL, format, args);
  va_end(args);
  return status;
}

void ls_error_add_words(struct ls_error *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *words = format_text(NULL, format, args);
  va_end(args);
  const char *text = ls_error_text(e);
  size_t n = words ? strlen(text) + strlen(words) + sizeof " ()" : 0;
  char *joined = n ? malloc(n) : NULL;
  if (joined) {
    snprintf(joined, n, "%s (%s)", text, words);
    free(e->message);
    e->message = joined;
  }
  free(words);
}

void ls_error_add_reply(struct ls_error *e, int code, const char *enhanced, struct ls_span text) {
  if (!e || e->status == LS_OK || e->response)
    return;
  e->response = ls_visible_copy(text);
  e->response_code = code;
  e->reason = ls_reason_of_reply(e->reason, code, enhanced ? enhanced : "", text);
  if (enhanced)
    snprintf(e->enhanced, sizeof e->enhanced, "%s", enhanced);
}

void ls_error_add_cut(struct ls_error *e, int code, const char *enhanced, struct ls_span text) {
  struct ls_buf message;
  if (!e || e->status == LS_OK || e->response)
    return;
  ls_buf_init(&message, SIZE_MAX);
  ls_buf_adds(&message, ls_error_text(e));
  ls_buf_adds(&message, ": ");
  ls_buf_add(&message, text);
  char *shown = message.status == LS_OK ? ls_visible_copy(ls_buf_span(&message)) : NULL;
  ls_buf_deinit(&message);
  if (shown) {
    free(e->message);
    e->message = shown;
  }
  ls_error_add_reply(e, code >= 400 ? code : 0, enhanced, text);
}

enum ls_status ls_error_no_memory(struct ls_error *e, const char *command) {
  return ls_error_set(e, LS_ENOMEM, command, "%s", ls_status_text(LS_ENOMEM));
}

bool ls_error_permanent(const struct ls_error *e) {
  if (e->permanent)
    return true;
  if (e->response_code)
    return e->response_code >= 500;
  return ls_reason_is_lasting(e->reason);
}

const char *ls_error_text(const struct ls_error *e) {
  return e->message ? e->message : ls_reason_text(e->reason);
}

enum ls_status ls_error_copy(struct ls_error *to, const struct ls_error *from) {
  *to = *from;
  to->message = from->message ? duplicate(ls_span_cstr(from->message)) : NULL;
  to->response = from->response ? duplicate(ls_span_cstr(from->response)) : NULL;
  bool complete = (to->message || !from->message) && (to->response || !from->response);
  return complete ? LS_OK : LS_ENOMEM;
}

void ls_error_deinit(struct ls_error *e) {
  free(e->message);
  free(e->response);
  *e = (struct ls_error){0};
}
