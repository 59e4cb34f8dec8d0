-- SPDX-License-Identifier: MIT
--- rows: what is measured, against whom, and what is expected of it. The group is what ROWS selects by; a
-- row with
--- full = true runs with FULL=1 only.
local ALL = { "ours", "nodemailer", "connector", "luasocket", "libcurl", "smtplib", "source", "lockstep" }
local WARM = { "ours", "nodemailer", "connector", "luasocket", "libcurl", "smtplib", "lockstep" }
local MAIN = { "ours", "nodemailer", "libcurl", "smtplib", "source" }
local TLS = { "ours", "nodemailer", "connector", "libcurl", "smtplib", "lockstep" }
local KIB2, KIB200 = 2048, 200 * 1024

local M = {}

-- mode warm, cold: ms of one message; throughput: ms a message. seconds: how long one run takes at most.
M.rows = {
  { group = "warm", mode = "warm", server = "sink", rtt = 0, size = KIB2, peers = WARM, seconds = 0.25 },
  { group = "warm", mode = "warm", server = "postfix", rtt = 0, size = KIB2, peers = WARM, seconds = 0.25 },
  { group = "warm", mode = "warm", server = "postfix", rtt = 20, size = KIB2, peers = WARM, seconds = 0.5,
    bar = { round_trips = 1.15 } },
  { group = "warm", mode = "warm", server = "postfix", rtt = 20, size = KIB2, chunking = false, seconds = 0.5,
    peers = { "ours", "nodemailer" }, bar = { round_trips = 2.15 } },
  { group = "warm", mode = "warm", server = "postfix", rtt = 20, size = KIB2, tls = true, seconds = 0.5,
    peers = { "ours", "second", "nodemailer", "connector", "libcurl", "smtplib" },
      bar = { like_warm = 1.15 } },
  { group = "warm", mode = "warm", server = "postfix", rtt = 20, size = KIB200, peers = { "ours",
    "nodemailer" },
    seconds = 0.5 },
  { group = "warm", mode = "warm", server = "postfix", rtt = 80, size = KIB2, peers = WARM, seconds = 0.8,
    full = true },
  { group = "cold", mode = "cold", server = "postfix", rtt = 0, size = KIB2, peers = WARM, seconds = 0.25 },
  { group = "cold", mode = "cold", server = "postfix", rtt = 20, size = KIB2, peers = WARM, seconds = 0.5 },
  { group = "cold", mode = "cold", server = "postfix", rtt = 0, size = KIB2, tls = true, peers = TLS,
    seconds = 0.25 },
  { group = "cold", mode = "cold", server = "postfix", rtt = 20, size = KIB2, tls = true, peers = TLS,
    seconds = 0.8,
    bar = { faster = { nodemailer = 1 } } },
  { group = "throughput", mode = "throughput", server = "sink", rtt = 0, size = KIB2, connections = 1,
    peers = ALL,
    seconds = 0.5, bar = { faster = { nodemailer = 6, source = 3 }, cpu = 5 } },
  { group = "throughput", mode = "throughput", server = "sink", rtt = 0, size = KIB2, connections = 5,
    peers = MAIN,
    seconds = 0.5 },
  { group = "throughput", mode = "throughput", server = "sink", rtt = 0, size = KIB200, connections = 1,
    peers = MAIN,
    seconds = 0.5 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 0, size = KIB2, connections = 1,
    peers = MAIN, seconds = 0.5 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 0, size = KIB2, connections = 5,
    peers = MAIN, seconds = 0.5 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 0, size = KIB200, connections = 1,
    peers = MAIN, seconds = 0.5, full = true },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 20, size = KIB2, connections = 1,
    peers = ALL, seconds = 0.8, bar = { faster = { nodemailer = 12 } } },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 20, size = KIB2, connections = 1,
    chunking = false, peers = { "ours", "nodemailer" }, seconds = 0.8 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 20, size = KIB2, connections = 5,
    peers = MAIN, seconds = 0.8 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 20, size = KIB2, connections = 1,
    tls = true, peers = { "ours", "nodemailer", "libcurl", "smtplib" }, seconds = 0.8 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 20, size = KIB200, connections = 1,
    peers = { "ours", "nodemailer", "libcurl", "smtplib" }, seconds = 1 },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 80, size = KIB2, connections = 1,
    peers = { "ours", "nodemailer", "libcurl", "smtplib" }, seconds = 1.2,
      bar = { faster = { nodemailer = 15 } } },
  { group = "throughput", mode = "throughput", server = "postfix", rtt = 80, size = KIB2, connections = 5,
    peers = MAIN, seconds = 1.2, full = true },
}

--- Short names of the columns.
M.names = {
  ours = "ours", second = "our connector", nodemailer = "nodemailer", connector = "original connector",
  luasocket = "LuaSocket", libcurl = "libcurl upload", smtplib = "smtplib", source = "smtp-source",
  lockstep = "lockstep",
}

--- What micro measures: how many times faster than the peer it must be.
M.micro = {
  { key = "guard", name = "guard: a config with 4 templates", peer = "zod, as the original connector has it",
    bar = 5 },
  { key = "refuse", name = "guard: a config with 6 mistakes",
    peer = "zod, as the original connector has it" },
  { key = "render2k", name = "render: 2 KiB, 20 placeholders", peer = "replaceSendMessageHandlebars",
    bar = 3 },
  { key = "render50k", name = "render: 50 KiB, 20 placeholders", peer = "replaceSendMessageHandlebars",
    bar = 3 },
  { key = "compose2k", name = "compose: 2 KiB of text", peer = "MailComposer", bar = 10 },
  { key = "compose50k", name = "compose: 50 KiB of UTF-8 HTML", peer = "MailComposer", bar = 10 },
  { key = "send", name = "sendMessage: a transport that keeps the mail composed",
    peer = "the original connector, nodemailer's stream transport", bar = 10 },
  { key = "composeAttachment", name = "compose: text, HTML and 100 KiB attached", peer = "MailComposer" },
}

return M
