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

void ls_date_write(struct ls_buf *out, int64_t s) {
  static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (s < LS_DATE_MIN)
    s = LS_DATE_MIN;
  if (s > LS_DATE_MAX)
    s = LS_DATE_MAX;
  int64_t days = s / DAY - (s % DAY < 0);
  int second = (int)(s - days * DAY);
  int weekday = (int)((days % 7 + 7) % 7);
  int year, month, day;
  civil(days, &year, &month, &day);
  char text[sizeof "Mon, 23 Nov 2026 14:03:24 +0000"];
  char *p = put_text(text, weekdays + 3 * weekday, 3);
  p = put_text(p, ", ", 2);
  p = put_digits(p, day, 2);
  *p++ = ' ';
  p = put_text(p, months + 3 * (month - 1), 3);
  *p++ = ' ';
  p = put_digits(p, year, 4);
  *p++ = ' ';
  p = put_digits(p, second / 3600, 2);
  *p++ = ':';
  p = put_digits(p, second / 60 % 60, 2);
  *p++ = ':';
  p = put_digits(p, second % 60, 2);
  p = put_text(p, " +0000", 6);
  ls_buf_add(out, ls_span(text, (size_t)(p - text)));
}
