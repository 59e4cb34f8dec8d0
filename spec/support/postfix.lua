-- SPDX-License-Identifier: MIT
--- postfix: a private Postfix for specs: two loopback ports, SASL, delivery into a directory that is read
-- back. Needs root and the packages postfix, sasl2-bin, libsasl2-modules (names of Debian). Its
-- configuration, queue and mail live in a temporary directory; nothing of the system's own Postfix is read
-- or touched. A watching shell stops the server and removes the directory when this process closes its pipe,
-- be it by `stop` or by dying.
local certificate = require "logto_smtp.inbox.certificate"
local maildir = require "spec.support.maildir"
local net = require "spec.support.net"

local M = {}

local USER, PASS, REALM = "postfix-user", "postfix-pass", "mail.example"

local MAIN = [[
compatibility_level = 3.6
config_directory = $dir/etc
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/log
maillog_file_prefixes = $dir
import_environment = MAIL_CONFIG=$dir/etc
myhostname = mail.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_header_rewrite_clients =
alias_maps =
alias_database =
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtputf8_enable = yes
smtputf8_autodetect_classes = all
virtual_mailbox_domains = $domains
virtual_mailbox_maps = static:box/
virtual_mailbox_base = $dir/mail
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
virtual_minimum_uid = 1
virtual_transport = virtual
smtpd_relay_restrictions = $who
smtpd_recipient_restrictions = $who
smtpd_tls_chain_files = $dir/tls.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_received_header = yes
smtpd_sasl_auth_enable = $auth
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = $realm
smtpd_sasl_authenticated_header = yes
smtpd_sasl_security_options = noanonymous
cyrus_sasl_config_path = $dir/etc/sasl
message_size_limit = $size
mailbox_size_limit = 0
virtual_mailbox_limit = 0
]]

-- Refusals at MAIL, at RCPT and after the content, as spec.support.interop wants them.
local REFUSALS = [[
smtpd_delay_reject = no
smtpd_error_sleep_time = 0
smtpd_sender_restrictions = check_sender_access inline:{{refused@shop.example = 550 5.7.1 not from you}}
smtpd_recipient_restrictions = check_recipient_access
  inline:{{nobody@test.example = 550 5.1.1 nobody}, {no-one@test.example = 550 5.1.1 nobody}}, $who
header_checks = regexp:{{/^Subject: refuse this/ REJECT 5.7.0 not this content}}
]]

local MASTER = [[
127.0.0.1:$port inet n - n - - smtpd
127.0.0.1:$smtps_port inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
]]

-- In etc/sasl, because Debian's Postfix looks there whatever cyrus_sasl_config_path says.
local SASL = [[
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: $mechanisms
sasldb_path: $dir/sasl/sasldb2
]]

-- Directories with the owners and modes that master(8) expects of a queue.
local PREPARE = [[
set -e
cd $dir
chmod 755 .
mkdir etc etc/sasl queue data mail sasl
cd queue
mkdir active bounce corrupt defer deferred flush hold incoming private saved trace public maildrop pid
chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace ../data
chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace ../data
chown postfix:postdrop public maildrop
chmod 710 public
chmod 730 maildrop
cd ..
chown nobody mail
printf '%s' "$pass" | saslpasswd2 -p -c -f sasl/sasldb2 -u $realm $user
chown -R postfix sasl
id -u nobody
id -g nobody
]]

local WATCH = [[
exec >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
trap '' INT TERM HUP
cat
pid=$(tr -d ' ' <$dir/queue/pid/master.pid)
# one that has ended by itself has left its number to somebody else
is_there() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f $dir/queue)" ]; }
if is_there; then
  kill -TERM "$pid"
  i=0
  while is_there && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done
fi
rm -rf $dir
]]

---@class spec.Postfix
---@field host string
---@field port integer with STARTTLS
---@field smtps_port integer with implicit TLS
---@field ca string PEM text of the authority that signed its certificate
---@field user string
---@field pass string
---@field dir string
local Postfix = {}
Postfix.__index = Postfix

--- The log so far.
---@return string
function Postfix:log()
  return net.read_file(self.dir .. "/log") or ""
end

--- What has been delivered, oldest first, one for each recipient: see `spec.support.maildir`. Postfix's own
--- Received field tells the TLS version, the protocol and the authenticated sender.
---@return table[]
function Postfix:messages()
  return maildir.read(self.dir .. "/mail/box")
end

--- Waits until n messages have been delivered.
---@param n integer
---@return table[]? messages, string? err with the log
function Postfix:wait_for(n)
  local list, count = maildir.wait_for(self.dir .. "/mail/box", n)
  if list then return list end
  return nil, ("%d of %d messages arrived; Postfix's log:\n%s"):format(count, n, self:log())
end

--- Removes what was delivered.
function Postfix:clear()
  net.run("rm -rf " .. net.quote(self.dir .. "/mail/box"))
end

--- Stops the server and removes its directory. Safe twice.
function Postfix:stop()
  if self.watch then self.watch:close() end
  self.watch = nil
end

local function start_once(values)
  local dir = net.tmpdir()
  values.dir = dir
  local self = setmetatable({ dir = dir, host = "127.0.0.1", user = USER, pass = PASS }, Postfix)
  self.watch = assert(io.popen(net.fill(WATCH, values), "w"))
  local said, status = net.run(net.fill(PREPARE, values))
  if status ~= 0 then return nil, "cannot prepare: " .. said, self end
  values.uid, values.gid = said:match("(%d+)\n(%d+)$")
  values.port, values.smtps_port = net.free_port(), net.free_port()
  local pair, err = certificate.get(values.certificate)
  if not pair then return nil, err, self end
  net.write_file(dir .. "/tls.pem", pair.key .. pair.cert)
  net.write_file(dir .. "/etc/main.cf", net.fill(MAIN .. (values.refusals and REFUSALS or ""), values))
  net.write_file(dir .. "/etc/master.cf", net.fill(MASTER, values))
  net.write_file(dir .. "/etc/sasl/smtpd.conf", net.fill(SASL, values))
  said, status = net.run(net.fill("chmod 600 $dir/tls.pem; $daemons/master -c $dir/etc -w", values))
  if status ~= 0 then return nil, "master: " .. said .. "\n" .. self:log(), self end
  self.port, self.smtps_port, self.ca = values.port, values.smtps_port, pair.ca
  return self
end

---@class spec.PostfixOptions
---@field auth? boolean take mail from authenticated clients only; default true
---@field own_domain? string take mail to this domain from anyone, and no other; default: all are its own
---@field mechanisms? string default "PLAIN LOGIN"
---@field certificate? string kind, as `logto_smtp.testing.certificate` knows them
---@field size? integer octets a message may have
---@field refusals? boolean refuse what spec.support.interop sends to be refused

--- Starts a server. nil, err when it cannot (not root, a package is missing).
---@param options? spec.PostfixOptions
---@return spec.Postfix? server, string? err
function M.start(options)
  options = options or {}
  local auth = options.auth ~= false
  local daemons, status = net.run("postconf -d -h daemon_directory && command -v saslpasswd2 >/dev/null")
  if status ~= 0 then return nil, "postfix and sasl2-bin are needed: " .. daemons end
  if net.run("id -u") ~= "0" then return nil, "a private Postfix needs root" end
  return net.start_server(function()
    return start_once {
      realm = REALM, user = USER, pass = PASS, daemons = daemons:match("[^\n]+"),
      auth = auth and "yes" or "no",
      who = (auth and "permit_sasl_authenticated" or "permit_mynetworks") .. ", "
        .. (options.own_domain and "reject_unauth_destination" or "reject"),
      domains = options.own_domain or "static:all",
      size = options.size or 33554432,
      mechanisms = options.mechanisms or "PLAIN LOGIN", certificate = options.certificate or "valid",
      refusals = options.refusals,
    }
  end)
end

return M
