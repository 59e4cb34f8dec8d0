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

void ls_tls_facts_deinit(struct ls_tls_facts *f) {
  free(f->version);
  free(f->cipher);
  free(f->peer);
  free(f->issuer);
  free(f->expires);
  *f = (struct ls_tls_facts){0};
}
