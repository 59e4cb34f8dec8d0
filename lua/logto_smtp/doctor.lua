-- SPDX-License-Identifier: MIT
--- The doctor, by its public name.
return require("logto_smtp.diagnosis.doctor")
