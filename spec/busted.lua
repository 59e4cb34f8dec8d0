-- SPDX-License-Identifier: MIT
-- Runs busted under the interpreter that runs this file: lua5.4 spec/busted.lua spec
require "busted.runner" { standalone = false }
