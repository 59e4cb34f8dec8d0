/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/mailbox.h"
#include "../../src/pure/utf8.h"

/* LS_SPAN for tables in static storage. */
#define TEXT(literal)                                                                                        \
  { (literal), sizeof(literal) - 1 }

struct row {
  struct ls_span text;
  struct ls_span header;
  struct ls_span envelope; /* addresses, a space between */
  const char *left_out;
};

static const struct row rows[] = {
    {TEXT("<notice@test.smtp>"), TEXT("notice@test.smtp"), TEXT("notice@test.smtp"), ""},
    {TEXT("Example <a@b.c>"), TEXT("Example <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("foo"), TEXT(""), TEXT(""), "foo"},
    {TEXT(""), TEXT(""), TEXT(""), ""},
    {TEXT("Name <>"), TEXT(""), TEXT(""), "Name"},
    {TEXT("<>"), TEXT(""), TEXT(""), "<>"},
    {TEXT(";"), TEXT(""), TEXT(""), ""},
    {TEXT("a,b"), TEXT(""), TEXT(""), "a"},
    {TEXT("A, B <a@b.c>"), TEXT("\"A, B\" <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("A; B <a@b.c>"), TEXT("B <a@b.c>"), TEXT("a@b.c"), "A"},
    {TEXT("A, a@b.c"), TEXT("a@b.c"), TEXT("a@b.c"), "A"},
    {TEXT("A, G: a@b.c;"), TEXT("G:a@b.c;"), TEXT("a@b.c"), "A"},
    {TEXT("G: A; B <a@b.c>"), TEXT("G:;, B <a@b.c>"), TEXT("a@b.c"), "A"},
    {TEXT("O'Neil <a@b.c>"), TEXT("\"O'Neil\" <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("[x] A.B\\) <a@b.c>"), TEXT("\"[x] A.B\\\\)\" <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("Sales @ Shop <a@b.c>"), TEXT("\"Sales @ Shop\" <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("A@b.c <a@b.c>"), TEXT("\"A@b.c\" <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("\"x@y.z\" <a@b.c>"), TEXT("\"x@y.z\" <a@b.c>"), TEXT("a@b.c"), ""},
    /* comments (RFC 5322 3.2.2) */
    {TEXT("Ex (dev) <a@b.c>"), TEXT("Ex <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("a@b.c (comment)"), TEXT("comment <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("A (n(e)st \\) <x@y.z>) <a@b.c>"), TEXT("A <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("a@b.c(@d.e)"), TEXT("\"@d.e\" <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("Hidden:(nobody(that I know));"), TEXT("Hidden:;"), TEXT(""), ""},
    {TEXT("(x)a(y)@(z)b.c"), TEXT("x y z <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("A(x)B <(y)a@b.c(z)>"), TEXT("A B <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("G (x): (y) a@b.c (z), (none);(tail), d@e.f"), TEXT("G:y z <a@b.c>;, d@e.f"), TEXT("a@b.c d@e.f"),
     ""},
    /* white space around dots and '@' (RFC 5322 4.4), routes (RFC 5321 4.1.1.3) */
    {TEXT("a . b @\r\n c . d"), TEXT("a.b@c.d"), TEXT("a.b@c.d"), ""},
    {TEXT("A <@x.y,@z:a@b.c>"), TEXT("A <a@b.c>"), TEXT("a@b.c"), ""},
    /* quoted local parts (RFC 5321 4.1.2) */
    {TEXT("\"a@e.f\"@b.c"), TEXT("<\"a@e.f\"@b.c>"), TEXT("\"a@e.f\"@b.c"), ""},
    {TEXT("\" \"@b.c"), TEXT("<\" \"@b.c>"), TEXT("\" \"@b.c"), ""},
    {TEXT("\"\"@b.c"), TEXT("<\"\"@b.c>"), TEXT("\"\"@b.c"), ""},
    {TEXT("\"a<b>c\\\"\\\\\"@b.c"), TEXT("<\"a<b>c\\\"\\\\\"@b.c>"), TEXT("\"a<b>c\\\"\\\\\"@b.c"), ""},
    {TEXT("\"\\a.b\"@b.c, a.b@b.c"), TEXT("a.b@b.c, a.b@b.c"), TEXT("a.b@b.c"), ""},
    {TEXT("x.\"y\"@b.c, x.\"y z\"@b.c"), TEXT("x.y@b.c, <\"x.y z\"@b.c>"), TEXT("x.y@b.c \"x.y z\"@b.c"), ""},
    {TEXT("a..b@b.c, a.@b.c"), TEXT("<\"a..b\"@b.c>, <\"a.\"@b.c>"), TEXT("\"a..b\"@b.c \"a.\"@b.c"), ""},
    /* domains and literals (RFC 5321 4.1.3) */
    {TEXT("a@b"), TEXT("a@b"), TEXT("a@b"), ""},
    {TEXT("a@b.c."), TEXT("a@b.c"), TEXT("a@b.c"), ""},
    {TEXT("a@[127.0.0.1]"), TEXT("<a@[127.0.0.1]>"), TEXT("a@[127.0.0.1]"), ""},
    {TEXT("A <a@ [IPv6:2001:db8::1] >, b@[ 192.0.2.1\r\n ]"),
     TEXT("A <a@[IPv6:2001:db8::1]>, <b@[192.0.2.1]>"), TEXT("a@[IPv6:2001:db8::1] b@[192.0.2.1]"), ""},
    /* lists and groups */
    {TEXT("a@b.c, d@e.f"), TEXT("a@b.c, d@e.f"), TEXT("a@b.c d@e.f"), ""},
    {TEXT(",a@b.c;, d@e.f,"), TEXT("a@b.c, d@e.f"), TEXT("a@b.c d@e.f"), ""},
    {TEXT("a@b.c, A@b.c, a@b.c"), TEXT("a@b.c, A@b.c, a@b.c"), TEXT("a@b.c A@b.c"), ""},
    {TEXT("Group: a@b.c, d@e.f;"), TEXT("Group:a@b.c, d@e.f;"), TEXT("a@b.c d@e.f"), ""},
    {TEXT("Group:;"), TEXT("Group:;"), TEXT(""), ""},
    {TEXT("\"a:b\": a@b.c"), TEXT("\"a:b\":a@b.c;"), TEXT("a@b.c"), ""},
    {TEXT("G: X <a@b.c>; d@e.f"), TEXT("G:X <a@b.c>;, d@e.f"), TEXT("a@b.c d@e.f"), ""},
    {TEXT("G: \"A; B\" <a@b.c>, d@[IPv6:::1];"), TEXT("G:\"A; B\" <a@b.c>, <d@[IPv6:::1]>;"),
     TEXT("a@b.c d@[IPv6:::1]"), ""},
    {TEXT("a: b: c@d, e@f; g@h"), TEXT("a:c@d, e@f;, g@h"), TEXT("c@d e@f g@h"), ""},
    /* names */
    {TEXT("\"a\"b <c@d>"), TEXT("ab <c@d>"), TEXT("c@d"), ""},
    {TEXT("\"a\"  b <c@d>"), TEXT("a b <c@d>"), TEXT("c@d"), ""},
    {TEXT("\"a\\\"\\\\b\" <c@d>"), TEXT("\"a\\\"\\\\b\" <c@d>"), TEXT("c@d"), ""},
    {TEXT("\"a\r\n b\nc\0\" <c@d>"), TEXT("a b c <c@d>"), TEXT("c@d"), ""},
    {TEXT("\xe3\x80\x80"
          "a@b.c\xc2\xa0"),
     TEXT("a@b.c"), TEXT("a@b.c"), ""},
    {TEXT("\xc3\xb5@x.y"), TEXT("\xc3\xb5@x.y"), TEXT("\xc3\xb5@x.y"), ""},
    {TEXT("\xff <a@b.c>"), TEXT("=?UTF-8?B?77+9?= <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("\xc5\xbdlu\xc5\xa5 <a@b.c>"), TEXT("=?UTF-8?B?xb1sdcWl?= <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("=?UTF-8?B?xb0=?= x <a@b.c>"), TEXT("=?UTF-8?B?xb0=?= x <a@b.c>"), TEXT("a@b.c"), ""},
    {TEXT("\xc5\xbd: a@b.c;"), TEXT("=?UTF-8?B?xb0=?= :a@b.c;"), TEXT("a@b.c"), ""},
    {TEXT("x=?UTF-8?B?xb0=?= <a@b.c>"), TEXT("=?UTF-8?Q?x=3D=3FUTF-8=3FB=3Fxb0=3D=3F=3D?= <a@b.c>"),
     TEXT("a@b.c"), ""},
};

/* What would lose an address, or make one of two, or let one be taken for another. */
static const struct {
  struct ls_span text;
  const char *fault; /* a part of the sentence */
} refused[] = {
    {TEXT("user@good.com(x).evil.com"), "comment"},
    {TEXT("first(middle)last@b.c"), "comment"},
    {TEXT("a.(x)b@b.c"), "comment"},
    {TEXT("a(x)b <a(x)b@c.d>"), "comment"},
    {TEXT("a@b.c d@e.f"), "more than one '@'"},
    {TEXT("a@b@c"), "more than one '@'"},
    {TEXT("\"x\" a@b@c"), "more than one '@'"},
    {TEXT("a@[x] @evil.com"), "more than one '@'"},
    {TEXT("a@b.c D <d@e.f>"), "comma is missing"},
    {TEXT("a@b.c <d@e.f>"), "comma is missing"},
    {TEXT("a @ b.c <d@e.f>"), "comma is missing"},
    {TEXT("a@b.c <>"), "empty"},
    {TEXT("<a@b.c> <d@e.f>"), "two addresses"},
    {TEXT("<a@b.c> d@e.f"), "behind its '>'"},
    {TEXT("Test <App> <n@t.s>"), "two addresses"},
    {TEXT("<foo>"), "no '@'"},
    {TEXT("b.c, A <a@b.c>"), "no '@'"},
    {TEXT("mail a@b.c now"), "angle brackets"},
    {TEXT("<a b@c.d>"), "two words"},
    {TEXT("a@b c"), "two words"},
    {TEXT("\"a\"b@c.d"), "two words"},
    {TEXT("a\"b\"@c.d"), "two words"},
    {TEXT("a. .b@c.d"), "between two dots"},
    {TEXT("@b.c"), "before its '@'"},
    {TEXT("<@b.c>"), "before its '@'"},
    {TEXT("a@"), "behind its '@'"},
    {TEXT("a@.b"), "empty label"},
    {TEXT("a@b..c"), "empty label"},
    {TEXT("a@b .,d@e.f"), "empty label"},
    {TEXT("a@b\"c\""), "in quotes"},
    {TEXT("a@b]"), "in quotes"},
    {TEXT("a@b\\c"), "in quotes"},
    {TEXT("a\\b@c"), "in quotes"},
    {TEXT("a[1]@c"), "in quotes"},
    {TEXT("a\x01@c"), "in quotes"},
    {TEXT("a\xc2\xa0"
          "b@c"),
     "in quotes"},
    {TEXT("a@b\x7f"), "in quotes"},
    {TEXT("a@[1.2.3.4]b"), "in quotes"},
    {TEXT("a@[1.2\\.3.4]"), "within its brackets"},
    {TEXT("a@[[1.2.3.4]"), "within its brackets"},
    {TEXT("a@[1.2.3.4"), "'[' in it does not end"},
    {TEXT("<a@b.c"), "'<' in it does not end"},
    {TEXT("<a@b.c, d@e.f>"), "'<' in it does not end"},
    {TEXT("<@a;b@c.d>"), "'<' in it does not end"},
    {TEXT("x <y <z@w>>"), "within another"},
    {TEXT("a@b.c>"), "closes nothing"},
    {TEXT("\"a@b.c"), "quote in it does not end"},
    {TEXT("A, (), B <a@b.c>"), "nothing but a comment"},
    {TEXT("G:a@b.c, (d@e.f);"), "nothing but a comment"},
    {TEXT("\"\", a@b.c"), "it says nothing"},
    {TEXT("(a@b.c"), "comment in it does not end"},
    {TEXT("(a(b) c@d.e"), "comment in it does not end"},
    {TEXT("a@b.c\r\nBcc: evil@x.y"), "before its ':'"},
    {TEXT("A <a@b.c>: d@e.f"), "before its ':'"},
    {TEXT(": a@b.c;"), "no name of a group"},
};

static struct ls_mailbox_list parse(struct ls_span text, struct ls_arena *a) {
  struct ls_mailbox_list list;
  ls_arena_init(a, SIZE_MAX);
  assert_int_equal(ls_mailbox_parse(text, NULL, a, &list, NULL), LS_OK);
  return list;
}

static bool write_both(struct ls_span text, struct ls_buf *header, struct ls_buf *envelope) {
  struct ls_mailbox_list list;
  struct ls_arena a;
  struct ls_span *items;
  size_t n;
  ls_arena_init(&a, SIZE_MAX);
  ls_buf_init(header, SIZE_MAX);
  ls_buf_init(envelope, SIZE_MAX);
  bool ok = ls_mailbox_parse(text, NULL, &a, &list, NULL) == LS_OK;
  if (ok)
    ls_mailbox_write_list(header, &list, LS_CODEC_AUTO);
  ok = ok && ls_mailbox_addresses(&list, 1, &a, &items, &n) == LS_OK;
  for (size_t i = 0; ok && i < n; i++) {
    ls_buf_adds(envelope, i ? " " : "");
    ls_buf_add(envelope, items[i]);
  }
  ls_arena_deinit(&a);
  return ok && header->status == LS_OK && envelope->status == LS_OK;
}

static void test_mailbox_reads_and_writes_as_the_rows_say(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_span text = support_guard(rows[i].text);
    struct ls_buf header, envelope;
    assert_true(write_both(text, &header, &envelope));
    assert_span_equal(ls_buf_span(&header), rows[i].header);
    assert_span_equal(ls_buf_span(&envelope), rows[i].envelope);
    ls_buf_deinit(&header);
    ls_buf_deinit(&envelope);
    support_unguard(text);
  }
}

static void test_mailbox_names_what_it_leaves_out(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_mailbox_list list = parse(rows[i].text, &a);
    assert_span_equal(list.left_out, ls_span_cstr(rows[i].left_out));
    ls_arena_deinit(&a);
  }
}

static void test_mailbox_refuses_what_it_cannot_read_in_one_way(void **state) {
  (void)state;
  const struct ls_label to = ls_label_make("to");
  const struct ls_label second = ls_label_item(&to, 1);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct ls_span text = support_guard(refused[i].text);
    struct ls_arena a;
    struct ls_mailbox_list list;
    struct ls_error err = {0};
    ls_arena_init(&a, SIZE_MAX);
    assert_int_equal(ls_mailbox_parse(text, &second, &a, &list, &err), LS_EENVELOPE);
    assert_int_equal(list.count, 0);
    assert_int_equal(err.status, LS_EENVELOPE);
    assert_true(ls_span_starts(ls_span_cstr(err.message), LS_SPAN("to[2]: \"")));
    if (!strstr(err.message, refused[i].fault))
      fail_msg("%s", err.message);
    ls_error_deinit(&err);
    ls_arena_deinit(&a);
    support_unguard(text);
  }
}

static void add_spaced(struct ls_buf *out, const char *text, struct ls_span space) {
  ls_buf_init(out, SIZE_MAX);
  for (; *text; text++)
    ls_buf_add(out, *text == '~' ? space : ls_span(text, 1));
}

/* White space that RFC 5322 does not know, in texts where `~` stands for it. */
static void test_mailbox_trims_white_space_of_any_script_and_cuts_none_out(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *envelope; /* NULL: refused */
  } texts[] = {{"~a@b.c", "a@b.c"},
               {"a@b.c~", "a@b.c"},
               {"~~ ~a@b.c~ ~~", "a@b.c"},
               {"~<a@b.c>~", "a@b.c"},
               {"N~ <a@b.c>~~", "a@b.c"},
               {"N~N~<a@b.c>", "a@b.c"},
               {"a@b.c~,~d@e.f~", "a@b.c d@e.f"},
               {"~G~:~a@b.c~;~", "a@b.c"},
               {"\"a~\"@b.c", "\"a~\"@b.c"},
               {"a~@b.c", NULL},
               {"a@~b.c", NULL},
               {"~a~@~b.c~", NULL},
               {"a ~@b.c", NULL},
               {"a~ @b.c", NULL},
               {"a@ ~b.c", NULL},
               {"a@~ b.c", NULL},
               {"x~a@b.c", NULL},
               {"a.~x@b.c", NULL},
               {"a~.x@b.c", NULL},
               {"a@b~.c", NULL},
               {"a@b.~c", NULL},
               {"a@b.c~d", NULL},
               {"<a~@b.c>", NULL},
               {"<~a@b.c>", NULL},
               {"<a@b.c~>", NULL},
               {"N <a@~b.c>", NULL},
               {"a~(x)@b.c", NULL},
               {"a@(x)~b.c", NULL},
               {"d@e.f,a~@b.c", NULL},
               {"a@b.c~d@e.f", NULL},
               {"~@b.c", NULL},
               {"a@~", NULL}};
  size_t spaces = 0;
  for (int32_t c = 0x80; c <= 0xffff; c++) {
    if (!ls_utf8_is_space(c))
      continue;
    spaces++;
    char octets[LS_UTF8_MAX];
    struct ls_span space = ls_span(octets, ls_utf8_encode(c, octets));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
      struct ls_buf text, wanted, header, envelope;
      add_spaced(&text, texts[i].text, space);
      add_spaced(&wanted, texts[i].envelope ? texts[i].envelope : "", space);
      if (write_both(ls_buf_span(&text), &header, &envelope) != (texts[i].envelope != NULL))
        fail_msg("%s with U+%04X", texts[i].text, (unsigned)c);
      assert_span_equal(ls_buf_span(&envelope), ls_buf_span(&wanted));
      ls_buf_deinit(&header);
      ls_buf_deinit(&envelope);
      ls_buf_deinit(&wanted);
      ls_buf_deinit(&text);
    }
  }
  assert_int_equal(spaces, 19);
}

static void test_mailbox_reads_every_prefix(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t n = 0; n < rows[i].text.n; n++) {
      struct ls_span text = support_guard(ls_span_sub(rows[i].text, 0, n));
      struct ls_buf header, envelope;
      write_both(text, &header, &envelope);
      for (size_t at = 0; at < header.n; at++)
        assert_true((unsigned char)header.p[at] >= 0x20);
      ls_buf_deinit(&header);
      ls_buf_deinit(&envelope);
      support_unguard(text);
    }
}

static void test_mailbox_takes_linear_time_on_hostile_text(void **state) {
  (void)state;
  static const char *const units[] = {"<",      "a:",     "\"a\"b", "a(x)", "a,",   " .@",      "a@",
                                      "\\\"",   "a:b@c,", "<>",     "(",    "(x)",  "a.",       "a@b.c,",
                                      "\"a\".", "@a,",    "<@a,",   "[",    "a b ", "\xc2\xa0", "x,(y)"};
  enum { SIZE = 1 << 20 };
  char *text = malloc(SIZE);
  assert_non_null(text);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t n = strlen(units[i]);
    for (size_t at = 0; at < SIZE; at++)
      text[at] = units[i][at % n];
    struct ls_buf header, envelope;
    write_both(ls_span(text, SIZE), &header, &envelope);
    ls_buf_deinit(&header);
    ls_buf_deinit(&envelope);
  }
  free(text);
}

struct single {
  struct ls_span text;
  const char *fault; /* a part of the sentence; NULL: one mailbox */
};

static void test_mailbox_check_lets_only_whole_paths_through(void **state) {
  (void)state;
  static const struct single checks[] = {
      {TEXT("a@b"), NULL},
      {TEXT(" <a@b.c> "), NULL},
      {TEXT("\"a\\\"b <c>\"@c.d"), NULL},
      {TEXT("a@[127.0.0.1]"), NULL},
      {TEXT("a@[IPV6:::]"), NULL},
      {TEXT("a@[IPv6:2001:db8::192.0.2.1]"), NULL},
      {TEXT("a@[x-1:y,z@;]"), NULL},
      {TEXT("a@[127.0.0.256]"), "neither a name"},
      {TEXT("a@[127.0.0.1.]"), "neither a name"},
      {TEXT("a@[IPv6:1]"), "neither a name"},
      {TEXT("a@[x@evil.com]"), "neither a name"},
      {TEXT("a@[x-:y]"), "neither a name"},
      {TEXT("a@[x:]"), "neither a name"},
      {TEXT("a@[x:\xc3\xb5]"), "neither a name"},
      {TEXT("a@[]"), "neither a name"},
      {TEXT("\"a\tb\"@c.d"), "control"},
      {TEXT("\"a\\\nb\"@c.d"), "control"},
      {TEXT("\"\0\"@c.d"), "control"},
      {TEXT("\xff@b"), "UTF-8"},
      {TEXT("a@\xff"), "UTF-8"},
      {TEXT(""), "empty"},
      {TEXT(" "), "empty"},
  };
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    struct ls_arena a;
    struct ls_mailbox_list list;
    struct ls_error err = {0};
    ls_arena_init(&a, SIZE_MAX);
    assert_int_equal(ls_mailbox_set(&list, LS_SPAN(""), checks[i].text, NULL, &a, &err), LS_OK);
    const struct ls_mailbox none = {0};
    const struct ls_mailbox *m = list.count ? list.items : &none;
    assert_int_equal(ls_mailbox_check(m, &err), checks[i].fault ? LS_EENVELOPE : LS_OK);
    if (checks[i].fault)
      assert_non_null(strstr(err.message, checks[i].fault));
    ls_error_deinit(&err);
    ls_arena_deinit(&a);
  }
}

/* What IDNA may have made of a domain. */
static void test_mailbox_check_looks_at_the_domain_once_more(void **state) {
  (void)state;
  static const struct ls_span domains[] = {
      TEXT(""),    TEXT("a..b"), TEXT(".a"),   TEXT("a."),   TEXT("a b"),   TEXT("a,b"), TEXT("a;b"),
      TEXT("a:b"), TEXT("a(b"),  TEXT("a)b"),  TEXT("a[b"),  TEXT("a]b"),   TEXT("a<b"), TEXT("a>b"),
      TEXT("a@b"), TEXT("a\"b"), TEXT("a\\b"), TEXT("a\nb"), TEXT("a\x7f"), TEXT("[")};
  for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
    struct ls_mailbox m = {.local = LS_SPAN("a"), .domain = domains[i]};
    assert_int_equal(ls_mailbox_check(&m, NULL), LS_EENVELOPE);
  }
}

/* An address apart from its name is one address: nothing in it may name a second one, or a name. */
static void test_mailbox_set_takes_one_address_alone(void **state) {
  (void)state;
  static const struct ls_span texts[] = {TEXT("a@good.com,victim@evil.com"),
                                         TEXT("a@b.c, d@e.f"),
                                         TEXT("A <a@b.c>"),
                                         TEXT("G:a@b.c;"),
                                         TEXT("a@b.c;"),
                                         TEXT("a@b.c (x)"),
                                         TEXT("a@b\r\nRCPT TO:<x@y>"),
                                         TEXT("foo"),
                                         TEXT("<>"),
                                         TEXT("a @b.c"),
                                         TEXT("<@r:a@b.c>"),
                                         TEXT("a b@c.d"),
                                         TEXT("a@b@c")};
  const struct ls_label cc = ls_label_make("cc");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct ls_arena a;
    struct ls_mailbox_list list;
    struct ls_error err = {0};
    ls_arena_init(&a, SIZE_MAX);
    assert_int_equal(ls_mailbox_set(&list, LS_SPAN("A"), texts[i], &cc, &a, &err), LS_EENVELOPE);
    assert_int_equal(list.count, 0);
    assert_true(ls_span_starts(ls_span_cstr(err.message), LS_SPAN("cc: ")));
    ls_error_deinit(&err);
    ls_arena_deinit(&a);
  }
}

static void test_mailbox_check_refuses_an_address_no_line_can_hold(void **state) {
  (void)state;
  char local[2000];
  memset(local, 'a', sizeof local);
  struct ls_mailbox m = {.local = ls_span(local, 890), .domain = LS_SPAN("b.c")};
  struct ls_error err = {0};
  assert_int_equal(ls_mailbox_check(&m, NULL), LS_OK);
  m.local.n = 2000;
  assert_int_equal(ls_mailbox_check(&m, &err), LS_EENVELOPE);
  assert_true(strlen(err.message) < 500);
  ls_error_deinit(&err);
}

static void test_mailbox_check_looks_into_groups(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_mailbox_list list = parse(LS_SPAN("G: a@b.c, <x@[z]>;"), &a);
  assert_int_equal(ls_mailbox_check(&list.items[0], NULL), LS_EENVELOPE);
  ls_arena_deinit(&a);
}

static void test_mailbox_encodes_a_name_too_long_to_fold(void **state) {
  (void)state;
  char name[1000];
  memset(name, '.', sizeof name);
  struct ls_mailbox m = {.name = ls_span(name, sizeof name), .local = LS_SPAN("a"), .domain = LS_SPAN("b")};
  struct ls_buf b;
  ls_buf_init(&b, SIZE_MAX);
  ls_mailbox_write(&b, &m, LS_CODEC_AUTO);
  assert_true(ls_span_starts(ls_buf_span(&b), LS_SPAN("=?UTF-8?")));
  ls_buf_deinit(&b);
}

static void test_mailbox_first_opens_groups(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_mailbox_list list = parse(LS_SPAN("Empty:;, G: a@b.c;, d@e.f"), &a);
  const struct ls_mailbox *m = ls_mailbox_first(&list);
  assert_non_null(m);
  assert_span_equal(m->local, LS_SPAN("a"));
  assert_null(ls_mailbox_first(&(struct ls_mailbox_list){.items = list.items, .count = 1}));
  ls_arena_deinit(&a);
}

static void test_mailbox_addresses_are_unique_over_lists(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_mailbox_list lists[3] = {parse(LS_SPAN("z@b.c, a@b.c, G: m@b.c, z@b.c;"), &a)};
  struct ls_span *items;
  size_t n;
  assert_int_equal(ls_mailbox_parse(LS_SPAN("b@b.c, a@b.c"), NULL, &a, &lists[2], NULL), LS_OK);
  assert_int_equal(ls_mailbox_addresses(lists, 3, &a, &items, &n), LS_OK);
  assert_int_equal(n, 4);
  assert_span_equal(items[0], LS_SPAN("z@b.c"));
  assert_span_equal(items[1], LS_SPAN("a@b.c"));
  assert_span_equal(items[2], LS_SPAN("m@b.c"));
  assert_span_equal(items[3], LS_SPAN("b@b.c"));
  assert_int_equal(ls_mailbox_addresses(lists, 0, &a, &items, &n), LS_OK);
  assert_int_equal(n, 0);
  ls_arena_deinit(&a);
}

static void test_mailbox_knows_what_needs_smtputf8(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_mailbox_list list = parse(LS_SPAN("\xc3\xa9 <a@b.c>, \xc3\xa9@b.c, G:\xc3\xa9@b.c;"), &a);
  assert_int_equal(list.count, 3);
  assert_false(ls_mailbox_needs_utf8(&list.items[0]));
  assert_true(ls_mailbox_needs_utf8(&list.items[1]));
  assert_true(ls_mailbox_needs_utf8(&list.items[2]));
  ls_arena_deinit(&a);
}

#define IT_ALL                                                                                               \
  "A, B \"q\\\"\" (c) <\"a b\"@c.d>, \xc3\xb5.\"\\x\"@y.z (k\x01), \xff: a: n@m, \"k\"l <o@p>;;"             \
  "\"a\"b\"c\"d <@r:e@[ f ]>"

static bool read_and_write_it_all(void *context) {
  (void)context;
  struct ls_buf header, envelope;
  bool ok = write_both(LS_SPAN(IT_ALL), &header, &envelope);
  ls_buf_deinit(&header);
  ls_buf_deinit(&envelope);
  return ok;
}

static void test_mailbox_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(read_and_write_it_all, NULL) > 3);
}

/* The arena gives many pieces from few allocations: its ceiling reaches every single one. */
static void test_mailbox_survives_each_ceiling_of_its_arena(void **state) {
  (void)state;
  enum ls_status status = LS_ENOMEM;
  for (size_t max = 0; status != LS_OK; max += 16) {
    struct ls_arena a;
    struct ls_mailbox_list list;
    struct ls_span *items;
    size_t n;
    assert_true(max < 100000);
    ls_arena_init(&a, max);
    status = ls_mailbox_parse(LS_SPAN(IT_ALL), NULL, &a, &list, NULL);
    if (status == LS_OK)
      status = ls_mailbox_addresses(&list, 1, &a, &items, &n);
    assert_true(status == LS_OK || status == LS_ENOMEM);
    ls_arena_deinit(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mailbox_reads_and_writes_as_the_rows_say),
      cmocka_unit_test(test_mailbox_names_what_it_leaves_out),
      cmocka_unit_test(test_mailbox_refuses_what_it_cannot_read_in_one_way),
      cmocka_unit_test(test_mailbox_trims_white_space_of_any_script_and_cuts_none_out),
      cmocka_unit_test(test_mailbox_reads_every_prefix),
      cmocka_unit_test(test_mailbox_takes_linear_time_on_hostile_text),
      cmocka_unit_test(test_mailbox_check_lets_only_whole_paths_through),
      cmocka_unit_test(test_mailbox_check_looks_at_the_domain_once_more),
      cmocka_unit_test(test_mailbox_set_takes_one_address_alone),
      cmocka_unit_test(test_mailbox_check_refuses_an_address_no_line_can_hold),
      cmocka_unit_test(test_mailbox_check_looks_into_groups),
      cmocka_unit_test(test_mailbox_encodes_a_name_too_long_to_fold),
      cmocka_unit_test(test_mailbox_first_opens_groups),
      cmocka_unit_test(test_mailbox_addresses_are_unique_over_lists),
      cmocka_unit_test(test_mailbox_knows_what_needs_smtputf8),
      cmocka_unit_test(test_mailbox_survives_each_failed_allocation),
      cmocka_unit_test(test_mailbox_survives_each_ceiling_of_its_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
