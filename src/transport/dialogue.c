/* SPDX-License-Identifier: MIT */
#include "dialogue.h"

#include <stdlib.h>

#include "../pure/codec.h"
#include "../pure/utf8.h"
#include "../pure/visible.h"
#include "clock.h"
#include "log.h"
#include "oauth.h"

enum { EHLO_MAX = LS_REPLY_MAX, SECRETS_MAX = 1024 * 1024 };

static bool given(const char *s) {
  return s && *s;
}

bool ls_dialogue_wants_login(const struct ls_config *config) {
  return given(config->user);
}

bool ls_dialogue_requires_tls(const struct ls_config *config) {
  if (config->secure || config->ignore_tls)
    return false;
  return config->require_tls || (ls_dialogue_wants_login(config) && !config->loopback);
}

const char *ls_dialogue_command(const struct ls_dialogue *d) {
  switch (d->step) {
  case LS_DIALOGUE_EHLO:
    return "EHLO";
  case LS_DIALOGUE_HELO:
    return "HELO";
  case LS_DIALOGUE_STARTTLS:
    return "STARTTLS";
  case LS_DIALOGUE_AUTH:
    return d->mechanism ? d->mechanism->command : "AUTH";
  default:
    return "CONN";
  }
}

/* Ends the attempt with an error that carries the reply behind message, as in "Invalid login: 535 x". */
static bool refuse(struct ls_dialogue *d, enum ls_reason reason, const char *command, const char *message) {
  struct ls_span text = ls_buf_span(&d->reply.text);
  ls_error_because(&d->error, reason, command, "%s: %.*s", message, (int)text.n, text.n ? text.p : "");
  ls_error_add_reply(&d->error, d->reply.code, d->reply.enhanced, text);
  return false;
}

/* The same, with the reply named within the sentence too: "Invalid greeting. response=554 x: 554 x". */
static bool refuse_quoting(struct ls_dialogue *d, enum ls_reason reason, const char *command,
                           const char *message) {
  struct ls_span text = ls_buf_span(&d->reply.text);
  int n = (int)text.n;
  const char *p = text.n ? text.p : "";
  ls_error_because(&d->error, reason, command, "%s. response=%.*s: %.*s", message, n, p, n, p);
  ls_error_add_reply(&d->error, d->reply.code, d->reply.enhanced, text);
  return false;
}

static void forget_ehlo(struct ls_dialogue *d) {
  ls_capability_init(&d->capability);
  ls_buf_deinit(&d->ehlo);
  d->ehlo_count = 0;
}

/* libcurl takes a mechanism once we have heard the last line. Its option is for whichever that is. */
static void allow_initial(struct ls_dialogue *d) {
  const struct ls_mechanism *m = ls_mechanism_first(d->mechanisms & d->capability.auth);
  curl_easy_setopt(d->easy, CURLOPT_SASL_IR, m && m->initial && !d->way.steps ? 1L : 0L);
}

/* The text of the next line of a reply. False: there is none. */
static bool take_line(struct ls_span *rest, struct ls_span *line) {
  size_t end = ls_span_index(*rest, '\n');
  *line = ls_span_sub(*rest, 4, end);
  bool any = rest->n > 0;
  *rest = ls_span_sub(*rest, end + 1, rest->n);
  return any;
}

/* What the lines behind the first offer. */
static void read_capability(struct ls_dialogue *d) {
  struct ls_span rest = ls_buf_span(&d->reply.text), line;
  ls_capability_init(&d->capability);
  for (take_line(&rest, &line); take_line(&rest, &line);)
    ls_capability_add(&d->capability, line);
  allow_initial(d);
}

/* Keeps the lines of a whole EHLO reply behind the first, to be told. */
static bool keep_ehlo(struct ls_dialogue *d) {
  ls_buf_deinit(&d->ehlo);
  d->ehlo_count = 0;
  if (!d->ehlo_ms)
    d->ehlo_ms = d->last_ms;
  struct ls_span rest = ls_buf_span(&d->reply.text), line;
  for (take_line(&rest, &line); take_line(&rest, &line); d->ehlo_count++) {
    ls_buf_add(&d->ehlo, line);
    ls_buf_addc(&d->ehlo, '\0');
  }
  if (d->ehlo.status == LS_OK)
    return true;
  ls_error_set(&d->error, d->ehlo.status, "EHLO", "The reply to EHLO could not be kept");
  return false;
}

/* libcurl says HELO next. A server that has closed instead has said why now. */
static bool keep_refusal(struct ls_dialogue *d) {
  refuse_quoting(d, LS_REASON_HELLO_REFUSED, "EHLO", "Invalid EHLO");
  ls_error_deinit(&d->refusal);
  d->refusal = d->error;
  d->error = (struct ls_error){0};
  return true;
}

static bool judge_greeting(struct ls_dialogue *d) {
  if (d->reply.code != 220)
    return refuse_quoting(d, LS_REASON_GREETING_REFUSED, "CONN", "Invalid greeting");
  d->greeted = true;
  d->greeted_ms = d->last_ms;
  ls_ahead_set(&d->ahead, !d->config->secure);
  free(d->greeting);
  d->greeting = ls_visible_copy(ls_buf_span(&d->reply.text));
  return true;
}

static bool judge_ehlo(struct ls_dialogue *d) {
  if (d->reply.code == 421)
    return refuse_quoting(d, LS_REASON_CONNECTION_LOST, "EHLO", "Server terminates connection");
  if (d->reply.code / 100 == 2)
    return keep_ehlo(d);
  forget_ehlo(d);
  if (d->tls_required && !d->tls)
    return refuse_quoting(d, LS_REASON_TLS_NOT_OFFERED, "EHLO",
                          "EHLO failed but HELO does not support required STARTTLS");
  return keep_refusal(d);
}

static bool judge_helo(struct ls_dialogue *d) {
  ls_error_deinit(&d->refusal);
  return d->reply.code / 100 == 2 || refuse_quoting(d, LS_REASON_HELLO_REFUSED, "HELO", "Invalid HELO");
}

/* A server that does not take a token says why in a challenge, and refuses once that has been answered. */
static void hear_challenge(struct ls_dialogue *d) {
  struct ls_span text = ls_buf_span(&d->reply.text);
  if (!d->bearer.n || text.n <= 4)
    return;
  d->token_refused = true;
  ls_oauth_read_challenge(ls_span_sub(text, 4, text.n), &d->challenge);
  ls_mask_buf(d->mask, &d->challenge);
}

static bool refuse_login(struct ls_dialogue *d) {
  struct ls_span text = ls_buf_span(&d->reply.text);
  struct ls_span words = ls_buf_span(&d->challenge);
  const char *command = ls_dialogue_command(d);
  d->token_refused = d->bearer.n && (d->token_refused || d->reply.code == 535);
  if (!d->token_refused)
    return refuse(d, LS_REASON_AUTH_REFUSED, command, "Invalid login");
  if (d->reply.code == 334) /* libcurl ends XOAUTH2 here; the text is base64 of what words says */
    ls_error_because(&d->error, LS_REASON_TOKEN_REFUSED, command,
                     "Invalid login: the server refused the access token%s%.*s", words.n ? ": " : "",
                     (int)words.n, words.n ? words.p : "");
  else
    ls_error_because(&d->error, LS_REASON_TOKEN_REFUSED, command, "Invalid login: %.*s%s%.*s", (int)text.n,
                     text.n ? text.p : "", words.n ? "; of the access token: " : "", (int)words.n,
                     words.n ? words.p : "");
  ls_error_add_reply(&d->error, d->reply.code, d->reply.enhanced, text);
  d->error.permanent = true;
  return false;
}

/* libcurl then does what it would do had STARTTLS not been offered. */
static bool may_go_on_in_clear(const struct ls_dialogue *d) {
  return d->config->opportunistic_tls && !d->tls_required && d->reply.code >= 400 && d->reply.code != 421;
}

/* RFC 4954 lets the first response go with the command. A server that does not know that refuses the line for
 * its form, or asks for what it was sent. */
static bool overlooks_initial(const struct ls_dialogue *d) {
  struct ls_span text = ls_buf_span(&d->reply.text);
  switch (d->reply.code) {
  case 334:
    return ls_mechanism_asks_again(d->mechanism, ls_span_sub(text, 4, text.n));
  case 500:
  case 501:
  case 504:
    return true;
  default:
    return false;
  }
}

/* What follows is TLS. */
static bool grant_tls(struct ls_dialogue *d) {
  ls_ahead_set(&d->ahead, false);
  return true;
}

static void judge_initial(struct ls_dialogue *d) {
  if (d->initial && d->mechanism && overlooks_initial(d))
    d->wants_steps = true;
  d->initial = false;
}

static bool judge(struct ls_dialogue *d) {
  int class = d->reply.code / 100;
  switch (d->step) {
  case LS_DIALOGUE_GREETING:
    return judge_greeting(d);
  case LS_DIALOGUE_EHLO:
    return judge_ehlo(d);
  case LS_DIALOGUE_HELO:
    return judge_helo(d);
  case LS_DIALOGUE_STARTTLS:
    /* libcurl's CURLUSESSL_TRY would go on in clear */
    return (d->reply.code == 220 && grant_tls(d)) || may_go_on_in_clear(d) ||
           refuse(d, LS_REASON_TLS_REFUSED, "STARTTLS", "Error upgrading connection with STARTTLS");
  case LS_DIALOGUE_AUTH:
    d->logged_in = d->reply.code == 235;
    return class == 2 || class == 3 || refuse_login(d);
  }
  return true;
}

/* What is understood is the reply as it came; what is told of it, from here on, has no secrets. */
static bool judge_noting(struct ls_dialogue *d) {
  d->overlong = 0;
  bool challenge = d->step == LS_DIALOGUE_AUTH && d->reply.code == 334;
  if (d->step == LS_DIALOGUE_EHLO && d->reply.code / 100 == 2)
    read_capability(d);
  if (d->step == LS_DIALOGUE_AUTH)
    judge_initial(d);
  if (d->step == LS_DIALOGUE_AUTH && d->reply.code / 100 == 3)
    hear_challenge(d);
  ls_reply_mask(&d->reply, d->mask);
  bool fine = judge(d);
  if (d->transcript)
    ls_log_reply(d->transcript, ls_buf_span(&d->reply.text), challenge);
  return fine;
}

static bool refuse_endless(struct ls_dialogue *d) {
  ls_error_set(&d->error, LS_ETOOBIG, ls_dialogue_command(d), "The server's reply is longer than %d octets",
               (int)LS_REPLY_MAX);
  return false;
}

/* What is no reply, or several in one: "220-hello" and then "521 no". */
static bool refuse_unreadable(struct ls_dialogue *d) {
  const struct ls_reply *r = &d->reply;
  bool greeting = d->step == LS_DIALOGUE_GREETING;
  int code = r->complete && r->code >= 400 ? r->code : 0;
  ls_reply_mask(&d->reply, d->mask);
  if (greeting && code)
    return refuse_quoting(d, LS_REASON_GREETING_REFUSED, "CONN", "Invalid greeting");
  struct ls_span shown = r->complete ? ls_buf_span(&r->text) : ls_reply_excerpt(r);
  const char *what = greeting ? "Invalid greeting. response=" : "Unexpected Response: ";
  ls_error_set(&d->error, LS_EPROTOCOL, ls_dialogue_command(d), "%s%.*s", what, (int)shown.n,
               shown.n ? shown.p : "");
  ls_error_add_reply(&d->error, code, r->enhanced, shown);
  return false;
}

/* Whether libcurl finds the end of a reply in this line: it counts octets where there is no space. "250" and
 * LF alone it would wait behind for ever, and "250-" and LF alone it does not wait behind. */
static bool ends_for_libcurl(struct ls_span line) {
  return line.n == 5 || (line.n > 3 && line.p[3] == ' ');
}

/* Feeds one line, CRLF included. False: the attempt must end. */
static bool hear(struct ls_dialogue *d, struct ls_span line) {
  size_t used, lines = d->reply.complete ? 0 : d->reply.lines;
  enum ls_status status = ls_reply_feed(&d->reply, line, &used);
  bool blank = status == LS_AGAIN && d->reply.lines == lines;
  if (status >= 0 && !blank && ends_for_libcurl(line) != (status == LS_OK))
    return refuse_unreadable(d);
  switch (status) {
  case LS_AGAIN:
    return true;
  case LS_OK:
    return judge_noting(d);
  case LS_ENOMEM:
    ls_error_no_memory(&d->error, ls_dialogue_command(d));
    return false;
  case LS_ETOOBIG:
    return refuse_endless(d);
  default:
    break;
  }
  return refuse_unreadable(d);
}

/* libcurl knows keywords in capitals only, and "AUTH " only; RFC 5321 2.4 lets servers write as they like,
 * and old ones say "AUTH=". The line is libcurl's own buffer, read after this returns; the length stays. */
static void normalise(char *line, size_t n) {
  if (n < 5 || line[0] != '2')
    return;
  struct ls_span rest = ls_span(line + 4, n - 4);
  size_t word = 0;
  while (word < rest.n && (ls_ascii_is_alnum(rest.p[word]) || rest.p[word] == '-'))
    word++;
  bool auth = ls_span_ieq(ls_span(rest.p, word), LS_SPAN("AUTH"));
  if (!auth && !ls_span_ieq(ls_span(rest.p, word), LS_SPAN("STARTTLS")))
    return;
  for (size_t i = 4; i < n; i++)
    line[i] = ls_ascii_upper(line[i]);
  if (auth && word + 4 < n && line[word + 4] == '=')
    line[word + 4] = ' ';
}

/* What libcurl cannot log in with it had better not see: it would close without a word, where it hands the
 * connection over if no login is offered, and QUIT can be said. */
static void hide_auth(const struct ls_dialogue *d, char *line, size_t n) {
  struct ls_capability c;
  if (n < 4 || !d->login)
    return;
  ls_capability_init(&c);
  ls_capability_add(&c, ls_span(line + 4, n - 4));
  if (c.auth_line && !(c.auth & d->mechanisms))
    line[4] = 'X';
}

/* The login was refused. That ends the attempt, but not the connection: libcurl is made to take the last
 * answer of a login for a yes and hands it over, and QUIT can be said. Where it expected more, it closes. */
static bool hand_over(const struct ls_dialogue *d, char *line, size_t n) {
  bool refused = d->step == LS_DIALOGUE_AUTH && d->error.status == LS_EAUTH && d->reply.code >= 400;
  if (!refused || d->cancelled || n < 4)
    return false;
  line[0] = '2';
  line[1] = '3';
  line[2] = '5';
  return true;
}

static size_t on_line(char *line, size_t size, size_t n, void *data) {
  struct ls_dialogue *d = data;
  (void)size; /* always 1 */
  d->last_ms = ls_clock_ms();
  d->octets_in += n;
  ls_ahead_given(&d->ahead);
  if (d->config->secure)
    d->tls = true;
  if (d->tls && !d->facts.version)
    ls_tls_facts_read(d->easy, &d->facts);
  if (!hear(d, ls_span(line, n)))
    return hand_over(d, line, n) ? n : n + 1; /* any other number than n ends the transfer */
  if (d->step == LS_DIALOGUE_EHLO) {
    normalise(line, n);
    hide_auth(d, line, n);
  }
  return n;
}

/* CRAM-MD5 answers with base64 of the user, a space and a digest (RFC 2195 2); the user is no secret. */
static void keep_digest(struct ls_dialogue *d, struct ls_span answer) {
  struct ls_buf plain;
  size_t n = 0;
  ls_buf_init(&plain, SIZE_MAX);
  char *room = ls_buf_room(&plain, answer.n / 4 * 3 + 3);
  if (room && ls_codec_unbase64(answer, room, &n))
    ls_buf_grew(&plain, n);
  struct ls_span user = ls_span_cstr(d->config->user), text = ls_buf_span(&plain);
  if (user.n && ls_span_starts(text, user) && text.n > user.n && text.p[user.n] == ' ')
    ls_mask_add(d->mask, &d->sent, ls_span_sub(text, user.n + 1, text.n));
  ls_buf_deinit(&plain);
}

/* Keeps what goes out for AUTH: the mechanism's argument, then each answer to a challenge. */
static void keep_sent(struct ls_dialogue *d, struct ls_span line) {
  if (ls_span_starts(line, LS_SPAN("AUTH ")))
    line = ls_span_sub(line, ls_span_index(ls_span_sub(line, 5, line.n), ' ') + 6, line.n);
  while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
    line.n--;
  ls_mask_add(d->mask, &d->sent, line);
  keep_digest(d, line);
}

static void note_mechanism(struct ls_dialogue *d, struct ls_span rest) {
  size_t n = 0;
  while (n < rest.n && rest.p[n] > ' ')
    n++;
  d->mechanism = ls_mechanism_named(ls_span_sub(rest, 0, n));
  d->initial = n < rest.n && rest.p[n] == ' ';
}

static void note_command(struct ls_dialogue *d, struct ls_span command) {
  if (ls_span_starts(command, LS_SPAN("EHLO "))) {
    if (d->step == LS_DIALOGUE_STARTTLS) {
      d->tls = true;
      d->tls_ms = d->last_ms;
    }
    d->step = LS_DIALOGUE_EHLO;
  } else if (ls_span_starts(command, LS_SPAN("HELO "))) {
    d->step = LS_DIALOGUE_HELO;
  } else if (ls_span_starts(command, LS_SPAN("STARTTLS"))) {
    d->step = LS_DIALOGUE_STARTTLS;
  } else if (ls_span_starts(command, LS_SPAN("AUTH "))) {
    d->step = LS_DIALOGUE_AUTH;
    note_mechanism(d, ls_span_sub(command, 5, command.n));
  }
  d->cancelled = ls_span_starts(command, LS_SPAN("*\r\n"));
  if (d->step == LS_DIALOGUE_AUTH)
    keep_sent(d, command);
}

/* What an HTTP proxy answers to CONNECT. */
static void note_proxy(struct ls_dialogue *d, struct ls_span line) {
  if (*d->proxy_words || !ls_span_starts(line, LS_SPAN("HTTP/")))
    return;
  struct ls_buf words;
  ls_buf_init(&words, SIZE_MAX);
  ls_buf_add(&words, ls_utf8_trim(line));
  ls_mask_buf(d->mask, &words);
  struct ls_span kept = ls_utf8_cut(ls_buf_span(&words), sizeof d->proxy_words - 1);
  if (kept.n)
    memcpy(d->proxy_words, kept.p, kept.n);
  ls_buf_deinit(&words);
}

/* libcurl up to 8.5 drops what a line is too long by, and says so; a server that never ends its line would
 * keep it reading for ever, and nobody else would have a turn. Later ones give up (CURLE_TOO_LARGE). */
static void note_text(struct ls_dialogue *d, struct ls_span text) {
  static const char words[] = "Excessive server response line length received, ";
  size_t n = 0;
  if (!ls_span_starts(text, ls_span(words, sizeof words - 1)))
    return;
  for (size_t i = sizeof words - 1; i < text.n && ls_ascii_is_digit(text.p[i]); i++)
    n = n * 10 + (size_t)(text.p[i] - '0');
  d->overlong += n;
  if (d->overlong > LS_REPLY_MAX && !refuse_endless(d))
    ls_ahead_break(&d->ahead);
}

static int on_debug(CURL *easy, curl_infotype type, char *text, size_t n, void *data) {
  (void)easy;
  struct ls_dialogue *d = data;
  if (type == CURLINFO_HEADER_OUT) {
    d->last_ms = ls_clock_ms();
    d->octets_out += n;
    note_command(d, ls_span(text, n));
    if (d->transcript)
      ls_log_command(d->transcript, ls_span(text, n));
  } else if (type == CURLINFO_HEADER_IN && d->config->proxy.host && !d->greeted) {
    note_proxy(d, ls_span(text, n));
  } else if (type == CURLINFO_TEXT) {
    note_text(d, ls_span(text, n));
  }
  return 0;
}

/* libcurl calls this between two steps. The second may read the greeting, where the first has connected. */
static int on_step(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t e) {
  struct ls_dialogue *d = data;
  (void)a, (void)b, (void)c, (void)e;
  if (d->ahead.seen.n == 0)
    ls_ahead_look(&d->ahead);
  return 0;
}

void ls_dialogue_init(struct ls_dialogue *d, CURL *easy, const struct ls_config *config,
                      struct ls_login_way way, const char *bearer, struct ls_mask *mask) {
  *d = (struct ls_dialogue){.easy = easy, .config = config, .way = way, .mask = mask};
  d->mechanisms = ls_mechanism_wanted(config->auth_method, config->oauth2, way.cram);
  d->login = ls_dialogue_wants_login(config);
  d->tls_required = ls_dialogue_requires_tls(config);
  d->last_ms = ls_clock_ms();
  ls_reply_init(&d->reply);
  ls_capability_init(&d->capability);
  ls_ahead_init(&d->ahead);
  ls_ahead_set(&d->ahead, !config->secure && !config->proxy.host);
  ls_buf_init(&d->ehlo, EHLO_MAX);
  ls_buf_init(&d->bearer, SECRETS_MAX);
  ls_buf_init(&d->challenge, EHLO_MAX);
  ls_buf_adds(&d->bearer, bearer ? bearer : "");
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, d);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, d);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_step);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, d);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); /* or the debug function is never called */
}

void ls_dialogue_deinit(struct ls_dialogue *d) {
  ls_reply_deinit(&d->reply);
  ls_ahead_deinit(&d->ahead);
  ls_error_deinit(&d->refusal);
  ls_buf_deinit(&d->ehlo);
  ls_buf_deinit(&d->bearer);
  ls_buf_deinit(&d->challenge);
  ls_mask_retire(d->mask, &d->sent);
  free(d->greeting);
  d->greeting = NULL;
  ls_tls_facts_deinit(&d->facts);
  ls_error_deinit(&d->error);
}

static enum ls_status refuse_mechanisms(struct ls_dialogue *d) {
  const char *method = d->config->auth_method;
  const char *line = d->ehlo.n ? d->ehlo.p : "";
  const char *end = line + d->ehlo.n;
  while (line < end && !ls_span_ieq(ls_span_sub(ls_span_cstr(line), 0, 4), LS_SPAN("AUTH")))
    line += strlen(line) + 1;
  return ls_error_because(&d->error, LS_REASON_AUTH_NO_MECHANISM, "EHLO",
                          "The server offers no way to log in that we can use with %s%s%s%s",
                          method              ? "auth.method "
                          : d->config->oauth2 ? "an access token"
                                              : "a password",
                          method ? method : "", line < end ? "; it offers: " : "", line < end ? line : "");
}

enum ls_status ls_dialogue_finish(struct ls_dialogue *d) {
  if (d->error.status != LS_OK)
    return d->error.status;
  if (d->tls_required && !d->tls)
    return ls_error_because(
        &d->error, LS_REASON_TLS_NOT_OFFERED, "STARTTLS",
        "The server does not offer STARTTLS, and TLS is required here; use its TLS port with "
        "secure set to true, or, where the line is safe, set ignoreTLS to true");
  if (d->login && !d->logged_in && d->step == LS_DIALOGUE_AUTH)
    return refuse_login(d), LS_EAUTH;
  if (d->login && !d->logged_in && d->capability.auth_line)
    return refuse_mechanisms(d);
  if (d->login && !d->logged_in)
    return ls_error_because(&d->error, LS_REASON_AUTH_NOT_OFFERED, "EHLO",
                            "The server offers no AUTH, but the config has a login; %s",
                            d->tls ? "remove auth, or check host and port"
                                   : "many servers offer it only after STARTTLS or on a TLS port");
  return LS_OK;
}

void ls_dialogue_ended(struct ls_dialogue *d) {
  size_t used;
  if (d->refusal.status != LS_OK) {
    ls_error_deinit(&d->error);
    d->error = d->refusal;
    d->refusal = (struct ls_error){0};
    return;
  }
  struct ls_span line = ls_ahead_line(&d->ahead);
  if (line.n)
    (void)ls_reply_feed(&d->reply, line, &used);
  if (!ls_reply_cut(&d->reply))
    return;
  ls_reply_mask(&d->reply, d->mask);
  struct ls_span text = ls_buf_span(&d->reply.text);
  ls_error_add_cut(&d->error, d->reply.code, d->reply.enhanced, text);
  if (d->transcript)
    ls_log_reply(d->transcript, text, d->step == LS_DIALOGUE_AUTH);
}
