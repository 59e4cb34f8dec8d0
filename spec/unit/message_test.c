/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/pure/message.h"

enum { CEILING = 8 << 20 };

#define TEN(s) s s s s s s s s s s

/* The mails of these tests are written as JSON, small enough to be read by hand; \u is not needed. */
static const char *past_space(const char *p) {
  while (*p == ' ' || *p == '\n' || *p == ',' || *p == ':')
    p++;
  return p;
}

static const char *read_string(struct ls_arena *a, const char *p, struct ls_span *out) {
  char *to = ls_arena_alloc(a, strlen(p));
  size_t n = 0;
  if (!to)
    return NULL;
  for (p++; *p != '"'; p++) {
    if (*p == '\\')
      p++;
    else {
      to[n++] = *p;
      continue;
    }
    to[n++] = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p == 't' ? '\t' : *p == '0' ? '\0' : *p;
  }
  *out = ls_span(to, n);
  return p + 1;
}

static const char *read_json(struct ls_arena *a, const char *p, struct ls_value *out);

static const char *read_members(struct ls_arena *a, const char *p, struct ls_value *out) {
  char end = *p == '{' ? '}' : ']';
  out->kind = *p == '{' ? LS_VALUE_OBJECT : LS_VALUE_ARRAY;
  for (p = past_space(p + 1); p && *p != end; p = p ? past_space(p) : NULL) {
    struct ls_span name;
    struct ls_value *v = ls_value_new(a, LS_VALUE_UNDEFINED);
    if (end == '}')
      p = read_string(a, p, &name);
    p = p && v ? read_json(a, past_space(p), v) : NULL;
    if (!p || !(end == '}' ? ls_value_set(a, out, name, v) : ls_value_push(a, out, v)))
      return NULL;
  }
  if (p && !out->as.object.count && !out->as.array.count)
    out->kind = LS_VALUE_EMPTY;
  return p ? p + 1 : NULL;
}

static const char *read_json(struct ls_arena *a, const char *p, struct ls_value *out) {
  *out = (struct ls_value){0};
  if (*p == '{' || *p == '[')
    return read_members(a, p, out);
  if (*p == '"') {
    out->kind = LS_VALUE_STRING;
    return read_string(a, p, &out->as.string);
  }
  if (*p == 't' || *p == 'f') {
    out->kind = LS_VALUE_BOOLEAN;
    out->as.boolean = *p == 't';
    return p + (*p == 't' ? 4 : 5);
  }
  if (*p == 'n') {
    out->kind = LS_VALUE_NULL;
    return p + 4;
  }
  char *end;
  out->kind = LS_VALUE_NUMBER;
  out->as.number = strtod(p, &end);
  return end;
}

struct mail {
  struct ls_arena arena;
  struct ls_message *message;
  struct ls_composed composed;
  struct ls_error error;
  enum ls_status status;
};

static void compose(struct mail *m, const char *json) {
  struct ls_message_context context = {1795442604, {0}};
  struct ls_value value;
  for (unsigned char i = 0; i < 32; i++)
    context.random[i] = i;
  *m = (struct mail){0};
  ls_arena_init(&m->arena, CEILING);
  m->status = read_json(&m->arena, json, &value) ? LS_OK : LS_ENOMEM;
  if (m->status == LS_OK)
    m->status = ls_message_read(&value, &m->arena, &m->message, &m->error);
  if (m->status == LS_OK)
    m->status = ls_message_write(m->message, &context, &m->arena, &m->composed, &m->error);
}

static void discard(struct mail *m) {
  ls_buf_deinit(&m->composed.content);
  ls_error_deinit(&m->error);
  ls_arena_deinit(&m->arena);
}

/* Where text is in the content, or NULL: strstr wants a NUL behind. */
static const char *find(struct ls_buf *content, const char *text) {
  char *end = ls_buf_room(content, 1);
  assert_non_null(end);
  *end = '\0';
  return strstr(content->p, text);
}

#define ID "Message-ID: <00010203-0405-0607-0809-0a0b0c0d0e0f@b.c>\r\n"
#define DATE "Date: Mon, 23 Nov 2026 14:03:24 +0000\r\nMIME-Version: 1.0\r\n"
#define PLAIN "Content-Transfer-Encoding: 7bit\r\n" DATE "Content-Type: text/plain; charset=utf-8\r\n\r\n"
#define B1 "=_101112131415161718191a1b.1"
#define B2 "=_101112131415161718191a1b.2"
#define B3 "=_101112131415161718191a1b.3"
#define MAIL(fields) "{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"text\":\"hi\"" fields "}"
#define FROM_TO "From: a@b.c\r\nTo: d@e.f\r\n"

struct row {
  const char *mail;
  const char *content;
};

static void check(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct mail m;
    compose(&m, rows[i].mail);
    if (m.status != LS_OK)
      fprintf(stderr, "%s: %s\n", rows[i].mail, ls_error_text(&m.error));
    assert_int_equal(m.status, LS_OK);
    assert_span_equal(ls_buf_span(&m.composed.content), ls_span_cstr(rows[i].content));
    discard(&m);
  }
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof(rows)[0])

static void test_message_writes_headers_in_the_original_order(void **state) {
  (void)state;
  static const struct row rows[] = {
      {MAIL(""), FROM_TO ID PLAIN "hi\r\n"},
      {"{\"subject\":\"s\",\"replyTo\":\"R <r@s.t>\",\"sender\":\"x@y.z\",\"cc\":\"c@d.e\",\"bcc\":\"h@i.j\","
       "\"inReplyTo\":\"1@2\",\"references\":[\"3@4\",\"<5@6>\"],\"priority\":\"high\",\"xMailer\":\"m\","
       "\"list\":{\"help\":\"h@e.f\"},\"headers\":{\"x-b\":\"2\",\"X-A\":[\"1\",\"\",\"3\"],\"x-n\":5},"
       "\"from\":\"A <a@b.c>\",\"to\":[\"d@e.f\",{\"name\":\"G, H\",\"address\":\"g@h.i\"}],\"text\":\"hi\"}",
       "X-A: 1\r\nX-A: 3\r\nX-B: 2\r\nX-N: 5\r\nFrom: A <a@b.c>\r\nSender: x@y.z\r\n"
       "To: d@e.f, \"G, H\" <g@h.i>\r\nCc: c@d.e\r\nReply-To: R <r@s.t>\r\nIn-Reply-To: <1@2>\r\n"
       "References: <3@4> <5@6>\r\nSubject: s\r\n" ID "X-Mailer: m\r\nX-Priority: 1 (Highest)\r\n"
       "X-Msmail-Priority: High\r\nImportance: High\r\nList-Help: <mailto:h@e.f>\r\n" PLAIN "hi\r\n"},
      {MAIL(",\"headers\":{\"to\":\"x@y.z\",\"from\":[\"q\",\"r\"],\"subject\":\"mine\",\"message-id\":\"m@"
            "n\"}"),
       "From: a@b.c\r\nMessage-ID: <m@n>\r\nSubject: mine\r\nTo: d@e.f\r\n" PLAIN "hi\r\n"},
      {"{\"headers\":{\"To\":[\"d@e.f\",\"G <g@h.i>\"],\"FROM\":\"a@b.c\","
       "\"references\":[\"1@a\",\"<2@a>,3@a\"],"
       "\"in-reply-to\":\"4@a\",\"List-Help\":[\"<u>\",\"\",\"<v>\"],\"Subject\":[\" \",\"x\",\"y\"],"
       "\"date\":"
       "\"2026-11-23T14:03:24Z\"},\"text\":\"hi\"}",
       "Date: Mon, 23 Nov 2026 14:03:24 +0000\r\nFrom: a@b.c\r\nIn-Reply-To: <4@a>\r\n"
       "List-Help: <u>, <v>\r\n"
       "References: <1@a> <2@a> <3@a>\r\nSubject: x\r\nTo: d@e.f, G <g@h.i>\r\n" ID
       "Content-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\n"
       "Content-Type: text/plain; charset=utf-8\r\n\r\nhi\r\n"},
      {"{\"from\":\"A <a@b.c>, x@y.z\",\"to\":\"d@e.f\",\"text\":\"hi\"}",
       "From: A <a@b.c>, x@y.z\r\nSender: A <a@b.c>\r\nTo: d@e.f\r\n" ID PLAIN "hi\r\n"},
      {"{\"from\":{\"name\":\"G\",\"group\":[\"a@b.c\"]},\"to\":\"d@e.f\",\"text\":\"hi\"}",
       "From: G:a@b.c;\r\nSender: a@b.c\r\nTo: d@e.f\r\n" ID PLAIN "hi\r\n"},
      {"{\"from\":\"a@b.c, x@y.z\",\"sender\":\"s@t.u\",\"to\":\"d@e.f\",\"text\":\"hi\"}",
       "From: a@b.c, x@y.z\r\nSender: s@t.u\r\nTo: d@e.f\r\n" ID PLAIN "hi\r\n"},
      {"{\"from\":\"a@b.c, x@y.z\",\"headers\":{\"SENDER\":\" \"},\"to\":\"d@e.f\",\"text\":\"hi\"}",
       "Sender: a@b.c\r\nFrom: a@b.c, x@y.z\r\nTo: d@e.f\r\n" ID PLAIN "hi\r\n"},
      {MAIL(",\"headers\":{\"List-ID\":[\" \",\"<a>\",\"<b>\"],\"list-unsubscribe-post\":\"x\","
            "\"List-Unsubscribe-Post\":\"y\",\"list-post\":[\"<u>\",\"<v>\"]}"),
       "List-ID: <a>\r\nList-Post: <u>, <v>\r\nList-Unsubscribe-Post: y\r\n" FROM_TO ID PLAIN "hi\r\n"},
      {MAIL(",\"textEncoding\":\"B\",\"subject\":\"abé~\",\"replyTo\":{\"name\":\"G\\nH\",\"group\":[\"x@y."
            "z\","
            "{\"name\":\"I\",\"group\":[\"u@v.w\"]}]}"),
       FROM_TO "Reply-To: G H:x@y.z, u@v.w;\r\nSubject: =?UTF-8?B?YWLDqX4=?=\r\n" ID PLAIN "hi\r\n"},
      {"{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"attachments\":[{\"content\":\"78\",\"encoding\":\"hex\","
       "\"filename\":"
       "\"a.bin\",\"headers\":{\"Bcc\":\"h@i.j\",\"Subject\":\"s\",\"X-A\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}}]"
       "}",
       "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n" FROM_TO ID
       "X-A: 1\r\nX-A: 2\r\nX-A: 3\r\nX-A: 4\r\nX-A: 5\r\n" DATE
       "Content-Type: application/octet-stream; name=a.bin\r\n\r\neA==\r\n"},
      {MAIL(",\"headers\":{\"key\":\"X-K\",\"value\":\"v\",\"other\":\"o\"}"),
       "X-K: v\r\n" FROM_TO ID PLAIN "hi\r\n"},
      {MAIL(",\"headers\":[{\"key\":\"z\",\"value\":\"1\"},{\"key\":\"a\",\"value\":[\"2\"]}]"),
       "Z: 1\r\nA: 2\r\n" FROM_TO ID PLAIN "hi\r\n"},
      {MAIL(",\"date\":\" \",\"messageId\":\" \""), FROM_TO ID PLAIN "hi\r\n"},
      {MAIL(",\"date\":0,\"messageId\":\"<i@j>\""), FROM_TO
       "Message-ID: <i@j>\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\nContent-Transfer-Encoding: 7bit\r\n"
       "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi\r\n"},
      {MAIL(",\"list\":{\"id\":{\"url\":\"l.x.y\",\"comment\":\"My List\"},\"unsubscribe\":[\"http://x.y/z\","
            "{\"url\":\"a b@c\\n>\",\"comment\":\"no) more\"},[\"ftp://x\",\"y.z\"]]}"),
       FROM_TO ID
       "List-ID: \"My List\" <l.x.y>\r\n"
       "List-Unsubscribe: <http://x.y/z>, <mailto:ab@c> (no\\) more), <ftp://x>,\r\n <http://y.z>\r\n" PLAIN
       "hi\r\n"},
  };
  CHECK(rows);
}

static void test_message_chooses_the_encoding_of_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *encoding;
    const char *body;
  } rows[] = {
      {"a\\nb", "7bit", "a\r\nb\r\n"},
      {"x\\r.\\ry\\r\\n", "7bit", "x\r\n.\r\ny\r\n"},
      {TEN("1234567") "123456", "7bit", TEN("1234567") "123456\r\n"},
      {TEN("1234567") "1234567", "base64",
       "MTIzNDU2NzEyMzQ1NjcxMjM0NTY3MTIzNDU2NzEyMzQ1NjcxMjM0NTY3MTIzNDU2NzEyMzQ1Njcx\r\n"
       "MjM0NTY3MTIzNDU2NzEyMzQ1Njc=\r\n"},
      {"é1", "base64", "w6kx\r\n"},
      {"éab", "quoted-printable", "=C3=A9ab\r\n"},
      {"\\0abc", "quoted-printable", "=00abc\r\n"},
      {"abc\xff", "quoted-printable", "abc=EF=BF=BD\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char json[300];
    char want[600];
    struct mail m;
    snprintf(json, sizeof json, "{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"html\":\"%s\"}", rows[i].text);
    snprintf(want, sizeof want,
             FROM_TO ID "Content-Transfer-Encoding: %s\r\n" DATE
                        "Content-Type: text/html; charset=utf-8\r\n\r\n%s",
             rows[i].encoding, rows[i].body);
    compose(&m, json);
    assert_int_equal(m.status, LS_OK);
    assert_span_equal(ls_buf_span(&m.composed.content), ls_span_cstr(want));
    assert_false(m.composed.envelope.body_8bit);
    assert_memory_equal(m.composed.content.p + m.composed.head_n - 2, "\r\n\r\n", 4);
    discard(&m);
  }
}

static void test_message_without_content_has_no_encoding_and_no_charset(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"html\":\"\"}",
       FROM_TO ID DATE "Content-Type: text/plain\r\n\r\n"},
      {"{\"from\":\"a@b.c\",\"to\":\"d@e.f\"}", FROM_TO ID DATE "Content-Type: text/plain\r\n\r\n"}};
  CHECK(rows);
}

static void test_message_builds_multiparts(void **state) {
  (void)state;
  static const struct row rows[] = {
      {MAIL(",\"html\":\"<b>\""), FROM_TO ID DATE
       "Content-Type: multipart/alternative;\r\n boundary=\"" B2 "\"\r\n\r\n--" B2
       "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
       "hi\r\n--" B2 "\r\nContent-Type: text/html; charset=utf-8\r\n"
       "Content-Transfer-Encoding: 7bit\r\n\r\n<b>\r\n--" B2 "--\r\n"},
      {MAIL(
           ",\"html\":\"<b>\",\"attachments\":[{\"filename\":\"ü.pdf\",\"content\":\"x\"},"
           "{\"cid\":\"<p@q>\",\"filename\":\"p.png\",\"content\":\"eA==\",\"encoding\":\"base64\","
           "\"headers\":{\"content-description\":\"A \\r\\nB\"}},{\"content\":\"From: é\\n\",\"contentType\":"
           "\"message/rfc822\"}]"),
       FROM_TO ID DATE
       "Content-Type: multipart/mixed; boundary=\"" B1 "\"\r\n\r\n--" B1
       "\r\nContent-Type: multipart/alternative;\r\n boundary=\"" B2 "\"\r\n\r\n--" B2
       "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
       "hi\r\n--" B2 "\r\nContent-Type: multipart/related; type=\"text/html\";\r\n boundary=\"" B3
       "\"\r\n\r\n--" B3 "\r\nContent-Type: text/html; charset=utf-8\r\n"
       "Content-Transfer-Encoding: 7bit\r\n\r\n<b>\r\n--" B3
       "\r\nContent-Type: image/png; name=p.png\r\nContent-Description: A  B\r\n"
       "Content-ID: <p@q>\r\nContent-Transfer-Encoding: base64\r\n"
       "Content-Disposition: inline; filename=p.png\r\n\r\neA==\r\n--" B3 "--\r\n\r\n--" B2 "--\r\n\r\n--" B1
       "\r\nContent-Type: application/pdf; name=\"=?UTF-8?Q?=C3=BC=2Epdf?=\"\r\n"
       "Content-Transfer-Encoding: base64\r\n"
       "Content-Disposition: attachment; filename*0*=utf-8''%C3%BC.pdf\r\n\r\neA==\r\n--" B1
       "\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"
       "Content-Disposition: inline\r\n\r\nFrom: é\r\n\r\n--" B1 "--\r\n"},
      {"{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"attachments\":[{\"content\":\"x\",\"contentType\":"
       "\"text/csv; charset=\\\"utf-8\\\"\"}]}",
       "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; "
       "filename=attachment-1.csv\r\n" FROM_TO ID DATE
       "Content-Type: text/csv; charset=utf-8; name=attachment-1.csv\r\n\r\neA==\r\n"},
  };
  CHECK(rows);
}

static void test_message_boundary_is_in_no_content(void **state) {
  (void)state;
  struct mail m;
  compose(&m, MAIL(",\"attachments\":[{\"contentType\":\"message/rfc822\",\"content\":\"--" B1 "\"}]"));
  assert_int_equal(m.status, LS_OK);
  const char *type = find(&m.composed.content, "boundary=\"=_111112131415161718191a1b.1\"");
  assert_non_null(type);
  discard(&m);
}

static void test_message_envelope_follows_the_addresses(void **state) {
  (void)state;
  static const struct {
    const char *mail;
    const char *from;
    const char *to; /* joined by ' ' */
    bool smtputf8;
  } rows[] = {
      {"{\"from\":\"A <a@b.c>, x@y.z\",\"to\":\"d@e.f, "
       "g@h.i\",\"cc\":\"d@e.f\",\"bcc\":[\"j@k.l\",\"g@h.i\"]}",
       "a@b.c", "d@e.f g@h.i j@k.l", false},
      {"{\"from\":\"a@b.c\",\"sender\":\"s@t.u\",\"replyTo\":\"r@s.t\",\"to\":[\"\",\"d@e.f\"]}", "a@b.c",
       "d@e.f", false},
      {"{\"from\":\"a@b.c\",\"to\":\"D\",\"envelope\":{\"from\":\"<>\",\"to\":\"d@e.f\"}}", "", "d@e.f",
       false},
      {"{\"from\":\"a@b.c\",\"to\":{\"address\":\"\\\"d e\\\"@e.f\"},\"cc\":\"d@[1.2.3.4]\"}", "a@b.c",
       "\"d e\"@e.f d@[1.2.3.4]", false},
      {"{\"from\":\"a@b.c\",\"to\":\"G: d@e.f, g@h.i;\"}", "a@b.c", "d@e.f g@h.i", false},
      {"{\"from\":\"a@b.c\",\"to\":\"\xc3\xb5@e.f\"}", "a@b.c", "\xc3\xb5@e.f", true},
      {"{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"replyTo\":\"\xc3\xb5@e.f\"}", "a@b.c", "d@e.f", true},
      {"{\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"envelope\":{\"from\":\"e@f.g\",\"to\":[\"h@i.j\",\"k@l.m\"],"
       "\"bcc\":\"h@i.j\"}}",
       "e@f.g", "h@i.j k@l.m", false},
      {"{\"from\":\"a@b.c\",\"envelope\":{\"to\":\"h@i.j\"}}", "", "h@i.j", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct mail m;
    compose(&m, rows[i].mail);
    assert_int_equal(m.status, LS_OK);
    const struct ls_envelope *e = &m.composed.envelope;
    struct ls_buf to;
    ls_buf_init(&to, 1000);
    for (size_t j = 0; j < e->count; j++) {
      ls_buf_adds(&to, j ? " " : "");
      ls_buf_add(&to, e->to[j].address);
    }
    assert_span_equal(e->from, ls_span_cstr(rows[i].from));
    assert_span_equal(ls_buf_span(&to), ls_span_cstr(rows[i].to));
    assert_int_equal(e->smtputf8, rows[i].smtputf8);
    assert_null(find(&m.composed.content, "Bcc"));
    ls_buf_deinit(&to);
    discard(&m);
  }
}

static void test_message_asks_for_notifications(void **state) {
  (void)state;
  struct mail m;
  compose(&m, MAIL(",\"dsn\":{\"id\":\"a+b c=\",\"return\":\"headers\",\"notify\":[\"success\",\"delay\"],"
                   "\"recipient\":\"o@p.q\"}"));
  assert_int_equal(m.status, LS_OK);
  assert_span_equal(m.composed.envelope.envid, LS_SPAN("a+2Bb+20c+3D"));
  assert_span_equal(m.composed.envelope.ret, LS_SPAN("HDRS"));
  assert_span_equal(m.composed.envelope.to[0].notify, LS_SPAN("SUCCESS,DELAY"));
  assert_span_equal(m.composed.envelope.to[0].orcpt, LS_SPAN("rfc822;o@p.q"));
  discard(&m);
}

/* RFC 3461 4, RFC 6533 3 */
static void test_message_encodes_the_original_recipient(void **state) {
  (void)state;
  static const struct {
    const char *given;
    const char *orcpt;
  } rows[] = {
      {"o+p=q r@s.t", "rfc822;o+2Bp+3Dq+20r@s.t"},
      {"RFC822;o@p.q", "RFC822;o@p.q"},
      {"x-own;a\xc3\xb5", "x-own;a+C3+B5"},
      {"\\\"o;p\\\"@q.r", "rfc822;\"o;p\"@q.r"},
      {"\xc3\xb5@b\xc3\xbc.c", "utf-8;\\x{F5}@b\\x{FC}.c"},
      {"rfc822;\xf0\x9f\x92\xa9+=\\\\ \xe6\x97\xa5@x.y",
       "utf-8;\\x{1F4A9}\\x{2B}\\x{3D}\\x{5C}\\x{20}\\x{65E5}@x.y"},
      {"UTF-8;a@b.c", "UTF-8;a@b.c"},
      {"a b;c", NULL},
      {";c", NULL},
      {"rfc822;", NULL},
      {"\xff@x.y", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct mail m;
    char json[200];
    snprintf(json, sizeof json, MAIL(",\"dsn\":{\"orcpt\":\"%s\"}"), rows[i].given);
    compose(&m, json);
    assert_int_equal(m.status, rows[i].orcpt ? LS_OK : LS_EENVELOPE);
    if (rows[i].orcpt)
      assert_span_equal(m.composed.envelope.to[0].orcpt, ls_span_cstr(rows[i].orcpt));
    discard(&m);
  }
}

static void test_message_offers_the_domains_that_need_idna(void **state) {
  (void)state;
  struct mail m;
  compose(&m,
          "{\"from\":\"a@B.c\",\"to\":\"d@b\xc3\xbc.c, G: e@f.g, \xc3\xb5@xn--b.c;, h@xn--b.c\",\"envelope\":"
          "{\"to\":\"i@\xc3\xbc.c\"}}");
  static const char *const domains[] = {"\xc3\xbc.c", "B.c", "b\xc3\xbc.c", "xn--b.c"};
  for (size_t i = 0; i < 4; i++) {
    assert_non_null(ls_message_idn(m.message, i));
    assert_span_equal(ls_message_idn(m.message, i)->domain, ls_span_cstr(domains[i]));
  }
  assert_null(ls_message_idn(m.message, 4));
  discard(&m);
}

static void test_message_writes_the_converted_domain_in_header_and_envelope(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_value value;
  struct ls_message *message;
  struct ls_composed composed = {0};
  struct ls_message_context context = {0};
  ls_arena_init(&a, CEILING);
  assert_non_null(read_json(&a, "{\"from\":\"a@b.c\",\"to\":\"d@b\xc3\xbc.c\"}", &value));
  assert_int_equal(ls_message_read(&value, &a, &message, NULL), LS_OK);
  ls_message_idn(message, 0)->domain = LS_SPAN("xn--b-wga.c");
  assert_int_equal(ls_message_write(message, &context, &a, &composed, NULL), LS_OK);
  assert_non_null(find(&composed.content, "To: d@xn--b-wga.c\r\n"));
  assert_span_equal(composed.envelope.to[0].address, LS_SPAN("d@xn--b-wga.c"));
  ls_buf_deinit(&composed.content);
  ls_arena_deinit(&a);
}

static void test_message_refuses_what_it_cannot_send_and_names_it(void **state) {
  (void)state;
  static const struct {
    const char *mail;
    enum ls_status status;
    const char *text; /* how the message starts */
  } rows[] = {
      {"{\"from\":\"a@b.c\"}", LS_EENVELOPE, "No recipients defined"},
      {"{\"from\":\"a@b.c\",\"to\":\"nobody\"}", LS_EENVELOPE, "No recipients defined"},
      {"{\"to\":\"a@b.c\",\"envelope\":{}}", LS_EENVELOPE, "No recipients defined"},
      {"{\"to\":\"nobody, a@b.c\"}", LS_EENVELOPE, "\"nobody\" among the recipients is no address"},
      {"{\"to\":\"a@b.c\"}", LS_EENVELOPE, "from must name a mailbox"},
      {"{\"to\":\"a@b.c\",\"from\":\"\",\"replyTo\":\"r@s.t\"}", LS_EENVELOPE, "from must name"},
      {"{\"to\":\"a@b.c\",\"from\":\"G:;\"}", LS_EENVELOPE, "from must name a mailbox"},
      {"{\"to\":\"a@b.c\",\"envelope\":{\"from\":\"a@b.c\",\"to\":\"a@b.c\"}}", LS_EENVELOPE, "from must"},
      {"{\"to\":\"a@b.c\",\"from\":\"Shop\"}", LS_EENVELOPE, "From: \"Shop\" is no address"},
      {"{\"to\":\"a@b.c\",\"from\":{\"name\":\"App\",\"address\":\"\"}}", LS_EENVELOPE, "From: \"App\""},
      {MAIL(",\"replyTo\":\"John\""), LS_EENVELOPE, "Reply-To: \"John\" is no address: it has no '@'"},
      {MAIL(",\"replyTo\":\"r@s.t, John\""), LS_EENVELOPE, "Reply-To: \"John\" is no address"},
      {MAIL(",\"envelope\":{\"from\":\"Shop\",\"to\":\"a@b.c\"}"), LS_EENVELOPE,
       "envelope.from: \"Shop\" is"},
      {MAIL(",\"sender\":\"John\""), LS_EENVELOPE, "Sender: \"John\" is no address"},
      {MAIL(",\"cc\":\"a@b.c, (d@e.f)\""), LS_EENVELOPE,
       "cc: \"(d@e.f)\" cannot be read as an address: it is nothing but a comment"},
      {MAIL(",\"cc\":\"(d@e.f)\""), LS_EENVELOPE, "cc: \"(d@e.f)\" cannot be read"},
      {MAIL(",\"cc\":\"(Dan), a@b.c\""), LS_EENVELOPE, "cc: \"(Dan)\" cannot be read"},
      {MAIL(",\"cc\":\"T: (d@e.f);\""), LS_EENVELOPE, "cc: \"(d@e.f)\" cannot be read"},
      {MAIL(",\"cc\":\"T: a@b.c; (d@e.f)\""), LS_EENVELOPE, "cc: \"(d@e.f)\" cannot be read"},
      {MAIL(",\"cc\":\"a@b.c,\\\"\\\"\""), LS_EENVELOPE,
       "cc: \"\"\"\" cannot be read as an address: it says nothing"},
      {MAIL(",\"cc\":[\"\\\"\\\" (x)\"]"), LS_EENVELOPE, "cc[1]: \"\"\" (x)\" cannot be read"},
      {MAIL(",\"cc\":[\"x@y.z\",\"nobody\"]"), LS_EENVELOPE, "\"nobody\" among the recipients"},
      {MAIL(",\"bcc\":{\"name\":\"Bob\",\"address\":\" \"}"), LS_EENVELOPE, "\"Bob\" among the recipients"},
      {MAIL(",\"bcc\":[\"x@y.z\",{\"address\":\"\"}]"), LS_EENVELOPE, "\"<>\" among the recipients"},
      {MAIL(",\"envelope\":{\"to\":\"x@y.z\",\"bcc\":\"Bob\"}"), LS_EENVELOPE,
       "\"Bob\" among the recipients"},
      {MAIL(",\"cc\":[\"x@y.z\",{\"address\":\"a@good.com,victim@evil.com\"}]"), LS_EENVELOPE,
       "cc[2]: \"a@good.com,victim@evil.com\" is not one address"},
      {MAIL(",\"sender\":{\"address\":\"a@b c\"}"), LS_EENVELOPE,
       "sender: \"a@b c\" cannot be read as an address"},
      {MAIL(",\"replyTo\":[\"a@b.c d@e.f\"]"), LS_EENVELOPE, "replyTo[1]: \"a@b.c d@e.f\" cannot be read"},
      {MAIL(",\"envelope\":{\"from\":\"a@b.c(x).d\"}"), LS_EENVELOPE,
       "envelope.from: \"a@b.c(x).d\" cannot be read"},
      {MAIL(",\"headers\":{\"Reply-To\":\"Test <App> <n@t.s>\"}"), LS_EENVELOPE,
       "headers.Reply-To: \"Test <App> <\""},
      {MAIL(",\"replyTo\":\"a@[1.2.3]\""), LS_EENVELOPE, "the address a@[1.2.3] cannot be sent to a server"},
      {MAIL(",\"subject\":5"), LS_EMESSAGE, "subject must be a string, got number"},
      {MAIL(",\"html\":{\"a\":1}"), LS_EMESSAGE, "html must be a string, got table"},
      {MAIL(",\"cc\":5"), LS_EMESSAGE, "cc must be an address"},
      {MAIL(",\"cc\":[\"a@b.c\",{\"name\":\"x\"}]"), LS_EMESSAGE, "cc[2] must be an address"},
      {MAIL(",\"attachments\":\"x\""), LS_EMESSAGE, "attachments must be a list of tables, got string"},
      {MAIL(",\"attachments\":[{\"content\":\"\"},{\"content\":5}]"), LS_EMESSAGE,
       "attachments[2].content must be a string, got number"},
      {MAIL(",\"attachments\":[{\"path\":\"/etc/passwd\"}]"), LS_EMESSAGE,
       "attachments[1].path is not supported"},
      {MAIL(",\"attachments\":[{\"content\":\"?\",\"encoding\":\"base64\"}]"), LS_EMESSAGE,
       "attachments[1].content is not base64"},
      {MAIL(",\"attachments\":[{\"cid\":\"a\\r\\nBcc: x\"}]"), LS_EMESSAGE,
       "attachments[1].cid must be an id such as"},
      {MAIL(",\"attachments\":[{\"contentType\":\"text/html\\r\\nBcc: x\"}]"), LS_EMESSAGE,
       "attachments[1].contentType must be a content type"},
      {MAIL(",\"attachments\":[{\"contentType\":\"multipart/mixed\"}]"), LS_EMESSAGE,
       "attachments[1].contentType must be a content type"},
      {MAIL(",\"attachments\":[{\"contentDisposition\":\"inline\\r\\nBcc: x\"}]"), LS_EMESSAGE,
       "attachments[1].contentDisposition must be"},
      {MAIL(",\"attachments\":[{\"contentTransferEncoding\":\"x\\r\\nBcc: x\"}]"), LS_EMESSAGE,
       "attachments[1].contentTransferEncoding must be"},
      {MAIL(",\"attachments\":[{\"headers\":{\"Content-Type\":\"x\"}}]"), LS_EMESSAGE,
       "attachments[1].headers: \"Content-Type\" may not"},
      {MAIL(",\"attachments\":[{\"contentType\":\"message/rfc822\",\"content\":\"a\\0b\"}]"), LS_EMESSAGE,
       "attachments[1]: a message part may not be encoded"},
      {MAIL(",\"headers\":{\"bcc\":\"x@y.z\"}"), LS_EMESSAGE, "headers: \"bcc\" may not be set here"},
      {MAIL(",\"headers\":{\"RESENT-bcc \":\"x@y.z\"}"), LS_EMESSAGE,
       "headers: \"RESENT-bcc \" may not be set here"},
      {MAIL(",\"sender\":\"a@b.c, d@e.f\""), LS_EMESSAGE, "sender must be one mailbox (RFC 5322 3.6.2)"},
      {MAIL(",\"sender\":{\"name\":\"G\",\"group\":[\"x@y.z\"]}"), LS_EMESSAGE, "sender must be one mailbox"},
      {MAIL(",\"headers\":{\"sender\":\"a@b.c\",\"Sender\":\"d@e.f\"}"), LS_EMESSAGE,
       "headers.Sender must be one mailbox"},
      {MAIL(",\"headers\":{\"Content-Foo\":\"x\"}"), LS_EMESSAGE,
       "headers: \"Content-Foo\" may not be set here"},
      {MAIL(",\"headers\":{\"X-A\\r\\nBcc\":\"x\"}"), LS_EMESSAGE,
       "headers: \"X-A\?\?Bcc\" is no header name"},
      {MAIL(",\"headers\":{\"\":\"x\"}"), LS_EMESSAGE, "headers: \"\" is no header name"},
      {MAIL(",\"headers\":{\"X-A\":[\"x\",true]}"), LS_EMESSAGE, "headers.X-A[2] must be a string, a number"},
      {MAIL(",\"headers\":[\"X-A: b\"]"), LS_EMESSAGE, "headers[1] must be {key=, value=}, got string"},
      {MAIL(",\"raw\":\"x\""), LS_EMESSAGE, "raw is not supported"},
      {MAIL(",\"encoding\":\"rot13\""), LS_EMESSAGE, "encoding must be"},
      {MAIL(",\"textEncoding\":\"x\""), LS_EMESSAGE, "textEncoding must be"},
      {MAIL(",\"priority\":\"urgent\""), LS_EMESSAGE, "priority must be"},
      {MAIL(",\"date\":1e300"), LS_EMESSAGE, "date must be"},
      {MAIL(",\"list\":{\"help\":5}"), LS_EMESSAGE, "list.help must be"},
      {MAIL(",\"dsn\":{\"notify\":\"never,delay\"}"), LS_EENVELOPE, "Invalid DSN notify"},
      {MAIL(",\"dsn\":{\"notify\":\"NEVER SIZE=1\"}"), LS_EENVELOPE, "Invalid DSN notify"},
      {MAIL(",\"dsn\":{\"ret\":\"x\"}"), LS_EENVELOPE, "Invalid DSN ret: \"x\""},
      {MAIL(",\"dsn\":{\"orcpt\":\"a b;c\"}"), LS_EENVELOPE, "Invalid DSN recipient"},
      {MAIL(",\"messageId\":\"<a b@c>\""), LS_EMESSAGE,
       "messageId must be one id such as <unique@example.com> (RFC 5322 3.6.4), and \"<a b@c>\" is none"},
      {MAIL(",\"inReplyTo\":\"<a@b(c)>\""), LS_EMESSAGE, "inReplyTo must be ids such as"},
      {MAIL(",\"references\":[\"a@b\",\"no id\"]"), LS_EMESSAGE, "references must be ids such as"},
      {MAIL(",\"headers\":{\"message-id\":\"x\\r\\nBcc: e@f\"}"), LS_EMESSAGE,
       "headers.message-id must be one id such as"},
      {MAIL(",\"headers\":{\"References\":[\"a@b\",\"c\\0@d\"]}"), LS_EMESSAGE,
       "headers.References[2] must be ids such as"},
      {MAIL(",\"messageId\":\"<a@b> <c@d>\""), LS_EMESSAGE, "messageId must be one id such as"},
      {MAIL(",\"headers\":[{\"key\":\"\",\"value\":\"x\"}]"), LS_EMESSAGE,
       "headers[1] must be {key=, value=}"},
      {MAIL(",\"headers\":{\"a~ b\":\"x\"}"), LS_EMESSAGE, "headers: \"a~ b\" is no header name"},
      {MAIL(",\"attachments\":[{\"cid\":\"<a\"}]"), LS_EMESSAGE, "attachments[1].cid must be"},
      {MAIL(",\"attachments\":[{\"cid\":\"a>\"}]"), LS_EMESSAGE, "attachments[1].cid must be"},
      {MAIL(",\"envelope\":{\"to\":\"a@b.c\",\"cc\":5}"), LS_EMESSAGE, "envelope.cc must be an address"},
      {MAIL(",\"tetx\":\"x\""), LS_EMESSAGE, "tetx is no option of a mail; did you mean text?"},
      {MAIL(",\"filenames\":\"x\""), LS_EMESSAGE, "filenames is no option of a mail; remove it"},
      {MAIL(",\"filename\":\"x\""), LS_EMESSAGE, "filename is no option of a mail, but of an attachment"},
      {"5", LS_EMESSAGE, "mail must be a table, got number"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct mail m;
    compose(&m, rows[i].mail);
    struct ls_span text = ls_span_cstr(ls_error_text(&m.error));
    assert_int_equal(m.status, rows[i].status);
    assert_span_equal(ls_span_sub(text, 0, strlen(rows[i].text)), ls_span_cstr(rows[i].text));
    assert_string_equal(m.error.command, "API");
    discard(&m);
  }
}

/* An attempt in every field at once: the head of the mail has the fields it would have without, and no more.
 */
static void test_message_no_value_adds_a_field(void **state) {
  (void)state;
#define EVIL "x\\r\\nBcc: evil@example.com\\r\\n\\r\\nevil\\0"
  struct mail m;
  compose(&m, "{\"from\":{\"name\":\"" EVIL "\",\"address\":\"a@b.c\"},\"to\":\"d@e.f\",\"subject\":\"" EVIL
              "\",\"xMailer\":\"" EVIL "\",\"headers\":{\"X-A\":[\"" EVIL "\"]},"
              "\"list\":{\"help\":{\"url\":\"" EVIL "\",\"comment\":\"" EVIL
              "\"}},\"text\":\"t\",\"attachments\":"
              "[{\"filename\":\"" EVIL "\",\"headers\":{\"X-B\":\"" EVIL "\"},\"content\":\"c\","
              "\"contentType\":\"text/plain; x=\\\"" EVIL "\\\"\"}]}");
  assert_int_equal(m.status, LS_OK);
  static const char *const allowed[] = {
      "X-A: ",      "From: ",      "To: ",           "Subject: ", "Message-ID: ", "Date: ",
      "X-Mailer: ", "List-Help: ", "MIME-Version: ", "Content-",  "X-B: ",        "--=_",
      " ",          "\r\n",        "t\r\n",          "Yw==\r\n"};
  char *line = m.composed.content.p;
  for (size_t at = 0; at < m.composed.content.n;) {
    struct ls_span rest = ls_span(line + at, m.composed.content.n - at);
    bool known = false;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
      known = known || ls_span_starts(rest, ls_span_cstr(allowed[i]));
    assert_true(known);
    at += ls_span_index(rest, '\n') + 1;
  }
  discard(&m);
}

#define GIF "R0lGODlhAQABAAAAACw="
#define IMAGES(html) MAIL(",\"attachDataUrls\":true,\"html\":\"" html "\"")

static void test_message_takes_data_urls_out_of_html(void **state) {
  (void)state;
  struct mail m;
  compose(&m, IMAGES("<img alt='x' src=\\\"data:image/gif;base64," GIF "\\\">\\n"
                     "<IMG SRC=data:image/svg+xml,%3Csvg/%3E>"));
  assert_int_equal(m.status, LS_OK);
  assert_non_null(find(&m.composed.content, "multipart/related; type=\"text/html\""));
  assert_non_null(find(&m.composed.content, "src=\"cid:"));
  assert_non_null(find(&m.composed.content, "-1@localhost\">\r\n<IMG SRC=cid:"));
  assert_non_null(find(&m.composed.content, "Content-ID: <"));
  assert_non_null(find(&m.composed.content, "\r\n" GIF "\r\n"));
  assert_non_null(find(&m.composed.content, "image-1.gif"));
  assert_non_null(find(&m.composed.content, "image-2.svg"));
  assert_non_null(find(&m.composed.content, "PHN2Zy8+")); /* <svg/> */
  assert_null(find(&m.composed.content, "data:image"));
  discard(&m);
}

static void test_message_leaves_what_is_no_image(void **state) {
  (void)state;
  static const char *const kept[] = {
      IMAGES("<img src='https://x.y/data:image/gif;base64," GIF "'>"),
      IMAGES("<img alt='src=data:image/gif;base64," GIF "'>"),
      IMAGES("<imgx src='data:image/gif;base64," GIF "'>"),
      IMAGES("<a src='data:image/gif;base64," GIF "'>"),
      IMAGES("<img src='data:image/gif;base64,!'>"),
      IMAGES("<img src='data:text/html;base64," GIF "'>"),
      IMAGES("<img src='data:image/gif;base64," GIF),
      IMAGES("<img src='data:image/gif;base64'>"),
      IMAGES("<img src=>"),
      IMAGES("<img"),
      MAIL(",\"html\":\"<img src='data:image/gif;base64," GIF "'>\""),
  };
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    struct mail m;
    compose(&m, kept[i]);
    assert_int_equal(m.status, LS_OK);
    assert_null(find(&m.composed.content, "cid:"));
    discard(&m);
  }
}

static void test_message_takes_a_bounded_number_of_images(void **state) {
  (void)state;
  static const char image[] = "<img src=data:image/gif;base64," GIF ">";
  static const size_t counts[] = {1000, 1001};
  for (size_t i = 0; i < 2; i++) {
    struct ls_buf json;
    struct mail m;
    ls_buf_init(&json, CEILING);
    ls_buf_adds(&json, "{\"from\":\"a@b.c\",\"to\":\"a@b.c\",\"attachDataUrls\":true,\"html\":\"");
    for (size_t j = 0; j < counts[i]; j++)
      ls_buf_adds(&json, image);
    ls_buf_adds(&json, "\"}");
    ls_buf_addc(&json, '\0');
    compose(&m, json.p);
    assert_int_equal(m.status, i ? LS_EMESSAGE : LS_OK);
    discard(&m);
    ls_buf_deinit(&json);
  }
}

static void test_message_encodes_a_name_of_spaces(void **state) {
  (void)state;
  struct mail m;
  compose(&m, "{\"to\":\"d@e.f\",\"from\":{\"name\":\"a" TEN(TEN(TEN(" "))) "b\",\"address\":\"a@b.c\"}}");
  assert_int_equal(m.status, LS_OK);
  assert_non_null(find(&m.composed.content, "From: =?UTF-8?"));
  discard(&m);
}

static bool compose_everything(void *context) {
  (void)context;
  struct mail m;
  compose(&m, MAIL(",\"attachDataUrls\":true,\"html\":\"ž<img src='data:image/gif;base64," GIF "'>\","
                   "\"subject\":\"a\\nž\",\"cc\":[\"G: "
                   "x@y.z;\",{\"name\":\"ž\",\"address\":\"q@r.s\"}],"
                   "\"headers\":{\"X-A\":[\"1\",2],\"Reply-To\":[\"a@b.c\",\"d@e.f\"],"
                   "\"List-Id\":[\"<a>\",\"<b>\"]},\"inReplyTo\":[\"a@b\"],"
                   "\"replyTo\":{\"name\":\"G\",\"group\":[\"x@y.z\"]},"
                   "\"references\":[\"a@b\",\"c@d\"],\"list\":{"
                   "\"help\":\"x@y\"},"
                   "\"dsn\":{\"id\":\"1\",\"notify\":\"delay\",\"recipient\":\"o@p.q\"},\"date\":0,"
                   "\"attachments\":[{\"content\":\"eA==\",\"encoding\":\"base64\",\"cid\":\"1\",\"headers\":"
                   "{\"a\":\"b\"}},"
                   "{\"filename\":\"ž\",\"content\":\"y\",\"contentType\":\"text/plain; a=\\\"b\\\"\"}],"
                   "\"envelope\":{\"from\":\"a@b.c\",\"to\":\"d@e.f\"}"));
  bool ok = m.status == LS_OK;
  assert_true(ok || m.status == LS_ENOMEM);
  discard(&m);
  return ok;
}

static void test_message_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(compose_everything, NULL) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_message_writes_headers_in_the_original_order),
      cmocka_unit_test(test_message_chooses_the_encoding_of_text),
      cmocka_unit_test(test_message_without_content_has_no_encoding_and_no_charset),
      cmocka_unit_test(test_message_builds_multiparts),
      cmocka_unit_test(test_message_boundary_is_in_no_content),
      cmocka_unit_test(test_message_envelope_follows_the_addresses),
      cmocka_unit_test(test_message_asks_for_notifications),
      cmocka_unit_test(test_message_encodes_the_original_recipient),
      cmocka_unit_test(test_message_offers_the_domains_that_need_idna),
      cmocka_unit_test(test_message_writes_the_converted_domain_in_header_and_envelope),
      cmocka_unit_test(test_message_refuses_what_it_cannot_send_and_names_it),
      cmocka_unit_test(test_message_no_value_adds_a_field),
      cmocka_unit_test(test_message_takes_data_urls_out_of_html),
      cmocka_unit_test(test_message_leaves_what_is_no_image),
      cmocka_unit_test(test_message_takes_a_bounded_number_of_images),
      cmocka_unit_test(test_message_encodes_a_name_of_spaces),
      cmocka_unit_test(test_message_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
