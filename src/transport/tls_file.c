/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "tls_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shortage.h"

enum { FILE_MAX = 4 * 1024 * 1024, STEP = 16 * 1024 };

/* Reads a whole regular file: a pipe or a device could keep us waiting. Answers why not; NULL: done. */
static const char *read_file(const char *name, struct ls_buf *out, int *number) {
  struct stat st;
  int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  *number = fd < 0 ? errno : 0;
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? "there is no such file"
           : errno == EACCES                                            ? "this process may not read it"
                                                                        : "it cannot be opened";
  const char *why = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ? "it is no plain file" : NULL;
  for (ssize_t n = 1; n > 0 && !why;) {
    char *room = ls_buf_room(out, STEP);
    n = room ? read(fd, room, STEP) : 0;
    if (!room && out->status == LS_ETOOBIG)
      why = "it is longer than 4 MiB";
    else if (n < 0)
      why = "it cannot be read";
    else if (room)
      ls_buf_grew(out, (size_t)n);
  }
  close(fd);
  return why;
}

static enum ls_status no_descriptor(struct ls_error *err, int number, enum ls_option_id option) {
  char label[LS_OPTION_LABEL];
  ls_option_label(option, LS_ITEM_NONE, label);
  return ls_shortage_set(err, number, "API", "open", label);
}

enum ls_status ls_tls_file_open(struct ls_tls_file *f, const struct ls_config_source *source,
                                enum ls_option_id option, bool show, struct ls_error *err) {
  *f = (struct ls_tls_file){0};
  ls_buf_init(&f->octets, FILE_MAX);
  int number = 0;
  const char *why = source->is_file ? read_file(source->text, &f->octets, &number) : NULL;
  if (ls_shortage_is(number))
    return no_descriptor(err, number, option);
  if (why)
    return ls_option_error(
        err, LS_ECONFIG, option, LS_ITEM_NONE,
        "names a file that cannot be used: %s%s%.300s; give the name of a readable file, or "
        "the text itself",
        why, show ? ": " : "", show ? source->text : "");
  if (f->octets.status == LS_OK)
    f->bio = source->is_file ? BIO_new_mem_buf(f->octets.n ? f->octets.p : "", (int)f->octets.n)
                             : BIO_new_mem_buf(source->text, -1);
  return f->bio ? LS_OK : ls_error_no_memory(err, NULL);
}

void ls_tls_file_close(struct ls_tls_file *f) {
  BIO_free(f->bio);
  f->bio = NULL;
  ls_buf_deinit(&f->octets);
}
