// SPDX-License-Identifier: MIT
// Logto's own HTTP email connector, for specs: reads one line of JSON, { connector, config, messages }, sends the
// messages one after another, and writes what came of each, one JSON object a line: { status, body } or { code, message }.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const { default: create } = await import(pathToFileURL(path.resolve(asked.connector)));
const connector = await create({ getConfig: async () => asked.config });

async function send(message) {
  try {
    const response = await connector.sendMessage(message);
    return { status: response.statusCode, body: response.body };
  } catch (error) {
    return { code: error.code, message: error.data?.message ?? String(error) };
  }
}

for (const message of asked.messages) {
  console.log(JSON.stringify(await send(message)));
}
