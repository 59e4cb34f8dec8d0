/* SPDX-License-Identifier: MIT */
#include "tls_versions.h"

#include <curl/curl.h>

/* In the order of ls_words_tls_versions. */
static const struct {
  long least, most;
} rows[] = {
    {CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_0},
    {CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_1},
    {CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_2},
    {CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_MAX_TLSv1_3},
};
enum { COUNT = sizeof rows / sizeof *rows };

long ls_tls_versions(size_t least, size_t most) {
  return (least < COUNT ? rows[least].least : CURL_SSLVERSION_TLSv1_2) |
         (most < COUNT ? rows[most].most : CURL_SSLVERSION_MAX_DEFAULT);
}
