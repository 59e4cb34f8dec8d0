-- SPDX-License-Identifier: MIT
--- certificate: certificate authorities and server certificates for tests, made with the `openssl` command.
-- Keys are on P-256. A pair per kind is made once, kept for the process, and for later ones of this user in
-- $XDG_CACHE_HOME/logto-smtp or ~/.cache/logto-smtp (0700), without the authority's key, which is
-- thrown away. A file there is replaced whole, by renaming, so runs in parallel need no lock.
local shell = require "logto_smtp.util.shell"

local M = {}

local NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
local VALID_DAYS, FRESH_SECONDS = 30, 20 * 86400

local SUBJECT = {
  valid = { cn = "localhost", names = NAMES },
  expired = { cn = "localhost", names = NAMES, days = -1 },
  wrong_name = { cn = "wrong.example", names = "DNS:wrong.example" },
  self_signed = { cn = "localhost", names = NAMES, alone = true },
}

-- The directory lives as long as the shell; nothing is left behind, whatever fails. Few programs run: on a
-- busy machine it costs more to start one than to let it work.
local COMMON = [[
set -e
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cd "$d"
new_key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
show() { while read -r line; do echo "$line"; done <"$1"; }
fail() { show log; exit 1; }
echo '[req]
distinguished_name=n
[n]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash
[leaf]
basicConstraints=CA:FALSE
subjectAltName=%s' >c
openssl req -config c -x509 $new_key -keyout ca.key -out ca.pem -days ]] .. VALID_DAYS .. [[ -extensions ca \
  -subj "/CN=Test CA $$" 2>log || fail
show ca.pem
echo '#'
]]

local ALONE = [[
openssl req -config c -x509 $new_key -keyout - -days ]] .. VALID_DAYS .. [[ -extensions leaf \
  -subj "/CN=%s" 2>log || fail
]]

-- OpenSSL 3 signs in the run that makes the key; older ones, and expired certificates, need one more.
local SIGNED = [[
days=%d
if [ $days -lt 0 ] || ! openssl req -config c -x509 $new_key -keyout - -CA ca.pem -CAkey ca.key \
  -set_serial $$ -days $days -extensions leaf -subj "/CN=%s" 2>log
then
  openssl req -config c -new $new_key -keyout - -out csr -subj "/CN=%s" 2>log || fail
  openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -set_serial $$ -days $days -extfile c -extensions leaf \
    2>log || fail
fi
]]

local cache = {}

local function pair_of(text)
  local ca, rest = text:match("^([^#]+)#\n(.+)$")
  local cert = rest and rest:match("%-%-%-%-%-BEGIN CERTIFICATE.-END CERTIFICATE%-%-%-%-%-\n")
  local key = rest and rest:match("%-%-%-%-%-BEGIN PRIVATE KEY.-END PRIVATE KEY%-%-%-%-%-\n")
  return cert and key and { ca = ca, cert = cert, key = key }
end

--- PEM texts of a fresh authority, a certificate and its key. The authority has not signed a self_signed one.
---@param kind "valid"|"expired"|"wrong_name"|"self_signed"
---@param names? string subjectAltName instead of that of the kind, as `DNS:a.example,IP:192.0.2.1`
---@return { ca: string, cert: string, key: string }? pair, string? err
function M.make(kind, names)
  local subject = assert(SUBJECT[kind], "unknown kind of certificate")
  local sign = subject.alone and ALONE:format(subject.cn)
    or SIGNED:format(subject.days or VALID_DAYS, subject.cn, subject.cn)
  local pipe = assert(io.popen(COMMON:format(names or subject.names) .. sign, "r"))
  local said = pipe:read("*a")
  pipe:close()
  local pair = pair_of(said)
  if not pair then return nil, "cannot make a certificate with the openssl command: " .. said end
  return pair
end

local function is_path(text)
  return text ~= nil and text:sub(1, 1) == "/"
end

--- Where pairs are kept, or nil where there is no such place.
local function directory()
  local xdg, home = os.getenv("XDG_CACHE_HOME"), os.getenv("HOME")
  if is_path(xdg) then return xdg .. "/logto-smtp" end
  if is_path(home) then return home .. "/.cache/logto-smtp" end
end

-- The first line tells when the pair was made; one from the future is not believed.
local function load_pair(dir, kind)
  local file = io.open(dir .. "/" .. kind, "rb")
  if not file then return nil end
  local made, text = (file:read("*a") or ""):match("^made (%d+)\n(.*)$")
  file:close()
  local age = made and os.time() - tonumber(made)
  return age and age >= 0 and age < FRESH_SECONDS and pair_of(text) or nil
end

-- What is written goes into a file of its own first: no reader ever sees half of it. Failing to keep a pair
-- costs time only, so nothing is said of it.
local function store_pair(dir, kind, pair)
  local name = os.tmpname()
  os.remove(name)
  name = dir .. "/" .. name:match("[^/]+$")
  local file = io.open(name, "wb")
  if not file then
    os.execute("exec mkdir -p -m 700 " .. shell.quote(dir) .. " 2>/dev/null")
    file = io.open(name, "wb")
  end
  if not file then return end
  local whole = file:write(("made %d\n"):format(os.time()), pair.ca, "#\n", pair.cert, pair.key)
  if not (file:close() and whole and os.rename(name, dir .. "/" .. kind)) then os.remove(name) end
end

--- Like `make`, but the same pair for each call with the same kind.
---@param kind "valid"|"expired"|"wrong_name"|"self_signed"
---@return { ca: string, cert: string, key: string }? pair, string? err
function M.get(kind)
  if cache[kind] then return cache[kind] end
  local dir = directory()
  local pair, err = dir and load_pair(dir, kind), nil
  if not pair then
    pair, err = M.make(kind)
    if pair and dir then store_pair(dir, kind, pair) end
  end
  cache[kind] = pair
  return pair, err
end

--- The kinds `make` knows.
---@param kind any
---@return boolean
function M.is_kind(kind) return SUBJECT[kind] ~= nil end

return M
