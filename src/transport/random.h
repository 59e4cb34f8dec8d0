/* SPDX-License-Identifier: MIT
 * random: the only entropy, straight from the operating system; nothing is seeded, so nothing is shared by a
 * fork. */
#ifndef LS_RANDOM_H
#define LS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills n octets at p; false: the system has none to give (p is then undefined). */
bool ls_random_fill(void *p, size_t n);

#endif
