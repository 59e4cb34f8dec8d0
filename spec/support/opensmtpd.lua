-- SPDX-License-Identifier: MIT
--- opensmtpd: a private OpenSMTPD for specs, one loopback port, delivery into a directory that is read
--- back. It offers neither PIPELINING nor CHUNKING. In clear only, and so without AUTH: Debian 12's
--- OpenSMTPD 6.8 cannot make a TLS handshake with OpenSSL 3. It refuses the sender refused@shop.example,
--- every recipient but box@, second@ and third@test.example, and mails above 300,000 octets.
local chroot = require "spec.support.chroot"

local M = {}

local CONFIG = [[
table refused { "refused@shop.example" }
filter sender phase mail-from match mail-from <refused> reject "550 5.7.1 not from you"
smtp max-message-size "300000"
smtp limit max-mails 1000
listen on 127.0.0.1 port $port hostname mail.example filter sender
action "box" maildir "/mail/box"
match from any for domain "test.example" action "box"
]]

local PREPARE = [[
mkdir -p var/lib/opensmtpd/empty var/spool/smtpd run log
chmod 711 var/spool/smtpd
ln -s ../run var/run
]]

--- Why it cannot run here, or nil.
---@return string?
function M.missing() return chroot.missing("opensmtpd") end

--- Starts a server.
---@return spec.Chroot? server, string? err
function M.start()
  return chroot.start {
    name = "opensmtpd",
    command = "/usr/sbin/smtpd -d -f /etc/smtpd.conf",
    prepare = PREPARE,
    config = "/etc/smtpd.conf",
    text = CONFIG,
  }
end

return M
