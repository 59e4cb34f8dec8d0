/* SPDX-License-Identifier: MIT
 * nearest: how far one name is from another, to find the one that was meant. */
#ifndef LS_NEAREST_H
#define LS_NEAREST_H

#include "span.h"

enum { LS_NEAREST_MAX = 40 /* octets; a longer name is not compared with others */ };

/* How many letters to add, drop, change or swap with their neighbour to get from a to b, case aside.
 * SIZE_MAX: one of them is too long. */
size_t ls_nearest_distance(struct ls_span a, struct ls_span b);

/* How far off a slip in the name of an option may be. */
size_t ls_nearest_reach(struct ls_span name);

#endif
