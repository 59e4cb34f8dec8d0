/* SPDX-License-Identifier: MIT
 * conn_setup: a config as options of a libcurl handle. */
#ifndef LS_CONN_SETUP_H
#define LS_CONN_SETUP_H

#include "conn.h"

/* LS_OK; LS_ECONFIG: host, name or another option cannot be used (err names it); LS_ENOMEM.
 * *target (NULL before) becomes a list that must outlive easy; free it in every case. */
enum ls_status ls_conn_setup(CURL *easy, const struct ls_conn_options *options, struct curl_slist **target,
                             struct ls_error *err);

/* libcurl's connect timeout would go on through greeting, EHLO and AUTH: to be called when TCP (and TLS,
 * where it comes first) is up. */
void ls_conn_setup_connected(CURL *easy);

/* What EHLO says when the config gives no name: the machine's name if it has a dot, else "[127.0.0.1]"; an
 * IPv4 address in brackets where the config gives a bare one (RFC 5321 4.1.3). Yours to free; NULL: no
 * memory. */
char *ls_conn_ehlo_name(const char *configured);

#endif
