/* SPDX-License-Identifier: MIT
 * service: mail services by name ("Gmail", "SendGrid", ...), as the option `service` gives them. What is
 * known of a service takes the place of the config's own host, port, secure, authMethod and STARTTLS
 * options. */
#ifndef LS_SERVICE_H
#define LS_SERVICE_H

#include <stdint.h>

#include "option.h"
#include "value.h"

enum ls_service_tls {
  LS_SERVICE_ANY,      /* as the config says */
  LS_SERVICE_REQUIRED, /* requireTLS */
  LS_SERVICE_NEVER     /* ignoreTLS: a server for tests on this machine */
};

struct ls_service {
  const char *name;
  const char *host; /* NULL: the config's own */
  uint16_t port;    /* 0: the config's own, and its secure */
  bool secure;
  const char *method; /* NULL: the best on offer */
  enum ls_service_tls tls;
  const char *keys; /* further names, normalised, blanks between them */
};

/* The service of a name, an alias, a domain or an address in that domain; letters of any case, and what is
 * no letter, digit, dot or hyphen does not count. NULL: not known. Static storage. */
const struct ls_service *ls_service_find(struct ls_span key);
const struct ls_service *ls_service_at(size_t i); /* in the order of the table; NULL: no more */

/* *out: config itself where it names no service, else a copy with the service's values in it, in a.
 * LS_OK; LS_ECONFIG: a service that is not known; LS_ENOMEM. */
enum ls_status ls_service_apply(const struct ls_value *config, struct ls_arena *a,
                                const struct ls_value **out, struct ls_error *err);

#endif
