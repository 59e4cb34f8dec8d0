/* SPDX-License-Identifier: MIT
 * proxy: the way through an HTTP or SOCKS proxy, or none: libcurl's options for it, and what went wrong on
 * it. */
#ifndef LS_PROXY_H
#define LS_PROXY_H

#include "dialogue.h"

/* No proxy in config: none, whatever the environment says. */
CURLcode ls_proxy_setup(CURL *easy, const struct ls_config *config);

/* Writes d->error (EPROXY) where the failure is the proxy's, or lies on the way to it. False: it is not. */
bool ls_proxy_explain(const struct ls_dialogue_end *f, struct ls_dialogue *d);

/* The time to connect or for the greeting is up, and the proxy has not yet said that the way is free: writes
 * that to err (ETIMEDOUT). False: it has, or there is no proxy. */
bool ls_proxy_late(CURL *easy, const struct ls_config *config, struct ls_error *err);

#endif
