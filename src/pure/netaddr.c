/* SPDX-License-Identifier: MIT */
#include "netaddr.h"

bool ls_netaddr_is_ipv4(struct ls_span s) {
  int parts = 0;
  for (size_t i = 0; i < s.n; i++) {
    int value = 0;
    size_t from = i;
    for (; i < s.n && ls_ascii_is_digit(s.p[i]) && i - from < 3; i++)
      value = value * 10 + (s.p[i] - '0');
    bool leading_zero = i - from > 1 && s.p[from] == '0'; /* some read it as octal */
    if (i == from || value > 255 || leading_zero || ++parts > 4 || (i < s.n && s.p[i] != '.') || i + 1 == s.n)
      return false;
  }
  return parts == 4;
}

static bool is_hex_group(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = ls_ascii_lower(s.p[i]);
    if (!ls_ascii_is_digit(c) && (c < 'a' || c > 'f'))
      return false;
  }
  return s.n >= 1 && s.n <= 4;
}

bool ls_netaddr_is_ipv6(struct ls_span s) {
  int groups = 0;
  bool gap = ls_span_starts(s, LS_SPAN("::"));
  struct ls_span rest = ls_span_sub(s, gap ? 2 : 0, s.n);
  while (rest.n) {
    size_t colon = ls_span_index(rest, ':');
    struct ls_span part = ls_span_sub(rest, 0, colon);
    bool last = colon == rest.n;
    if (last && ls_netaddr_is_ipv4(part))
      groups++; /* the last two groups in one */
    else if (!is_hex_group(part))
      return false;
    groups++;
    rest = ls_span_sub(rest, colon + 1, rest.n);
    if (!last && (rest.n == 0 || rest.p[0] == ':')) {
      if (gap || rest.n == 0)
        return false;
      gap = true;
      rest = ls_span_sub(rest, 1, rest.n);
    }
  }
  return gap ? groups < 8 : groups == 8;
}

bool ls_netaddr_is_name(struct ls_span s) {
  if (s.n && s.p[s.n - 1] == '.')
    s.n--;
  size_t label = 0;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (c == '.' ? label == 0 : !ls_ascii_is_alnum(c) && c != '-' && c != '_' && (unsigned char)c < 0x80)
      return false;
    label = c == '.' ? 0 : label + 1;
  }
  return label > 0 && s.n <= 253;
}

bool ls_netaddr_is_zoned_ipv6(struct ls_span s) {
  size_t zone = ls_span_index(s, '%');
  return ls_netaddr_is_ipv6(ls_span_sub(s, 0, zone)) &&
         (zone == s.n || ls_netaddr_is_name(ls_span_sub(s, zone + 1, s.n)));
}

bool ls_netaddr_is_host(struct ls_span s) {
  return ls_netaddr_is_zoned_ipv6(s) || ls_netaddr_is_name(s);
}

bool ls_netaddr_is_loopback(struct ls_span s) {
  if (ls_netaddr_is_ipv4(s))
    return ls_span_starts(s, LS_SPAN("127."));
  return ls_span_ieq(s, LS_SPAN("localhost")) || ls_span_ieq(s, LS_SPAN("localhost.")) ||
         ls_span_eq(s, LS_SPAN("::1")) || ls_span_eq(s, LS_SPAN("0:0:0:0:0:0:0:1"));
}
