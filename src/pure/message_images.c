/* SPDX-License-Identifier: MIT
 * Images that stand in the html as data URLs (RFC 2397), to parts that the html names by "cid:" (RFC 2392):
 * many readers show no data URL. */
#include "message_state.h"

enum { IMAGES_MAX = 1000 };

static bool is_html_space(char c) {
  return ls_ascii_is_space(c) || c == '\f';
}

static size_t past_space(struct ls_span s, size_t at) {
  while (at < s.n && is_html_space(s.p[at]))
    at++;
  return at;
}

/* A value from *at on: between quotes (nothing when they do not end), or up to a space or '>'. *at moves
 * behind it. */
static struct ls_span read_value(struct ls_span html, size_t *at) {
  size_t from = *at;
  char quote = from < html.n ? html.p[from] : '\0';
  if (quote == '"' || quote == '\'') {
    struct ls_span rest = ls_span(html.p + from + 1, html.n - from - 1);
    size_t n = ls_span_index(rest, quote);
    *at = from + 1 + n + (n < rest.n);
    return ls_span(rest.p, n < rest.n ? n : 0);
  }
  while (*at < html.n && !is_html_space(html.p[*at]) && html.p[*at] != '>')
    ++*at;
  return ls_span(html.p + from, *at - from);
}

/* The next attribute of a tag, *at moving behind it; false at the tag's end. */
static bool next_attribute(struct ls_span html, size_t *at, struct ls_span *name, struct ls_span *value) {
  size_t from = *at;
  while (from < html.n && (is_html_space(html.p[from]) || html.p[from] == '/'))
    from++;
  *at = from;
  if (from == html.n || html.p[from] == '>')
    return false;
  do
    ++*at;
  while (*at < html.n && !is_html_space(html.p[*at]) && !memchr("/>=", html.p[*at], 3));
  *name = ls_span(html.p + from, *at - from);
  *value = ls_span(NULL, 0);
  size_t equals = past_space(html, *at);
  if (equals < html.n && html.p[equals] == '=') {
    *at = past_space(html, equals + 1);
    *value = read_value(html, at);
  }
  return true;
}

/* The src of the next <img> from *at on, *at moving behind its tag; p is NULL: no further one. */
static struct ls_span next_source(struct ls_span html, size_t *at) {
  struct ls_span found = {0};
  while (!found.p && *at < html.n) {
    *at += ls_span_index(ls_span(html.p + *at, html.n - *at), '<');
    bool is_image = html.n - *at > 4 && ls_span_ieq(ls_span(html.p + *at, 4), LS_SPAN("<img")) &&
                    (is_html_space(html.p[*at + 4]) || html.p[*at + 4] == '/');
    if (!is_image) {
      *at += *at < html.n;
      continue;
    }
    struct ls_span name;
    struct ls_span value;
    for (*at += 4; next_attribute(html, at, &name, &value);)
      if (!found.p && value.n && ls_span_ieq(name, LS_SPAN("src")))
        found = value;
  }
  return found;
}

/* The octets that stand behind the comma. *out.p is NULL: this is no base64. */
static enum ls_status decode(struct ls_span data, bool is_base64, struct ls_arena *a, struct ls_span *out) {
  char *octets = ls_arena_alloc(a, data.n + 3);
  size_t n = 0;
  if (!octets)
    return LS_ENOMEM;
  for (size_t i = 0; i < data.n; i++) {
    bool coded = data.p[i] == '%' && i + 2 < data.n && ls_ascii_hex_value(data.p[i + 1]) >= 0 &&
                 ls_ascii_hex_value(data.p[i + 2]) >= 0;
    octets[n++] = coded ? (char)(ls_ascii_hex_value(data.p[i + 1]) * 16 + ls_ascii_hex_value(data.p[i + 2]))
                        : data.p[i];
    i += coded ? 2 : 0;
  }
  *out = ls_span(octets, n);
  if (is_base64 && !ls_codec_unbase64(*out, octets, &out->n)) /* never ahead of what it reads */
    *out = ls_span(NULL, 0);
  return LS_OK;
}

/* FNV-1a: the same image gets the same id, and the mail the same octets. */
static void add_hash(struct ls_buf *out, struct ls_span octets) {
  unsigned long long hash = 0xcbf29ce484222325ULL;
  for (size_t i = 0; i < octets.n; i++)
    hash = (hash ^ (unsigned char)octets.p[i]) * 0x100000001b3ULL;
  for (int shift = 60; shift >= 0; shift -= 4)
    ls_buf_addc(out, ls_ascii_lower(ls_ascii_hex((unsigned)(hash >> shift))));
}

static enum ls_status name_image(struct ls_message_reader *r, size_t number, struct ls_mime_part *part) {
  struct ls_buf name;
  struct ls_buf id;
  ls_buf_init(&name, 256);
  ls_buf_init(&id, 256);
  ls_buf_adds(&name, "image-");
  ls_buf_addu(&name, number);
  ls_buf_addc(&name, '.');
  ls_buf_add(&name, ls_mime_ending_of(part->type));
  add_hash(&id, part->content);
  ls_buf_addc(&id, '-');
  ls_buf_addu(&id, number);
  ls_buf_adds(&id, "@localhost");
  enum ls_status named = ls_message_keep(r, &name, &part->filename);
  enum ls_status identified = ls_message_keep(r, &id, &part->id);
  return named != LS_OK ? named : identified;
}

/* A part for the image behind url; *out is NULL when that is no data URL, or none that can be read: then it
 * stays where it is. */
static enum ls_status read_image(struct ls_message_reader *r, struct ls_span url, size_t number,
                                 struct ls_mime_part **out) {
  *out = NULL;
  url = ls_span_sub(url, past_space(url, 0), url.n);
  size_t comma = ls_span_index(url, ',');
  if (comma == url.n || !ls_span_ieq(ls_span_sub(url, 0, 5), LS_SPAN("data:")))
    return LS_OK;
  struct ls_span type = ls_span_sub(url, 5, comma);
  size_t base64 = sizeof ";base64" - 1;
  bool is_base64 =
      type.n >= base64 && ls_span_ieq(ls_span_sub(type, type.n - base64, type.n), LS_SPAN(";base64"));
  struct ls_mime_part *part = ls_arena_alloc(r->a, sizeof *part);
  if (!part)
    return LS_ENOMEM;
  enum ls_status status =
      ls_mime_read_type(ls_span_sub(type, 0, type.n - (is_base64 ? base64 : 0)), r->a, part);
  if (status == LS_EMESSAGE || (status == LS_OK && !ls_span_starts(part->type, LS_SPAN("image/"))))
    return LS_OK;
  if (status == LS_OK)
    status = decode(ls_span_sub(url, comma + 1, url.n), is_base64, r->a, &part->content);
  if (status != LS_OK || !part->content.n)
    return status;
  part->disposition = LS_SPAN("inline");
  part->encoding = LS_MIME_BASE64;
  part->encoding_early = true;
  status = name_image(r, number, part);
  *out = part;
  return status == LS_OK ? ls_mime_settle(part, r->a) : status;
}

enum ls_status ls_message_read_images(struct ls_message_reader *r, struct ls_span *html,
                                      struct ls_mime_part **images) {
  struct ls_buf text;
  struct ls_mime_part **last = images;
  size_t at = 0;
  size_t copied = 0;
  size_t count = 0;
  enum ls_status status = LS_OK;
  ls_buf_init(&text, LS_MESSAGE_MAX);
  for (struct ls_span url; status == LS_OK && (url = next_source(*html, &at)).p;) {
    struct ls_mime_part *part;
    status = read_image(r, url, count + 1, &part);
    if (status != LS_OK || !part)
      continue;
    if (++count > IMAGES_MAX)
      status = ls_error_set(r->err, LS_EMESSAGE, "API",
                            "html has over %d images as data URLs; put fewer into one mail", IMAGES_MAX);
    size_t from = (size_t)(url.p - html->p);
    ls_buf_add(&text, ls_span_sub(*html, copied, from));
    ls_buf_adds(&text, "cid:");
    ls_buf_add(&text, part->id);
    copied = from + url.n;
    *last = part;
    last = &part->next;
  }
  ls_buf_add(&text, ls_span_sub(*html, copied, html->n));
  struct ls_span changed = *html;
  enum ls_status kept = count ? ls_message_keep(r, &text, &changed) : LS_OK;
  ls_buf_deinit(&text);
  *html = changed;
  return status != LS_OK ? status : kept;
}
