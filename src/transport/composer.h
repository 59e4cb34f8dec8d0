/* SPDX-License-Identifier: MIT
 * composer: a mail to its envelope and octets, with what the pure rooms may not find out themselves: the
 * date, random octets, and domain names in the form DNS and SMTP take. */
#ifndef LS_COMPOSER_H
#define LS_COMPOSER_H

#include "../pure/message.h"

/* Composes mail. What out holds lives in a and in out->content; nothing of it points into mail.
 * Statuses are those of ls_message_read and ls_message_write, LS_EENVELOPE too for a domain IDNA cannot take.
 * out can be deinited in every case (ls_buf_deinit of its content). */
enum ls_status ls_composer_compose(const struct ls_value *mail, struct ls_arena *a, struct ls_composed *out,
                                   struct ls_error *err);

#endif
