/* SPDX-License-Identifier: MIT
 * composer: a mail to its envelope and octets, with what the pure rooms may not find out themselves: the
 * date, random octets, and domain names in the form DNS and SMTP take. */
#ifndef LS_COMPOSER_H
#define LS_COMPOSER_H

#include "../pure/message.h"
#include "dkim_signer.h"

/* Whether the mail itself says how it is signed; a client's signatures are then not for it. */
bool ls_composer_signs(const struct ls_value *mail);

/* Composes mail, and signs it as its own option dkim says. What out holds lives in a and in out->content;
 * nothing of it points into mail.
 * Statuses are those of ls_message_read and ls_message_write, LS_EENVELOPE too for a domain IDNA cannot take,
 * and LS_EDKIM.
 * out comes as ls_message_write takes it, and can be deinited in every case (ls_buf_deinit of its
 * content). */
enum ls_status ls_composer_compose(const struct ls_value *mail, struct ls_arena *a, struct ls_composed *out,
                                   struct ls_error *err);

/* Puts the signatures of signer in front of a composed message; NULL: does nothing. LS_OK; LS_EDKIM,
 * LS_ENOMEM, LS_ETOOBIG: m is as it was, and must not be sent. */
enum ls_status ls_composer_sign(const struct ls_dkim_signer *signer, struct ls_composed *m,
                                struct ls_error *err);

#endif
