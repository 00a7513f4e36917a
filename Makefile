# SPDX-License-Identifier: BSD-2-Clause
#
# The targets are listed by `make help`.  V=1 shows the commands.

VERSION := 0.1

BUILD ?= build
CC ?= gcc
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=
bindir = $(PREFIX)/bin
sbindir = $(PREFIX)/sbin
mandir = $(PREFIX)/share/man
unitdir = $(PREFIX)/lib/systemd/system

# ---- Packages: the only list of them (Debian names) -------------------------

build_packages = gcc libc6-dev make pkg-config libfuse3-dev libsystemd-dev \
	zlib1g-dev libbz2-dev libzstd-dev libssl-dev libisal-dev libjansson-dev \
	libsgutils2-dev
run_packages = fuse3 mt-st tar
test_packages = perl cpio dump e2fsprogs mandoc procps liblzo2-2 jq bc \
	bsdutils openssh-client openssh-server \
	$(shell tests/lab/lab --packages 2>/dev/null)
# Peers that not every release of Debian has; tests say when one is missing.
peer_packages = simh hercules bacula-sd amanda-server amanda-client \
	libencode-locale-perl libxml-simple-perl tgt open-iscsi
lint_packages = clang clang-format clang-tidy cppcheck shellcheck
full_packages = clang libclang-rt-dev

# ---- Compiling --------------------------------------------------------------

V ?= 0
ifeq ($(V),0)
say = @printf '  %-7s %s\n' $(1) '$(2)';
endif

WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wconversion -Wundef \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wcast-qual -Wwrite-strings
CFLAGS ?= -O2 -g
SAN ?=
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DPMT_VERSION='"$(VERSION)"' \
	-Idaemon -Iformats -Imirror -Icuse -Irmt -Itools -I. \
	-Itests/lib -Itests/contract
cflags = -std=gnu17 $(WARN) $(CFLAGS) $(SAN) -pthread -MMD -MP

fuse_cflags = $(shell $(PKG_CONFIG) --cflags fuse3)
fuse_libs = $(shell $(PKG_CONFIG) --libs fuse3)
jansson_libs = $(shell $(PKG_CONFIG) --libs jansson)
systemd_libs = $(shell $(PKG_CONFIG) --libs libsystemd)
# What formats/ and mirror/ need; bzip2 and sgutils2 have no file for pkg-config.
core_libs = $(shell $(PKG_CONFIG) --libs zlib libzstd libcrypto libisal) \
	-lbz2 -lsgutils2 -lm

.SECONDARY:

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

core_obj := $(call objects,$(filter-out daemon/pmtd.c,$(wildcard daemon/*.c)) \
	$(wildcard formats/*.c mirror/*.c rmt/*.c))
cuse_obj := $(call objects,$(wildcard cuse/*.c))
pmtimg_obj := $(call objects,$(wildcard tools/pmtimg*.c) tools/progress.c)
testlib_obj := $(call objects,$(wildcard tests/lib/*.c))

programs = $(BUILD)/pmtd $(BUILD)/pmtimg $(BUILD)/pmt-rmt

.PHONY: all
all: $(programs)

$(BUILD)/pmtd: $(BUILD)/daemon/pmtd.o $(core_obj) $(cuse_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ \
		$(fuse_libs) $(systemd_libs) $(core_libs)

$(BUILD)/pmtimg: $(pmtimg_obj) $(core_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(jansson_libs) \
		$(core_libs)

$(BUILD)/pmt-rmt: $(BUILD)/tools/pmt-rmt.o $(core_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(core_libs)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(cflags) -c -o $@ $<

$(cuse_obj): CPPFLAGS += $(fuse_cflags)

# ---- Tests ------------------------------------------------------------------

c_tests = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*-t.c \
	tests/contract/*-t.c tests/fault/*-t.c))
live_programs = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/live/*.c))
bench_programs = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
difftest = $(BUILD)/tests/diff/difftest
test_programs = $(c_tests) $(live_programs) $(bench_programs) $(difftest)

$(BUILD)/tests/%-t: $(BUILD)/tests/%-t.o $(testlib_obj) $(core_obj) $(cuse_obj)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(fuse_libs) \
		$(core_libs)

$(difftest): $(call objects,$(wildcard tests/diff/*.c)) $(testlib_obj) $(core_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(core_libs)

$(live_programs): %: %.o $(BUILD)/tests/lib/tap.o
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/bench/floor: $(BUILD)/cuse/wire.o

$(BUILD)/tests/bench/image: $(testlib_obj) $(core_obj)
$(BUILD)/tests/bench/image: bench_libs = $(core_libs)
$(BUILD)/tests/bench/rmtwrite: $(core_obj)
$(BUILD)/tests/bench/rmtwrite: fuse_libs = $(core_libs)

$(bench_programs): %: %.o
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(fuse_libs) \
		$(bench_libs)

$(BUILD)/tests/unit/%.o $(BUILD)/tests/bench/%.o: CPPFLAGS += $(fuse_cflags)

# The same tests, built with sanitizers: plain make, in a folder of its own.
san_flags = -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_flags = -fsanitize=thread
san_make = $(MAKE) BUILD=$(BUILD)/san SAN='$(san_flags)'
tsan_make = $(MAKE) BUILD=$(BUILD)/tsan SAN='$(tsan_flags)'

# A test of tests/live/ runs twice: as fuse-NAME here, as cuse-NAME in the lab.
live_names = $(filter-out lib,$(basename $(notdir $(wildcard tests/live/*.sh))))
live_tests = $(foreach t,$(live_names),$(BUILD)/live/fuse-$(t).t \
	$(BUILD)/live/cuse-$(t).t)

$(BUILD)/live/%.t: tests/live/run
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec tests/live/run %s %s\n' \
		$(word 1,$(subst -, ,$*)) $(word 2,$(subst -, ,$*)) >$@
	@chmod +x $@

script_tests = $(wildcard tests/style/*.t tests/contract/*.t tests/diff/*.t \
	tests/tools/*.t tests/real/*.t)

JOBS ?= $(shell nproc)
prove = BUILD=$(BUILD) prove -j$(JOBS)

.PHONY: tests
tests: $(test_programs)

.PHONY: check
check: deps
	$(MAKE) all tests $(live_tests)
	$(san_make) tests
	BUILD=$(BUILD)/san prove tests/diff/twin.t
	$(prove) $(c_tests) $(c_tests:$(BUILD)/%=$(BUILD)/san/%) \
		$(script_tests) $(live_tests)

.PHONY: check-san
check-san: deps
	$(san_make) tests
	$(prove) $(c_tests:$(BUILD)/%=$(BUILD)/san/%)

# A fuzzer runs FUZZ_SECONDS over the images of tests/data as its first corpus.
fuzzers = $(patsubst tests/fuzz/%-fuzz.c,$(BUILD)/fuzz/%,$(wildcard \
	tests/fuzz/*-fuzz.c))
FUZZ_SECONDS ?= 60

# What a target needs beyond the formats.
fuzz_src_rmt-server = $(wildcard rmt/server*.c daemon/drive*.c) rmt/table.c \
	rmt/wire.c $(wildcard daemon/fault*.c) daemon/null.c

$(BUILD)/fuzz/%: tests/fuzz/%-fuzz.c $(wildcard tests/fuzz/*.h daemon/*.[ch] \
		formats/*.[ch] rmt/*.[ch])
	@mkdir -p $(@D)/corpus-$*
	$(call say,FUZZ,$@)clang $(CPPFLAGS) -std=gnu17 -O1 -gdwarf-4 \
		-fsanitize=fuzzer,address,undefined -o $@ $< \
		daemon/tape.c daemon/spec.c daemon/limit.c formats/*.c \
		$(fuzz_src_$*) \
		$(core_libs)

.PHONY: fuzz
fuzz: $(fuzzers)
	for f in $(fuzzers); do \
		n=$${f##*/}; \
		$$f -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=512 \
			-malloc_limit_mb=64 -timeout=10 -print_final_stats=1 \
			$(BUILD)/fuzz/corpus-$$n \
			$$(ls -d tests/data/$$n tests/fuzz/$$n 2>/dev/null) \
			|| exit 1; \
	done

# The thread sanitizer watches what has threads: the nodes and the mirror.
.PHONY: check-tsan
check-tsan: deps
	$(tsan_make) tests
	BUILD=$(BUILD)/tsan prove tests/diff/twin.t $(filter %-t,$(patsubst %.c,$(BUILD)/tsan/%,\
		$(wildcard tests/unit/cuse-*-t.c tests/*/mirror-*-t.c \
		tests/contract/tape-t.c)))

# An hour of random operations against the real st, and of our nodes.
.PHONY: soak
soak: deps
	$(MAKE) tests
	tests/diff/soak

# Breaks the drive on purpose, and shows which script catches it.
.PHONY: mutate
mutate: deps
	tests/diff/mutate

.PHONY: check-full
check-full: deps deps-full
	$(MAKE) check
	PMT_RUNS=1000 $(prove) $(BUILD)/live/fuse-kill.t
	PMT_RUNS=60 $(prove) $(BUILD)/live/cuse-kill.t
	PMT_RUNS=1000 $(prove) $(BUILD)/tests/fault/file-kill-t
	PMT_RUNS=300 $(prove) $(BUILD)/tests/fault/file-powercut-t
	PMT_RUNS=50000 $(prove) $(BUILD)/tests/fault/mirror-soak-t
	PMT_RUNS=1000 $(prove) $(BUILD)/tests/fault/mirror-rmt-t
	$(MAKE) check-tsan
	$(MAKE) mutate
	$(MAKE) fuzz

.PHONY: bench
bench: deps
	$(MAKE) all tests
	$(BUILD)/tests/bench/image
	tests/bench/run fuse
	tests/lab/lab -m 2G -- tests/bench/run cuse 3
	tests/bench/rmt
	tests/lab/lab -m 2G -x netem -- tests/bench/rmt 1

.PHONY: demo
demo: deps-demo
	$(MAKE) all
	tests/demo

# ---- Checking the text ------------------------------------------------------

c_files = $(shell git ls-files '*.c' '*.h')
sh_files = $(shell git ls-files '*.sh' '*.t' tests/lab tests/demo \
	tests/live/run tests/bench/run tests/bench/rmt tests/diff/mutate tests/diff/soak .ci/run)

.PHONY: lint
lint: deps-lint
	clang-format --dry-run --Werror $(c_files)
	cppcheck --quiet --std=c11 --enable=warning,portability \
		--inline-suppr --error-exitcode=1 $(CPPFLAGS) daemon formats mirror rmt \
		cuse tools
	shellcheck $(sh_files)
	mandoc -T lint -W warning docs/*.[1-8] || [ $$? -le 2 ]

# ---- Packages ---------------------------------------------------------------

# Installs what is missing of the packages in $(1), and of those in $(2) what this
# release of Debian has; says so.
define install_packages
@missing() { for p; do \
	dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | \
	grep -qx installed || echo $$p; done; }; \
known() { for p; do apt-cache show $$p >/dev/null 2>&1 && echo $$p; done; :; }; \
need=$$(missing $(sort $(1))); want=$$(missing $(sort $(2))); \
if [ "$$(id -u)" -ne 0 ]; then \
	[ -z "$$want" ] || echo "not installed, their tests are left out:" $$want; \
	[ -z "$$need" ] && exit 0; \
	echo "as root: apt-get install" $$need >&2; exit 1; fi; \
export DEBIAN_FRONTEND=noninteractive; \
[ -z "$$need" ] || apt-get -qq update || exit 1; \
need=$$(echo $$need $$(known $$want)); \
[ -z "$$need" ] && exit 0; \
echo "installing Debian packages that are needed:" $$need; \
apt-get -qq install -y --no-install-recommends $$need
endef

.PHONY: deps deps-demo deps-lint deps-full
deps:
	$(call install_packages,$(build_packages) $(run_packages) \
		$(test_packages),$(peer_packages))

deps-demo:
	$(call install_packages,$(build_packages) $(run_packages))

deps-lint: deps
	$(call install_packages,$(lint_packages))

deps-full: deps
	$(call install_packages,$(full_packages))

# ---- Installing -------------------------------------------------------------

.PHONY: install
install: all
	install -D -m 755 $(BUILD)/pmtd $(DESTDIR)$(sbindir)/pmtd
	install -D -m 755 $(BUILD)/pmtimg $(DESTDIR)$(bindir)/pmtimg
	install -D -m 644 docs/pmtimg.1 $(DESTDIR)$(mandir)/man1/pmtimg.1
	install -D -m 755 $(BUILD)/pmt-rmt $(DESTDIR)$(sbindir)/pmt-rmt
	install -D -m 644 docs/pmt-rmt.8 $(DESTDIR)$(mandir)/man8/pmt-rmt.8
	install -D -m 644 docs/pmtd.8 $(DESTDIR)$(mandir)/man8/pmtd.8
	install -D -m 644 docs/pmt-formats.5 \
		$(DESTDIR)$(mandir)/man5/pmt-formats.5
	install -D -m 644 docs/pmt-native.5 \
		$(DESTDIR)$(mandir)/man5/pmt-native.5
	install -d $(DESTDIR)$(unitdir)
	sed 's|@sbindir@|$(sbindir)|' dist/pmt@.service \
		>$(DESTDIR)$(unitdir)/pmt@.service
	install -D -m 644 dist/pmt-rmt.conf \
		$(DESTDIR)$(PREFIX)/share/doc/pmt/rmt.conf
	install -D -m 644 dist/60-pmt.rules \
		$(DESTDIR)$(PREFIX)/lib/udev/rules.d/60-pmt.rules
	install -D -m 644 dist/modules-load.conf \
		$(DESTDIR)$(PREFIX)/lib/modules-load.d/pmt.conf

.PHONY: clean
clean:
	rm -rf $(BUILD)

.PHONY: help
help:
	@echo 'make            build/pmtd, build/pmtimg, build/pmt-rmt'
	@echo 'make demo       the main job, shown to a person'
	@echo 'make check      all tests; installs what it needs first'
	@echo 'make check-san  the tests under address and undefined sanitizers'
	@echo 'make check-full check, more kills, thread sanitizer, mutate, fuzzers'
	@echo 'make soak       the drive against the real st, for an hour'
	@echo 'make mutate     deliberate faults in the drive, each to be caught'
	@echo 'make bench      figures, as ratios in one run'
	@echo 'make lint       clang-format, cppcheck, shellcheck, mandoc'
	@echo 'make deps       the Debian packages for check and bench'
	@echo 'make install    PREFIX=/usr/local, DESTDIR='
	@echo 'make clean      removes build/'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
