/* SPDX-License-Identifier: MIT */
#include "llog.h"

#include <stdio.h>

enum { LINE_MAX_OCTETS = 4096 };

void ls_llog_push(lua_State *L, const struct ls_log_record *r) {
  lua_createtable(L, 0, 10);
  ls_set_text(L, "level", ls_log_level_name(r->level));
  ls_set_text(L, "event", r->event);
  ls_set_text(L, "sid", r->sid);
  ls_set_text(L, "message", r->text);
  ls_set_text(L, "messageId", r->message_id);
  ls_set_text(L, "code", r->code);
  lua_pushnumber(L, (lua_Number)r->time_ms / 1000);
  lua_setfield(L, -2, "time");
  if (r->id)
    ls_set_number(L, "id", (double)r->id);
  if (r->handle)
    ls_set_number(L, "handle", (double)r->handle);
  if (r->response_code)
    ls_set_number(L, "responseCode", r->response_code);
}

void ls_llog_print(const struct ls_log_record *r) {
  struct ls_buf line;
  ls_buf_init(&line, LINE_MAX_OCTETS);
  ls_log_line(r, &line);
  if (line.status == LS_OK)
    fwrite(line.p, 1, line.n, stderr);
  ls_buf_deinit(&line);
}
