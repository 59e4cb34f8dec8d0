/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <stdlib.h>

#include "../pure/visible.h"

void ls_job_push(struct ls_job_list *l, struct ls_job *j) {
  j->next = NULL;
  if (l->tail)
    l->tail->next = j;
  else
    l->head = j;
  l->tail = j;
  l->count++;
}

static struct ls_job *unlink_after(struct ls_job_list *l, struct ls_job *before) {
  struct ls_job *j = before ? before->next : l->head;
  if (!j)
    return NULL;
  if (before)
    before->next = j->next;
  else
    l->head = j->next;
  if (l->tail == j)
    l->tail = before;
  l->count--;
  j->next = NULL;
  return j;
}

struct ls_job *ls_job_pop(struct ls_job_list *l) {
  return unlink_after(l, NULL);
}

struct ls_job *ls_job_take(struct ls_job_list *l, uint64_t id) {
  struct ls_job *before = NULL;
  for (struct ls_job *j = l->head; j; before = j, j = j->next)
    if (j->id == id)
      return unlink_after(l, before);
  return NULL;
}

void ls_job_prepend(struct ls_job_list *l, struct ls_job_list *front) {
  if (!front->head)
    return;
  front->tail->next = l->head;
  l->head = front->head;
  if (!l->tail)
    l->tail = front->tail;
  l->count += front->count;
  *front = (struct ls_job_list){0};
}

void ls_job_append(struct ls_job_list *l, struct ls_job_list *back) {
  struct ls_job_list joined = *back;
  ls_job_prepend(&joined, l);
  *l = joined;
  *back = (struct ls_job_list){0};
}

static void drop_message(struct ls_composed *m, struct ls_arena *a) {
  ls_buf_deinit(&m->content);
  *m = (struct ls_composed){0};
  ls_arena_deinit(a);
}

void ls_job_free(struct ls_job *j) {
  if (!j)
    return;
  drop_message(&j->message, &j->arena);
  ls_result_deinit(&j->result);
  free(j);
}

static char *duplicate(struct ls_span s) {
  char *p = s.n < SIZE_MAX ? malloc(s.n + 1) : NULL;
  if (!p)
    return NULL;
  if (s.n)
    memcpy(p, s.p, s.n);
  p[s.n] = '\0';
  return p;
}

char **ls_job_texts(struct ls_span texts, size_t count) {
  char **list = count ? calloc(count, sizeof *list) : NULL;
  for (size_t i = 0; list && i < count; i++) {
    size_t end = ls_span_index(texts, '\0');
    list[i] = ls_visible_copy(ls_span_sub(texts, 0, end));
    texts = ls_span_sub(texts, end + 1, texts.n);
    if (!list[i]) {
      while (i)
        free(list[--i]);
      free(list);
      list = NULL;
    }
  }
  return list;
}

bool ls_job_describe(struct ls_job *j) {
  const struct ls_envelope *env = &j->message.envelope;
  struct ls_result *r = &j->result;
  r->from = duplicate(env->from);
  r->message_id = duplicate(j->message.message_id);
  r->recipients = env->count ? calloc(env->count, sizeof *r->recipients) : NULL;
  bool whole = r->from && r->message_id && (r->recipients || env->count == 0);
  for (size_t i = 0; r->recipients && i < env->count; i++) {
    r->recipients[i].address = duplicate(env->to[i].address);
    whole = whole && r->recipients[i].address;
    r->count = i + 1;
  }
  return whole;
}

struct ls_job *ls_job_new(struct ls_composed *message, struct ls_arena *arena) {
  struct ls_job *j = calloc(1, sizeof *j);
  if (!j) {
    drop_message(message, arena);
    return NULL;
  }
  j->message = *message;
  j->arena = *arena;
  *message = (struct ls_composed){0};
  ls_arena_init(arena, arena->max);
  if (ls_job_describe(j))
    return j;
  ls_job_free(j);
  return NULL;
}

void ls_job_finish(struct ls_job *j, struct ls_event *ev, struct ls_span ehlo, size_t ehlo_count) {
  struct ls_result *r = &j->result;
  r->id = j->id;
  r->probe = j->message.envelope.probe;
  r->error = ev->error;
  ev->error = (struct ls_error){0};
  for (size_t i = 0; i < ev->rejection_count; i++) {
    const struct ls_rejection *x = &ev->rejections[i];
    if (x->recipient < r->count)
      ls_error_copy(&r->recipients[x->recipient].error, &x->error);
  }
  r->envelope_time = ev->envelope_ms;
  r->message_time = ev->message_ms;
  r->message_size = ev->octets;
  if (r->error.status == LS_OK) {
    r->response = ls_visible_copy(ev->response);
    r->ehlo = ls_job_texts(ehlo, ehlo_count);
    r->ehlo_count = r->ehlo ? ehlo_count : 0;
  }
  drop_message(&j->message, &j->arena);
}

void ls_job_fail(struct ls_job *j, const struct ls_error *err) {
  j->result.id = j->id;
  j->result.probe = j->message.envelope.probe;
  ls_error_copy(&j->result.error, err); /* without memory the status is there at least */
  drop_message(&j->message, &j->arena);
}
