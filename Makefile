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
libs       := -lcurl -lssl -lcrypto -lidn2 -lpthread

pure       := $(wildcard src/pure/*.c)
transport  := $(wildcard src/transport/*.c)
bindings   := $(wildcard src/bindings/*.c)
shared_o   := $(patsubst src/%.c,$(B)/obj/%.o,$(pure) $(transport))
lua_o      := $(patsubst src/%.c,$(B)/$(LUA)/obj/%.o,$(bindings))
module     := $(B)/$(LUA)/logto_smtp/core.so

all: $(module)

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(base) $(CFLAGS) -c -o $@ $<

$(B)/$(LUA)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(base) $(CFLAGS) $(LUA_CFLAGS) -c -o $@ $<

$(module): $(shared_o) $(lua_o)
	@mkdir -p $(@D)
	$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs)

# Unit tests of the pure rooms: nothing but libc (and cmocka), under ASan and UBSan, each allocation failed in turn.
sanitize   := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
unit_pure  := $(patsubst src/%.c,$(B)/unit/obj/%.o,$(pure))
unit_tests := $(patsubst spec/unit/%.c,$(B)/unit/%,$(wildcard spec/unit/*_test.c))
unit_wrap  := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

$(B)/unit/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(base) $(sanitize) -c -o $@ $<

$(B)/unit/support.o: spec/unit/support.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -MMD -MP $(filter-out -Wmissing-prototypes,$(warnings)) $(sanitize) -c -o $@ $<

$(B)/unit/%_test: spec/unit/%_test.c $(B)/unit/support.o $(unit_pure)
	$(CC) -std=c11 -MMD -MP $(warnings) $(sanitize) $(unit_wrap) -o $@ $(filter %.c %.o,$^) -lcmocka

unit: $(unit_tests)
	@for t in $^; do echo "== $$t" && $$t || exit 1; done

clean:
	rm -rf $(B)

env:
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$${LUA_PATH:-;}"'
	@echo 'export LUA_CPATH="$(abspath $(B))/$(LUA)/?.so;$${LUA_CPATH:-;}"'

.PHONY: all unit clean env
.SECONDARY:
-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d $(B)/*/*/*/*.d)
