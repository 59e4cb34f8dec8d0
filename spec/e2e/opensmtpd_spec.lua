-- SPDX-License-Identifier: MIT
-- A real OpenSMTPD on loopback; what it must get from us is in spec.support.interop.

require("spec.support.interop").describe("OpenSMTPD", require "spec.support.opensmtpd", { lockstep = true })
