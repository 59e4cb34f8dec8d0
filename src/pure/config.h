/* SPDX-License-Identifier: MIT
 * config: the transport part of a checked config as one plain struct, with every default filled in. */
#ifndef LS_CONFIG_H
#define LS_CONFIG_H

#include <stdint.h>

#include "error.h"
#include "value.h"

/* A text that the config holds itself, or the name of a file that holds it; text NULL: not given. */
struct ls_config_source {
  const char *text;
  bool is_file;
};

/* What config_tls reads; secrets: key, pfx, passphrase. */
struct ls_config_tls {
  const struct ls_config_source *ca; /* PEM certificates that replace the system's trust store */
  size_t ca_count;
  const struct ls_config_source *crl; /* PEM revocation lists; if any, each issuer has one */
  size_t crl_count;
  struct ls_config_source cert; /* our own certificate in PEM, behind it those that lead to its root */
  struct ls_config_source key;  /* its private key in PEM */
  struct ls_config_source pfx;  /* both as PKCS #12: base64, or the name of a file */
  const char *passphrase;       /* of key or pfx */
  const char *cipher_list;      /* up to TLS 1.2, as OpenSSL names them */
  const char *cipher_suites;    /* TLS 1.3 */
  const char *curves;
  const char *sigalgs;
  struct ls_span alpn; /* protocols as RFC 7301 3.1 carries them, each behind its length */
};

enum ls_proxy_kind {
  LS_PROXY_NONE,
  LS_PROXY_HTTP,
  LS_PROXY_HTTPS,
  LS_PROXY_SOCKS4,  /* we look up the server's name */
  LS_PROXY_SOCKS4A, /* the proxy does */
  LS_PROXY_SOCKS5,
  LS_PROXY_SOCKS5H
};

struct ls_config_proxy {
  enum ls_proxy_kind kind;
  const char *host; /* IPv6 without brackets */
  uint16_t port;
  const char *user; /* NULL: no login */
  const char *pass; /* secret */
};

struct ls_config_pair {
  struct ls_span name, value;
};

struct ls_config_pairs {
  const struct ls_config_pair *items;
  size_t count;
};

/* A secret that was read, and those before it. */
struct ls_config_secret {
  const struct ls_config_secret *before; /* NULL: none */
  struct ls_span text;
};

/* A private key in PEM; both are secrets. */
struct ls_config_key {
  struct ls_span pem;        /* empty: none */
  struct ls_span passphrase; /* empty: none */
};

/* What auth says of OAuth 2.0; strings as in struct ls_config, with every default filled in but where NULL is
 * told. */
struct ls_config_oauth {
  const char *user;
  const char *access_token;   /* secret; the one given in the config; NULL */
  int64_t expires_ms;         /* of that token, since 1970 UTC; 0: unknown */
  int64_t ttl_s;              /* auth.timeout: its life from the start of the client; 0: unknown */
  const char *client_id;      /* with a refresh token; "" when not given */
  const char *client_secret;  /* secret; likewise */
  const char *refresh_token;  /* secret; NULL */
  const char *service_client; /* NULL */
  struct ls_config_key key;   /* of the service account */
  const char *scope;
  int64_t assertion_s;            /* life of an assertion */
  const char *url;                /* token endpoint */
  struct ls_config_pairs params;  /* secret; they replace and extend the form's fields */
  struct ls_config_pairs headers; /* secret */
  bool verify_peer;
  const char *ca, *cert, *cert_key, *passphrase, *servername; /* PEM, and the key's passphrase; NULL */
  size_t min_version, max_version; /* of ls_words_tls_versions; max_version: its count: as high as it goes */
};

/* One key of dkim; secret: key. */
struct ls_config_dkim_key {
  struct ls_span domain, selector;
  struct ls_config_key key;
  int item; /* which of dkim.keys, as in option.h */
};

struct ls_config_dkim {
  const struct ls_config_dkim_key *keys;
  size_t count;         /* 0: nothing is signed */
  struct ls_span names; /* of header fields to sign; empty: not given */
  struct ls_span skip;
};

/* Times are in ms, strings are NUL-terminated and live in the arena; NULL: not given. */
struct ls_config {
  const char *host;       /* name or address, IPv6 without brackets; "localhost" when the config's is empty */
  uint16_t port;          /* 465 when secure, else 587, unless given */
  bool secure;            /* TLS from the first octet; true when not given and port is 465 */
  bool ignore_tls;        /* never STARTTLS */
  bool require_tls;       /* STARTTLS or nothing */
  bool opportunistic_tls; /* where STARTTLS is refused by its reply, go on in clear */
  bool loopback;          /* what we send stays on this machine: a password may go in clear */

  const char *user;             /* NULL: no login */
  const char *pass;             /* secret; "" with OAuth 2.0, and where auth_method needs none */
  bool oauth2;                  /* auth asks for OAuth 2.0: a token takes the password's place */
  const char *auth_method;      /* as SASL names it: that one and no other; NULL: the best on offer */
  struct ls_config_oauth oauth; /* filled where oauth2 */

  const char *name; /* EHLO argument, a domain or an address literal (RFC 5321 4.1.3); NULL: the transport
                       finds one */
  const char *local_address; /* IP address to connect from; NULL: any */

  bool verify_peer;        /* tls.rejectUnauthorized */
  const char *servername;  /* SNI and name to verify: tls.servername, else servername, else host */
  const char *min_version; /* "TLSv1" to "TLSv1.3" */
  const char *max_version;
  struct ls_config_tls tls;

  struct ls_config_proxy proxy;
  struct ls_config_dkim dkim;

  int64_t connection_timeout; /* name lookup and TCP; TLS too when secure */
  int64_t greeting_timeout;   /* from TCP connected to the whole greeting */
  int64_t socket_timeout;     /* silence on the connection while something is due */
  int64_t dns_timeout;
  int64_t dns_ttl;       /* how long the addresses of a name are kept */
  int64_t total_timeout; /* per message, over all */

  bool pool; /* false: a connection for each message */
  size_t max_connections;
  size_t max_messages; /* messages on one connection; 1 when pool is false */
  size_t max_requeues; /* how often a message that its connection gave back unsent goes out again */
  size_t rate_limit;   /* messages that may start within rate_delta; 0: any number */
  int64_t rate_delta;
  int64_t check_idle; /* one idle for longer is asked with NOOP before it takes a message */
  int64_t max_idle;   /* an idle connection is closed after this */
  int64_t max_age;    /* a connection is not used for new messages after this */

  bool logger; /* keep records of what happens */
  bool debug;  /* and of what is said, masked */

  bool pipelining; /* false: never more than one command in flight */
  bool chunking;   /* false: never BDAT */

  const struct ls_config_secret *secrets; /* every secret above */
};

#endif
