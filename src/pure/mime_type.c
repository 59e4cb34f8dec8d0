/* SPDX-License-Identifier: MIT */
#include "mime.h"

struct row {
  const char *ending;
  const char *type;
};

/* By ending; where a type has several, the first row with it names its usual ending. */
static const struct row rows[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eml", "message/rfc822"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"heic", "image/heic"},
    {"html", "text/html"},
    {"htm", "text/html"},
    {"ico", "image/x-icon"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"log", "text/plain"},
    {"md", "text/markdown"},
    {"mid", "audio/midi"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"},
    {"p7s", "application/pkcs7-signature"},
    {"pdf", "application/pdf"},
    {"pem", "application/x-pem-file"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"txt", "text/plain"},
    {"vcf", "text/vcard"},
    {"wav", "audio/x-wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

struct ls_span ls_mime_type_of(struct ls_span filename) {
  size_t dot = filename.n;
  while (dot && filename.p[dot - 1] != '.')
    dot--;
  struct ls_span ending = ls_span_sub(filename, dot, filename.n);
  for (size_t i = 0; dot && i < ROWS; i++)
    if (ls_span_ieq(ending, ls_span_cstr(rows[i].ending)))
      return ls_span_cstr(rows[i].type);
  return LS_SPAN("application/octet-stream");
}

struct ls_span ls_mime_ending_of(struct ls_span type) {
  if (ls_span_ieq(type, LS_SPAN("text/plain")))
    return LS_SPAN("txt");
  for (size_t i = 0; i < ROWS; i++)
    if (ls_span_ieq(type, ls_span_cstr(rows[i].type)))
      return ls_span_cstr(rows[i].ending);
  return LS_SPAN("bin");
}

static bool is_token_char(char c) {
  return c > ' ' && c < 0x7f && !memchr("()<>@,;:\\\"/[]?=", c, 15);
}

bool ls_mime_is_token(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (!is_token_char(s.p[i]))
      return false;
  return s.n > 0;
}

static size_t skip_space(struct ls_span s, size_t at) {
  while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t' || s.p[at] == '\r' || s.p[at] == '\n'))
    at++;
  return at;
}

static size_t skip_token(struct ls_span s, size_t at) {
  while (at < s.n && is_token_char(s.p[at]))
    at++;
  return at;
}

static struct ls_span lowered(struct ls_span s, struct ls_arena *a) {
  s = ls_arena_copy(a, s);
  for (size_t i = 0; s.p && i < s.n; i++)
    ((char *)s.p)[i] = ls_ascii_lower(s.p[i]);
  return s;
}

/* A quoted string from the '"' at *at on; *at moves behind it. p is NULL: no memory. */
static struct ls_span read_quoted(struct ls_span s, size_t *at, struct ls_arena *a) {
  char *to = ls_arena_alloc(a, s.n - *at);
  size_t n = 0;
  size_t i = *at + 1;
  for (; to && i < s.n && s.p[i] != '"'; i++) {
    if (s.p[i] == '\\' && i + 1 < s.n)
      i++;
    to[n++] = s.p[i];
  }
  *at = i < s.n ? i + 1 : i;
  return ls_span(to, n);
}

/* One "; name=value" from at on. *at moves behind it. */
static enum ls_status read_param(struct ls_span s, size_t *at, struct ls_arena *a, struct ls_mime_pair *out) {
  size_t from = skip_space(s, *at);
  size_t to = skip_token(s, from);
  if (to == from || to == s.n || s.p[to] != '=')
    return LS_EMESSAGE;
  out->name = lowered(ls_span_sub(s, from, to), a);
  from = to + 1;
  if (from < s.n && s.p[from] == '"') {
    to = from;
    out->value = read_quoted(s, &to, a);
  } else {
    to = skip_token(s, from);
    if (to == from)
      return LS_EMESSAGE;
    out->value = ls_span_sub(s, from, to);
  }
  *at = to;
  return out->name.p && out->value.p ? LS_OK : LS_ENOMEM;
}

enum ls_status ls_mime_read_type(struct ls_span text, struct ls_arena *a, struct ls_mime_part *part) {
  size_t from = skip_space(text, 0);
  size_t slash = skip_token(text, from);
  size_t at = slash < text.n && text.p[slash] == '/' ? skip_token(text, slash + 1) : slash;
  if (slash == from || at <= slash + 1)
    return LS_EMESSAGE;
  part->type = lowered(ls_span_sub(text, from, at), a);
  size_t most = 0;
  for (size_t i = at; i < text.n; i++)
    most += text.p[i] == ';';
  part->params = ls_arena_array(a, most, sizeof *part->params);
  part->param_count = 0;
  if (!part->type.p || !part->params)
    return LS_ENOMEM;
  for (at = skip_space(text, at); at < text.n; at = skip_space(text, at)) {
    if (text.p[at++] != ';')
      return LS_EMESSAGE;
    if (skip_space(text, at) == text.n)
      break;
    struct ls_mime_pair pair;
    enum ls_status status = read_param(text, &at, a, &pair);
    if (status != LS_OK)
      return status;
    if (!ls_span_eq(pair.name, LS_SPAN("boundary")))
      part->params[part->param_count++] = pair;
  }
  return LS_OK;
}
