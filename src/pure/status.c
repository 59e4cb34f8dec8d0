/* SPDX-License-Identifier: MIT */
#include "status.h"

struct row {
  const char *code;
  const char *text;
};

#define X(name, code, text) {code, text},
static const struct row rows[] = {
#include "status.def"
};
#undef X

static const struct row *row_of(enum ls_status status) {
  static const struct row none = {"", ""};
  int index = -1 - (int)status;
  return index >= 0 && index < LS_STATUS_COUNT ? &rows[index] : &none;
}

const char *ls_status_code(enum ls_status status) {
  return row_of(status)->code;
}

const char *ls_status_text(enum ls_status status) {
  return row_of(status)->text;
}
