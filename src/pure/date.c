/* SPDX-License-Identifier: MIT */
#include "date.h"

enum { DAY = 86400, DAYS_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

/* Day, month (1 to 12) and year of a day counted from 1970-01-01, by the proleptic Gregorian calendar. Years
 * start in March here: then the leap day is the last of its year, and months follow one formula. */
static void civil(int64_t days, int *year, int *month, int *day) {
  int64_t z = days + DAYS_TO_1970; /* days since 0000-03-01 */
  int64_t era = (z >= 0 ? z : z - (DAYS_400_YEARS - 1)) / DAYS_400_YEARS;
  int in_era = (int)(z - era * DAYS_400_YEARS);
  int year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  int in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int march = (5 * in_year + 2) / 153; /* months since March */
  *day = in_year - (153 * march + 2) / 5 + 1;
  *month = march < 10 ? march + 3 : march - 9;
  *year = (int)(era * 400) + year_of_era + (*month <= 2);
}

static char *put_digits(char *p, int n, int digits) {
  for (int i = digits - 1; i >= 0; i--, n /= 10)
    p[i] = (char)('0' + n % 10);
  return p + digits;
}

static char *put_text(char *p, const char *text, size_t n) {
  memcpy(p, text, n);
  return p + n;
}

/* A moment as a calendar and a clock of its zone show it. */
struct moment {
  int year, month, day;
  int hour, minute, second;
  int zone;     /* minutes east of UTC */
  bool unknown; /* "-0000": UTC, and nobody says where (RFC 5322 3.3) */
};

static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* The day counted from 1970-01-01: the way back from civil(). */
static int64_t day_number(int year, int month, int day) {
  int64_t y = month > 2 ? year : year - 1;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t in_era = y - era * 400;
  int64_t march = month > 2 ? month - 3 : month + 9;
  return era * DAYS_400_YEARS + in_era * 365 + in_era / 4 - in_era / 100 + (153 * march + 2) / 5 + day - 1 -
         DAYS_TO_1970;
}

/* 0 to 6 for the names above. */
static int weekday_of(int64_t days) {
  return (int)((days % 7 + 7) % 7);
}

static void write_moment(struct ls_buf *out, const struct moment *c) {
  char text[sizeof "Mon, 23 Nov 2026 14:03:24 +0000"];
  int zone = c->zone < 0 ? -c->zone : c->zone;
  char *p = put_text(text, weekdays + 3 * weekday_of(day_number(c->year, c->month, c->day)), 3);
  p = put_text(p, ", ", 2);
  p = put_digits(p, c->day, 2);
  *p++ = ' ';
  p = put_text(p, months + 3 * (c->month - 1), 3);
  *p++ = ' ';
  p = put_digits(p, c->year, 4);
  *p++ = ' ';
  p = put_digits(p, c->hour, 2);
  *p++ = ':';
  p = put_digits(p, c->minute, 2);
  *p++ = ':';
  p = put_digits(p, c->second, 2);
  *p++ = ' ';
  *p++ = c->zone < 0 || c->unknown ? '-' : '+';
  p = put_digits(p, zone / 60 * 100 + zone % 60, 4);
  ls_buf_add(out, ls_span(text, (size_t)(p - text)));
}

void ls_date_write(struct ls_buf *out, int64_t s) {
  if (s < LS_DATE_MIN)
    s = LS_DATE_MIN;
  if (s > LS_DATE_MAX)
    s = LS_DATE_MAX;
  int64_t days = s / DAY - (s % DAY < 0);
  int second = (int)(s - days * DAY);
  struct moment c = {.hour = second / 3600, .minute = second / 60 % 60, .second = second % 60};
  civil(days, &c.year, &c.month, &c.day);
  write_moment(out, &c);
}

/* What is left to read; every reader below takes from its front. */
struct scan {
  struct ls_span rest;
};

static void advance(struct scan *s, size_t n) {
  s->rest = ls_span(s->rest.p + n, s->rest.n - n);
}

static bool take(struct scan *s, char c) {
  bool there = s->rest.n && s->rest.p[0] == c;
  if (there)
    advance(s, 1);
  return there;
}

/* White space and comments, which may nest (RFC 5322 3.2.2). False: a comment does not end. */
static bool skip_blank(struct scan *s) {
  size_t depth = 0;
  while (s->rest.n && (depth || ls_ascii_is_space(s->rest.p[0]) || s->rest.p[0] == '(')) {
    char c = s->rest.p[0];
    depth += c == '(';
    depth -= c == ')';
    advance(s, c == '\\' && s->rest.n > 1 ? 2 : 1);
  }
  return depth == 0;
}

/* A number of min to max digits; -1: there is none. *digits: how many they were; may be NULL. */
static int take_number(struct scan *s, size_t min, size_t max, size_t *digits) {
  size_t n = 0;
  int number = 0;
  for (; n < s->rest.n && n < max && ls_ascii_is_digit(s->rest.p[n]); n++)
    number = number * 10 + (s->rest.p[n] - '0');
  if (n < min || (n < s->rest.n && n == max && ls_ascii_is_digit(s->rest.p[n])))
    return -1;
  advance(s, n);
  if (digits)
    *digits = n;
  return number;
}

/* A word of letters, in any case. */
static struct ls_span take_word(struct scan *s) {
  size_t n = 0;
  while (n < s->rest.n && ls_ascii_is_alpha(s->rest.p[n]))
    n++;
  struct ls_span word = ls_span(s->rest.p, n);
  advance(s, n);
  return word;
}

/* Where word stands among names of three letters; -1: nowhere. */
static int name_index(const char *names, struct ls_span word) {
  for (int i = 0; names[3 * i]; i++)
    if (ls_span_ieq(word, ls_span(names + 3 * i, 3)))
      return i;
  return -1;
}

/* "+0200", "+02:00", "+02"; colons and bare hours are ISO 8601's alone. */
static bool take_offset(struct scan *s, bool iso, struct moment *c) {
  bool west = take(s, '-');
  if (!west && !take(s, '+'))
    return false;
  size_t digits;
  int number = take_number(s, iso ? 2 : 4, 4, &digits);
  if (number < 0 || digits == 3)
    return false;
  int hours = digits == 4 ? number / 100 : number;
  int minutes = digits == 4 ? number % 100 : 0;
  if (digits == 2 && take(s, ':'))
    minutes = take_number(s, 2, 2, NULL);
  if (hours > 99 || minutes < 0 || minutes > 59)
    return false;
  c->zone = (west ? -1 : 1) * (hours * 60 + minutes);
  c->unknown = west && c->zone == 0;
  return true;
}

/* RFC 5322 4.3: the zones of North America; UT, GMT and Z; every other letter, and name, says nothing. */
static bool take_zone(struct scan *s, struct moment *c) {
  static const struct {
    const char *name;
    int hours;
  } zones[] = {{"UT", 0},   {"UTC", 0},  {"GMT", 0},  {"Z", 0},    {"EDT", -4}, {"EST", -5},
               {"CDT", -5}, {"CST", -6}, {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}};
  if (take_offset(s, false, c))
    return true;
  struct ls_span word = take_word(s);
  for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
    if (ls_span_ieq(word, ls_span_cstr(zones[i].name))) {
      c->zone = zones[i].hours * 60;
      return true;
    }
  return false;
}

static bool is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static const char *check_moment(const struct moment *c) {
  static const char lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > lengths[c->month - 1] ||
      (c->month == 2 && c->day == 29 && !is_leap(c->year)))
    return "names a day that no calendar has";
  if (c->hour > 23 || c->minute > 59 || c->second > 60)
    return "names a time that no clock shows";
  return NULL;
}

static const char not_a_date[] =
    "is no date; write \"Mon, 23 Nov 2026 14:03:24 +0000\", \"2026-11-23T14:03:24Z\" or milliseconds since "
    "1970";

/* hour ":" minute [":" second], with blanks between where RFC 5322 allows them. */
static bool read_clock(struct scan *s, struct moment *c) {
  c->hour = take_number(s, 2, 2, NULL);
  if (c->hour < 0 || !skip_blank(s) || !take(s, ':') || !skip_blank(s))
    return false;
  c->minute = take_number(s, 2, 2, NULL);
  if (c->minute < 0 || !skip_blank(s))
    return false;
  if (!take(s, ':'))
    return true;
  if (!skip_blank(s))
    return false;
  c->second = take_number(s, 2, 2, NULL);
  return c->second >= 0 && skip_blank(s);
}

/* [day-name ","] day month year clock zone. Years of two and three digits count from 1900, and up to 49 from
 * 2000 (RFC 5322 4.3). */
static const char *read_mail_date(struct scan *s, struct moment *c) {
  int weekday = -1;
  if (ls_ascii_is_alpha(s->rest.p[0])) {
    weekday = name_index(weekdays, take_word(s));
    if (weekday < 0 || !skip_blank(s) || !take(s, ',') || !skip_blank(s))
      return not_a_date;
  }
  size_t digits = 0;
  c->day = take_number(s, 1, 2, NULL);
  if (c->day < 0 || !skip_blank(s))
    return not_a_date;
  c->month = name_index(months, take_word(s)) + 1;
  if (c->month == 0 || !skip_blank(s))
    return not_a_date;
  c->year = take_number(s, 2, 4, &digits);
  if (c->year < 0 || !skip_blank(s) || !read_clock(s, c))
    return not_a_date;
  if (!s->rest.n)
    return "has no time zone; end it in \"+0000\" for UTC";
  if (!take_zone(s, c) || !skip_blank(s) || s->rest.n)
    return not_a_date;
  c->year += digits == 2 && c->year < 50 ? 2000 : digits < 4 ? 1900 : 0;
  const char *fault = check_moment(c);
  if (!fault && weekday >= 0 && weekday != weekday_of(day_number(c->year, c->month, c->day)))
    return "names another day of the week than its date has";
  return fault;
}

/* Digits of two, with a separator before them exactly where extended says. */
static bool read_pair(struct scan *s, char separator, bool extended, int *out) {
  if (extended && !take(s, separator))
    return false;
  if (s->rest.n < 2 || !ls_ascii_is_digit(s->rest.p[0]) || !ls_ascii_is_digit(s->rest.p[1]))
    return false;
  *out = (s->rest.p[0] - '0') * 10 + (s->rest.p[1] - '0');
  advance(s, 2);
  return true;
}

static bool read_iso_clock(struct scan *s, struct moment *c) {
  bool extended = s->rest.n > 2 && s->rest.p[2] == ':';
  if (!read_pair(s, ':', false, &c->hour) || !read_pair(s, ':', extended, &c->minute))
    return false;
  bool more = s->rest.n && (extended ? s->rest.p[0] == ':' : ls_ascii_is_digit(s->rest.p[0]));
  if (more && !read_pair(s, ':', extended, &c->second))
    return false;
  if (more && (take(s, '.') || take(s, ','))) {
    size_t n = 0;
    while (n < s->rest.n && ls_ascii_is_digit(s->rest.p[n]))
      n++;
    advance(s, n);
    return n > 0;
  }
  return true;
}

static const char *read_iso_date(struct scan *s, struct moment *c) {
  int century, year;
  bool extended = s->rest.n > 4 && s->rest.p[4] == '-';
  if (!read_pair(s, '-', false, &century) || !read_pair(s, '-', false, &year) ||
      !read_pair(s, '-', extended, &c->month) || !read_pair(s, '-', extended, &c->day))
    return not_a_date;
  c->year = century * 100 + year;
  if (!s->rest.n)
    return check_moment(c);
  if (!take(s, 'T') && !take(s, 't') && !take(s, ' '))
    return not_a_date;
  if (!read_iso_clock(s, c))
    return not_a_date;
  if (!s->rest.n)
    return "has no time zone; end it in \"Z\" for UTC";
  if ((!take(s, 'Z') && !take(s, 'z') && !take_offset(s, true, c)) || s->rest.n)
    return not_a_date;
  return check_moment(c);
}

const char *ls_date_read(struct ls_buf *out, struct ls_span text) {
  struct scan s = {text};
  struct moment c = {0};
  if (!skip_blank(&s) || !s.rest.n)
    return not_a_date;
  size_t first = 0;
  while (first < s.rest.n && ls_ascii_is_digit(s.rest.p[first]))
    first++;
  while (s.rest.n && ls_ascii_is_space(s.rest.p[s.rest.n - 1]))
    s.rest.n--;
  const char *fault = first >= 4 ? read_iso_date(&s, &c) : read_mail_date(&s, &c);
  if (!fault)
    write_moment(out, &c);
  return fault;
}
