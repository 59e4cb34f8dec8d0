-- SPDX-License-Identifier: MIT
--- given: what the senders in nginx send, and where; written by `nginx` before nginx starts.
local cjson = require "cjson"

local file = assert(io.open(ngx.config.prefix() .. "/given.json"))
local given = cjson.decode(file:read("*a"))
file:close()
return given
