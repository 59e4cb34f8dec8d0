-- SPDX-License-Identifier: MIT
std = "min"
max_line_length = 110
cache = false
include_files = { "lua/**/*.lua", "spec/**/*.lua", "examples/**/*.lua", "bin/logto-smtp", "bench/**/*.lua", ".luacheckrc" }

files["spec"] = { std = "+busted", read_globals = { "jit" } }
files["bench"] = { std = "lua54" }
for _, name in ipairs({ "cosocket", "given", "ours_resty" }) do
  files["bench/peers/" .. name .. ".lua"] = { std = "ngx_lua" }
end
files["bench/peers/wrk.lua"] = { std = "luajit", globals = { "wrk", "done" } }
files["lua/logto_smtp/resty*"] = { std = "+ngx_lua" }
-- Tables of facts, one row a service or a fault.
files["lua/logto_smtp/diagnosis/providers.lua"] = { max_line_length = 120 }
files["lua/logto_smtp/diagnosis/faults.lua"] = { max_line_length = 120 }
