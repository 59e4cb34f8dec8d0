-- SPDX-License-Identifier: MIT
--- exim_relay: a private Exim that hands all it is given on to an inbox: an SMTP client that is not ours,
--- with PIPELINING, CHUNKING, STARTTLS, TLS and AUTH. It checks the inbox's certificate.
local chroot = require "spec.support.chroot"

local M = {}

local CONFIG = [[
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
spool_directory = /spool
log_file_path = /log/%s
primary_hostname = relay.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = $port
host_lookup =
rfc1413_hosts =
message_size_limit = 64M
keep_environment =
accept_8bitmime = true
tls_advertise_hosts =
acl_smtp_rcpt = any
acl_smtp_data = any

begin acl
any:
  accept

begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out

begin transports
out:
  driver = smtp
  port = @inbox
  allow_localhost
  hosts_try_chunking = @chunking
@tls

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^u^p
]]

local TLS = [[
  protocol = %s
  hosts_require_tls = %s
  tls_verify_certificates = /etc/tls/cert
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
  hosts_require_auth = *]]

M.missing = function() return chroot.missing("exim") end

--- Starts a relay. With TLS it logs in as u with the password p.
---@param inbox logto_smtp.testing.Inbox
---@param options { tls: "starttls"|"implicit"|"none", chunking: boolean }
---@return spec.Chroot? server, string? err
function M.start(inbox, options)
  local implicit = options.tls == "implicit"
  local tls = TLS:format(implicit and "smtps" or "smtp", implicit and "" or "*")
  local values = {
    inbox = inbox.port, chunking = options.chunking and "*" or "", tls = options.tls ~= "none" and tls or "",
  }
  return chroot.start {
    name = "exim",
    command = "/usr/sbin/exim4 -C /etc/exim.conf -bdf",
    prepare = "mkdir spool log; chown -R 64310:64310 spool log etc/tls",
    config = "/etc/exim.conf",
    text = CONFIG:gsub("@(%l+)", function(name) return tostring(values[name]) end) .. "",
    pair = { ca = "", cert = inbox.ca or "", key = "" },
  }
end

return M
