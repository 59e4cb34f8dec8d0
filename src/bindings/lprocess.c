/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* flock, TIOCGWINSZ */
#include "lprocess.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../pure/buf.h"
#include "../transport/clock.h"
#include "box.h"

enum { LINE_MOST = INT_MAX /* octets of a line at most */ };

/* A signal handler can reach nothing but static memory, and what a signal does is one setting of the whole
 * process: hence the only mutable state here that belongs to no object. */
static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { SIGNAL_COUNT = sizeof SIGNALS / sizeof *SIGNALS };
static volatile sig_atomic_t caught;
static struct {
  bool on;
  struct sigaction before[SIGNAL_COUNT];
} interrupts;

static void note(int signal) {
  caught = signal;
}

/* SIGPIPE: whoever reads the progress may go, and a write says so. nohup has SIGHUP ignored already. */
static void set_handler(int signal, struct sigaction *before) {
  struct sigaction action = {.sa_handler = signal == SIGPIPE ? SIG_IGN : note,
                             .sa_flags = signal == SIGPIPE ? 0 : (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(signal, NULL, before);
  if (signal != SIGHUP || before->sa_handler != SIG_IGN)
    sigaction(signal, &action, NULL);
}

/* catchInterrupt(): from now on the first SIGINT, SIGTERM or SIGHUP is only noted, and does what it does by
 * default when it comes again; SIGPIPE does nothing. Lua's own handler would raise at any instruction. */
static int catch_interrupt(lua_State *L) {
  ls_check_arity(L, 0);
  if (interrupts.on)
    return 0;
  caught = 0;
  for (size_t i = 0; i < SIGNAL_COUNT; i++)
    set_handler(SIGNALS[i], &interrupts.before[i]);
  interrupts.on = true;
  return 0;
}

/* releaseInterrupt(): what the signals did before catchInterrupt, they do again. Safe twice. */
static int release_interrupt(lua_State *L) {
  ls_check_arity(L, 0);
  for (size_t i = 0; interrupts.on && i < SIGNAL_COUNT; i++)
    sigaction(SIGNALS[i], &interrupts.before[i], NULL);
  interrupts.on = false;
  return 0;
}

/* interrupted() -> whether a signal has come since catchInterrupt */
static int interrupted(lua_State *L) {
  ls_check_arity(L, 0);
  lua_pushboolean(L, caught != 0);
  return 1;
}

/* The Lua file at index 1; NULL: it is closed. */
static FILE *check_file(lua_State *L) {
#if LS_LUA_51
  FILE **file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return *file;
#else
  luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return file->closef ? file->f : NULL;
#endif
}

/* The descriptor of the Lua file at index 1, or the descriptor itself; below 0: it is closed. */
static int descriptor(lua_State *L) {
  ls_check_arity(L, 1);
  if (lua_type(L, 1) == LUA_TNUMBER)
    return (int)luaL_checkinteger(L, 1);
  FILE *file = check_file(L);
  return file ? fileno(file) : -1;
}

static int answer(lua_State *L, bool fine) {
  if (fine) {
    lua_pushboolean(L, 1);
    return 1;
  }
  int why = errno;
  lua_pushnil(L);
  lua_pushstring(L, strerror(why));
  return 2;
}

/* sync(file) -> true | nil, err: what was written and flushed is on the disk */
static int sync_file(lua_State *L) {
  int fd = descriptor(L);
  return answer(L, fsync(fd) == 0);
}

static void release_line(void *line) {
  ls_buf_deinit(line);
}

static const struct ls_box_type line_type = {
    .name = "logto_smtp.line", .size = sizeof(struct ls_buf), .release = release_line};

/* What ends the line that c ended: LF, CR LF, CR alone as old Macs write it, or the end of the file. */
static const char *line_ending(FILE *file, int c) {
  if (c != '\r')
    return c == '\n' ? "\n" : "";
  int next = getc(file);
  if (next == '\n')
    return "\r\n";
  if (next != EOF)
    ungetc(next, file);
  return "\r";
}

/* readLine(file, limit) -> line, its end | false, octets of one that is longer than limit and was passed
 * over, its end | nil at the end | nil, err. Unlike Lua's own it takes NUL in every version, and no memory
 * for what nobody wants. */
static int read_line(lua_State *L) {
  lua_Number limit = luaL_checknumber(L, 2);
  ls_check_arity(L, 2);
  luaL_argcheck(L, limit >= 0 && limit <= LINE_MOST, 2, "0 to 2^31 - 1 octets expected");
  struct ls_buf *line = ls_box_push(L, &line_type);
  ls_buf_init(line, (size_t)limit);
  FILE *file = check_file(L);
  luaL_argcheck(L, file != NULL, 1, "the file is closed");
  size_t n = 0;
  int c;
  while ((c = getc(file)) != EOF && c != '\n' && c != '\r') {
    n++;
    ls_buf_addc(line, (char)c);
  }
  if (c == EOF && ferror(file)) {
    int why = errno;
    clearerr(file);
    errno = why;
    return answer(L, false);
  }
  if (c == EOF && n == 0)
    return 0;
  if (line->status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  const char *ending = line_ending(file, c);
  if (line->status == LS_OK) {
    ls_push_span(L, ls_buf_span(line));
    ls_box_free(L, 3);
    lua_pushstring(L, ending);
    return 2;
  }
  lua_pushboolean(L, 0);
  ls_push_number(L, (double)n);
  lua_pushstring(L, ending);
  return 3;
}

/* lock(file) -> true | nil, err: ours alone until it is closed; does not wait */
static int lock_file(lua_State *L) {
  int fd = descriptor(L);
  return answer(L, flock(fd, LOCK_EX | LOCK_NB) == 0);
}

/* isTerminal(file) -> boolean */
static int is_terminal(lua_State *L) {
  int fd = descriptor(L);
  lua_pushboolean(L, isatty(fd));
  return 1;
}

/* columns(file) -> width of the terminal, 80 where there is none */
static int columns(lua_State *L) {
  int fd = descriptor(L);
  struct winsize size;
  bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  ls_push_number(L, known ? size.ws_col : 80);
  return 1;
}

/* clock() -> seconds that never go back; only differences mean something */
static int monotonic_clock(lua_State *L) {
  ls_check_arity(L, 0);
  lua_pushnumber(L, (double)ls_clock_ms() / 1000);
  return 1;
}

/* sleep(seconds): a signal ends it early */
static int sleep_seconds(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  ls_check_arity(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 1, "0 to 1e6 seconds expected");
  struct timespec t = {.tv_sec = (time_t)seconds};
  t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
  nanosleep(&t, NULL);
  return 0;
}

void ls_lprocess_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"catchInterrupt", catch_interrupt},
                                       {"releaseInterrupt", release_interrupt},
                                       {"interrupted", interrupted},
                                       {"sync", sync_file},
                                       {"lock", lock_file},
                                       {"readLine", read_line},
                                       {"isTerminal", is_terminal},
                                       {"columns", columns},
                                       {"clock", monotonic_clock},
                                       {"sleep", sleep_seconds},
                                       {NULL, NULL}};
  ls_box_register(L, &line_type);
  lua_newtable(L);
  ls_set_functions(L, functions);
  lua_setfield(L, -2, "process");
}
