# SPDX-License-Identifier: MIT
# make demo, make test: the two commands; each installs what it needs. `make help` lists the rest.

LUA     ?= 5.4
PREFIX  ?= /usr/local
CC      ?= cc
CFLAGS  ?= -O2 -g
B       ?= build

luas       := 5.4 luajit
lua_pc     := $(if $(filter luajit,$(LUA)),luajit,lua$(LUA))
lua_abi    := $(if $(filter luajit,$(LUA)),5.1,$(LUA))
lua_bin    := $(if $(filter luajit,$(LUA)),luajit,lua$(LUA))
LUA_CFLAGS ?= $(shell pkg-config --cflags $(lua_pc))

warnings   := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
base       := -std=c11 -fPIC -fvisibility=hidden -MMD -MP $(warnings)
libs       := -lcurl -lssl -lcrypto -lidn2 -ljansson -lpthread

pure       := $(wildcard src/pure/*.c)
transport  := $(wildcard src/transport/*.c)
bindings   := $(wildcard src/bindings/*.c)
shared_o   := $(patsubst src/%.c,$(B)/obj/%.o,$(pure) $(transport))
lua_o      := $(patsubst src/%.c,$(B)/$(LUA)/obj/%.o,$(bindings))
module     := $(B)/$(LUA)/logto_smtp/core.so

# The command in place: what `make env` puts on the PATH.
command := $(B)/$(LUA)/bin/logto-smtp

all: $(module) $(command)

# The two commands.
demo: deps-demo
	@$(MAKE) --no-print-directory -s LUA=$(LUA)
	@eval "$$($(MAKE) -s env LUA=$(LUA))"; $(lua_bin) examples/demo.lua

test: deps-test
	@spec/run.sh

help:
	@echo 'make demo      send the four verification mails of a config to a local inbox, and show them'
	@echo 'make test      every test, on Lua 5.4 and LuaJIT; one summary line at the end'
	@echo 'make           build the C module for LUA=$(LUA) (5.1, 5.3, 5.4, luajit)'
	@echo 'make unit      C unit tests;  make specs: Lua specs for LUA;  make lint;  make layers'
	@echo 'make peers     the transport rooms against real peers, and the pool against thousands of servers'
	@echo 'make asan      the Lua specs with interpreter and module under ASan and UBSan'
	@echo 'make nginx     the specs with a real nginx'
	@echo 'make docs      the tables of docs/ and for LuaLS that are made of the tables of options and of errors'
	@echo 'make tsan      the engine'"'"'s two threads under the thread sanitizer'
	@echo 'make audit     the specs of what waits, to find what nothing would wake the loop for'
	@echo 'make terminal  the specs in a real terminal and a real browser'
	@echo 'make interop   the specs against Exim, OpenSMTPD and smtp-server of npm, which it installs npm for'
	@echo 'make env       shell lines for logto-smtp and require "logto_smtp" in place: eval "$$(make -s env)"'
	@echo 'make bench     ours against the peers; ROWS=warm,cold,throughput,nginx,growth,micro RUNS=5 FULL=1'
	@echo 'make install   takes PREFIX, DESTDIR, LUA'
	@echo 'make deps      install what building, demo and tests need (DEPS=installed: assume it is there);'
	@echo '               make deps-build: what building needs alone'

deps: deps-test
deps-build:
	@.ci/deps build
deps-demo:
	@.ci/deps build demo
deps-test:
	@.ci/deps build demo test
	@.ci/interop
deps-bench:
	@.ci/deps build demo bench; command -v npm >/dev/null || .ci/deps node

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo '  CC $<'
	@$(CC) $(base) $(CFLAGS) -c -o $@ $<

$(B)/$(LUA)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo '  CC $< for Lua $(LUA)'
	@$(CC) $(base) $(CFLAGS) $(LUA_CFLAGS) -c -o $@ $<

$(module): $(shared_o) $(lua_o) $(more_o)
	@mkdir -p $(@D)
	@echo '  LD $@'
	@$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs)

$(command): bin/logto-smtp
	@mkdir -p $(@D)
	@sed '1s|.*|#!/usr/bin/env $(lua_bin)|' $< > $@ && chmod 755 $@

# Unit tests of the pure rooms: nothing but libc (and cmocka), under ASan and UBSan, each allocation failed in turn.
# LS_CHECKED: a buffer's octets behind the room that was asked for may not be touched.
sanitize   := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DLS_CHECKED
unit_pure  := $(patsubst src/%.c,$(B)/unit/obj/%.o,$(pure))
unit_tests := $(patsubst spec/unit/%.c,$(B)/unit/%,$(wildcard spec/unit/*_test.c))
unit_wrap  := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

$(B)/unit/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo '  CC $< with sanitizers'
	@$(CC) $(base) $(sanitize) -c -o $@ $<

$(B)/unit/support.o: spec/unit/support.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -MMD -MP $(filter-out -Wmissing-prototypes,$(warnings)) $(sanitize) -c -o $@ $<

$(B)/unit/%_test: spec/unit/%_test.c $(B)/unit/support.o $(unit_pure)
	@echo '  CC $<'
	@$(CC) -std=c11 -MMD -MP $(warnings) $(sanitize) $(unit_wrap) -o $@ $(filter %.c %.o,$^) -lcmocka $(unit_libs)

# The work of the rooms is counted: by basic blocks, without sanitizers, and by what goes through libc's searches.
work_pure := $(patsubst src/%.c,$(B)/unit/work/%.o,$(pure))
work_wrap := -Wl,--wrap=memchr,--wrap=memcmp,--wrap=memcpy,--wrap=memmove

$(B)/unit/work/%.o: src/%.c
	@mkdir -p $(@D)
	@$(CC) $(base) -O1 -g -fsanitize-coverage=trace-pc -c -o $@ $<

$(B)/unit/work_test: spec/unit/work_test.c spec/unit/support.c $(work_pure)
	@echo '  CC $<'
	@$(CC) -std=c11 $(filter-out -Wmissing-prototypes,$(warnings)) -g $(unit_wrap) $(work_wrap) -o $@ $^ -lcmocka

# idn is transport by its library, and pure in all else
$(B)/unit/idn_test: $(B)/unit/obj/transport/idn.o
$(B)/unit/idn_test: unit_libs := -lidn2

# Tests of the transport rooms that talk to peers of their own: dkimpy, opendkim, an HTTPS token endpoint.
peer_objects := $(patsubst src/%.c,$(B)/unit/obj/%.o,$(transport))
peer_tests   := $(patsubst spec/transport/%.c,$(B)/transport/%,$(wildcard spec/transport/*_test.c))

$(B)/transport/%_test: spec/transport/%_test.c $(B)/unit/support.o $(unit_pure) $(peer_objects)
	@mkdir -p $(@D)
	@echo '  CC $<'
	@$(CC) -std=c11 -MMD -MP $(warnings) $(sanitize) $(unit_wrap) $(peer_wrap) -o $@ $(filter %.c %.o,$^) \
	  -lcmocka $(libs)

# the pool against simulated servers: what it waits for is a model
$(B)/transport/pool_model_test: peer_wrap := \
  $(shell sed -n 's/^FAKE.[^,]*, \([a-z_]*\),.*/-Wl,--wrap=\1/p' spec/transport/model_conn.h)

peers: $(peer_tests)
	@for t in $^; do echo "== $$t" && $$t || exit 1; done

# The engine's two threads once more, under the thread sanitizer.
tsan_o := $(patsubst src/%.c,$(B)/tsan/%.o,$(pure) $(transport))
$(B)/tsan/%.o: src/%.c
	@mkdir -p $(@D)
	@echo '  CC $< with the thread sanitizer'
	@$(CC) $(base) -O1 -g -fsanitize=thread -c -o $@ $<
$(B)/tsan/engine_test: spec/transport/engine_test.c $(tsan_o)
	@$(CC) -std=c11 $(warnings) -g -fsanitize=thread -o $@ $^ -lcmocka $(libs)
tsan: $(B)/tsan/engine_test
	@$<

unit: $(unit_tests)
	@for t in $^; do echo "== $$t" && $$t || exit 1; done

# What specs need of C: allocations that fail.
spec_module := $(B)/$(LUA)/spec_allocator.so
$(spec_module): spec/support/allocator.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -fPIC $(warnings) $(CFLAGS) $(LUA_CFLAGS) -shared -Wl,-z,nodelete -o $@ $<

# The specs of one interpreter, or of some files: make specs LUA=luajit SPECS=spec/helpers_spec.lua
SPECS ?= $(wildcard spec/*_spec.lua) spec/e2e spec/testing
specs: $(module) $(spec_module)
	@eval "$$($(MAKE) -s env LUA=$(LUA) B=$(B))"; $(lua_bin) spec/busted.lua -o plainTerminal $(SPECS)

# The specs with a real nginx, once, on LuaJIT as in nginx itself: make nginx NGINX_SPECS=spec/nginx/nginx_spec.lua
NGINX_SPECS ?= spec/nginx
nginx:
	@$(MAKE) --no-print-directory -s specs LUA=luajit SPECS='$(NGINX_SPECS)'

# The specs of long runs, in a real terminal and a real browser, once, on 5.4.
terminal:
	@$(MAKE) --no-print-directory -s specs LUA=5.4 SPECS=spec/terminal

# The specs against Exim, OpenSMTPD and npm's smtp-server alone, for LUA; npm is installed when there is none.
interop: deps-test
	@command -v npm >/dev/null || .ci/deps node
	@.ci/interop
	@$(MAKE) --no-print-directory -s specs LUA=$(LUA) SPECS='$(patsubst %,spec/e2e/%_spec.lua,exim opensmtpd smtp_server)'

# The whole Lua suite once under ASan and UBSan: an interpreter and a module built with them.
# Much of the memory that was freed is kept aside, so that a late use of it is seen.
asan_dir := $(B)/asan
asan:
	@$(MAKE) --no-print-directory -s B=$(asan_dir) CFLAGS="$(sanitize)" LUA=5.4 all $(asan_dir)/5.4/spec_allocator.so
	@$(MAKE) --no-print-directory -s B=$(asan_dir) LUA=5.4 $(asan_dir)/asan-lua
	@eval "$$($(MAKE) -s env LUA=5.4 B=$(asan_dir))"; ASAN_OPTIONS=quarantine_size_mb=1024 \
	  $(abspath $(asan_dir)/asan-lua) spec/busted.lua -o plainTerminal $(SPECS)

$(B)/asan-lua: spec/asan/lua.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(warnings) $(sanitize) $(LUA_CFLAGS) -o $@ $< $(shell pkg-config --libs $(lua_pc))

# The specs of what waits, with a module that tells when the loop was to sleep while something could be done.
audit_dir   := $(B)/audit
audit_specs := $(patsubst %,spec/%_spec.lua,client_auth client_chaos client_failure client_oauth client_pool \
  client_probe client_quit client_rate client_reply client_timeout engine)
audit_wrap  := $(shell sed -n 's/^REAL.[^,]*, \([a-z_]*\),.*/-Wl,--wrap=\1/p' spec/audit/wake.c)
audit: SPECS := $(audit_specs)
audit: $(audit_dir)/wake.o
	@$(MAKE) --no-print-directory -s B=$(audit_dir) more_o=$< LDFLAGS="$(audit_wrap)" LUA=5.4 specs SPECS='$(SPECS)'

$(B)/audit/wake.o: spec/audit/wake.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out -Wmissing-prototypes,$(base)) $(CFLAGS) -c -o $@ $<

lint:
	@$(MAKE) --no-print-directory -s B=$(B)/clang CC=clang LUA=5.4
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability,unusedFunction \
	  --inline-suppr --suppress=missingIncludeSystem -DLUA_VERSION_NUM=504 -DTCP_QUICKACK=1 src
	@! LC_ALL=C.UTF-8 grep -nE '^.{111,}' -r src spec/unit bench --include='*.[ch]'
	luacheck -q lua bin/logto-smtp examples spec bench

# What is made of the table of options: the docs' tables, the LuaLS class of a config.
docs: $(module)
	@eval "$$($(MAKE) -s env LUA=$(LUA) B=$(B))"; $(lua_bin) -e 'require("spec.support.option_docs").write() require("spec.support.error_docs").write()'

layers:
	@.ci/layers
	@mkdir -p $(B)
	@$(CC) -shared -nostdlib -Wl,-z,defs -o $(B)/pure-alone.so $(patsubst src/%.c,$(B)/obj/%.o,$(pure)) -lc -lgcc

# Ours and the peers, in turn on the same servers; the table and results.json go to $(B)/bench.
# ROWS=warm,cold,throughput,nginx,growth,micro picks; RUNS=5; FULL=1 adds the long rows.
bench_programs := $(B)/bench/relay $(B)/bench/measure $(B)/bench/upload
$(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 $(warnings) -O2 -o $@ $<
$(B)/bench/upload: bench/peers/upload.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 $(warnings) -O2 -o $@ $< -lcurl
$(B)/bench/node_modules: bench/package.json bench/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@npm ci --prefix $(@D) --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

bench: deps-bench
	@$(MAKE) --no-print-directory -s LUA=5.4
	@$(MAKE) --no-print-directory -s LUA=luajit
	@$(MAKE) --no-print-directory -s bench-run
bench-run: $(bench_programs) $(B)/bench/node_modules
	@eval "$$($(MAKE) -s env LUA=5.4)"; export LUA_PATH="bench/?.lua;bench/peers/?.lua;spec/?.lua;$$LUA_PATH"; \
	  [ -w /dev/shm ] && export TMPDIR=/dev/shm; \
	  BUILD=$(abspath $(B))/bench ROWS=$(ROWS) RUNS=$(RUNS) FULL=$(FULL) lua5.4 bench/run.lua

# The installed command finds its modules wherever PREFIX is.
share := $(PREFIX)/share/lua/$(lua_abi)
paths := package.path = "$(share)/?.lua;$(share)/?/init.lua;" .. package.path;\npackage.cpath = "$(PREFIX)/lib/lua/$(lua_abi)/?.so;" .. package.cpath
install: $(module)
	install -d $(DESTDIR)$(PREFIX)/lib/lua/$(lua_abi)/logto_smtp $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(module) $(DESTDIR)$(PREFIX)/lib/lua/$(lua_abi)/logto_smtp/core.so
	cd lua && find logto_smtp -name '*.lua' -exec install -D -m 644 {} $(abspath $(DESTDIR)$(PREFIX))/share/lua/$(lua_abi)/{} \;
	sed '1s|.*|#!/usr/bin/env $(lua_bin)|; 2a $(paths)' bin/logto-smtp > $(DESTDIR)$(PREFIX)/bin/logto-smtp
	chmod 755 $(DESTDIR)$(PREFIX)/bin/logto-smtp
	@$(MAKE) --no-print-directory -s install-shell LUA=$(LUA) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

# The manual page and the completion of the command, written by the command itself.
shell_files := man/man1/logto-smtp.1:manual bash-completion/completions/logto-smtp:completion+bash \
  zsh/site-functions/_logto-smtp:completion+zsh
install-shell: $(module)
	@eval "$$($(MAKE) -s env LUA=$(LUA) B=$(B))"; for f in $(shell_files); do \
	  to=$(DESTDIR)$(PREFIX)/share/$${f%%:*}; mkdir -p "$${to%/*}"; \
	  $(lua_bin) bin/logto-smtp $$(echo "$${f##*:}" | tr + ' ') > "$$to" || exit 1; chmod 644 "$$to"; done

clean:
	rm -rf $(B)

env:
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$${LUA_PATH:-;}"'
	@echo 'export LUA_CPATH="$(abspath $(B))/$(LUA)/?.so;$${LUA_CPATH:-;}"'
	@echo 'export PATH="$(abspath $(dir $(command))):$$PATH"'

.PHONY: all demo test help deps deps-build deps-demo deps-test deps-bench bench bench-run
.PHONY: docs unit peers tsan specs nginx terminal interop asan audit lint layers install install-shell clean env
.SECONDARY:
-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d $(B)/*/*/*/*.d)
