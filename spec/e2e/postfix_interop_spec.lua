-- SPDX-License-Identifier: MIT
-- A real Postfix on loopback, with what the other mail servers must get from us: see spec.support.interop.

local postfix = require "spec.support.postfix"

local peer = {
  missing = function() return nil end,
  start = function() return postfix.start { auth = false, refusals = true, size = 300000 } end,
}

local options = { content = 550, stops_elsewhere = true }
require("spec.support.interop").describe("Postfix that refuses", peer, options)
