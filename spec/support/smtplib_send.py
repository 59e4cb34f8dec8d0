# SPDX-License-Identifier: MIT
# Sends one message of exact octets by smtplib. Takes JSON on standard input: port, tls, ca, mechanism, user, pass, from,
# to, file (the octets). Prints what smtplib says of refused recipients, {} when there are none.
import json
import smtplib
import ssl
import sys

wish = json.load(sys.stdin)
context = ssl.create_default_context(cadata=wish["ca"]) if wish.get("ca") else None
if wish["tls"] == "implicit":
    smtp = smtplib.SMTP_SSL("localhost", wish["port"], context=context)
else:
    smtp = smtplib.SMTP("localhost", wish["port"])
if wish["tls"] == "starttls":
    smtp.starttls(context=context)
smtp.ehlo()
smtp.user, smtp.password = wish.get("user"), wish.get("pass")
mechanism = wish.get("mechanism")
if mechanism == "XOAUTH2":
    token = "user=%s\1auth=Bearer %s\1\1" % (smtp.user, smtp.password)
    smtp.auth(mechanism, lambda challenge=None: "" if challenge else token)
elif mechanism:
    smtp.auth(mechanism, getattr(smtp, "auth_" + mechanism.lower().replace("-", "_")))
with open(wish["file"], "rb") as file:
    print(smtp.sendmail(wish["from"], wish["to"], file.read(), ["BODY=8BITMIME"]))
smtp.quit()
