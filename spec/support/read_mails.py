# SPDX-License-Identifier: MIT
"""Reads mails by Python's email package: standard input holds their file names, one a line; standard output gets one
line of JSON for each: what a reader finds in it."""
import base64
import email
import email.policy
import json
import sys


def part_of(message):
    content = None
    if not message.is_multipart() and message.get_content_maintype() != "message":
        content = base64.b64encode(message.get_payload(decode=True)).decode()
    return {
        "type": message.get_content_type(),
        "params": dict(message["content-type"].params) if message["content-type"] else {},
        "filename": message.get_filename(),
        "names": [name.lower() for name in message.keys()],
        "content": content,
    }


def mail_of(path):
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    counts = {}
    for name in message.keys():
        counts[name.lower()] = counts.get(name.lower(), 0) + 1
    people = {}
    for field in ("from", "sender", "to", "cc", "reply-to"):
        for header in message.get_all(field, []):
            people[field] = [[a.display_name, a.addr_spec] for a in header.addresses]
    return {
        "counts": counts,
        "headers": {name.lower(): str(value) for name, value in message.items()},
        "people": people,
        "parts": [part_of(part) for part in message.walk()],
        "defects": [str(d) for part in message.walk() for d in part.defects],
    }


for line in sys.stdin:
    print(json.dumps(mail_of(line.rstrip("\n"))))
