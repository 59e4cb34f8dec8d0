#!/bin/bash
# SPDX-License-Identifier: MIT
# Every test, one after another, and one summary line at the end. Goes on after a failure; exit status 0 only when
# nothing failed. A step that prints no count of its own (lint, layers) counts as one test.
set -u
cd "$(dirname "$0")/.."
passed=0
failed=0
log=$(mktemp)
trouble=$(mktemp)
trap 'rm -f "$log" "$trouble"' EXIT

sum() { # pattern with one number in it: the sum of that number over the log
  grep -oE "$1" "$log" | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }'
}

# What failed of the step in the log, by name, for a reader who sees the end of the output alone; of a step that names
# nothing, its last words.
failures() {
  grep -E '^(Failure|Error) → |^\[  FAILED  \] [^0-9]' "$log" || tail -n 5 "$log"
}

step() { # name, command...
  local name=$1 status good bad began=$SECONDS
  shift
  printf '\n--- %s\n' "$name"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  good=$(($(sum '^[0-9]+ success(es)?') + $(sum '^\[  PASSED  \] [0-9]+')))
  bad=$(($(sum '/ [0-9]+ failures?') + $(sum '/ [0-9]+ errors?') + $(sum '^\[  FAILED  \] [0-9]+')))
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
  elif [ "$status" -eq 0 ] && [ "$good" -eq 0 ]; then
    good=1
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  [ "$bad" -eq 0 ] || { echo "failed: $name" && failures | sed 's/^/  /'; } >> "$trouble"
  printf -- '--- %s: %d passed, %d failed, %d s\n' "$name" "$good" "$bad" $((SECONDS - began))
}

make="make --no-print-directory -s"
step "build for Lua 5.4" $make LUA=5.4
step "build for LuaJIT" $make LUA=luajit
step "layers" $make layers
step "lint" $make lint
step "unit tests under ASan and UBSan" $make unit
step "transport rooms against real peers" $make peers
step "the engine under the thread sanitizer" $make tsan
step "specs on Lua 5.4" $make specs LUA=5.4
step "specs on LuaJIT" $make specs LUA=luajit
step "specs with a real nginx" $make nginx
step "specs with the nginx of nginx-extras" env NGINX_PERL=1 $make nginx \
  NGINX_SPECS='spec/nginx/life_cycle_spec.lua spec/nginx/resty_spec.lua'
step "specs in a real terminal and browser" $make terminal
step "specs on Lua 5.4 under ASan and UBSan" $make asan
step "specs of what waits, none longer than it must" $make audit

printf '\n'
cat "$trouble"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
