-- SPDX-License-Identifier: MIT
--- The names of all options, by their public name.
return require("logto_smtp.config.names")
