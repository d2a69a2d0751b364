# SPDX-License-Identifier: GPL-2.0-or-later
# attgate: an HCI proxy that judges ATT traffic. `make help` lists what can be made.

VERSION   := 0.1.0
BUILD     ?= build
PREFIX    ?= /usr
DESTDIR   ?=
SYSCONFDIR ?= /etc
UNITDIR   ?= $(PREFIX)/lib/systemd/system
RULESDIR  ?= $(PREFIX)/lib/attgate/rules.d
BINDIR    ?= $(PREFIX)/sbin
MANDIR    ?= $(PREFIX)/share/man
EXAMPLEDIR ?= $(PREFIX)/share/doc/attgate/examples
MODULESDIR ?= $(PREFIX)/lib/modules-load.d
BASHDIR   ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR    ?= $(PREFIX)/share/zsh/vendor-completions
FISHDIR   ?= $(PREFIX)/share/fish/vendor_completions.d
CC        ?= cc
OPT       ?= -O2 -g
SANITIZE  ?=
WARNINGS  := -Wall -Wextra -Wshadow -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes \
             -Wpointer-arith -Wvla -Wundef -Wformat=2 -Wwrite-strings -Werror
DEFINES   := -D_GNU_SOURCE -DAG_VERSION='"$(VERSION)"' -DAG_RULES_DIR='"$(RULESDIR)"' \
             -DAG_SYSCONF_DIR='"$(SYSCONFDIR)/attgate/rules.d"'
ALL_CFLAGS := -std=c11 $(OPT) $(WARNINGS) $(DEFINES) $(SANITIZE) -I. $(CFLAGS)
ENGINE_LIBS := -lnettle
LIBS      := -lev -ljansson -pthread $(ENGINE_LIBS)
# Of these less is used than a shared library brings into memory: 370 KiB together, for some 100 of theirs.
# SHARED=1 where there are no archives, or where they are not wanted.
ATTGATE_LIBS := $(if $(SHARED),$(LIBS),-l:libev.a -l:libjansson.a -pthread -l:libnettle.a)

RULES_SRC  := $(wildcard rules/*.c)
ENGINE_SRC := $(wildcard proxy/base/*.c proxy/wire/*.c proxy/engine/*.c)
EDGE_SRC   := $(wildcard proxy/io/*.c proxy/cmd/*.c)
SIM_SRC    := $(wildcard tests/sim/*.c)
PHONE_SRC  := $(wildcard tests/sim/phone/*.c)
UNIT_SRC   := $(wildcard tests/unit/*.c tests/unit/*/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/*.c)
FUZZ        = $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/%)
LIB_SRC    := $(RULES_SRC) $(ENGINE_SRC) $(EDGE_SRC)

SHIPPED    := $(wildcard rules.d/*.rules)
EXAMPLES   := $(wildcard rules.d/examples/*.rules)
INSTALL_DIRS = $(BINDIR) $(MANDIR)/man5 $(MANDIR)/man7 $(MANDIR)/man8 $(RULESDIR) $(EXAMPLEDIR) $(UNITDIR) \
	       $(BASHDIR) $(ZSHDIR) $(FISHDIR) \
	       $(MODULESDIR) $(SYSCONFDIR)/attgate/rules.d

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
ALL_OBJ := $(call objects,$(LIB_SRC) proxy/main.c $(SIM_SRC) $(PHONE_SRC) $(UNIT_SRC) $(FUZZ_SRC))

.PHONY: help all check unit vm matrix conformance bench bench-vm faults fuzz layers lint fmt coverage demo install uninstall clean objects
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: $(BUILD)/attgate ## build build/attgate (the default)

$(BUILD)/attgate: $(call objects,proxy/main.c $(LIB_SRC))
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ATTGATE_LIBS)

$(BUILD)/phone: $(call objects,$(PHONE_SRC) tests/sim/coc.c tests/sim/report.c $(ENGINE_SRC) $(RULES_SRC))
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libsim.a: $(call objects,$(SIM_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

# tests/sim/alloc.c counts allocations and lets them fail, tests/sim/calls.c asks tests before the kernel
$(BUILD)/unit: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free \
                          -Wl,--wrap=strdup,--wrap=strndup,--wrap=asprintf \
                          -Wl,--wrap=open_memstream,--wrap=fclose,--wrap=pthread_create \
                          -Wl,--wrap=access,--wrap=open,--wrap=glob,--wrap=poll,--wrap=ioctl \
                          -Wl,--wrap=socket,--wrap=bind,--wrap=getsockopt,--wrap=setsockopt \
                          -Wl,--wrap=read,--wrap=write,--wrap=send
$(BUILD)/unit: $(call objects,$(UNIT_SRC) $(LIB_SRC) $(filter-out %/main.c,$(PHONE_SRC))) $(BUILD)/libsim.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcriterion

$(BUILD)/bench/forward: $(call objects,tests/bench/forward.c $(RULES_SRC) $(ENGINE_SRC))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(ENGINE_LIBS)

$(BUILD)/bench/relay: $(call objects,tests/bench/relay.c)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/bench/load: $(call objects,tests/bench/load.c tests/bench/ends.c tests/bench/meter.c proxy/wire/h4.c)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -pthread

$(FUZZ): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(call objects,$(RULES_SRC) $(ENGINE_SRC)) \
		 $(BUILD)/libsim.a
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS)

$(BUILD)/fuzz_control: $(call objects,$(wildcard proxy/io/*.c))
$(BUILD)/fuzz_control: LDFLAGS += $(LIBS)

# Directories are compiled in: what knows them is made again when they change.
$(BUILD)/defines: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(DEFINES) > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:
$(call objects,proxy/main.c $(wildcard proxy/cmd/*.c) proxy/io/rulefiles.c): $(BUILD)/defines

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(ALL_OBJ:.o=.d)

unit: $(BUILD)/unit ## unit tests, golden lines, packet scripts, properties
	$(BUILD)/unit

objects: $(ALL_OBJ) # compile everything and link nothing: what `make lint` asks each compiler for

check: ## everything: unit tests, sanitizers, layers, lint, fuzz, end to end, VM
	tests/check

layers: ## prove that dependencies point down only
	tests/layers --self-test
	tests/layers

lint: ## warnings of both compilers, cppcheck, clang-tidy, style, format, man pages, scripts
	tests/lint

vm: all $(BUILD)/phone ## scenarios with a real kernel and bluetoothd in a virtual machine (root)
	BUILD=$(BUILD) tests/vm/run

matrix: all $(BUILD)/phone ## some of them on four Debian releases, with and without attgate (root, an hour)
	BUILD=$(BUILD) tests/vm/matrix

demo: ## the founding story without and with attgate, everything real but the radio (root)
	BUILD=$(BUILD) tests/vm/demo

$(BUILD)/vhci_preload.so: tests/conformance/vhci_preload.c proxy/wire/h4.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $^ -pthread -ldl

conformance: all $(BUILD)/vhci_preload.so ## BlueZ's own test programs, direct and through attgate, in a VM (root)
	BUILD=$(BUILD) tests/conformance/run

faults: all ## processes killed, streams cut, disks full: what is lost, counted at both ends
	ATTGATE=$(BUILD)/attgate tests/faults/run

FUZZ_SECONDS ?= 30

fuzz: ## every fuzz target for FUZZ_SECONDS (30) of CPU time; goes on where it was broken off
	tests/fuzz/run --resume $(FUZZ_SECONDS)

BENCH_PROGRAMS := $(BUILD)/bench/load $(BUILD)/bench/relay

bench: all $(BENCH_PROGRAMS) ## what a forwarded packet costs, alone, against other relays, with watchers
	tests/bench/run
	tests/bench/watchers $(BUILD)/attgate
	BUILD=$(BUILD) tests/bench/streams

bench-vm: all $(BENCH_PROGRAMS) ## the same between two controllers of the kernel, in a VM, also against BTPROXY
	BUILD=$(BUILD) tests/bench/vm

coverage: ## line and branch coverage by folder; tests/coverage --list: the lines that nothing runs
	tests/coverage

fmt: ## format all C sources
	git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format -i

install: all ## install below DESTDIR and PREFIX, with unit, manuals and rules
	install -d $(addprefix $(DESTDIR),$(INSTALL_DIRS))
	install -m 755 $(BUILD)/attgate $(DESTDIR)$(BINDIR)/attgate
	install -m 644 $(wildcard man/*.8) $(DESTDIR)$(MANDIR)/man8
	$(if $(wildcard man/*.5),install -m 644 $(wildcard man/*.5) $(DESTDIR)$(MANDIR)/man5)
	install -m 644 $(wildcard man/*.7) $(DESTDIR)$(MANDIR)/man7
	$(if $(SHIPPED),install -m 644 $(SHIPPED) $(DESTDIR)$(RULESDIR))
	$(if $(EXAMPLES),install -m 644 $(EXAMPLES) $(DESTDIR)$(EXAMPLEDIR))
	install -m 644 dist/attgate.modules-load $(DESTDIR)$(MODULESDIR)/attgate.conf
	install -m 644 dist/completion/attgate.bash $(DESTDIR)$(BASHDIR)/attgate
	install -m 644 dist/completion/_attgate $(DESTDIR)$(ZSHDIR)/_attgate
	install -m 644 dist/completion/attgate.fish $(DESTDIR)$(FISHDIR)/attgate.fish
	sed 's|@BINDIR@|$(BINDIR)|' dist/attgate@.service > $(DESTDIR)$(UNITDIR)/attgate@.service
	chmod 644 $(DESTDIR)$(UNITDIR)/attgate@.service

uninstall: ## remove what install installed; rules of this machine stay
	rm -f $(DESTDIR)$(BINDIR)/attgate $(DESTDIR)$(UNITDIR)/attgate@.service \
		$(DESTDIR)$(MODULESDIR)/attgate.conf $(DESTDIR)$(BASHDIR)/attgate \
		$(DESTDIR)$(ZSHDIR)/_attgate $(DESTDIR)$(FISHDIR)/attgate.fish \
		$(patsubst man/%.8,$(DESTDIR)$(MANDIR)/man8/%.8,$(wildcard man/*.8)) \
		$(patsubst man/%.5,$(DESTDIR)$(MANDIR)/man5/%.5,$(wildcard man/*.5)) \
		$(patsubst man/%.7,$(DESTDIR)$(MANDIR)/man7/%.7,$(wildcard man/*.7)) \
		$(addprefix $(DESTDIR)$(RULESDIR)/,$(notdir $(SHIPPED))) \
		$(addprefix $(DESTDIR)$(EXAMPLEDIR)/,$(notdir $(EXAMPLES)))
	-rmdir -p --ignore-fail-on-non-empty $(DESTDIR)$(RULESDIR) $(DESTDIR)$(EXAMPLEDIR)

clean: ## remove everything that was built (the VM's images in build/vm too)
	rm -rf $(BUILD)
