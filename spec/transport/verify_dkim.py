# SPDX-License-Identifier: MIT
"""verify_dkim.py DIR: has every DIR/*.eml checked by two verifiers that share no code with the project,
dkimpy and opendkim. A file named bad-* must be refused by both, every other one accepted with as many
signatures as its name ends in (several-3.eml). Keys come from DIR/records.txt. Exit status 0: all are as they
should be."""
import glob
import os
import re
import subprocess
import sys

import dkim

folder = sys.argv[1]
records = os.path.join(folder, "records.txt")
with open(records) as lines:
    txt = dict(line.strip().split(" ", 1) for line in lines)


def lookup(name, timeout=5):
    return txt.get(name.decode().rstrip("."), "").encode()


def by_dkimpy(octets, count):
    message = dkim.DKIM(octets)
    return all(message.verify(idx=i, dnsfunc=lookup) for i in range(count))


def by_opendkim(path, count):
    command = ["/usr/sbin/opendkim", "-x", conf, "-t", path, "-vvv"]
    run = subprocess.run(command, capture_output=True, timeout=120)
    return run.returncode == 0 and run.stdout.count(b"dkim=pass") == count and b"dkim=fail" not in run.stdout


conf = os.path.join(folder, "opendkim.conf")
with open(conf, "w") as out:
    out.write("Mode v\nOn-Default accept\nTestPublicKeys %s\nSyslog no\n" % records)
failures = 0
paths = sorted(glob.glob(os.path.join(folder, "*.eml")))
for path in paths:
    name = os.path.basename(path)
    with open(path, "rb") as f:
        octets = f.read()
    wanted = not name.startswith("bad-")
    count = int(re.search(r"-(\d+)\.eml$", name).group(1))
    head = octets.split(b"\r\n\r\n", 1)[0]
    found = len(re.findall(rb"(?im)^dkim-signature:", head))
    verdicts = {"signatures": found == count, "opendkim": by_opendkim(path, count) == wanted}
    try:
        verdicts["dkimpy"] = by_dkimpy(octets, count) == wanted
    except dkim.DKIMException as e:
        verdicts["dkimpy"] = repr(e) if wanted else True
    if any(verdict is not True for verdict in verdicts.values()):
        failures += 1
        print("wrong:", name, verdicts)
print("%d messages checked, %d wrong" % (len(paths), failures))
sys.exit(1 if failures or not paths else 0)
