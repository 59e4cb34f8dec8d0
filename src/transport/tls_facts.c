/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "tls_facts.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *s) {
  return s ? strdup(s) : NULL;
}

void ls_tls_facts_copy(struct ls_tls_facts *to, const struct ls_tls_facts *from) {
  *to = (struct ls_tls_facts){
      .version = copy(from->version),
      .cipher = copy(from->cipher),
      .peer = copy(from->peer),
      .issuer = copy(from->issuer),
      .expires = copy(from->expires),
      .resumed = from->resumed,
  };
}

void ls_tls_facts_copy_chain(struct ls_tls_facts *to, const struct ls_tls_facts *from) {
  to->chain = from->chain_count ? calloc(from->chain_count, sizeof *to->chain) : NULL;
  to->chain_count = to->chain ? from->chain_count : 0;
  for (size_t i = 0; i < to->chain_count; i++) {
    const struct ls_tls_certificate *c = &from->chain[i];
    to->chain[i] = (struct ls_tls_certificate){copy(c->subject), copy(c->issuer), copy(c->expires)};
  }
}

void ls_tls_facts_deinit(struct ls_tls_facts *f) {
  free(f->version);
  free(f->cipher);
  free(f->peer);
  free(f->issuer);
  free(f->expires);
  for (size_t i = 0; i < f->chain_count; i++) {
    free(f->chain[i].subject);
    free(f->chain[i].issuer);
    free(f->chain[i].expires);
  }
  free(f->chain);
  *f = (struct ls_tls_facts){0};
}
