rockspec_format = "3.0"
package = "logto-smtp"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/logto-smtp/logto-smtp.git",
  tag = "v0.1.0",
}
description = {
  summary = "Logto's SMTP connector for Lua: validate the config, render the template, send the code",
  detailed = [[
    What Logto's official SMTP connector does, as a C module on libcurl with a pure-Lua wrapper that mirrors the
    connector's interface: for Lua 5.4 and for LuaJIT inside nginx/OpenResty.
  ]],
  license = "MIT",
  labels = { "smtp", "email", "logto", "openresty" },
}
dependencies = {
  "lua >= 5.1",
  "lua-cjson >= 2.1.0",
  "argparse >= 0.7.0",
}
external_dependencies = {
  CURL = { header = "curl/curl.h", library = "curl" },
  OPENSSL = { header = "openssl/ssl.h", library = "ssl" },
  IDN2 = { header = "idn2.h", library = "idn2" },
}
build = {
  type = "builtin",
  modules = {
    ["logto_smtp.core"] = {
      sources = {
      },
      libraries = { "curl", "ssl", "crypto", "idn2", "pthread" },
      incdirs = { "$(CURL_INCDIR)", "$(OPENSSL_INCDIR)", "$(IDN2_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)", "$(OPENSSL_LIBDIR)", "$(IDN2_LIBDIR)" },
    },
  },
  install = {
    bin = { "bin/logto-smtp" },
  },
}
