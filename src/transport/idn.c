/* SPDX-License-Identifier: MIT */
#include "idn.h"

#include <idn2.h>

#include "../pure/utf8.h"

enum { MAX_LABEL = 63, MAX_DOMAIN = 4096, FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL };

/* One label on its way; text has a NUL behind it. */
struct label {
  struct ls_span text;
  const char *fault; /* why no domain name can have it; NULL: none */
};

/* Symbols that registries sell and that have no case and no mapping: arrows to miscellaneous symbols, the
 * pictograph blocks, and a few strays. Enclosed letters and digits are left out: those stand for others. */
static bool is_emoji(int32_t c) {
  return (c >= 0x2190 && c <= 0x243f) || (c >= 0x2500 && c <= 0x2bff) || (c >= 0x1f000 && c <= 0x1f0ff) ||
         (c >= 0x1f1e6 && c <= 0x1f1ff) || (c >= 0x1f300 && c <= 0x1faff) || c == 0xa9 || c == 0xae ||
         c == 0x203c || c == 0x2049 || c == 0x3030 || c == 0x303d;
}

/* What UTS #46 lets through and no label can have: "a/c" comes out of U+2100, two dots out of U+2025. */
static bool is_host_text(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (!ls_ascii_is_alnum(c) && c != '-' && c != '_')
      return false;
  }
  return s.n > 0;
}

static enum ls_status lower(struct ls_span s, struct ls_buf *out) {
  for (size_t i = 0; i < s.n; i++)
    ls_buf_addc(out, ls_ascii_lower(s.p[i]));
  return out->status;
}

/* Copies what libidn2 allocated; LS_AGAIN when it did not like the text. */
static enum ls_status hand_over(int rc, char *from, struct ls_arena *a, struct ls_span *out) {
  if (rc == IDN2_MALLOC)
    return LS_ENOMEM;
  if (rc != IDN2_OK)
    return LS_AGAIN;
  *out = ls_arena_copy(a, ls_span_cstr(from));
  idn2_free(from);
  return out->p ? LS_OK : LS_ENOMEM;
}

static enum ls_status idna_ascii(struct label *l, struct ls_arena *a, struct ls_span *out) {
  char *ascii = NULL;
  int rc = idn2_to_ascii_8z(l->text.p, &ascii, FLAGS);
  if (rc != IDN2_OK)
    l->fault = idn2_strerror(rc);
  enum ls_status status = hand_over(rc, ascii, a, out);
  if (status == LS_OK && !is_host_text(*out)) {
    l->fault = "it stands for characters that no host name has";
    return LS_AGAIN;
  }
  return status;
}

static enum ls_status idna_unicode(const char *ascii, struct ls_arena *a, struct ls_span *out) {
  char *text = NULL;
  int rc = idn2_to_unicode_8z8z(ascii, &text, 0);
  return hand_over(rc, text, a, out);
}

static uint32_t adapt(uint32_t delta, uint32_t points, bool first) {
  uint32_t k = 0;
  delta = first ? delta / 700 : delta / 2;
  for (delta += delta / points; delta > 455; k += 36)
    delta /= 35;
  return k + 36 * delta / (delta + 38);
}

static void put_number(struct ls_buf *out, uint32_t q, uint32_t bias) {
  for (uint32_t k = 36;; k += 36) {
    uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
    uint32_t digit = q < t ? q : t + (q - t) % (36 - t);
    ls_buf_addc(out, (char)(digit < 26 ? 'a' + digit : '0' + digit - 26));
    if (q < t)
      return;
    q = (q - t) / (36 - t);
  }
}

/* RFC 3492 6.3 over at most MAX_LABEL code points, so that no number can overflow. */
static void punycode(struct ls_buf *out, const int32_t *points, size_t count) {
  uint32_t delta = 0, bias = 72, handled = 0;
  for (size_t i = 0; i < count; i++)
    if (points[i] < 0x80) {
      ls_buf_addc(out, (char)points[i]);
      handled++;
    }
  uint32_t basic = handled;
  if (basic)
    ls_buf_addc(out, '-');
  for (int32_t n = 0x80; handled < count; n++, delta++) {
    int32_t next = INT32_MAX;
    for (size_t i = 0; i < count; i++)
      if (points[i] >= n && points[i] < next)
        next = points[i];
    delta += (uint32_t)(next - n) * (handled + 1);
    n = next;
    for (size_t i = 0; i < count; i++) {
      delta += points[i] < n;
      if (points[i] == n) {
        put_number(out, delta, bias);
        bias = adapt(delta, handled + 1, handled == basic);
        delta = 0;
        handled++;
      }
    }
  }
}

/* The label split into code points (variation selectors dropped, ASCII lower-cased) and, in rest, those that
 * are no emoji. false: too long, or without any emoji. */
static bool take_apart(struct ls_span text, int32_t points[MAX_LABEL], size_t *count, struct ls_buf *rest) {
  bool emoji = false;
  *count = 0;
  for (size_t at = 0; at < text.n;) {
    char form[LS_UTF8_MAX];
    int32_t c = ls_utf8_next(text, &at);
    bool joins = c == 0x200d && *count && is_emoji(points[*count - 1]);
    if (c == 0xfe0f)
      continue;
    if (*count == MAX_LABEL)
      return false;
    if (c < 0x80)
      c = ls_ascii_lower((char)c);
    points[(*count)++] = c;
    emoji = emoji || is_emoji(c);
    if (!is_emoji(c) && !joins)
      ls_buf_add(rest, ls_span(form, ls_utf8_encode(c, form)));
  }
  return emoji;
}

/* LS_OK when the rest of an emoji label needs no mapping: then its code points may be used as they are. */
static enum ls_status check_rest(struct ls_span rest, struct ls_arena *a) {
  if (rest.n == 0)
    return LS_OK;
  if (ls_span_is_ascii(rest))
    return is_host_text(rest) ? LS_OK : LS_AGAIN;
  struct label l = {.text = ls_arena_copy(a, rest)};
  struct ls_span ascii = {0}, again = {0};
  if (!l.text.p)
    return LS_ENOMEM;
  enum ls_status status = idna_ascii(&l, a, &ascii);
  if (status == LS_OK)
    status = idna_unicode(ascii.p, a, &again);
  return status == LS_OK && !ls_span_eq(rest, again) ? LS_AGAIN : status;
}

static enum ls_status emoji_ascii(struct label *l, struct ls_arena *a, struct ls_span *out) {
  int32_t points[MAX_LABEL];
  size_t count;
  struct ls_buf text;
  ls_buf_init(&text, MAX_DOMAIN);
  enum ls_status status = LS_AGAIN;
  if (take_apart(l->text, points, &count, &text) && text.status == LS_OK)
    status = check_rest(ls_buf_span(&text), a);
  if (status == LS_OK) {
    ls_buf_cut(&text, 0);
    ls_buf_adds(&text, "xn--");
    punycode(&text, points, count);
    if (text.n > MAX_LABEL) {
      l->fault = "it is longer than 63 octets";
      status = LS_AGAIN;
    }
  }
  if (text.status != LS_OK)
    status = text.status == LS_ENOMEM ? LS_ENOMEM : LS_AGAIN;
  if (status == LS_OK) {
    *out = ls_arena_copy(a, ls_buf_span(&text));
    status = out->p ? LS_OK : LS_ENOMEM;
  }
  ls_buf_deinit(&text);
  return status;
}

/* LS_OK, LS_ENOMEM, or LS_AGAIN with l->fault. */
static enum ls_status label_ascii(struct label *l, struct ls_arena *a, struct ls_buf *out) {
  if (ls_span_is_ascii(l->text))
    return lower(l->text, out);
  struct ls_span ascii;
  enum ls_status status = idna_ascii(l, a, &ascii);
  if (status == LS_AGAIN)
    status = emoji_ascii(l, a, &ascii);
  if (status == LS_OK)
    ls_buf_add(out, ascii);
  return status == LS_OK ? out->status : status;
}

/* As label_ascii. A Unicode form is taken only when it leads back to the same A-label: nothing that a
 * made-up "xn--" hides gets out. */
static enum ls_status label_unicode(struct label *l, struct ls_arena *a, struct ls_buf *out) {
  size_t start = out->n;
  enum ls_status status = label_ascii(l, a, out);
  if (status != LS_OK)
    return status;
  struct ls_span ascii = ls_arena_copy(a, ls_span_sub(ls_buf_span(out), start, out->n));
  if (!ascii.p)
    return LS_ENOMEM;
  if (!ls_span_starts(ascii, LS_SPAN("xn--")) && ls_span_is_ascii(l->text))
    return LS_OK;
  struct label back = {0};
  struct ls_buf again;
  ls_buf_init(&again, MAX_DOMAIN);
  status = idna_unicode(ascii.p, a, &back.text);
  if (status == LS_OK)
    status = label_ascii(&back, a, &again);
  if (status == LS_OK && ls_span_eq(ls_buf_span(&again), ascii)) {
    ls_buf_cut(out, start);
    ls_buf_add(out, back.text);
  }
  ls_buf_deinit(&again);
  return status == LS_ENOMEM ? status : out->status;
}

/* Octets of the dot at s.p[at] (the full stops of UTS #46 too), or 0. */
static size_t dot_at(struct ls_span s, size_t at) {
  int32_t c;
  size_t n = ls_utf8_decode(s, at, &c);
  return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61 ? n : 0;
}

static enum ls_status convert(struct ls_span domain, bool to_ascii, struct ls_arena *a, struct ls_buf *out,
                              struct label *l) {
  for (size_t from = 0; from <= domain.n;) {
    size_t to = from;
    if (from && from == domain.n) { /* the dot of the root is no part of an address (RFC 5321 4.1.2) */
      ls_buf_cut(out, out->n - 1);
      return out->status;
    }
    while (to < domain.n && !dot_at(domain, to))
      to += ls_utf8_decode(domain, to, NULL);
    l->text = ls_arena_copy(a, ls_span_sub(domain, from, to));
    if (!l->text.p)
      return LS_ENOMEM;
    if (memchr(l->text.p, '\0', l->text.n)) {
      l->fault = "it has a NUL";
      return LS_AGAIN;
    }
    enum ls_status status = to_ascii ? label_ascii(l, a, out) : label_unicode(l, a, out);
    if (status != LS_OK)
      return status;
    if (to == domain.n)
      return LS_OK;
    ls_buf_addc(out, '.');
    from = to + dot_at(domain, to);
  }
  return LS_OK;
}

static enum ls_status convert_one(struct ls_mailbox *m, struct ls_arena *a, struct ls_error *err) {
  struct ls_buf out;
  struct label l = {0};
  if (m->domain.n == 0 || m->domain.p[0] == '[')
    return LS_OK;
  ls_buf_init(&out, SIZE_MAX);
  enum ls_status status = LS_AGAIN;
  if (m->domain.n > MAX_DOMAIN)
    l.fault = "it is longer than any domain name can be";
  else
    status = convert(m->domain, ls_span_is_ascii(m->local), a, &out, &l);
  if (status == LS_OK) {
    m->domain = ls_arena_copy(a, ls_buf_span(&out));
    status = m->domain.p ? LS_OK : LS_ENOMEM;
  } else if (status == LS_AGAIN) {
    struct ls_span shown = ls_utf8_cut(l.text, 100);
    status =
        ls_error_set(err, LS_EENVELOPE, "API", "no domain name can be made of an address: label \"%.*s\": %s",
                     (int)shown.n, shown.n ? shown.p : "", l.fault ? l.fault : "it is not valid");
  }
  ls_buf_deinit(&out);
  return status;
}

enum ls_status ls_idn_domain(struct ls_mailbox *m, struct ls_arena *a, struct ls_error *err) {
  for (size_t i = 0; m->is_group && i < m->count; i++) {
    enum ls_status status = convert_one(&m->members[i], a, err);
    if (status != LS_OK)
      return status;
  }
  return m->is_group ? LS_OK : convert_one(m, a, err);
}
