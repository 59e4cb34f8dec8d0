# SPDX-License-Identifier: MIT
"""token_endpoint.py DIR: an OAuth 2.0 token endpoint on four free loopback ports: TLS with a certificate for
localhost and 127.0.0.1, TLS with one for other.example, TLS that asks for a client certificate, and no TLS.
What it answers depends on the path. Makes its certificates, writes DIR/ports when it listens and a line for
each request to DIR/requests, and ends when its standard input does."""
import base64
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

folder = sys.argv[1]
lock = threading.Lock()
count = 0
served = set()


def openssl(*args):
    quiet = subprocess.DEVNULL
    subprocess.run(["openssl", *args], cwd=folder, check=True, stdout=quiet, stderr=quiet)


def certify(name, subject, alternatives):
    with open(os.path.join(folder, name + ".ext"), "w") as ext:
        ext.write("subjectAltName=%s\n" % alternatives)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj",
            subject)
    openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "1", "-extfile", name + ".ext", "-out", name + ".crt")


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def check_assertion(assertion):
    """The claims of a JWT whose signature fits DIR/rsa-public.pem; raises otherwise."""
    header, claims, signature = assertion.split(".")
    if json.loads(decode(header)) != {"alg": "RS256", "typ": "JWT"}:
        raise ValueError("header")
    with open(os.path.join(folder, "rsa-public.pem"), "rb") as pem:
        key = serialization.load_pem_public_key(pem.read())
    key.verify(decode(signature), (header + "." + claims).encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(decode(claims))


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reason = None  # the usual words for a status

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json", headers=()):
        octets = body.encode() if isinstance(body, str) else body
        self.send_response(status, self.reason)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(octets)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(octets)

    def grant(self, **more):
        global count
        with lock:
            count += 1
            token = "ya29.token-%d" % count
        self.answer(200, json.dumps(dict({"access_token": token, "token_type": "Bearer"}, **more)))

    def do_GET(self):
        self.answer(500, "{}")

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        record = {"path": url.path, "headers": dict(self.headers), "form": form, "text": text}
        if "assertion" in form:
            try:
                record["claims"] = check_assertion(form["assertion"])
            except Exception as e:
                record["bad"] = repr(e)
        with lock, open(os.path.join(folder, "requests"), "a") as log:
            log.write(json.dumps(record) + "\n")
        try:
            getattr(self, "on_" + url.path[1:].replace("-", "_"))(record)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def on_hour(self, record):
        self.grant(expires_in=3600)

    def on_text_life(self, record):
        self.grant(expires_in="3600")

    def on_second(self, record):
        self.grant(expires_in=1)

    def on_ageless(self, record):
        self.grant()

    def on_rotate(self, record):
        self.grant(expires_in=3600, refresh_token="rotated-refresh-token")

    def on_once(self, record):
        """Grants to each client secret one time."""
        with lock:
            again = record["form"]["client_secret"] in served
            served.add(record["form"]["client_secret"])
        if again:
            return self.answer(503, "{}")
        self.grant(expires_in=3600)

    def on_jwt(self, record):
        if "claims" not in record:
            said = {"error": "invalid_grant", "error_description": "Bad signature"}
            return self.answer(400, json.dumps(said))
        self.grant(expires_in=3600)

    def on_denied(self, record):
        said = {"error": "invalid_grant", "error_description": "Token has been revoked."}
        self.answer(400, json.dumps(dict(said, error_uri="https://docs.example/revoked")))

    def on_denied_with_200(self, record):
        self.answer(200, json.dumps({"error": "invalid_client"}))

    def on_echo(self, record):
        said = "x" * 560 + " you\r\nsent " + record["form"].get("refresh_token", "") * 2
        secret = record["form"].get("client_secret", "")
        said += " and " + secret + " and " + self.headers.get("X-Api-Key", "")
        self.answer(401, json.dumps({"error": "invalid_client " + secret, "error_description": said}))

    def on_repeat(self, record):
        """All that was sent, in as many forms as it has fields."""
        text, form = record["text"], json.dumps(record["form"])
        said = {"error": "invalid_client " + text, "error_description": form + " " + json.dumps(form)}
        said["error_uri"] = "https://docs.example/?" + base64.b64encode(text.encode()).decode()
        self.reason = urllib.parse.quote(text)
        self.answer(401, json.dumps(said))

    def on_repeat_redirect(self, record):
        self.answer(307, "", "text/html", [("Location", "/" + urllib.parse.quote(record["text"]))])

    def on_error_object(self, record):
        self.answer(403, json.dumps({"error": {"code": 403, "message": "API not enabled"}}))

    def on_long(self, record):
        self.answer(200, json.dumps({"access_token": "ya29." + "x" * 40000, "token_type": "Bearer"}))

    def on_long_refresh(self, record):
        self.answer(200, json.dumps({"access_token": "ya29.x", "refresh_token": "y" * 40000}))

    def on_garbage(self, record):
        self.answer(502, "<html>Bad gateway ya29.secret</html>", "text/html")

    def on_cut(self, record):
        self.answer(200, '{"access_token":"ya29.cut"')

    def on_empty(self, record):
        self.answer(200, "")

    def on_array(self, record):
        self.answer(200, '["access_token"]')

    def on_null(self, record):
        self.answer(200, "null")

    def on_deep(self, record):
        self.answer(200, '{"a":' + "[" * 20000 + "]" * 20000 + ',"access_token":"ya29.deep"}')

    def on_nothing(self, record):
        self.answer(503, '{"error":null}')

    def on_number_token(self, record):
        self.answer(200, '{"access_token":5}')

    def on_spaced_token(self, record):
        self.answer(200, '{"access_token":"ya29 x\\u0001auth=Bearer y"}')

    def on_latin1(self, record):
        self.answer(200, b'{"access_token":"\xfc"}')

    def on_redirect(self, record):
        self.answer(307, "", "text/html", [("Location", "/hour?assertion=secret")])

    def on_slow(self, record):
        time.sleep(20)

    def on_drip(self, record):
        self.send_response(200)
        self.end_headers()
        for _ in range(200):
            self.wfile.write(b" ")
            time.sleep(0.1)

    def on_endless(self, record):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536)

    def on_endless_header(self, record):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-Line: " + b"x" * 1000 + b"\r\n")

    def on_hang_up(self, record):
        self.close_connection = True
        self.connection.close()


def listen(certificate=None, ask=False):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # clients that do not trust it hang up
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = os.path.join(folder, certificate)
        context.load_cert_chain(path + ".crt", path + ".key")
        if ask:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(os.path.join(folder, "ca.crt"))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


for name in "ca", "stranger":
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".crt",
            "-days", "1", "-subj", "/CN=Test " + name)
certify("server", "/CN=localhost", "DNS:localhost,IP:127.0.0.1")
certify("other", "/CN=other.example", "DNS:other.example")
certify("client", "/CN=client", "DNS:client.example")
ports = [listen("server"), listen("other"), listen("server", ask=True), listen()]
with open(os.path.join(folder, "ports.new"), "w") as out:
    out.write(" ".join(map(str, ports)))
os.rename(os.path.join(folder, "ports.new"), os.path.join(folder, "ports"))
sys.stdin.read()
