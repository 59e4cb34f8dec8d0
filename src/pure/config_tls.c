/* SPDX-License-Identifier: MIT
 * What a config says about TLS: whom to trust, who we are. Texts only: whether a certificate is one, and
 * whether a file is there, is for the transport to see. */
#include "config_parts.h"
#include "jstext.h"
#include "netaddr.h"

#define TLS(name) LS_OPTION_TLS_##name

enum { TLS_1_2 = 2, TLS_1_3 = 3 }; /* of ls_words_tls_versions */

static enum ls_status refuse(const struct ls_config_reader *r, enum ls_option_id id, const char *text) {
  return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "%s", text);
}

static bool is_pem(const char *text) {
  return strstr(text, "-----BEGIN ") != NULL;
}

static bool is_file_forbidden(const struct ls_config_reader *r) {
  return ls_value_is_true(ls_config_option_value(r, LS_OPTION_CONFIG_disableFileAccess));
}

/* A text that is no PEM names a file. */
static enum ls_status read_source(const struct ls_config_reader *r, enum ls_option_id o,
                                  const struct ls_value *v, struct ls_config_source *out) {
  enum ls_status st = ls_config_option_text(r, o, v, &out->text);
  if (st != LS_OK || !out->text || is_pem(out->text))
    return st;
  out->is_file = true;
  if (strchr(out->text, '\n'))
    return refuse(r, o, "must be PEM (\"-----BEGIN ...\") or the name of a file");
  /* a config that is merely stored may name files of another machine */
  if (is_file_forbidden(r))
    return ls_config_option_refuse_client(
        r, o,
        "names a file (it is not PEM, \"-----BEGIN ...\"), and "
        "disableFileAccess forbids to read it; put the text itself into the "
        "config");
  return LS_OK;
}

/* One text or file, or an array of them. */
static enum ls_status read_sources(const struct ls_config_reader *r, enum ls_option_id o,
                                   const struct ls_config_source **out, size_t *count) {
  const struct ls_value *v = ls_config_option_value(r, o);
  if (!ls_jstext_is_truthy(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  const struct ls_value *items = v->kind == LS_VALUE_ARRAY ? v->as.array.items : v;
  size_t n = v->kind == LS_VALUE_ARRAY ? v->as.array.count : 1;
  struct ls_config_source *list = ls_arena_array(r->a, n, sizeof *list);
  if (!list)
    return ls_config_option_no_memory(r);
  for (size_t i = 0; i < n; i++) {
    enum ls_status st = read_source(r, o, &items[i], &list[i]);
    if (st == LS_OK && !list[i].text)
      st = refuse(r, o, "holds an empty item; remove it");
    if (st != LS_OK)
      return st;
  }
  *out = list;
  *count = n;
  return LS_OK;
}

/* The one value of an option that may be an array in the original: for several identities, which a client has
 * no use for. */
static enum ls_status only_value(const struct ls_config_reader *r, enum ls_option_id o,
                                 const struct ls_value **v) {
  *v = ls_config_option_value(r, o);
  if (!ls_jstext_is_truthy(*v) || (*v)->kind == LS_VALUE_EMPTY)
    *v = NULL;
  if (!ls_value_is(*v, LS_VALUE_ARRAY))
    return LS_OK;
  if ((*v)->as.array.count != 1)
    return refuse(r, o, "must be one, not several; keep the one this server knows");
  *v = (*v)->as.array.items;
  return LS_OK;
}

/* A key or PKCS #12 file may bring its passphrase: {pem | buf = text, passphrase = text}. */
static const struct ls_value *unpack(const struct ls_value *v, const char *member,
                                     const struct ls_value **passphrase) {
  if (!ls_value_is(v, LS_VALUE_OBJECT))
    return v;
  const struct ls_value *own = ls_value_get(v, LS_SPAN("passphrase"));
  if (ls_jstext_is_truthy(own))
    *passphrase = own;
  return ls_value_get(v, ls_span_cstr(member));
}

/* DER of a PKCS #12 file begins with a long SEQUENCE, so its base64 does with "MI". */
static bool is_base64(const char *text) {
  size_t n = strlen(text);
  if (n < 64 || n % 4 || strncmp(text, "MI", 2) != 0)
    return false;
  for (size_t i = 0; i < n; i++)
    if (!ls_ascii_is_alnum(text[i]) && text[i] != '+' && text[i] != '/' && (text[i] != '=' || i + 2 < n))
      return false;
  return true;
}

static enum ls_status read_pfx(const struct ls_config_reader *r, const struct ls_value *v) {
  struct ls_config_tls *tls = &r->out->tls;
  enum ls_status st = ls_config_option_text(r, TLS(pfx), v, &tls->pfx.text);
  if (st != LS_OK || !tls->pfx.text || is_base64(tls->pfx.text))
    return st;
  if (is_pem(tls->pfx.text))
    return refuse(r, TLS(pfx), "is PEM; give the certificate as tls.cert and the key as tls.key");
  tls->pfx.is_file = true;
  if (is_file_forbidden(r))
    return ls_config_option_refuse_client(r, TLS(pfx),
                                          "names a file, and disableFileAccess forbids to read it; put it "
                                          "into the config in base64, in one line");
  return LS_OK;
}

/* Who we are: cert and key, or pfx. */
static enum ls_status read_identity(const struct ls_config_reader *r) {
  struct ls_config_tls *tls = &r->out->tls;
  const struct ls_value *cert, *key, *pfx, *passphrase = ls_config_option_value(r, TLS(passphrase));
  enum ls_status st = only_value(r, TLS(cert), &cert);
  if (st == LS_OK)
    st = only_value(r, TLS(key), &key);
  if (st == LS_OK)
    st = only_value(r, TLS(pfx), &pfx);
  if (st != LS_OK)
    return st;
  key = unpack(key, "pem", &passphrase);
  pfx = unpack(pfx, "buf", &passphrase);
  st = read_source(r, TLS(cert), cert, &tls->cert);
  if (st == LS_OK)
    st = read_source(r, TLS(key), key, &tls->key);
  if (st == LS_OK)
    st = read_pfx(r, pfx);
  if (st == LS_OK)
    st = ls_config_option_text(r, TLS(passphrase), passphrase, &tls->passphrase);
  if (st != LS_OK)
    return st;
  if (tls->pfx.text && (tls->cert.text || tls->key.text))
    return refuse(r, TLS(pfx), "brings certificate and key; remove tls.cert and tls.key");
  if (!tls->cert.text != !tls->key.text)
    return refuse(r, tls->cert.text ? TLS(cert) : TLS(key),
                  tls->cert.text ? "needs its private key as tls.key" : "needs its certificate as tls.cert");
  return LS_OK;
}

/* One list names both: what begins with "TLS_" is a suite of TLS 1.3, all else is for the versions before. */
static enum ls_status split_ciphers(const struct ls_config_reader *r, const char *text) {
  struct ls_buf parts[2];
  const char **const out[2] = {&r->out->tls.cipher_list, &r->out->tls.cipher_suites};
  enum ls_status st = LS_OK;
  for (int i = 0; i < 2; i++)
    ls_buf_init(&parts[i], r->a->max);
  for (struct ls_span rest = ls_span_cstr(text); rest.n;) {
    size_t end = ls_span_index(rest, ':');
    struct ls_span item = ls_span_sub(rest, 0, end);
    struct ls_buf *to = &parts[ls_span_starts(item, LS_SPAN("TLS_"))];
    if (item.n && to->n)
      ls_buf_addc(to, ':');
    ls_buf_add(to, item);
    rest = ls_span_sub(rest, end + 1, rest.n);
  }
  for (int i = 0; i < 2; i++) {
    if (parts[i].n)
      *out[i] = ls_arena_copy(r->a, ls_buf_span(&parts[i])).p;
    if (parts[i].status != LS_OK || (parts[i].n && !*out[i]))
      st = ls_config_option_no_memory(r);
    ls_buf_deinit(&parts[i]);
  }
  return st;
}

/* Ciphers of one kind only leave the versions of the other kind without any: then they are not offered. */
static void fit_versions(const struct ls_config_tls *tls, size_t *lowest, size_t *highest) {
  if (!tls->cipher_list && !tls->cipher_suites)
    return;
  if (!tls->cipher_suites && *highest > TLS_1_2 && *lowest < TLS_1_3)
    *highest = TLS_1_2;
  if (!tls->cipher_list && *lowest<TLS_1_3 && * highest> TLS_1_2)
    *lowest = TLS_1_3;
}

static enum ls_status read_versions(const struct ls_config_reader *r) {
  size_t lowest = TLS_1_2, highest = TLS_1_3;
  const char *ciphers = NULL;
  enum ls_status st = ls_config_option_word(r, TLS(minVersion), &lowest);
  if (st == LS_OK)
    st = ls_config_option_word(r, TLS(maxVersion), &highest);
  if (st == LS_OK && lowest > highest)
    st = refuse(r, TLS(minVersion), "is above tls.maxVersion; no version is left to speak");
  if (st == LS_OK)
    st = ls_config_option_text(r, TLS(ciphers), ls_config_option_value(r, TLS(ciphers)), &ciphers);
  if (st == LS_OK && ciphers)
    st = split_ciphers(r, ciphers);
  if (st != LS_OK)
    return st;
  fit_versions(&r->out->tls, &lowest, &highest);
  r->out->min_version = ls_words_tls_versions.at[lowest];
  r->out->max_version = ls_words_tls_versions.at[highest];
  return LS_OK;
}

static enum ls_status read_alpn(const struct ls_config_reader *r) {
  const struct ls_value *v = ls_config_option_value(r, TLS(ALPNProtocols));
  if (!ls_jstext_is_truthy(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  struct ls_buf wire;
  ls_buf_init(&wire, UINT16_MAX);
  bool fine = v->kind == LS_VALUE_ARRAY;
  for (size_t i = 0; fine && i < v->as.array.count; i++) {
    struct ls_span name = ls_value_string(&v->as.array.items[i]);
    fine = name.n >= 1 && name.n <= 255;
    ls_config_option_note(r, TLS(ALPNProtocols), LS_ITEM_NONE, name);
    ls_buf_addc(&wire, (char)(unsigned char)name.n);
    ls_buf_add(&wire, name);
  }
  enum ls_status st = LS_OK;
  if (!fine || wire.status == LS_ETOOBIG)
    st = refuse(r, TLS(ALPNProtocols), "must be an array of names of 1 to 255 octets");
  else if (wire.status == LS_OK)
    r->out->tls.alpn = ls_arena_copy(r->a, ls_buf_span(&wire));
  if (st == LS_OK && !r->out->tls.alpn.p)
    st = ls_config_option_no_memory(r);
  ls_buf_deinit(&wire);
  return st;
}

/* The original's guard lets any text pass here, and so does ours. */
static enum ls_status read_servername(const struct ls_config_reader *r) {
  enum ls_status st = ls_config_option_text(r, TLS(servername), ls_config_option_value(r, TLS(servername)),
                                            &r->out->servername);
  if (st == LS_OK && r->out->servername && !ls_netaddr_is_host(ls_span_cstr(r->out->servername)))
    return ls_config_option_refuse_client(r, TLS(servername),
                                          "must be a host name, such as smtp.example.com");
  return st;
}

enum ls_status ls_config_read_tls(const struct ls_config_reader *r) {
  struct ls_config_tls *tls = &r->out->tls;
  enum ls_status st = read_servername(r);
  if (st == LS_OK)
    st = read_sources(r, TLS(ca), &tls->ca, &tls->ca_count);
  if (st == LS_OK)
    st = read_sources(r, TLS(crl), &tls->crl, &tls->crl_count);
  if (st == LS_OK)
    st = read_identity(r);
  if (st == LS_OK)
    st = read_versions(r);
  if (tls->curves && strcmp(tls->curves, "auto") == 0)
    tls->curves = NULL;
  return st == LS_OK ? read_alpn(r) : st;
}
