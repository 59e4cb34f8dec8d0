-- SPDX-License-Identifier: MIT
-- An IP address is in a certificate as an iPAddress of subjectAltName, or not at all (RFC 9525, RFC 6125):
-- for the server, for a proxy over TLS and for a token endpoint, over STARTTLS and over TLS from the first
-- octet. A common name counts for names only, and only where there is no subjectAltName, as in the original.

local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local proxy = require("spec.support.proxy")
local token_endpoint = require("spec.support.token_endpoint")

local MAKE = [[
set -e
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cd "$d"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 \
  -subj '/CN=$common' $extension >/dev/null 2>&1
cat key; echo '#'; cat cert
]]

-- subject's common name, subjectAltName, and for which of these hosts it is
local ROWS = {
  { "127.0.0.1", nil, {} },
  { "::1", nil, {} },
  { "localhost", nil, { localhost = true } },
  { "127.0.0.1", "DNS:127.0.0.1", {} },
  { "127.0.0.1", "DNS:localhost", { localhost = true } },
  { "127.0.0.1", "IP:127.0.0.2", {} },
  { "127.0.0.1", "email:a@example.com", {} },
  { "x", "IP:127.0.0.1", { ["127.0.0.1"] = true } },
  { "x", "IP:::1", { ["::1"] = true } },
  { "x", "DNS:localhost,IP:127.0.0.1", { localhost = true, ["127.0.0.1"] = true } },
}

local function certificate_of(common, names)
  local extension = names and "-addext subjectAltName=" .. names or ""
  local key, cert = net.run(net.fill(MAKE, { common = common, extension = extension })):match("^(.-)#\n(.*)$")
  assert(cert and cert:find("END CERTIFICATE", 1, true), cert)
  return { key = key, cert = cert .. "\n", ca = cert }
end

describe("an address and a certificate for", function()
  local endpoint, pairs_of = nil, {}

  setup(function()
    endpoint = token_endpoint.start()
    for i, row in ipairs(ROWS) do pairs_of[i] = certificate_of(row[1], row[2]) end
  end)
  teardown(function() endpoint:stop() end)
  after_each(function()
    mailing.stop()
    proxy.stop()
  end)

  -- Whether it was accepted; else it must be for the name.
  local function judge(accepted, err, code)
    if accepted then return true end
    assert.equal(code, err.code, err.message)
    return false, err.message
  end

  for i, row in ipairs(ROWS) do
    local title = ("CN=%s%s"):format(row[1], row[2] and ", " .. row[2] or "")

    it(title .. ": the server's", function()
      for _, tls in ipairs({ "implicit", "starttls" }) do
        for _, host in ipairs({ "127.0.0.1", "::1", "localhost" }) do
          local listening = host == "::1" and "::1" or "127.0.0.1"
          local inbox = mailing.inbox { tls = tls, certificate = pairs_of[i], host = listening }
          local config = inbox:config { host = host, tls = { ca = pairs_of[i].ca } }
          local seen, err = mailing.client(config):verify()
          local fine, said = judge(seen, err, "ETLS")
          assert.equal(row[3][host] or false, fine, host .. " " .. tls)
          if not fine then assert.is_truthy(said:find("wrong name in certificate", 1, true), said) end
          mailing.stop()
        end
      end
    end)

    it(title .. ": the server's by tls.servername, a proxy's, a token endpoint's", function()
      local pair, right = pairs_of[i], row[3]["127.0.0.1"] or false
      local inbox = mailing.inbox { tls = "implicit", certificate = pair }
      local seen, err = mailing.client(inbox:config {
        host = "localhost", tls = { ca = pair.ca, servername = "127.0.0.1" },
      }):verify()
      assert.equal(right, (judge(seen, err, "ETLS")))
      local clear = mailing.inbox { tls = "none" }
      local front = proxy.tls(proxy.http(), pair.cert .. pair.key)
      seen, err = mailing.client(clear:config {
        proxy = ("https://127.0.0.1:%d"):format(front), tls = { ca = pair.ca },
      }):verify()
      assert.equal(right, (judge(seen, err, "EPROXY")))
      front = proxy.tls(tonumber(endpoint.clear_port), pair.cert .. pair.key)
      local config = clear:config()
      config.auth = endpoint:auth("hour", {
        accessUrl = ("https://127.0.0.1:%d/hour"):format(front), tls = { ca = pair.ca },
      })
      seen, err = mailing.client(config):verify()
      assert.is_nil(seen) -- the server offers no AUTH: with a token that is the end of it
      assert.equal(right and "EAUTH" or "EOAUTH2", err.code, err.message)
    end)
  end

  it("no name is needed where rejectUnauthorized is false", function()
    local inbox = mailing.inbox { tls = "implicit", certificate = pairs_of[1] }
    assert(mailing.client(inbox:config { tls = { rejectUnauthorized = false } }):verify())
  end)
end)
