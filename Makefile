# SPDX-License-Identifier: Apache-2.0
# thermograf: `make help` lists the targets.

VERSION := 0.1.0
# DEBUG=1: ASan and UBSan, own folder, the same targets.
DEBUG   ?= 0
# V=1 shows the commands.
V       ?= 0
ifeq ($(DEBUG),1)
O := build/debug
else
O := build
endif

# The only legal include order (CONTRIBUTING.md, Order): a file includes what stands before it, never after.
# `tests/lint/run layers` checks it.
LIB := ground digits text json symbols facts refusal verifierlog parse report log privileges paths \
       inifile url confvalue conffile confkeys confpair confset confcheck config confdiff credentials \
       bucket words specpredicate specreference specconst specwords specprogram specmap specnames specrules spec \
       btftype enumtext memberpath feature layout mapview rows fingerprint delta \
       window clock point lineproto \
       disks uevent decode tagset diskstats coverage totals series \
       bounds histogram emitter styleinflux stylefields styleprometheus stylebcc style mapstreet \
       batch estimate retryafter verdict bisection bodysize backoff \
       crc32c record queue shelfcounts shelf spooltask spoolstate spoolplan spool spooldisk poller worker devices segment spooldir spoollist keyring \
       patience redaction httphandle http target targets sink trouble outputstats \
       outlet spoolnews keeper \
       uplink reach complaint settle push \
       trusted kernel host bpflog rodata probeconst probebind probeprograms probeload probe snapshot probedir mapreader collect \
       identity output farewell agentoutputs agentprobes selfmon checkup serviceuser checkoutputs checkprobes checktext checkjson catalogue \
       usage reconcile health agent notify loop

CC      ?= cc
CLANG   ?= clang
PKGS    := libbpf libelf libcurl inih zlib
CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Werror -Wshadow -Wvla -Wconversion -Wno-sign-conversion -Wmissing-prototypes \
           -Wstrict-prototypes -Wundef -Wformat=2
CPPFLAGS_ALL = -D_GNU_SOURCE -DTHERMOGRAF_VERSION='"$(VERSION)"' -Ilib $(CPPFLAGS)
CFLAGS_ALL   = -std=gnu17 $(WARN) $(CFLAGS) -fno-omit-frame-pointer -MMD -MP
LDLIBS_ALL   = $(shell pkg-config --libs $(PKGS)) $(LDLIBS)
ifeq ($(DEBUG),1)
CFLAGS_ALL += -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS    += -fsanitize=address,undefined
endif

# Not every file of LIB has a source: some are headers only.
LIB_SRC  := $(wildcard $(LIB:%=lib/%.c))
LIB_OBJ  := $(LIB_SRC:lib/%.c=$(O)/lib/%.o)
CMD_OBJ  := $(patsubst cmd/%.c,$(O)/cmd/%.o,$(wildcard cmd/*.c))
PROBES   := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
UNIT     := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/test_*.c))

ifeq ($(V),1)
say = @:
Q   =
else
say = @printf '  %-5s %s\n'
Q   = @
endif

.PHONY: all help deps deps-dev run check lint fuzz vm debian bench clean unit format
.DELETE_ON_ERROR:
.SECONDARY:

all: $(O)/thermograf probes man ## build the agent, its probes and the manual into build/

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'
	@printf '  %s\n' 'DEBUG=1: with ASan and UBSan, in build/debug.  V=1: show commands.'

$(O)/thermograf: $(CMD_OBJ) $(O)/libthermograf.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $(CMD_OBJ) $(O)/libthermograf.a $(LDLIBS_ALL)

$(O)/libthermograf.a: $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/lib/%.o: lib/%.c | compiler
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

$(O)/cmd/%.o: cmd/%.c | compiler
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# ---- BPF. -mcpu=v3 needs Linux 5.1; the multiarch folder holds asm/types.h. SYSROOT: where a cross-compiler's headers are.
BPF_ARCH  := $(shell $(CC) -dumpmachine | sed 's/-.*//; s/x86_64/x86/; s/aarch64/arm64/')
BPF_FLAGS  = -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror -Wno-unused-parameter \
             -I$(SYSROOT)/usr/include/$(shell $(CC) -print-multiarch) -Ibpf

.PHONY: probes
probes: $(PROBES:%=$(O)/probes/%.bpf.o) $(PROBES:%=$(O)/probes/%.ini)

$(O)/probes/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.bpf.h)
	$(say) BPF $@
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_FLAGS) -c -o $@ $<

$(O)/probes/%.ini: bpf/%.ini
	$(Q)mkdir -p $(@D) && cp $< $@

# ---- The manual. The keys of the configuration come from the program, so that page and code cannot disagree.
MAN_PAGES := $(wildcard packaging/man/*.[1-8]) $(O)/man/thermograf.ini.5

.PHONY: man
man: $(O)/man/thermograf.ini.5

# PRINTER: a program that runs here, where what is built does not.
PRINTER ?= $(O)/thermograf
$(O)/man/%: packaging/man/%.in packaging/man/keys.awk $(O)/thermograf
	$(say) MAN $@
	$(Q)mkdir -p $(@D) && $(PRINTER) check --defaults >$@.keys && awk -f packaging/man/keys.awk $@.keys $< >$@

# A probe of the end-to-end tests: what the kernel shows to BPF programs, counted in another way.
E2E_PROBES := $(patsubst tests/e2e/probes/%.bpf.c,$(O)/tests/e2e/probes/%,$(wildcard tests/e2e/probes/*.bpf.c))

.PHONY: e2e-probes
e2e-probes: $(E2E_PROBES:%=%.bpf.o) $(E2E_PROBES:%=%.ini) $(O)/tests/e2e/fleet

$(O)/tests/e2e/probes/%.bpf.o: tests/e2e/probes/%.bpf.c $(wildcard bpf/*.bpf.h)
	$(say) BPF $@
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_FLAGS) -c -o $@ $<

$(O)/tests/e2e/probes/%.ini: tests/e2e/probes/%.ini
	$(Q)mkdir -p $(@D) && cp $< $@

# block_io, with a clock that lies; what it counts is compared with nothing.
$(O)/tests/e2e/probes/losses.bpf.o: bpf/block_io.bpf.c
$(O)/tests/e2e/probes/losses.ini: bpf/block_io.ini
	$(Q)mkdir -p $(@D) && sed -e 's/^object .*/object  = losses.bpf.o/' -e 's/^about .*/about   = block_io with a clock that lies, for tests/' \
		-e 's/^cost .*/enabled = no/' -e 's/^phases .*/&\nlie       = enum(losses_lie) none/' -e '/^reference/d' $< >$@

# Many hosts in one process; when each sends is told at the door of http_post().
$(O)/tests/e2e/fleet: tests/e2e/fleet.c $(O)/libthermograf.a
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS) -Wl,--wrap=http_post -o $@ $< $(O)/libthermograf.a $(LDLIBS_ALL)

# ---- Unit tests: one binary per tests/unit/test_*.c; an unregistered test is an unused function.
unit: $(UNIT) probes e2e-probes

$(O)/tests/unit/%: tests/unit/%.c $(O)/libthermograf.a
	$(say) TEST $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) -Itests/unit -DPROBES_DIR='"$(O)/probes"' -DE2E_PROBES_DIR='"$(O)/tests/e2e/probes"' $(CFLAGS_ALL) -Wno-missing-prototypes -Wno-unused-parameter $(LDFLAGS) -o $@ $< $(O)/libthermograf.a $(LDLIBS_ALL) -lcmocka -lm

# They count what the library allocates.
$(O)/tests/unit/test_steady $(O)/bench/window: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray

# Their disks refuse to open a file, or to tell of one.
$(O)/tests/unit/test_keeper: LDFLAGS += -Wl,--wrap=openat
$(O)/tests/unit/test_spooldisk: LDFLAGS += -Wl,--wrap=fstatat

.PHONY: compiler
compiler:
	@pkg-config --exists $(PKGS) || { echo 'missing libraries: run "make deps" as root'; exit 1; }

# ---- What must be on the machine, by Debian's package names. A name with ? is left out where the distribution
# does not have it: tests that want it are then skipped.
DEPS_RUN   := gcc libc6-dev make pkg-config clang libbpf-dev libelf-dev libcurl4-openssl-dev libinih-dev zlib1g-dev \
              python3
DEPS_CHECK := $(DEPS_RUN) libcmocka-dev bpftool? openssl e2fsprogs
DEPS_DEV   := $(DEPS_CHECK) clang-format clang-tidy cppcheck shellcheck pyflakes3 mandoc groff-base libclang-rt-dev? puppet-agent? puppet-lint? bash-completion?
DEPS_VM    := $(DEPS_RUN) $(if $(filter aarch64,$(shell uname -m)),qemu-system-arm?,qemu-system-x86?) busybox-static? cpio? kmod? \
              debootstrap? e2fsprogs? dmsetup? mdadm? sg3-utils? $(if $(filter x86_64,$(shell uname -m)),gcc-aarch64-linux-gnu?)
DEPS_BENCH := $(DEPS_RUN) fio

deps: ## install what building and running needs and is missing (Debian, Ubuntu; elsewhere: say what)
	@packaging/deps $(DEPS_RUN)

deps-dev: ## the same for tests, lints and fuzzers
	@packaging/deps $(DEPS_DEV)

JOBS := $(shell nproc)

# The first step of a target that must work on a fresh machine; the rest is done by a make that sees what is there now.
run: ## see it work: a demonstration in the terminal (root)
	@packaging/deps $(DEPS_RUN)
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/e2e/demo.py --build $(O)

check: ## all tests that can run here (root: all)
	@packaging/deps $(DEPS_CHECK)
	@$(MAKE) --no-print-directory -j$(JOBS) all unit e2e-probes
	@tests/check --build $(O) unit e2e

LINTS := format tidy cppcheck shell python man layers probe-names kernel-versions
lint: man ## format, clang-tidy, cppcheck, shellcheck, pyflakes, man pages, layer order, no probe names, no kernel versions
	@tests/check --build $(O) $(LINTS:%=lint:%) lint:samples

# KERNEL: keys of tests/vm/kernels.txt, TEST: pairs tests/vm/TEST.sh and TEST.py; both joined by blanks.
KERNEL ?= all
TEST   ?= all
vm: ## the agent on other kernels, in QEMU: KERNEL='5.10 rc' TEST=smoke for some
	@packaging/deps $(DEPS_VM)
	@$(MAKE) --no-print-directory -j$(JOBS) all e2e-probes
	@KERNEL='$(KERNEL)' TEST='$(TEST)' THERMOGRAF_BUILD=$(O) tests/check --build $(O) tests/vm/vm

# SUITE is a release of Debian, TESTS what tests/check runs there; the chroot is kept in build/debian.
SUITE  ?= trixie
TESTS ?= unit
debian: ## build and test on another release of Debian, in a chroot (root): SUITE=trixie TESTS="unit e2e"
	@packaging/deps debootstrap
	@SUITE='$(SUITE)' TESTS='$(TESTS)' tests/check --build $(O) tests/debian/debian

BENCHES := $(patsubst tests/bench/%.c,$(O)/bench/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
bench: ## nanoseconds per I/O beside biolatency, a window's cost, the footprint (root): SAVE=1 keeps the page
	@packaging/deps $(DEPS_BENCH)
	@$(MAKE) --no-print-directory all $(BENCHES) $(O)/bench/floor.bpf.o
	@tests/bench/bench --build $(O) $(if $(SAVE),--save)

$(O)/bench/%.bpf.o: tests/bench/%.bpf.c
	$(say) BPF $@
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_FLAGS) -c -o $@ $<

$(O)/bench/%: tests/bench/%.c $(O)/libthermograf.a
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) -Itests/unit $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(O)/libthermograf.a $(LDLIBS_ALL) -lm

# ---- Fuzzers: libFuzzer needs clang, and the library built with coverage.
FUZZ      := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# As many at a time as there are CPUs: two minutes on two.
FUZZ_SECS ?= 15
FUZZ_CFLAGS = -std=gnu17 -O1 -g -MMD -MP -fsanitize=address,undefined -fno-sanitize-recover=undefined

fuzz: $(FUZZ:%=build/fuzz/%) ## run every fuzzer for FUZZ_SECS (15) seconds
	@tests/check --build build --fuzz-seconds $(FUZZ_SECS) fuzz

build/fuzz/%: tests/fuzz/%.c build/fuzz/libthermograf.a
	$(say) FUZZ $@
	$(Q)$(CLANG) $(CPPFLAGS_ALL) -Itests/unit $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< build/fuzz/libthermograf.a $(LDLIBS_ALL)

build/fuzz/libthermograf.a: $(LIB_SRC:%.c=build/fuzz/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

build/fuzz/lib/%.o: lib/%.c
	$(Q)mkdir -p $(@D) && $(CLANG) $(CPPFLAGS_ALL) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

include packaging/install.mk

print-%: # the value of a variable, for scripts
	@:$(info $($*))

clean: ## remove build/
	rm -rf build

-include $(LIB_SRC:%.c=build/fuzz/%.d) $(FUZZ:%=build/fuzz/%.d) $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(UNIT:=.d)
