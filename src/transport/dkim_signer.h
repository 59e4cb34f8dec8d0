/* SPDX-License-Identifier: MIT
 * dkim_signer: the option `dkim` of a config, its keys understood once, and the signatures it puts on
 * messages (RFC 6376, 8463): relaxed/relaxed, rsa-sha256 or ed25519-sha256 as the key is, one field for each
 * key. */
#ifndef LS_DKIM_SIGNER_H
#define LS_DKIM_SIGNER_H

#include <stdint.h>

#include "../pure/buf.h"
#include "../pure/config.h"

struct ls_dkim_signer;

/* dkim is borrowed for the call. A domain in Unicode is converted. Without a key *out is NULL and the answer
 * LS_OK. LS_EDKIM: err names the option and what to do; LS_ENOMEM. */
enum ls_status ls_dkim_signer_new(const struct ls_config_dkim *dkim, struct ls_dkim_signer **out,
                                  struct ls_error *err);
void ls_dkim_signer_free(struct ls_dkim_signer *s); /* wipes the keys; NULL is fine */

/* Appends to out the fields to put in front of head: each folded within 76 columns where its tags allow, each
 * ended by CRLF. head: the header block, each line with CRLF, without the blank line. body: what follows the
 * blank line, without dot transparency. now_s: seconds since 1970 UTC.
 * LS_OK; LS_EDKIM, LS_ENOMEM, LS_ETOOBIG (out's ceiling): out is as long as before, do not send the message.
 */
enum ls_status ls_dkim_signer_sign(const struct ls_dkim_signer *s, struct ls_span head, struct ls_span body,
                                   int64_t now_s, struct ls_buf *out, struct ls_error *err);

#endif
