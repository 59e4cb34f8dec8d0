-- SPDX-License-Identifier: MIT
--- exim: a private Exim for specs, one loopback port with STARTTLS, AUTH, PIPELINING and CHUNKING, delivery
--- into a directory that is read back. It refuses the sender refused@shop.example, every recipient but
--- box@, second@ and third@test.example, the content of a mail with the subject "refuse this", and mails
--- above 300,000 octets.
local certificate = require "logto_smtp.inbox.certificate"
local chroot = require "spec.support.chroot"

local M = {}

local CONFIG = [[
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
spool_directory = /spool
log_file_path = /log/%s
log_selector = +pipelining
pid_file_path = /spool/pid
primary_hostname = mail.example
qualify_domain = test.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = $port
host_lookup =
rfc1413_hosts =
smtp_accept_max = 50
smtp_accept_max_per_connection = %d
smtp_accept_queue_per_connection = 0
queue_run_max = 0
message_size_limit = 300000
deliver_drop_privilege = true
keep_environment =
accept_8bitmime = true
chunking_advertise_hosts = *
pipelining_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = /etc/tls/cert
tls_privatekey = /etc/tls/key
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
mail:
  deny senders = refused@shop.example
       message = 550 5.7.1 not from you
  accept
rcpt:
  accept local_parts = box : second : third
         domains = test.example
  deny message = 550 5.1.1 nobody of that name
data:
  deny condition = ${if eq{$h_Subject:}{refuse this}}
       message = 554 5.7.0 not this content
  accept

begin routers
all:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  directory = /mail/box
  maildir_format
  create_directory
  envelope_to_add
  return_path_add
  message_prefix =
  message_suffix =

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{$user}}{eq{$auth3}{$pass}}}}
  server_advertise_condition = ${if def:tls_in_cipher}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{$user}}{eq{$auth2}{$pass}}}}
  server_advertise_condition = ${if def:tls_in_cipher}
  server_set_id = $auth1
]]

--- Why it cannot run here, or nil.
---@return string?
function M.missing() return chroot.missing("exim") end

--- Starts a server.
---@param limit? integer messages on one connection; none if not given
---@return spec.Chroot? server, string? err
function M.start(limit)
  return chroot.start {
    name = "exim",
    command = "/usr/sbin/exim4 -C /etc/exim.conf -bdf",
    prepare = "mkdir spool log; chown -R 64310:64310 spool log mail etc/tls",
    config = "/etc/exim.conf",
    text = (CONFIG:gsub("%%d", ("%d"):format(limit or 0))),
    pair = assert(certificate.get("valid")),
    user = "exim-user",
    pass = "exim-pass",
  }
end

return M
