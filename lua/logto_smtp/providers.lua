-- SPDX-License-Identifier: MIT
--- Mail services and advice, by their public name.
return require("logto_smtp.diagnosis.providers")
