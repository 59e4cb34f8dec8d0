/* SPDX-License-Identifier: MIT */
#include "jstext.h"

#include <stdint.h>

/* Shortest digits by Steele and White's method with exact integers, as refined by Burger and Dybvig
 * ("Printing Floating-Point Numbers Quickly and Accurately", 1996): value = r / s, and every number in the
 * interval (value - below / s, value + above / s) reads back as the same double. */
enum {
  LIMBS = 36,     /* 1152 bits: the widest number here is 5e-324's numerator, 10^324 * 2^55, below 2^1132 */
  MAX_DIGITS = 17 /* no double needs more */
};

struct big {
  uint32_t limb[LIMBS]; /* least significant first, zero from n on */
  int n;
};

struct decimal {
  char digits[MAX_DIGITS + 1];
  int count;
  int point; /* value = 0.digits * 10^point */
};

static struct big big_of(uint64_t u) {
  struct big b = {.limb = {(uint32_t)u, (uint32_t)(u >> 32)}};
  b.n = b.limb[1] ? 2 : b.limb[0] ? 1 : 0;
  return b;
}

static void big_multiply(struct big *b, uint32_t by) {
  uint64_t carry = 0;
  for (int i = 0; i < b->n; i++) {
    carry += (uint64_t)b->limb[i] * by;
    b->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry)
    b->limb[b->n++] = (uint32_t)carry;
}

static void big_power_of_ten(struct big *b, int exponent) {
  for (; exponent >= 9; exponent -= 9)
    big_multiply(b, 1000000000);
  for (; exponent > 0; exponent--)
    big_multiply(b, 10);
}

static void big_power_of_two(struct big *b, int exponent) {
  for (; exponent >= 31; exponent -= 31)
    big_multiply(b, (uint32_t)1 << 31);
  big_multiply(b, (uint32_t)1 << exponent);
}

static void big_add(struct big *b, const struct big *other) {
  uint64_t carry = 0;
  int n = b->n > other->n ? b->n : other->n;
  for (int i = 0; i < n; i++) {
    carry += (uint64_t)b->limb[i] + other->limb[i];
    b->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  b->n = n;
  if (carry)
    b->limb[b->n++] = (uint32_t)carry;
}

static void big_subtract(struct big *b, const struct big *smaller) {
  uint32_t borrow = 0;
  for (int i = 0; i < b->n; i++) {
    uint64_t difference = (uint64_t)b->limb[i] - smaller->limb[i] - borrow;
    b->limb[i] = (uint32_t)difference;
    borrow = (uint32_t)(difference >> 32) & 1;
  }
  while (b->n > 0 && b->limb[b->n - 1] == 0)
    b->n--;
}

static int big_order(const struct big *a, const struct big *b) {
  if (a->n != b->n)
    return a->n < b->n ? -1 : 1;
  for (int i = a->n - 1; i >= 0; i--)
    if (a->limb[i] != b->limb[i])
      return a->limb[i] < b->limb[i] ? -1 : 1;
  return 0;
}

/* The order of a + b against c. */
static int big_order_sum(const struct big *a, const struct big *b, const struct big *c) {
  struct big sum = *a;
  big_add(&sum, b);
  return big_order(&sum, c);
}

struct fraction {
  struct big r, s, above, below;
  bool even; /* an even mantissa: the ends of the interval read back as the same double too */
};

/* value = mantissa * 2^exponent as r / s, doubled so that half a unit in the last place is whole. */
static void fraction_of(struct fraction *f, uint64_t mantissa, int exponent, bool lower_is_closer) {
  f->even = (mantissa & 1) == 0;
  f->r = big_of(mantissa * (lower_is_closer ? 4 : 2));
  f->s = big_of(lower_is_closer ? 4 : 2);
  f->above = big_of(lower_is_closer ? 2 : 1);
  f->below = big_of(1);
  if (exponent >= 0) {
    big_power_of_two(&f->r, exponent);
    big_power_of_two(&f->above, exponent);
    big_power_of_two(&f->below, exponent);
  } else {
    big_power_of_two(&f->s, -exponent);
  }
}

/* Brings value into [1/10, 1) and answers the power of ten taken out. */
static int fraction_scale(struct fraction *f, int magnitude) {
  /* magnitude = floor(log2(value)), so this is the wanted power or one too low, never too high */
  double estimate = magnitude * 0.30102999566398114;
  int point = (int)estimate;
  if ((double)point < estimate)
    point++;
  if (point >= 0) {
    big_power_of_ten(&f->s, point);
  } else {
    big_power_of_ten(&f->r, -point);
    big_power_of_ten(&f->above, -point);
    big_power_of_ten(&f->below, -point);
  }
  int order = big_order_sum(&f->r, &f->above, &f->s);
  if (order > 0 || (order == 0 && f->even)) {
    big_multiply(&f->s, 10);
    point++;
  }
  return point;
}

static char next_digit(struct fraction *f) {
  char digit = '0';
  big_multiply(&f->r, 10);
  big_multiply(&f->above, 10);
  big_multiply(&f->below, 10);
  for (; big_order(&f->r, &f->s) >= 0; digit++)
    big_subtract(&f->r, &f->s);
  return digit;
}

static bool rounds_up(const struct fraction *f, bool low, bool high, char digit) {
  if (low != high)
    return high;
  int order = big_order_sum(&f->r, &f->r, &f->s); /* both ends would do: the closer one */
  return order > 0 || (order == 0 && (digit - '0') % 2 == 1);
}

static void shortest(double number, struct decimal *out) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
  int biased = (int)(bits >> 52 & 0x7ff);
  bool lower_is_closer =
      mantissa == 0 && biased > 1; /* a power of two: the gap below is half the gap above */
  if (biased)
    mantissa |= UINT64_C(1) << 52;
  int exponent = (biased ? biased : 1) - 1075;
  int magnitude = exponent - 1;
  for (uint64_t rest = mantissa; rest; rest >>= 1)
    magnitude++;

  struct fraction f;
  fraction_of(&f, mantissa, exponent, lower_is_closer);
  out->point = fraction_scale(&f, magnitude);
  bool low = false;
  bool high = false;
  for (out->count = 0; !low && !high && out->count < MAX_DIGITS;) {
    char digit = next_digit(&f);
    int below = big_order(&f.r, &f.below);
    int above = big_order_sum(&f.r, &f.above, &f.s);
    low = below < 0 || (below == 0 && f.even);
    high = above > 0 || (above == 0 && f.even);
    if ((low || high) && rounds_up(&f, low, high, digit))
      digit++;
    out->digits[out->count++] = digit;
  }
}

static void add_zeros(struct ls_buf *out, int count) {
  while (count-- > 0)
    ls_buf_addc(out, '0');
}

static void add_exponential(const struct decimal *d, struct ls_buf *out) {
  int exponent = d->point - 1;
  ls_buf_addc(out, d->digits[0]);
  if (d->count > 1) {
    ls_buf_addc(out, '.');
    ls_buf_add(out, ls_span(d->digits + 1, (size_t)d->count - 1));
  }
  ls_buf_adds(out, exponent < 0 ? "e-" : "e+");
  ls_buf_addu(out, (unsigned)(exponent < 0 ? -exponent : exponent));
}

static void add_decimal(const struct decimal *d, struct ls_buf *out) {
  struct ls_span digits = ls_span(d->digits, (size_t)d->count);
  if (d->point > 21 || d->point <= -6) {
    add_exponential(d, out);
  } else if (d->point <= 0) {
    ls_buf_adds(out, "0.");
    add_zeros(out, -d->point);
    ls_buf_add(out, digits);
  } else if (d->point >= d->count) {
    ls_buf_add(out, digits);
    add_zeros(out, d->point - d->count);
  } else {
    ls_buf_add(out, ls_span_sub(digits, 0, (size_t)d->point));
    ls_buf_addc(out, '.');
    ls_buf_add(out, ls_span_sub(digits, (size_t)d->point, digits.n));
  }
}

void ls_jstext_number(double number, struct ls_buf *out) {
  if (number != number) {
    ls_buf_adds(out, "NaN");
    return;
  }
  if (number < 0) {
    ls_buf_addc(out, '-');
    number = -number;
  }
  if (number > 1.7976931348623157e308) {
    ls_buf_adds(out, "Infinity");
  } else if (number < 9007199254740992.0 && number == (double)(uint64_t)number) {
    ls_buf_addu(out, (uint64_t)number); /* below 2^53 every integer's own digits are the shortest */
  } else {
    struct decimal d;
    shortest(number, &d);
    add_decimal(&d, out);
  }
}

void ls_jstext_add(const struct ls_value *v, struct ls_buf *out) {
  if (!v)
    return;
  switch (v->kind) {
  case LS_VALUE_UNDEFINED:
  case LS_VALUE_NULL:
  case LS_VALUE_EMPTY:
    break;
  case LS_VALUE_BOOLEAN:
    ls_buf_adds(out, v->as.boolean ? "true" : "false");
    break;
  case LS_VALUE_NUMBER:
    ls_jstext_number(v->as.number, out);
    break;
  case LS_VALUE_STRING:
    ls_buf_add(out, v->as.string);
    break;
  case LS_VALUE_ARRAY:
    for (size_t i = 0; i < v->as.array.count; i++) {
      if (i)
        ls_buf_addc(out, ',');
      ls_jstext_add(&v->as.array.items[i], out);
    }
    break;
  case LS_VALUE_OBJECT:
  case LS_VALUE_OTHER:
    ls_buf_adds(out, "[object Object]");
    break;
  }
}

bool ls_jstext_is_truthy(const struct ls_value *v) {
  if (ls_value_is_nothing(v))
    return false;
  switch (v->kind) {
  case LS_VALUE_BOOLEAN:
    return v->as.boolean;
  case LS_VALUE_NUMBER:
    return v->as.number < 0 || v->as.number > 0;
  case LS_VALUE_STRING:
    return v->as.string.n > 0;
  default:
    return true;
  }
}
