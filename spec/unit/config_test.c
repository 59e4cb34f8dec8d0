/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stdio.h>

#include "../../src/pure/config_read.h"
#include "../../src/pure/netaddr.h"

#define SMTP(more) "{\"host\":\"smtp.example.com\",\"port\":587" more "}"
#define PEM "-----BEGIN CERTIFICATE-----"

struct reading {
  struct ls_arena a;
  struct ls_config config;
  struct ls_error error;
  enum ls_status status;
};

static void read_config(struct reading *r, const char *json) {
  memset(r, 0, sizeof *r);
  ls_arena_init(&r->a, 1 << 20);
  r->status = ls_config_read(tree_read(&r->a, json), &r->a, &r->config, &r->error);
}

static void end(struct reading *r) {
  ls_error_deinit(&r->error);
  ls_arena_deinit(&r->a);
}

static void read_good(struct reading *r, const char *json) {
  read_config(r, json);
  assert_string_equal(ls_error_text(&r->error), "");
  assert_int_equal(r->status, LS_OK);
}

/* The config is refused with this status, and the sentence names this option. */
static void assert_refused(const char *json, enum ls_status status, const char *named) {
  struct reading r;
  read_config(&r, json);
  assert_int_equal(r.status, status);
  assert_int_equal(r.error.status, status);
  assert_non_null(strstr(ls_error_text(&r.error), named));
  assert_null(strstr(ls_error_text(&r.error), "s3cret"));
  end(&r);
}

static void test_config_fills_in_every_default(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, SMTP(""));
  const struct ls_config *c = &r.config;
  assert_string_equal(c->host, "smtp.example.com");
  assert_int_equal(c->port, 587);
  assert_false(c->secure || c->ignore_tls || c->require_tls || c->loopback);
  assert_null(c->user);
  assert_null(c->pass);
  assert_null(c->auth_method);
  assert_null(c->name);
  assert_null(c->local_address);
  assert_int_equal(c->tls.ca_count + c->tls.crl_count, 0);
  assert_null(c->proxy.host);
  assert_true(c->verify_peer && c->pipelining && c->chunking);
  assert_string_equal(c->servername, "smtp.example.com");
  assert_string_equal(c->min_version, "TLSv1.2");
  assert_string_equal(c->max_version, "TLSv1.3");
  assert_int_equal(c->connection_timeout, 120000);
  assert_int_equal(c->greeting_timeout, 30000);
  assert_int_equal(c->socket_timeout, 600000);
  assert_int_equal(c->dns_timeout, 30000);
  assert_int_equal(c->total_timeout, 120000);
  assert_int_equal(c->max_connections, 5);
  assert_int_equal(c->max_messages, 100);
  assert_true(c->max_idle > 0 && c->max_idle < 30000);
  assert_true(c->max_age > c->max_idle && c->max_age < 300000);
  end(&r);
}

static void test_config_takes_falsy_numbers_for_not_given(void **state) {
  (void)state;
  struct reading r;
  read_good(
      &r, SMTP(",\"connectionTimeout\":0,\"totalTimeout\":null,\"maxConnections\":0,\"maxMessages\":false"));
  assert_int_equal(r.config.connection_timeout, 120000);
  assert_int_equal(r.config.total_timeout, 120000);
  assert_int_equal(r.config.max_connections, 5);
  assert_int_equal(r.config.max_messages, 100);
  end(&r);
}

static void test_config_rounds_times_up_and_bounds_them(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, SMTP(",\"connectionTimeout\":0.5,\"greetingTimeout\":1500.2,\"socketTimeout\":1e999,"
                     "\"dnsTimeout\":7,\"maxMessages\":1e999,\"maxConnections\":2.9"));
  assert_int_equal(r.config.connection_timeout, 1);
  assert_int_equal(r.config.greeting_timeout, 1501);
  assert_int_equal(r.config.socket_timeout, INT32_MAX);
  assert_int_equal(r.config.dns_timeout, 7);
  assert_int_equal(r.config.max_messages, INT32_MAX);
  assert_int_equal(r.config.max_connections, 2);
  end(&r);
}

static void test_config_refuses_numbers_that_could_never_work(void **state) {
  (void)state;
  assert_refused(SMTP(",\"greetingTimeout\":-1"), LS_ECONFIG, "greetingTimeout");
  assert_refused(SMTP(",\"totalTimeout\":\"5\""), LS_ECONFIG, "totalTimeout");
  assert_refused(SMTP(",\"maxConnections\":-1"), LS_ECONFIG, "maxConnections");
  assert_refused(SMTP(",\"maxMessages\":0.5"), LS_ECONFIG, "maxMessages");
}

static void test_config_picks_secure_and_port(void **state) {
  (void)state;
  static const struct {
    const char *json;
    int port;
    bool secure;
  } rows[] = {
      {"{\"port\":465}", 465, true},
      {"{\"port\":\"465\"}", 465, true},
      {"{\"port\":465,\"secure\":false}", 465, false},
      {"{\"port\":25,\"secure\":true}", 25, true},
      {"{\"secure\":true}", 465, true},
      {"{}", 587, false},
      {"{\"port\":65535}", 65535, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct reading r;
    read_good(&r, rows[i].json);
    assert_int_equal(r.config.port, rows[i].port);
    assert_int_equal(r.config.secure, rows[i].secure);
    end(&r);
  }
  assert_refused("{\"port\":65536}", LS_ECONFIG, "port");
  assert_refused("{\"port\":-25}", LS_ECONFIG, "port");
  assert_refused("{\"port\":1.5}", LS_ECONFIG, "port");
}

static void test_config_reads_hosts(void **state) {
  (void)state;
  static const struct {
    const char *host;
    const char *read;
    bool loopback;
  } rows[] = {
      {"", "localhost", true},
      {"LOCALHOST", "LOCALHOST", true},
      {"127.0.0.1", "127.0.0.1", true},
      {"[::1]", "::1", true},
      {"::1", "::1", true},
      {"10.0.0.1", "10.0.0.1", false},
      {"2001:db8::25", "2001:db8::25", false},
      {"fe80::1%eth0", "fe80::1%eth0", false},
      {"mail.example.", "mail.example.", false},
      {"127.evil.example", "127.evil.example", false},
      {"b\xC3\xBC"
       "cher.example",
       "b\xC3\xBC"
       "cher.example",
       false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char json[256];
    struct reading r;
    snprintf(json, sizeof json, "{\"host\":\"%s\"}", rows[i].host);
    read_good(&r, json);
    assert_string_equal(r.config.host, rows[i].read);
    assert_int_equal(r.config.loopback, rows[i].loopback);
    end(&r);
  }
}

static void test_config_refuses_what_is_no_host(void **state) {
  (void)state;
  static const char *const hosts[] = {
      "smtp.example.com:587", "smtp://x", "a b",    "a\nb", "user@host", "[x]",
      "[127.0.0.1]",          "a/b",      "a\\0.b", ".a",   "a..b",      "["};
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    char json[256];
    snprintf(json, sizeof json, "{\"host\":\"%s\"}", hosts[i]);
    assert_refused(json, LS_ECONFIG, "host");
  }
}

static void test_config_takes_a_login_or_none(void **state) {
  (void)state;
  static const char *const none[] = {"{}", "EMPTY", "{\"type\":\"login\"}", "{\"user\":\"\",\"pass\":\"\"}",
                                     "{\"type\":\"LOGIN\",\"user\":\"\"}"};
  struct reading r;
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    char json[256];
    snprintf(json, sizeof json, "{\"auth\":%s}", none[i]);
    read_good(&r, json);
    assert_null(r.config.user);
    assert_null(r.config.pass);
    end(&r);
  }
  read_good(&r, SMTP(",\"auth\":{\"user\":\"u\",\"pass\":\"s3cret\",\"method\":\" plain\"}"));
  assert_string_equal(r.config.user, "u");
  assert_string_equal(r.config.pass, "s3cret");
  assert_string_equal(r.config.auth_method, "PLAIN");
  end(&r);
}

static void test_config_refuses_half_a_login(void **state) {
  (void)state;
  assert_refused(SMTP(",\"auth\":{\"user\":\"u\"}"), LS_EAUTH, "auth has no pass");
  assert_refused(SMTP(",\"auth\":{\"pass\":\"s3cret\"}"), LS_EAUTH, "auth has no user");
  assert_refused(SMTP(",\"auth\":{\"user\":\"u\",\"refreshToken\":\"s3cret\"}"), LS_EAUTH, "OAuth2");
  assert_refused(SMTP(",\"auth\":{\"user\":\"u\",\"pass\":5}"), LS_ECONFIG, "auth.pass must be a string");
  assert_refused(SMTP(",\"auth\":{\"user\":\"u\",\"pass\":\"s3cret\\0\"}"), LS_ECONFIG, "auth.pass");
  assert_refused(SMTP(",\"authMethod\":\"NTLMv9\",\"auth\":{\"user\":\"u\",\"pass\":\"s3cret\"}"), LS_EAUTH,
                 "authMethod: Unknown authentication method");
}

static void test_config_reads_oauth(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, SMTP(",\"auth\":{\"type\":\"OAuth2\",\"user\":\"u\",\"refreshToken\":\"s3cret\"}"));
  assert_true(r.config.oauth2);
  assert_string_equal(r.config.user, "u");
  assert_string_equal(r.config.pass, "");
  end(&r);
  assert_refused(SMTP(",\"auth\":{\"type\":\"oauth2\",\"user\":\"\",\"accessToken\":\"s3cret\"}"), LS_ECONFIG,
                 "auth.user is missing");
}

static void test_config_forces_a_mechanism(void **state) {
  (void)state;
  static const char *const names[] = {"PLAIN",       "LOGIN",         "CRAM-MD5", "DIGEST-MD5",
                                      "SCRAM-SHA-1", "SCRAM-SHA-256", "NTLM"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct reading r;
    char text[200];
    snprintf(text, sizeof text, "{%s,\"authMethod\":\"%s\",\"auth\":{\"user\":\"u\",\"pass\":\"p\"}}",
             "\"host\":\"h\",\"port\":25", names[i]);
    read_good(&r, text);
    assert_string_equal(r.config.auth_method, names[i]);
    end(&r);
  }
  struct reading r;
  read_good(&r, SMTP(",\"auth\":{\"user\":\"u\",\"method\":\"external\"},\"authMethod\":\"PLAIN\""));
  assert_string_equal(r.config.auth_method, "EXTERNAL");
  assert_string_equal(r.config.user, "u");
  end(&r);
  assert_refused(SMTP(",\"auth\":{\"method\":\"EXTERNAL\",\"pass\":\"s3cret\"}"), LS_EAUTH,
                 "auth has no user");
  assert_refused(SMTP(",\"auth\":{\"user\":\"u\",\"pass\":\"s3cret\",\"method\":\"XOAUTH2\"}"), LS_EAUTH,
                 "needs OAuth 2.0");
  assert_refused(
      SMTP(",\"auth\":{\"type\":\"oauth2\",\"user\":\"u\",\"accessToken\":\"s3cret\",\"method\":\"PLAIN\"}"),
      LS_EAUTH, "does not go with OAuth 2.0");
}

static void test_config_makes_an_ehlo_argument(void **state) {
  (void)state;
  static const struct {
    const char *name;
    const char *read;
  } rows[] = {
      {"mail.example.com", "mail.example.com"}, {"192.0.2.1", "[192.0.2.1]"}, {"[192.0.2.1]", "[192.0.2.1]"},
      {"2001:db8::1", "[IPv6:2001:db8::1]"},    {"[IPv6:::1]", "[IPv6:::1]"},
  };
  static const char *const refused[] = {"a b", "a\nRCPT TO:<x>", "\xC3\xA4.example",
                                        "[x]", "a..b",           "<Logto-SMTP>"};
  char json[256];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct reading r;
    snprintf(json, sizeof json, "{\"name\":\"%s\"}", rows[i].name);
    read_good(&r, json);
    assert_string_equal(r.config.name, rows[i].read);
    end(&r);
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    snprintf(json, sizeof json, "{\"name\":\"%s\"}", refused[i]);
    assert_refused(json, LS_ECONFIG, "name must be");
  }
}

static void test_config_reads_tls_options(void **state) {
  (void)state;
  struct reading r;
  read_good(
      &r,
      SMTP(",\"servername\":\"outer.example\",\"requireTLS\":true,\"tls\":{\"servername\":\"inner.example\","
           "\"rejectUnauthorized\":false,\"minVersion\":\"TLSv1.3\",\"ca\":[\"" PEM "1\",\"" PEM "2\"]}"));
  assert_string_equal(r.config.servername, "inner.example");
  assert_false(r.config.verify_peer);
  assert_true(r.config.require_tls);
  assert_string_equal(r.config.min_version, "TLSv1.3");
  assert_int_equal(r.config.tls.ca_count, 2);
  assert_string_equal(r.config.tls.ca[0].text, PEM "1");
  assert_string_equal(r.config.tls.ca[1].text, PEM "2");
  end(&r);
  read_good(
      &r,
      SMTP(",\"servername\":\"outer.example\",\"tls\":{\"servername\":\"\",\"rejectUnauthorized\":\"false\","
           "\"minVersion\":null,\"ca\":\"" PEM "\"}"));
  assert_string_equal(r.config.servername, "outer.example");
  assert_true(r.config.verify_peer); /* only the boolean false turns verification off */
  assert_int_equal(r.config.tls.ca_count, 1);
  assert_false(r.config.tls.ca[0].is_file);
  end(&r);
}

static void test_config_refuses_tls_options_that_could_never_work(void **state) {
  (void)state;
  assert_refused(SMTP(",\"tls\":{\"minVersion\":\"SSLv3\"}"), LS_ECONFIG, "tls.minVersion");
  assert_refused(SMTP(",\"tls\":{\"maxVersion\":5}"), LS_ECONFIG, "tls.maxVersion");
  assert_refused(SMTP(",\"tls\":{\"maxVersion\":\"TLSv1.1\"}"), LS_ECONFIG, "tls.minVersion is above");
  assert_refused(SMTP(",\"disableFileAccess\":true,\"tls\":{\"ca\":\"/etc/ca.pem\"}"), LS_ECONFIG,
                 "tls.ca names a file");
  assert_refused(SMTP(",\"disableFileAccess\":true,\"tls\":{\"pfx\":\"/etc/us.p12\"}"), LS_ECONFIG,
                 "tls.pfx names a file");
  assert_refused(SMTP(",\"tls\":{\"key\":\"s3cret\\ns3cret\"}"), LS_ECONFIG, "tls.key must be PEM");
  assert_refused(SMTP(",\"tls\":{\"cert\":[\"/a\",\"/b\"]}"), LS_ECONFIG, "tls.cert must be one");
  assert_refused(SMTP(",\"tls\":{\"cert\":\"/a\"}"), LS_ECONFIG, "tls.cert needs its private key");
  assert_refused(SMTP(",\"tls\":{\"key\":\"/s3cret\"}"), LS_ECONFIG, "tls.key needs its certificate");
  assert_refused(SMTP(",\"tls\":{\"pfx\":\"/a\",\"cert\":\"/a\",\"key\":\"/a\"}"), LS_ECONFIG,
                 "tls.pfx brings");
  assert_refused(SMTP(",\"tls\":{\"pfx\":\"" PEM "s3cret\"}"), LS_ECONFIG, "tls.pfx is PEM");
  assert_refused(SMTP(",\"tls\":{\"ciphers\":5}"), LS_ECONFIG, "tls.ciphers must be a string");
  assert_refused(SMTP(",\"tls\":{\"ALPNProtocols\":\"smtp\"}"), LS_ECONFIG, "tls.ALPNProtocols");
  assert_refused(SMTP(",\"tls\":{\"ca\":[\"\"]}"), LS_ECONFIG, "tls.ca holds an empty item");
  assert_refused(SMTP(",\"tls\":{\"ca\":[5]}"), LS_ECONFIG, "tls.ca");
  assert_refused(SMTP(",\"tls\":{\"servername\":5}"), LS_ECONFIG, "tls.servername");
  assert_refused(SMTP(",\"servername\":\"a b\""), LS_ECONFIG, "servername");
}

static void test_config_reads_who_we_are(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, SMTP(",\"tls\":{\"cert\":[\"/c.pem\"],\"key\":{\"pem\":\"" PEM "\",\"passphrase\":\"own\"},"
                     "\"passphrase\":\"other\",\"crl\":\"/crl.pem\",\"ALPNProtocols\":[\"smtp\",\"x\"]}"));
  const struct ls_config_tls *t = &r.config.tls;
  assert_string_equal(t->cert.text, "/c.pem");
  assert_true(t->cert.is_file);
  assert_false(t->key.is_file);
  assert_string_equal(t->passphrase, "own");
  assert_int_equal(t->crl_count, 1);
  assert_true(t->crl[0].is_file);
  assert_int_equal(t->alpn.n, 7);
  assert_memory_equal(t->alpn.p, "\4smtp\1x", 7);
  end(&r);
}

static void test_config_splits_ciphers_by_version(void **state) {
  (void)state;
  static const struct {
    const char *json, *list, *suites, *lowest, *highest;
  } rows[] = {
      {SMTP(",\"tls\":{\"ciphers\":\"A:TLS_B::C:TLS_D\"}"), "A:C", "TLS_B:TLS_D", "TLSv1.2", "TLSv1.3"},
      {SMTP(",\"tls\":{\"ciphers\":\"A:!B\"}"), "A:!B", NULL, "TLSv1.2", "TLSv1.2"},
      {SMTP(",\"tls\":{\"ciphers\":\"TLS_B\"}"), NULL, "TLS_B", "TLSv1.3", "TLSv1.3"},
      {SMTP(",\"tls\":{\"ciphers\":\"A\",\"minVersion\":\"TLSv1.3\"}"), "A", NULL, "TLSv1.3", "TLSv1.3"},
      {SMTP(",\"tls\":{\"ciphers\":\"\"}"), NULL, NULL, "TLSv1.2", "TLSv1.3"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct reading r;
    read_good(&r, rows[i].json);
    assert_int_equal(!r.config.tls.cipher_list, !rows[i].list);
    assert_int_equal(!r.config.tls.cipher_suites, !rows[i].suites);
    if (rows[i].list)
      assert_string_equal(r.config.tls.cipher_list, rows[i].list);
    if (rows[i].suites)
      assert_string_equal(r.config.tls.cipher_suites, rows[i].suites);
    assert_string_equal(r.config.min_version, rows[i].lowest);
    assert_string_equal(r.config.max_version, rows[i].highest);
    end(&r);
  }
}

static void test_config_reads_proxies(void **state) {
  (void)state;
  static const struct {
    const char *url;
    enum ls_proxy_kind kind;
    const char *host;
    uint16_t port;
    const char *user, *pass;
  } rows[] = {
      {"http://proxy.example", LS_PROXY_HTTP, "proxy.example", 80, NULL, NULL},
      {"HTTPS://proxy.example:8443/", LS_PROXY_HTTPS, "proxy.example", 8443, NULL, NULL},
      {"https://proxy.example:", LS_PROXY_HTTPS, "proxy.example", 443, NULL, NULL},
      {"http://u:p@ss%3a%2F@10.0.0.1:3128", LS_PROXY_HTTP, "10.0.0.1", 3128, "u", "p@ss:/"},
      {"http://u@h", LS_PROXY_HTTP, "h", 80, "u", ""},
      {"http://:@h", LS_PROXY_HTTP, "h", 80, NULL, NULL},
      {"socks://[::1]:1", LS_PROXY_SOCKS5, "::1", 1, NULL, NULL},
      {"socks4://me@h", LS_PROXY_SOCKS4, "h", 1080, "me", ""},
      {"socks4a://h", LS_PROXY_SOCKS4A, "h", 1080, NULL, NULL},
      {"socks5://h:9", LS_PROXY_SOCKS5, "h", 9, NULL, NULL},
      {"socks5h://u:%25@h", LS_PROXY_SOCKS5H, "h", 1080, "u", "%"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct reading r;
    char json[200];
    snprintf(json, sizeof json, "{\"host\":\"127.0.0.1\",\"proxy\":\"%s\"}", rows[i].url);
    read_good(&r, json);
    const struct ls_config_proxy *p = &r.config.proxy;
    assert_int_equal(p->kind, rows[i].kind);
    assert_string_equal(p->host, rows[i].host);
    assert_int_equal(p->port, rows[i].port);
    assert_int_equal(!p->user, !rows[i].user);
    if (p->user) {
      assert_string_equal(p->user, rows[i].user);
      assert_string_equal(p->pass, rows[i].pass);
    }
    assert_int_equal(r.config.loopback, strcmp(p->host, "::1") == 0); /* else the line leaves this machine */
    end(&r);
  }
}

static void test_config_refuses_proxies_that_cannot_be(void **state) {
  (void)state;
  static const char *const urls[] = {
      "ftp://h",
      "h:3128",
      "http:/h",
      "http://",
      "http://a b",
      "http://h:0",
      "http://h:65536",
      "http://h:x",
      "http://h:1:2",
      "http://h/s3cret",
      "http://h?a",
      "http://[::1",
      "http://[h]",
      "http://::1",
      "http://u:s3cret%@h",
      "http://a%0ds3cret@h",
      "http://a%3ab:s3cret@h",
      "socks4://u:s3cret@h",
      "http://u:s3cret#@h",
  };
  char json[200];
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    snprintf(json, sizeof json, "{\"proxy\":\"%s\"}", urls[i]);
    assert_refused(json, LS_ECONFIG, "proxy ");
  }
  assert_refused("{\"proxy\":5}", LS_ECONFIG, "proxy must be a URL");
}

static void test_config_refuses_what_it_would_otherwise_ignore(void **state) {
  (void)state;
  assert_refused(SMTP(",\"service\":\"gmial\""), LS_ECONFIG, "\"Gmail\" meant");
  assert_refused(SMTP(",\"localAddress\":\"eth0\""), LS_ECONFIG, "localAddress");
}

static void test_config_lets_extensions_be_turned_off(void **state) {
  (void)state;
  struct reading r;
  read_good(&r, SMTP(",\"pipelining\":false,\"chunking\":false,\"localAddress\":\"127.0.0.1\""));
  assert_false(r.config.pipelining || r.config.chunking);
  assert_string_equal(r.config.local_address, "127.0.0.1");
  end(&r);
}

static void test_netaddr_tells_addresses_from_names(void **state) {
  (void)state;
  static const char *const v4[] = {"0.0.0.0", "127.0.0.1", "255.255.255.255"};
  static const char *const v6[] = {"::",
                                   "::1",
                                   "1::",
                                   "1:2:3:4:5:6:7:8",
                                   "2001:DB8::1",
                                   "::ffff:192.0.2.1",
                                   "1::3:4:5:6:7:8",
                                   "1:2:3:4:5:6:1.2.3.4"};
  static const char *const neither[] = {"",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "256.1.1.1",
                                        "01.2.3.4",
                                        "1.2.3.4.",
                                        ".1.2.3",
                                        ":",
                                        ":::",
                                        "1:2",
                                        "1::2::3",
                                        "12345::",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:",
                                        ":1",
                                        "g::",
                                        "1:2:3:4:5:6:7::8:9",
                                        "1.2.3.4::",
                                        "::1:"};
  for (size_t i = 0; i < sizeof v4 / sizeof v4[0]; i++)
    assert_true(ls_netaddr_is_ipv4(ls_span_cstr(v4[i])) && !ls_netaddr_is_ipv6(ls_span_cstr(v4[i])));
  for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++)
    assert_true(ls_netaddr_is_ipv6(ls_span_cstr(v6[i])) && !ls_netaddr_is_ipv4(ls_span_cstr(v6[i])));
  for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
    struct ls_span s = support_guard(ls_span_cstr(neither[i]));
    assert_false(ls_netaddr_is_ipv4(s) || ls_netaddr_is_ipv6(s));
    support_unguard(s);
  }
}

static bool read_everything(void *context) {
  struct ls_arena a;
  struct ls_config config;
  struct ls_error error = {0};
  ls_arena_init(&a, 1 << 20);
  enum ls_status st = ls_config_read(context, &a, &config, &error);
  assert_true(st == LS_OK || st == LS_ENOMEM);
  ls_error_deinit(&error);
  ls_arena_deinit(&a);
  return st == LS_OK;
}

static void test_config_survives_each_failed_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  struct ls_value *config = tree_read(
      &a, SMTP(",\"name\":\"::1\",\"localAddress\":\"::1\",\"auth\":{\"user\":\"u\",\"pass\":\"p\"},"
               "\"servername\":\"s\",\"proxy\":\"http://"
               "u:p@h\",\"tls\":{\"servername\":\"t\",\"ciphers\":\"A:TLS_B\","
               "\"ALPNProtocols\":[\"a\"],\"cert\":\"/c\",\"key\":\"/k\",\"ca\":[\"" PEM "\",\"" PEM "\"]}"));
  assert_true(support_each_allocation(read_everything, config) > 2);
  ls_arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_config_fills_in_every_default),
      cmocka_unit_test(test_config_takes_falsy_numbers_for_not_given),
      cmocka_unit_test(test_config_rounds_times_up_and_bounds_them),
      cmocka_unit_test(test_config_refuses_numbers_that_could_never_work),
      cmocka_unit_test(test_config_picks_secure_and_port),
      cmocka_unit_test(test_config_reads_hosts),
      cmocka_unit_test(test_config_refuses_what_is_no_host),
      cmocka_unit_test(test_config_takes_a_login_or_none),
      cmocka_unit_test(test_config_refuses_half_a_login),
      cmocka_unit_test(test_config_reads_oauth),
      cmocka_unit_test(test_config_forces_a_mechanism),
      cmocka_unit_test(test_config_makes_an_ehlo_argument),
      cmocka_unit_test(test_config_reads_tls_options),
      cmocka_unit_test(test_config_refuses_tls_options_that_could_never_work),
      cmocka_unit_test(test_config_reads_who_we_are),
      cmocka_unit_test(test_config_splits_ciphers_by_version),
      cmocka_unit_test(test_config_reads_proxies),
      cmocka_unit_test(test_config_refuses_proxies_that_cannot_be),
      cmocka_unit_test(test_config_refuses_what_it_would_otherwise_ignore),
      cmocka_unit_test(test_config_lets_extensions_be_turned_off),
      cmocka_unit_test(test_netaddr_tells_addresses_from_names),
      cmocka_unit_test(test_config_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
