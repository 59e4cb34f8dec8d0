/* SPDX-License-Identifier: MIT
 * tls_file: a text of the config, or the file it names, as OpenSSL reads. */
#ifndef LS_TLS_FILE_H
#define LS_TLS_FILE_H

#include <openssl/bio.h>

#include "../pure/buf.h"
#include "../pure/config.h"
#include "../pure/option.h"

struct ls_tls_file {
  struct ls_buf octets; /* of the file; wiped on close */
  BIO *bio;             /* borrowed until close */
};

/* option names the source in complaints; show: its text may be shown too, which for one that ought to be the
 * name of a file of a key it may not. LS_OK; LS_ECONFIG: no such file, or it cannot be read; LS_ESOCKET: no
 * descriptor is to be had for it; LS_ENOMEM. Close it in every case. */
enum ls_status ls_tls_file_open(struct ls_tls_file *f, const struct ls_config_source *source,
                                enum ls_option_id option, bool show, struct ls_error *err);
void ls_tls_file_close(struct ls_tls_file *f);

#endif
