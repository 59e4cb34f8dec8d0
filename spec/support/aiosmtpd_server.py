# SPDX-License-Identifier: MIT
"""An aiosmtpd server for specs. Writes one JSON object a line to standard output: first {"port": N}, then each
message as it arrives, octets in base64. Ends when standard input does."""
import base64
import json
import os
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

os.closerange(3, 256)  # copies of the parent's sockets must not live on here
settings = json.loads(sys.stdin.readline())
lock = threading.Lock()


def tell(value):
    with lock:
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()


def b64(octets):
    return base64.b64encode(octets).decode("ascii")


class Handler:
    async def handle_DATA(self, server, session, envelope):
        cipher = server.transport.get_extra_info("cipher")
        tell({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "mailOptions": envelope.mail_options,
            "raw": b64(envelope.original_content), "ehlo": session.host_name,
            "user": session.auth_data.decode() if session.authenticated else None,
            "tls": cipher[1] if cipher else False,
        })
        return "250 2.0.0 Ok"


def authenticator(server, session, envelope, mechanism, data):
    right = data.login.decode() == settings["user"] and data.password.decode() == settings["pass"]
    return AuthResult(success=right, handled=False, auth_data=data.login)


context = None
if settings["tls"] != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["chain"])
implicit = settings["tls"] == "implicit"
options = {"enable_SMTPUTF8": True}
if settings.get("user"):
    options.update(authenticator=authenticator, auth_required=True, auth_require_tls=settings["tls"] == "starttls")
if context and not implicit:
    options.update(tls_context=context)
controller = Controller(
    Handler(), hostname="127.0.0.1", port=settings["port"], ssl_context=context if implicit else None, **options)
controller.start()
tell({"port": settings["port"]})
sys.stdin.read()
controller.stop()
