/* SPDX-License-Identifier: MIT */
#include "reason.h"

#define X(name, word, text) [LS_REASON_##name] = word,
static const char *const reasons[LS_REASON_COUNT] = {
#include "reason.def"
};
#undef X

const char *ls_reason_word(enum ls_reason reason) {
  return reasons[reason];
}

/* Codes that say so by themselves: SES and others answer 454 ("Throttling failure"), also to logins (Gmail:
 * "Too many login attempts"), Gmail 450 4.2.1 for a mailbox and 4.7.28 for an address. To STARTTLS 454 means
 * something else (RFC 3207). code 0: any. */
static const struct {
  int code;
  const char *enhanced; /* NULL: any */
} codes[] = {{454, NULL}, {450, "4.2.1"}, {0, "4.7.28"}};

/* The words of the others, behind any 4xx. */
static const char *const words[] = {
    "throttl",
    "too many connections",
    "too many concurrent",
    "too many simultaneous",
    "too many login",
    "too many auth",
    "too many messages",
    "too many requests",
    "too many emails",
    "too many mails",
    "slow down",
    "too fast",
    "too quickly",
    "rate",
    "ratelimit",
};

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* As a word of its own, but for its ending: "rate" is in "generate", and "throttl" begins "throttled". */
static bool has_word(struct ls_span text, const char *word) {
  size_t n = strlen(word);
  bool whole = strcmp(word, "rate") == 0;
  for (size_t i = 0; i + n <= text.n; i++)
    if (ls_span_ieq(ls_span_sub(text, i, i + n), ls_span(word, n)) && (i == 0 || !is_letter(text.p[i - 1])) &&
        !(whole && i + n < text.n && is_letter(text.p[i + n])))
      return true;
  return false;
}

static bool is_throttled(int code, const char *enhanced, struct ls_span text) {
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if ((!codes[i].code || codes[i].code == code) &&
        (!codes[i].enhanced || strcmp(codes[i].enhanced, enhanced) == 0))
      return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (has_word(text, words[i]))
      return true;
  return false;
}

enum ls_reason ls_reason_of_reply(const char *command, int code, const char *enhanced, struct ls_span text) {
  bool of_tls = command && strcmp(command, "STARTTLS") == 0;
  if (code / 100 == 4 && !of_tls && is_throttled(code, enhanced ? enhanced : "", text))
    return LS_REASON_THROTTLED;
  return LS_REASON_NONE;
}
