/* SPDX-License-Identifier: MIT */
#include "visible.h"

#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"

/* General_Category Cc, and what Unicode has readers ignore or reorder by (Default_Ignorable_Code_Point and
 * Bidi_Control), without the variation selectors, which choose between two looks of an emoji. In order. */
static const struct {
  int32_t first, last;
} hidden[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180e, 0x180e},   {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_hidden(int32_t c) {
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden && c >= hidden[i].first; i++)
    if (c <= hidden[i].last)
      return true;
  return false;
}

static bool is_plain(char c) {
  return c >= ' ' && c <= '~';
}

static void show(struct ls_buf *out, struct ls_span sequence, int32_t c) {
  char text[16];
  if (c == LS_UTF8_INVALID || c < 0x80) {
    for (size_t i = 0; i < sequence.n; i++) {
      snprintf(text, sizeof text, "\\x%02X", (unsigned)(unsigned char)sequence.p[i]);
      ls_buf_adds(out, text);
    }
    return;
  }
  snprintf(text, sizeof text, c > 0xffff ? "\\u{%lX}" : "\\u%04lX", (unsigned long)c);
  ls_buf_adds(out, text);
}

void ls_visible_add(struct ls_buf *out, struct ls_span text, enum ls_visible_form form) {
  size_t at = 0;
  while (at < text.n) {
    size_t run = at;
    while (run < text.n && is_plain(text.p[run]))
      run++;
    ls_buf_add(out, ls_span_sub(text, at, run));
    at = run;
    if (at == text.n)
      return;
    int32_t c;
    size_t n = ls_utf8_decode(text, at, &c);
    bool ends_line = c == '\r' && at + 1 < text.n && text.p[at + 1] == '\n';
    if (c == '\n' || c == '\t')
      ls_buf_addc(out, form == LS_VISIBLE_LINE ? ' ' : (char)c);
    else if (c == LS_UTF8_INVALID || (is_hidden(c) && !ends_line))
      show(out, ls_span(text.p + at, n), c);
    else if (!ends_line)
      ls_buf_add(out, ls_span(text.p + at, n));
    at += n;
  }
}

char *ls_visible_copy(struct ls_span text) {
  struct ls_buf out;
  ls_buf_init(&out, SIZE_MAX);
  ls_visible_add(&out, text, LS_VISIBLE_LINES);
  char *p = ls_buf_take(&out, NULL);
  ls_buf_deinit(&out);
  return p;
}
