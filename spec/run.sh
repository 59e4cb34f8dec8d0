#!/bin/bash
# SPDX-License-Identifier: MIT
# Every test and one summary line at the end, with what failed by name above it. Goes on after a failure; exit status 0
# only when nothing failed. A step that prints no count of its own (lint, layers) counts as one test.
# The steps go in two lanes side by side: specs wait more than they compute, and a machine with something else to do
# is what they must stand anyway. The second lane's output comes once the first is done.
set -um
cd "$(dirname "$0")/.." || exit
results=$(mktemp -d)
make="make --no-print-directory -s"

sum() { # log, pattern with one number in it: the sum of that number over the log
  grep -oE "$2" "$1" | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }'
}

# What failed of the step in the log, by name; of a step that names nothing, its last words.
failures() { # log
  grep -E -A 1 '^(Failure|Error) -> |^\[  FAILED  \] [^0-9]' "$1" || tail -n 5 "$1"
}

step() { # name, command...
  local name=$1 log=$results/$lane.log status good bad began=$SECONDS
  shift
  printf '\n--- %s\n' "$name"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  good=$(($(sum "$log" '^[0-9]+ success(es)?') + $(sum "$log" '^\[  PASSED  \] [0-9]+')))
  bad=$(($(sum "$log" '/ [0-9]+ failures?') + $(sum "$log" '/ [0-9]+ errors?') + $(sum "$log" '^\[  FAILED  \] [0-9]+')))
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
  elif [ "$status" -eq 0 ] && [ "$good" -eq 0 ]; then
    good=1
  fi
  echo "$good $bad" >>"$results/counts"
  [ "$bad" -eq 0 ] || { echo "failed: $name" && failures "$log" | sed 's/^/  /'; } >>"$results/trouble"
  printf -- '--- %s: %d passed, %d failed, %d s\n' "$name" "$good" "$bad" $((SECONDS - began))
}

first_lane() {
  lane=first
  step "specs on Lua 5.4" $make specs LUA=5.4
  step "specs on LuaJIT" $make specs LUA=luajit
  step "specs with a real nginx" $make nginx
}

second_lane() {
  lane=second
  step "layers" $make layers
  step "lint" $make lint
  step "unit tests under ASan and UBSan" $make unit
  step "transport rooms against real peers" $make peers
  step "the engine under the thread sanitizer" $make tsan
  step "specs on Lua 5.4 under ASan and UBSan" $make asan
  step "specs of what waits, none longer than it must" $make audit
  step "specs with the nginx of nginx-extras" env NGINX_PERL=1 $make nginx \
    NGINX_SPECS='spec/nginx/life_cycle_spec.lua spec/nginx/resty_spec.lua'
  step "specs in a real terminal and browser" $make terminal
}

lane=first
step "build for Lua 5.4" $make LUA=5.4
step "build for LuaJIT" $make LUA=luajit
second_lane >"$results/second" 2>&1 &
second=$!
trap 'kill -- -"$second" 2>/dev/null; rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
first_lane
wait "$second"
cat "$results/second"

printf '\n'
[ ! -e "$results/trouble" ] || cat "$results/trouble"
awk '{ good += $1; bad += $2 } END { print good + 0 " passed, " bad + 0 " failed"; exit (bad > 0 || NR == 0) }' \
  "$results/counts"
