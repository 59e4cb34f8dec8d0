-- SPDX-License-Identifier: MIT
--- What the commands read: config files, payloads and secrets.
-- Each function answers its value, or nil, a sentence for the user and an exit code.

local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.util.json")

local M = {}

--- Defines the arguments of a command that reads a config.
---@param command table  of argparse
function M.define(command)
  command:argument("file", "The config as JSON; - reads standard input.")
  command:mutex(
    command:option("--pass-env", "Take auth.pass from this environment variable."):argname("NAME"),
    command:option("--pass-file", "Take auth.pass from this file (less its last line end)."):argname("FILE"))
end

local function read_all(path, stdin)
  if path == "-" then return stdin:read("*a") end
  local file, err = io.open(path, "rb")
  if not file then return nil, "cannot read " .. err, exit.NO_INPUT end
  local text, read_err = file:read("*a")
  file:close()
  if not text then return nil, "cannot read " .. path .. ": " .. tostring(read_err), exit.NO_INPUT end
  return text
end

local function name_of(path)
  return path == "-" and "standard input" or path
end

local function decode(text, what, code)
  local value, reason, kind = json.read(text)
  if value ~= nil then return value end
  local advice = kind == "not_json" and ": check quotes, commas and braces there" or ""
  return nil, what .. " " .. reason .. advice, code
end

-- The secret that --pass-env or --pass-file names, without its final line end; nil, nil if neither is given.
local function secret(args, context)
  if args.pass_env then
    local value = context.getenv(args.pass_env)
    if value then return value end
    return nil, "the environment variable " .. args.pass_env .. " is not set", exit.USAGE
  end
  if not args.pass_file then return nil end
  local text, err, code = read_all(args.pass_file, context.stdin)
  if not text then return nil, err, code end
  return (text:gsub("\r?\n$", ""))
end

--- Reads the config that a command names and puts in the password that it names.
---@param args table  file, pass_env, pass_file
---@param context table
---@return any config  whatever the JSON holds; the guard judges it
function M.config(args, context)
  local text, err, code = read_all(args.file, context.stdin)
  if not text then return nil, err, code end
  local config, decode_err, decode_code = decode(text, name_of(args.file), exit.CONFIG)
  if decode_err then return nil, decode_err, decode_code end
  local pass, pass_err, pass_code = secret(args, context)
  if pass_err then return nil, pass_err, pass_code end
  if pass and type(config) == "table" then
    if type(config.auth) ~= "table" then config.auth = {} end
    config.auth.pass = pass
  end
  return config
end

--- Reads a payload: a JSON object, or "@" and the name of a file that holds one.
---@param text string
---@param context table
---@return table|nil payload
function M.payload(text, context)
  local what = "the payload"
  if text:sub(1, 1) == "@" then
    local content, read_err, read_code = read_all(text:sub(2), context.stdin)
    if not content then return nil, read_err, read_code end
    what, text = name_of(text:sub(2)), content
  end
  local payload, err, code = decode(text, what, exit.DATA)
  if err then return nil, err, code end
  if type(payload) ~= "table" then
    return nil, what .. " is not a JSON object, such as {\"code\":\"123456\"}", exit.DATA
  end
  return payload
end

return M
