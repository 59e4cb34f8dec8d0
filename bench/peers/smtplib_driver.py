# SPDX-License-Identifier: MIT
# smtplib: Python's own, one connection a thread, kept.
import json
import resource
import smtplib
import ssl
import sys
import threading
import time

given = dict(text.split("=", 1) for text in sys.argv[1:])
message = open(given["message"], "rb").read()
count, warmup = int(given.get("count", 1)), int(given.get("warmup", 1))
limit = float(given.get("seconds", 1e9))
context = ssl.create_default_context(cafile=given["ca"]) if given.get("tls") == "1" else None


def connect():
    session = smtplib.SMTP(given["host"], int(given["port"]), local_hostname="bench.example")
    if context:
        session.starttls(context=context)
        session.login(given["user"], given["pass"])
    else:
        session.ehlo()
    return session


def send(session):
    session.sendmail(given["from"], [given["to"]], message)


def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def latency(cold):
    samples, ends, session = [], None, None
    for i in range(warmup + count):
        began = time.perf_counter()
        if i >= warmup and ends is None:
            ends = began + limit
        session = session or connect()
        send(session)
        now = time.perf_counter()
        if i >= warmup:
            samples.append(now - began)
        if cold:
            session.quit()
            session = None
        if ends is not None and now >= ends:
            break
    print(json.dumps({"samples": samples}))


def throughput():
    sessions = [connect() for _ in range(int(given.get("connections", 1)))]
    for i in range(warmup):
        send(sessions[i % len(sessions)])
    sent = [0] * len(sessions)
    cpu_began, began = cpu(), time.perf_counter()

    def work(i):
        while sum(sent) < count and time.perf_counter() - began < limit:
            send(sessions[i])
            sent[i] += 1

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, len(sessions))]
    for thread in threads:
        thread.start()
    work(0)
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    print(json.dumps({"sent": sum(sent), "seconds": seconds, "cpu": cpu() - cpu_began}))


if given["mode"] == "throughput":
    throughput()
else:
    latency(given["mode"] == "cold")
