/* SPDX-License-Identifier: MIT
 * netaddr: what a text is as a network address: IPv4, IPv6, a host name, this machine. */
#ifndef LS_NETADDR_H
#define LS_NETADDR_H

#include "span.h"

bool ls_netaddr_is_ipv4(struct ls_span s); /* four decimals of 0..255 */
bool ls_netaddr_is_ipv6(struct ls_span s); /* RFC 4291 2.2, without brackets and zone */

/* The same, and behind "%" perhaps the interface it is valid on: "fe80::1%eth0". */
bool ls_netaddr_is_zoned_ipv6(struct ls_span s);

/* Labels of letters, digits, "-", "_" and anything not ASCII (IDNA comes later), up to 253 octets; one dot
 * may end it. */
bool ls_netaddr_is_name(struct ls_span s);

/* Either of them: what a connection can go to. */
bool ls_netaddr_is_host(struct ls_span s);

/* localhost, 127.0.0.0/8 or ::1, in the spellings a person would use: what it does not know is not loopback.
 */
bool ls_netaddr_is_loopback(struct ls_span s);

#endif
