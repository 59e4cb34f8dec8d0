/* SPDX-License-Identifier: MIT */
#include "composer.h"

#include "../pure/config_read.h"
#include "../pure/jstext.h"
#include "clock.h"
#include "idn.h"
#include "random.h"

enum { DKIM_MAX = 1 << 20 }; /* octets of what a mail's own option dkim says */

/* The message may have borrowed from the caller's mail, which need not outlive the call: keep copies. */
static bool keep(struct ls_arena *a, struct ls_span *s) {
  if (!s->n)
    return true;
  *s = ls_arena_copy(a, *s);
  return s->p != NULL;
}

static enum ls_status keep_envelope(struct ls_arena *a, struct ls_envelope *e) {
  bool kept = keep(a, &e->from) && keep(a, &e->envid);
  for (size_t i = 0; kept && i < e->count; i++) {
    struct ls_recipient *to = &e->to[i];
    kept = keep(a, &to->address) && keep(a, &to->notify) && keep(a, &to->orcpt);
  }
  return kept ? LS_OK : LS_ENOMEM;
}

/* mail's `secrets`: texts, which nothing of the message depends on. */
static enum ls_status read_secrets(const struct ls_value *mail, struct ls_arena *a, struct ls_composed *out,
                                   struct ls_error *err) {
  const struct ls_value *v = ls_value_get(mail, LS_SPAN("secrets"));
  if (ls_value_is_nothing(v))
    return LS_OK;
  size_t count = ls_value_is(v, LS_VALUE_ARRAY) ? v->as.array.count : 0;
  bool fine = ls_value_is_array(v);
  for (size_t i = 0; i < count; i++)
    fine = fine && v->as.array.items[i].kind == LS_VALUE_STRING;
  if (!fine)
    return ls_error_set(err, LS_EMESSAGE, "API", "secrets must be a list of strings");
  out->secrets = count ? ls_arena_array(a, count, sizeof *out->secrets) : NULL;
  for (size_t i = 0; out->secrets && i < count; i++) {
    out->secrets[i] = v->as.array.items[i].as.string;
    if (!keep(a, &out->secrets[i]))
      return LS_ENOMEM;
    out->secret_count = i + 1;
  }
  return count == out->secret_count ? LS_OK : LS_ENOMEM;
}

static enum ls_status compose(const struct ls_value *mail, struct ls_arena *a, struct ls_composed *out,
                              struct ls_error *err) {
  *out = (struct ls_composed){.content = out->content};
  struct ls_message *message = NULL;
  enum ls_status status = ls_message_read(mail, a, &message, err);
  struct ls_mailbox *mailbox;
  for (size_t i = 0; status == LS_OK && (mailbox = ls_message_idn(message, i)) != NULL; i++)
    status = ls_idn_domain(mailbox, a, err);
  if (status != LS_OK)
    return status;
  struct ls_message_context context = {.now_s = ls_clock_unix_s()};
  if (!ls_random_fill(context.random, sizeof context.random))
    return ls_error_set(err, LS_EMESSAGE, "API", "The system has no random octets for a Message-ID");
  status = ls_message_write(message, &context, a, out, err);
  if (status == LS_OK)
    status = read_secrets(mail, a, out, err);
  return status == LS_OK ? keep_envelope(a, &out->envelope) : status;
}

/* What the mail's own option dkim asks for. */
static enum ls_status sign_own(const struct ls_value *mail, struct ls_composed *m, struct ls_error *err) {
  struct ls_arena a;
  struct ls_config_dkim dkim;
  struct ls_dkim_signer *signer = NULL;
  ls_arena_init(&a, DKIM_MAX);
  enum ls_status status = ls_config_dkim_read(ls_value_get(mail, LS_SPAN("dkim")), &a, &dkim, err);
  if (status == LS_OK)
    status = ls_dkim_signer_new(&dkim, &signer, err);
  ls_arena_deinit(&a);
  if (status == LS_OK)
    status = ls_composer_sign(signer, m, err);
  ls_dkim_signer_free(signer);
  return status;
}

bool ls_composer_signs(const struct ls_value *mail) {
  return ls_jstext_is_truthy(ls_value_get(mail, LS_SPAN("dkim")));
}

enum ls_status ls_composer_sign(const struct ls_dkim_signer *signer, struct ls_composed *m,
                                struct ls_error *err) {
  if (!signer)
    return LS_OK;
  struct ls_buf out;
  struct ls_span content = ls_buf_span(&m->content);
  ls_buf_init(&out, LS_MESSAGE_MAX);
  /* two octets of CRLF stand between head and body */
  enum ls_status status =
      ls_dkim_signer_sign(signer, ls_span_sub(content, 0, m->head_n),
                          ls_span_sub(content, m->head_n + 2, content.n), ls_clock_unix_s(), &out, err);
  size_t signature_n = out.n;
  if (status == LS_OK) {
    ls_buf_add(&out, content);
    status = out.status;
  }
  if (status != LS_OK) {
    ls_buf_deinit(&out);
    return ls_error_set(err, status, "API", "%s", ls_status_text(status));
  }
  ls_buf_deinit(&m->content);
  m->content = out;
  m->head_n += signature_n;
  return LS_OK;
}

enum ls_status ls_composer_compose(const struct ls_value *mail, struct ls_arena *a, struct ls_composed *out,
                                   struct ls_error *err) {
  enum ls_status status = compose(mail, a, out, err);
  if (status == LS_ENOMEM && a->full) {
    ls_error_deinit(err);
    return ls_error_set(err, LS_EMESSAGE, "API",
                        "the mail takes more memory than one may: %zu MiB with all its fields", a->max >> 20);
  }
  if (status == LS_OK && ls_composer_signs(mail))
    status = sign_own(mail, out, err);
  /* a room that ran out of memory may not have said so in words */
  return status == LS_OK ? LS_OK : ls_error_set(err, status, "API", "%s", ls_status_text(status));
}
