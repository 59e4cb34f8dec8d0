# SPDX-License-Identifier: MIT
"""Reads To of mails that come as JSON lines: the octets of each as hex. Writes for each a JSON line: the
mailboxes, groups opened. A defect ends it, but for local parts in Unicode
(RFC 6532), which the parser counts as one."""
import email
import email.policy
import json
import sys

for line in sys.stdin:
    octets = bytes.fromhex(json.loads(line))
    to = email.message_from_string(octets.decode("utf-8"), policy=email.policy.default)["To"]
    defects = [d for d in to.defects if type(d).__name__ != "NonASCIILocalPartDefect"]
    if defects:
        sys.exit(f"{to}: {defects}")
    print(json.dumps([{"name": a.display_name, "user": a.username, "domain": a.domain} for a in to.addresses]))
