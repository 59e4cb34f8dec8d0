// SPDX-License-Identifier: MIT
// What read_addresses.py does, by npm's mailparser. Its argument is the directory of the modules.
'use strict';
const path = require('path');
const readline = require('readline');
const { simpleParser } = require(path.resolve(process.argv[2], 'mailparser'));

async function read(line) {
  const mail = await simpleParser(Buffer.from(JSON.parse(line), 'hex'));
  const found = mail.to.value.flatMap((entry) => entry.group || [entry]).map((entry) => {
    const address = entry.address || '';
    const at = /@\[[^\]]*\]$/.test(address) ? address.lastIndexOf('@[') : address.lastIndexOf('@');
    const user = address.slice(0, at);
    return {
      name: entry.name || '',
      user: user.startsWith('"') ? user.slice(1, -1).replace(/\\(.)/gs, '$1') : user,
      domain: address.slice(at + 1),
    };
  });
  console.log(JSON.stringify(found));
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) await read(line);
})();
