/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <stdlib.h>

static void free_texts(char **texts, size_t count) {
  for (size_t i = 0; texts && i < count; i++)
    free(texts[i]);
  free(texts);
}

void ls_result_deinit(struct ls_result *r) {
  for (size_t i = 0; i < r->count; i++) {
    free(r->recipients[i].address);
    ls_error_deinit(&r->recipients[i].error);
  }
  free(r->recipients);
  free_texts(r->ehlo, r->ehlo_count);
  free(r->from);
  free(r->message_id);
  free(r->response);
  ls_tls_facts_deinit(&r->tls);
  ls_error_deinit(&r->error);
  *r = (struct ls_result){0};
}

void ls_verification_init(struct ls_verification *v) {
  *v = (struct ls_verification){.lookup_time = -1,
                                .connect_time = -1,
                                .tls_time = -1,
                                .greeting_time = -1,
                                .ehlo_time = -1,
                                .ready_time = -1};
}

void ls_verification_deinit(struct ls_verification *v) {
  free_texts(v->ehlo, v->ehlo_count);
  free(v->greeting);
  ls_tls_facts_deinit(&v->tls);
  free(v->mechanism);
  free(v->address);
  ls_error_deinit(&v->error);
  *v = (struct ls_verification){0};
}
