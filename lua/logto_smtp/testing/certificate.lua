-- SPDX-License-Identifier: MIT
--- certificate: certificate authorities and server certificates for tests, made with the `openssl` command.
-- Keys are on P-256, so making a pair takes milliseconds; one pair per kind is made in a process and then
-- reused.
local M = {}

local NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"

local SUBJECT = {
  valid = { cn = "localhost", names = NAMES },
  expired = { cn = "localhost", names = NAMES, days = -1 },
  wrong_name = { cn = "wrong.example", names = "DNS:wrong.example" },
  self_signed = { cn = "localhost", names = NAMES, alone = true },
}

-- The directory lives as long as the shell; nothing is left behind, whatever fails.
local COMMON = [[
set -e
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cd "$d"
new_key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
cat >c <<END
[req]
distinguished_name=n
[n]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash
[leaf]
basicConstraints=CA:FALSE
subjectAltName=%s
END
openssl req -config c -x509 $new_key -keyout ca.key -out ca.pem -days 2 -extensions ca \
  -subj "/CN=Test CA $$" 2>log || { cat log; exit 1; }
]]

local ALONE = [[
openssl req -config c -x509 $new_key -keyout key -out cert -days 2 -extensions leaf -subj "/CN=%s" 2>log \
  || { cat log; exit 1; }
]]

local SIGNED = [[
openssl req -config c -new $new_key -keyout key -out csr -subj "/CN=%s" 2>log || { cat log; exit 1; }
openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -set_serial $$ -days %d -extfile c -extensions leaf \
  -out cert 2>log || { cat log; exit 1; }
]]

local SHOW = 'cat ca.pem; echo "#"; cat cert; echo "#"; cat key'

local cache = {}

--- PEM texts of a fresh authority, a certificate and its key. The authority has not signed a self_signed one.
---@param kind "valid"|"expired"|"wrong_name"|"self_signed"
---@param names? string subjectAltName instead of that of the kind, as `DNS:a.example,IP:192.0.2.1`
---@return { ca: string, cert: string, key: string }? pair, string? err
function M.make(kind, names)
  local subject = assert(SUBJECT[kind], "unknown kind of certificate")
  local sign = subject.alone and ALONE:format(subject.cn) or SIGNED:format(subject.cn, subject.days or 2)
  local pipe = assert(io.popen(COMMON:format(names or subject.names) .. sign .. SHOW, "r"))
  local said = pipe:read("*a")
  pipe:close()
  local ca, cert, key = said:match("^([^#]+)#\n([^#]+)#\n([^#]+)$")
  if not ca then return nil, "cannot make a certificate with the openssl command: " .. said end
  return { ca = ca, cert = cert, key = key }
end

--- Like `make`, but the same pair for each call with the same kind.
---@param kind "valid"|"expired"|"wrong_name"|"self_signed"
---@return { ca: string, cert: string, key: string }? pair, string? err
function M.get(kind)
  local err
  if not cache[kind] then cache[kind], err = M.make(kind) end
  return cache[kind], err
end

--- The kinds `make` knows.
---@param kind any
---@return boolean
function M.is_kind(kind) return SUBJECT[kind] ~= nil end

return M
