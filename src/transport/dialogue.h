/* SPDX-License-Identifier: MIT
 * dialogue: what server and libcurl say to each other until a connection is ready: greeting, EHLO, STARTTLS,
 * AUTH (RFC 5321, 3207, 4954). libcurl speaks; this listens through its callbacks, judges each reply, keeps
 * what the server offers, and ends the attempt where our rules are stricter than libcurl's. Commands are
 * looked at for their verb only; what follows AUTH goes into the mask, for servers repeat it. */
#ifndef LS_DIALOGUE_H
#define LS_DIALOGUE_H

#include "../pure/capability.h"
#include "../pure/config.h"
#include "../pure/reply.h"
#include "ahead.h"
#include "tls.h"

enum ls_dialogue_step {
  LS_DIALOGUE_GREETING,
  LS_DIALOGUE_EHLO,
  LS_DIALOGUE_HELO,
  LS_DIALOGUE_STARTTLS,
  LS_DIALOGUE_AUTH
};

/* How to log in, as earlier attempts have taught. */
struct ls_login_way {
  bool cram;  /* by CRAM-MD5 instead of PLAIN or LOGIN: it is all that is offered */
  bool steps; /* never with a first response in the line of AUTH: the server overlooks it there */
};

struct ls_dialogue {
  CURL *easy;                     /* borrowed */
  const struct ls_config *config; /* borrowed */
  struct ls_mask *mask;           /* borrowed; what is told passes it; NULL: there are no secrets */
  struct ls_buf bearer;           /* secret; the access token; n = 0: none */
  struct ls_login_way way;
  unsigned mechanisms;       /* LS_AUTH_* that may be used */
  bool login;                /* there is something to log in with */
  bool tls_required;         /* nothing may follow EHLO in clear */
  struct ls_buf *transcript; /* borrowed; NULL: none; see log */

  enum ls_dialogue_step step;
  const struct ls_mechanism *mechanism; /* of the AUTH that was sent; NULL: none was */
  bool initial;                         /* the first response went with it, and is not answered yet */
  bool cancelled;                       /* the last line that went out ends an exchange of AUTH (RFC 4954) */
  bool wants_steps;                     /* the server overlooked, or refused, it there */
  bool tls;                             /* the connection is encrypted by now */
  bool greeted;                         /* the whole greeting came */
  bool logged_in;
  bool token_refused;          /* the server does not take the access token */
  struct ls_buf challenge;     /* what it said of it (RFC 7628 3.2.2) */
  struct ls_mask_secret *sent; /* what went out for AUTH */
  int64_t last_ms;             /* when octets last went either way */
  int64_t greeted_ms;          /* when the greeting came */
  int64_t ehlo_ms;             /* when the first reply to EHLO came; 0: none */
  int64_t tls_ms;              /* when TLS was seen to be up after STARTTLS; 0: not */

  struct ls_reply reply;
  struct ls_ahead ahead;
  size_t overlong;                 /* octets of a line that libcurl has dropped because it found no end */
  struct ls_error refusal;         /* of EHLO, while HELO is not answered */
  struct ls_capability capability; /* of the last EHLO */
  struct ls_buf ehlo;              /* its lines behind the first, each with a NUL behind it */
  size_t ehlo_count;
  char *greeting; /* owned */
  struct ls_tls_facts facts;
  char proxy_words[200]; /* the first line of an HTTP proxy's answer; "": none */
  uint64_t octets_in, octets_out;
  struct ls_error error; /* why the attempt must end */
};

/* What libcurl says when a dialogue has ended. */
struct ls_dialogue_end {
  CURLcode result;
  CURL *easy;
  const char *text; /* libcurl's error buffer, "" when it says nothing */
  const struct ls_config *config;
  const struct ls_tls *tls;
  int number; /* errno of a socket that was not to be had; 0: each was */
};

/* Sets the callbacks of easy. d must live as long as easy, and mask as long as d. bearer: the access
 * token, or NULL; borrowed for the call. */
void ls_dialogue_init(struct ls_dialogue *d, CURL *easy, const struct ls_config *config,
                      struct ls_login_way way, const char *bearer, struct ls_mask *mask);
void ls_dialogue_deinit(struct ls_dialogue *d);

/* libcurl says the connection is ready: so it is, unless our rules say otherwise (d->error). */
enum ls_status ls_dialogue_finish(struct ls_dialogue *d);

/* libcurl says the connection has ended, and d->error says how: adds what the server said last. Had it
 * refused EHLO, that is why. */
void ls_dialogue_ended(struct ls_dialogue *d);

/* "CONN", "EHLO", ...: the step the dialogue is in, as errors name it. Static storage. */
const char *ls_dialogue_command(const struct ls_dialogue *d);

/* There is a user, with a password or another way to log in. */
bool ls_dialogue_wants_login(const struct ls_config *config);

/* No password goes in clear to a host that is not this machine, unless the config says so; see requireTLS. */
bool ls_dialogue_requires_tls(const struct ls_config *config);

#endif
