-- SPDX-License-Identifier: MIT
--- chain: a root, an intermediate authority, certificates below it and its revocation lists, made with the
--- `openssl` command.
local net = require "spec.support.net"

local M = {}

local MAKE = [[
set -e
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cd "$d"
new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
cat >c <<END
[req]
distinguished_name=n
[n]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[leaf]
basicConstraints=CA:FALSE
subjectAltName=DNS:localhost,IP:127.0.0.1
[own]
default_md=sha256
default_crl_days=2
database=$d/index
END
: >index
openssl req -config c -x509 $new -keyout root.key -out root -days 2 -extensions ca -subj "/CN=Test Root $$"
sign() { # name, authority, extensions
  openssl req -config c -new $new -keyout $1.key -out $1.csr -subj "/CN=$1"
  openssl x509 -req -in $1.csr -CA $2 -CAkey $2.key -set_serial $4 -days 2 -extfile c -extensions $3 -out $1
}
sign inter root ca 2
sign server inter leaf 3
sign revoked inter leaf 4
sign client inter leaf 5
openssl pkcs12 -export -in client -inkey client.key -certfile inter -passout pass:pfx-pass -out client.p12
openssl pkey -in client.key -aes256 -passout pass:key-pass -out client.locked
openssl ca -config c -name own -gencrl -keyfile root.key -cert root -out root.crl
openssl ca -config c -name own -revoke revoked -keyfile inter.key -cert inter
openssl ca -config c -name own -gencrl -keyfile inter.key -cert inter -out inter.crl
openssl base64 -A -in client.p12 -out client.p12.base64
for f in root inter server server.key revoked revoked.key client client.key client.locked client.p12.base64 \
  root.crl inter.crl; do echo "#$f"; cat $f; echo; done >all
exec >&3
cat all
]]

local made

--- PEM texts by name: root, inter, server, revoked, client, the last three with name.key; client.locked (its
--- key under "key-pass"), client.p12.base64 (under "pfx-pass"), root.crl and inter.crl. The same each time.
---@return table<string, string>
function M.get()
  if made then return made end
  local said = net.run("exec 3>&1 >/dev/null 2>&1\n" .. MAKE)
  made = {}
  for name, text in said:gmatch("#([%w.]+)\n([^#]+)") do made[name] = text:gsub("%s+$", "") .. "\n" end
  assert(made["inter.crl"], "openssl could not make the chain")
  made["client.p12.base64"] = made["client.p12.base64"]:gsub("%s", "")
  return made
end

return M
