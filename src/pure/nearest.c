/* SPDX-License-Identifier: MIT */
#include "nearest.h"

#include <stdint.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t ls_nearest_distance(struct ls_span a, struct ls_span b) {
  size_t rows[3][LS_NEAREST_MAX + 1];
  if (a.n > LS_NEAREST_MAX || b.n > LS_NEAREST_MAX)
    return SIZE_MAX;
  for (size_t j = 0; j <= b.n; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a.n; i++) {
    size_t *row = rows[i % 3];
    const size_t *last = rows[(i + 2) % 3];
    const size_t *before = rows[(i + 1) % 3];
    char c = ls_ascii_lower(a.p[i - 1]);
    row[0] = i;
    for (size_t j = 1; j <= b.n; j++) {
      char d = ls_ascii_lower(b.p[j - 1]);
      row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (c != d));
      if (i > 1 && j > 1 && c == ls_ascii_lower(b.p[j - 2]) && ls_ascii_lower(a.p[i - 2]) == d)
        row[j] = least(row[j], before[j - 2] + 1);
    }
  }
  return rows[a.n % 3][b.n];
}

size_t ls_nearest_reach(struct ls_span name) {
  return name.n > 5 ? 2 : 1;
}
