// SPDX-License-Identifier: MIT
// An smtp-server of npm for specs. Takes its settings as one line of JSON on standard input; writes one JSON object a
// line to standard output: first { port }, then each message as it is accepted, octets in base64. Ends when standard
// input does.
"use strict";
const path = require("path");
const readline = require("readline");

const refuse = (code, text) => Object.assign(new Error(text), { responseCode: code });
const known = new Set(["box@test.example", "second@test.example", "third@test.example"]);
const tell = value => process.stdout.write(JSON.stringify(value) + "\n");

function serve(settings) {
  const { SMTPServer } = require(path.resolve(settings.modules, "smtp-server"));
  const server = new SMTPServer({
    key: settings.key,
    cert: settings.cert,
    size: settings.size,
    hideSize: true,
    rejectOversized: true,
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    onAuth(auth, session, callback) {
      const right = auth.username === settings.user && auth.password === settings.pass;
      callback(right ? null : refuse(535, "5.7.8 wrong user or password"), { user: auth.username });
    },
    onMailFrom(address, session, callback) {
      callback(address.address === "refused@shop.example" ? refuse(550, "5.7.1 not from you") : null);
    },
    onRcptTo(address, session, callback) {
      callback(known.has(address.address) ? null : refuse(550, "5.1.1 nobody of that name"));
    },
    onData(stream, session, callback) {
      const parts = [];
      stream.on("data", part => parts.push(part));
      stream.on("end", () => {
        const raw = Buffer.concat(parts);
        if (stream.sizeExceeded) return callback(null);
        if (raw.includes("Subject: refuse this")) return callback(refuse(554, "5.7.0 not this content"));
        tell({
          raw: raw.toString("base64"),
          from: session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map(address => address.address),
          tls: session.secure,
          user: session.user,
        });
        return callback(null, "queued");
      });
    },
  });
  server.on("error", () => {}); // a connection that broke is the client's to tell
  server.listen(settings.port, "127.0.0.1", () => tell({ port: settings.port }));
}

readline.createInterface({ input: process.stdin })
  .once("line", line => serve(JSON.parse(line)))
  .once("close", () => process.exit(0));
