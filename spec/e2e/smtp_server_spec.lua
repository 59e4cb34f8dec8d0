-- SPDX-License-Identifier: MIT
-- A real npm's smtp-server on loopback; what it must get from us is in spec.support.interop.

local server = require "spec.support.smtp_server"

require("spec.support.interop").describe("smtp-server", server, { content = 554, tls = true })
