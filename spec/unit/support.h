/* SPDX-License-Identifier: MIT
 * support: what every unit test needs: failing allocations in turn, octets right before an unreadable page.
 */
#ifndef LS_UNIT_SUPPORT_H
#define LS_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/pure/span.h"

/* Runs scenario again and again, failing the first, second, ... allocation, until a run needs no more than
 * were allowed. The scenario must clean up after itself and may not crash; it answers true when it succeeded
 * as a whole, and must not succeed in a run in which an allocation failed.
 * Returns the number of allocations. */
size_t support_each_allocation(bool (*scenario)(void *), void *context);

/* A copy of s that ends right before an unreadable page: one octet too far is a crash. Free with
 * support_unguard. */
struct ls_span support_guard(struct ls_span s);
void support_unguard(struct ls_span s);

/* assert_true that two spans are equal, printing both when not. */
#define assert_span_equal(got, want) support_assert_span((got), (want), __FILE__, __LINE__)
void support_assert_span(struct ls_span got, struct ls_span want, const char *file, int line);

#endif
