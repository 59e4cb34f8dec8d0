/* SPDX-License-Identifier: MIT
 * tls_versions: what libcurl calls the versions of TLS. */
#ifndef LS_TLS_VERSIONS_H
#define LS_TLS_VERSIONS_H

#include <stddef.h>

/* For CURLOPT_SSLVERSION: places in ls_words_tls_versions; most behind its end: as high as it goes. */
long ls_tls_versions(size_t least, size_t most);

#endif
