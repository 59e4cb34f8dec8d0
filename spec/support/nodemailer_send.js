// SPDX-License-Identifier: MIT
// Sends one message of exact octets by nodemailer. Takes a line of JSON on standard input: modules (the folder it is
// in), options (of the transport), from, to, file (the octets). Prints the server's last reply.
'use strict';

const fs = require('fs');
const path = require('path');

const wish = JSON.parse(fs.readFileSync(0, 'utf8'));
const nodemailer = require(path.resolve(wish.modules, 'nodemailer'));

async function main() {
  const transport = nodemailer.createTransport(wish.options);
  const info = await transport.sendMail({
    envelope: { from: wish.from, to: wish.to },
    raw: fs.readFileSync(wish.file),
  });
  console.log(info.response);
  transport.close();
}

main().catch((error) => {
  console.log(error.message);
  process.exit(1);
});
