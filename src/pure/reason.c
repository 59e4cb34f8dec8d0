/* SPDX-License-Identifier: MIT */
#include "reason.h"

struct row {
  const char *word;
  const char *text;
  enum ls_status status;
  bool lasting;
};

#define X(name, word, status, lasting, text) {word, text, LS_##status, lasting},
static const struct row rows[LS_REASON_COUNT] = {
    {"", "", LS_OK, false},
#include "reason.def"
};
#undef X

static const struct row *row_of(enum ls_reason reason) {
  return &rows[(unsigned)reason < LS_REASON_COUNT ? reason : LS_REASON_NONE];
}

const char *ls_reason_word(enum ls_reason reason) {
  return row_of(reason)->word;
}

const char *ls_reason_text(enum ls_reason reason) {
  return row_of(reason)->text;
}

enum ls_reason ls_reason_find(const char *word) {
  int i = LS_REASON_COUNT - 1;
  while (i > LS_REASON_NONE && strcmp(rows[i].word, word) != 0)
    i--;
  return (enum ls_reason)i;
}

enum ls_status ls_reason_status(enum ls_reason reason) {
  return row_of(reason)->status;
}

bool ls_reason_is_lasting(enum ls_reason reason) {
  return row_of(reason)->lasting;
}

enum ls_reason ls_reason_of(enum ls_status status) {
  for (int i = LS_REASON_NONE + 1; status < LS_OK && i < LS_REASON_COUNT; i++)
    if (rows[i].status == status)
      return (enum ls_reason)i;
  return LS_REASON_NONE;
}

/* What the big services say of their limits, in lower case. Whole words ("rate" is not in "moderated"), or
 * the beginning of one where a star ends the row. */
static const struct {
  enum ls_reason reason;
  const char *words;
} phrases[] = {
    {LS_REASON_GREYLISTED, "greylist*"},
    {LS_REASON_GREYLISTED, "graylist*"},
    {LS_REASON_GREYLISTED, "grey list*"},
    {LS_REASON_GREYLISTED, "gray list*"},
    {LS_REASON_GREYLISTED, "postgrey"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too many login*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too many auth*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too many concurrent"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too many connection*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too many session*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too many simultaneous"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "login attempts"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "concurrent connection*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "concurrent session*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "connection limit*"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "connection rate"},
    {LS_REASON_TOO_MANY_CONNECTIONS, "too frequent*"},
    {LS_REASON_THROTTLED, "rate"},
    {LS_REASON_THROTTLED, "ratelimit*"},
    {LS_REASON_THROTTLED, "throttl*"},
    {LS_REASON_THROTTLED, "too many messages"},
    {LS_REASON_THROTTLED, "too many requests"},
    {LS_REASON_THROTTLED, "slow down"},
    {LS_REASON_THROTTLED, "too many emails"},
    {LS_REASON_THROTTLED, "too many mails"},
    {LS_REASON_THROTTLED, "too fast"},
    {LS_REASON_THROTTLED, "too quickly"},
    {LS_REASON_THROTTLED, "sending limit*"},
    {LS_REASON_THROTTLED, "sending quota"},
    {LS_REASON_THROTTLED, "limit exceeded"},
    {LS_REASON_THROTTLED, "quota exceeded"},
    {LS_REASON_THROTTLED, "maximum credits exceeded"},
};

/* '@': an address that is quoted says nothing. */
static bool is_word(char c) {
  return ls_ascii_is_alnum(c) || c == '@' || c == '_';
}

static char plain(char c) {
  return c == '\n' || c == '-' ? ' ' : ls_ascii_lower(c);
}

static bool has_words(struct ls_span text, const char *words) {
  for (size_t i = 0; i < text.n; i++) {
    size_t at = i;
    const char *w = words;
    if (i && is_word(text.p[i - 1]))
      continue;
    while (*w && at < text.n && plain(text.p[at]) == *w)
      w++, at++;
    if (*w == '*' || (!*w && (at == text.n || !is_word(text.p[at]))))
      return true;
  }
  return false;
}

static enum ls_reason said_in(struct ls_span text) {
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
    if (has_words(text, phrases[i].words))
      return phrases[i].reason;
  return LS_REASON_NONE;
}

/* "452 4.5.3 too many messages on this connection", "Max message per connection reached" */
static const char *const limit_words[] = {"too many", "max*", "limit*", "exceeded", "reached", "enough"};
static const char *const here_words[] = {"this connection",        "per connection",     "one connection",
                                         "this session",           "per session",        "one session",
                                         "same connection",        "same session",       "this smtp session",
                                         "messages in connection", "messages in session"};

static bool has_one(struct ls_span text, const char *const *words, size_t count) {
  while (count && !has_words(text, words[count - 1]))
    count--;
  return count > 0;
}

static bool limits_connection(struct ls_span text) {
  return has_one(text, here_words, sizeof here_words / sizeof *here_words) &&
         has_one(text, limit_words, sizeof limit_words / sizeof *limit_words);
}

bool ls_reason_counts_messages(const char *enhanced, struct ls_span text) {
  return strcmp(enhanced, "4.5.3") == 0 || limits_connection(text);
}

static const char *const restart_words[] = {"shutting down", "shutdown", "restart*", "reboot*",
                                            "going down",    "going offline", "maintenance"};

bool ls_reason_is_restart(const char *enhanced, struct ls_span text) {
  return strcmp(enhanced, "4.3.2") == 0 ||
         has_one(text, restart_words, sizeof restart_words / sizeof *restart_words);
}

bool ls_reason_ends_connection(int code, const char *enhanced, struct ls_span text) {
  if (code == 421 || code / 100 != 4)
    return code == 421;
  return strcmp(enhanced, "4.3.2") == 0 || strcmp(enhanced, "4.4.2") == 0 || limits_connection(text);
}

enum { LOGIN = 1, SENDER = 2, RECIPIENT = 4, CONTENT = 8, MAIL = SENDER | RECIPIENT | CONTENT, ALL = 15 };

/* What a refusal of this reason was an answer to; a greeting and such are not asked about by themselves. */
static int asked(enum ls_reason reason) {
  switch (reason) {
  case LS_REASON_AUTH_REFUSED:
    return LOGIN;
  case LS_REASON_SENDER_REFUSED:
    return SENDER;
  case LS_REASON_RECIPIENT_REFUSED:
    return RECIPIENT;
  case LS_REASON_DATA_REFUSED:
  case LS_REASON_MESSAGE_REFUSED:
    return CONTENT;
  default:
    return 0;
  }
}

/* What codes alone tell (RFC 5321 4.2.3, RFC 3463); the first row that fits. */
static const struct {
  int code;             /* 0: any */
  const char *enhanced; /* NULL: any; "": none was said */
  int of;               /* what was asked; ALL: whatever it was */
  enum ls_reason reason;
} codes[] = {
    {450, "4.2.1", ALL,
     LS_REASON_THROTTLED}, /* Gmail, for the recipient: "receiving mail at a rate that ..." */
    {0, "4.7.28", ALL, LS_REASON_THROTTLED}, /* Gmail, for an address */
    {421, NULL, ALL, LS_REASON_SERVER_CLOSING},
    {454, NULL, LOGIN, LS_REASON_AUTH_UNAVAILABLE}, /* RFC 4954, 6 */
    {454, "", MAIL, LS_REASON_THROTTLED},           /* SES; with 4.7.1 it is about relaying */
    {454, "4.7.0", MAIL, LS_REASON_THROTTLED},
    {0, "5.3.4", MAIL, LS_REASON_SIZE_REFUSED},
    {0, "5.2.3", MAIL, LS_REASON_SIZE_REFUSED},
    {0, "4.2.2", RECIPIENT | CONTENT, LS_REASON_MAILBOX_FULL},
    {0, "5.2.2", RECIPIENT | CONTENT, LS_REASON_MAILBOX_FULL},
    {552, NULL, SENDER, LS_REASON_SIZE_REFUSED}, /* RFC 1870, 6.1 */
};

enum ls_reason ls_reason_of_reply(enum ls_reason otherwise, int code, const char *enhanced,
                                  struct ls_span text) {
  int of = asked(otherwise);
  bool mailbox = strcmp(enhanced, "4.2.2") == 0; /* "over its quota" is said of mailboxes too */
  enum ls_reason said = code / 100 == 4 && !mailbox ? said_in(text) : LS_REASON_NONE;
  if (said != LS_REASON_NONE)
    return said;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if ((!codes[i].code || codes[i].code == code) &&
        (!codes[i].enhanced || strcmp(codes[i].enhanced, enhanced) == 0) &&
        (codes[i].of == ALL || codes[i].of & of))
      return codes[i].reason;
  return otherwise;
}
