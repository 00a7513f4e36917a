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
libdir = $(PREFIX)/lib
includedir = $(PREFIX)/include
docdir = $(PREFIX)/share/doc/pmt
mandir = $(PREFIX)/share/man
unitdir = $(PREFIX)/lib/systemd/system

# ---- Packages: the only list of them (Debian names) -------------------------

build_packages = gcc libc6-dev make pkg-config libfuse3-dev libsystemd-dev \
	zlib1g-dev libbz2-dev libzstd-dev libssl-dev libisal-dev libjansson-dev \
	libsgutils2-dev
run_packages = fuse3 mt-st tar
test_packages = perl cpio dump e2fsprogs mandoc procps liblzo2-2 jq bc \
	bsdutils openssh-client openssh-server age python3 \
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
	-Idaemon -Iformats -Imirror -Icuse -Irmt -Ipair -Itools -I. \
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

# What only the daemons need, for it wants libsystemd.
process_obj := $(call objects,daemon/process.c)
core_obj := $(call objects,$(filter-out daemon/pmtd.c daemon/process.c, \
		$(wildcard daemon/*.c)) \
	$(wildcard formats/*.c mirror/*.c rmt/*.c pair/*.c))
cuse_obj := $(call objects,$(wildcard cuse/*.c))
pmtimg_obj := $(call objects,$(wildcard tools/pmtimg*.c) tools/progress.c)
pmtserve_obj := $(call objects,$(wildcard tools/pmtserve*.c))
libpmt_src := $(wildcard pair/libpmt*.c) pair/wire.c pair/memory.c pair/stream.c
libpmt_obj := $(call objects,$(libpmt_src))
testlib_obj := $(call objects,$(wildcard tests/lib/*.c))

programs = $(BUILD)/pmtd $(BUILD)/pmtimg $(BUILD)/pmt-rmt $(BUILD)/pmtserve
# The number changes when programs have to be compiled again.
libpmt_soname = libpmt.so.1
libraries = $(BUILD)/libpmt.a $(BUILD)/$(libpmt_soname)

.PHONY: all
all: $(programs) $(libraries)

$(BUILD)/pmtd: $(BUILD)/daemon/pmtd.o $(process_obj) $(core_obj) $(cuse_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ \
		$(fuse_libs) $(systemd_libs) $(core_libs)

$(BUILD)/pmtimg: $(pmtimg_obj) $(core_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(jansson_libs) \
		$(core_libs)

$(BUILD)/pmt-rmt: $(BUILD)/tools/pmt-rmt.o $(core_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(core_libs)

$(BUILD)/pmtserve: $(pmtserve_obj) $(process_obj) $(core_obj)
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(systemd_libs) \
		$(core_libs)

# Both libraries show pmt_* and nothing else.
$(libpmt_obj): cflags += -fPIC
$(BUILD)/$(libpmt_soname): $(libpmt_obj) pair/libpmt.map
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -shared -Wl,-z,defs \
		-Wl,-soname,$(libpmt_soname) \
		-Wl,--version-script=pair/libpmt.map -o $@ $(libpmt_obj)

$(BUILD)/libpmt.a: $(libpmt_obj)
	$(call say,AR,$@)$(LD) -r -o $(BUILD)/libpmt.o $^ && \
		objcopy --wildcard --keep-global-symbol='pmt_*' $(BUILD)/libpmt.o && \
		rm -f $@ && $(AR) -rcs $@ $(BUILD)/libpmt.o

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(cflags) -c -o $@ $<

$(cuse_obj): CPPFLAGS += $(fuse_cflags)

# ---- Tests ------------------------------------------------------------------

# As many jobs as make was told to use, otherwise one a processor.  It is seen in
# a recipe only; and make does not see that $(build) is a make, so: + before it.
JOBS ?= $(shell nproc)
build = $(MAKE) $(if $(filter -j% --jobs%,$(MAKEFLAGS)),,-j$(JOBS))

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

$(BUILD)/tests/live/slave: $(BUILD)/pair/wire.o

$(BUILD)/tests/bench/floor: $(BUILD)/cuse/wire.o

$(BUILD)/tests/bench/image: $(testlib_obj) $(core_obj)
$(BUILD)/tests/bench/image: bench_libs = $(core_libs)
$(BUILD)/tests/bench/mirror: $(testlib_obj) $(core_obj)
$(BUILD)/tests/bench/mirror: bench_libs = $(core_libs)
$(BUILD)/tests/bench/rmtwrite: $(core_obj)
$(BUILD)/tests/bench/rmtwrite: fuse_libs = $(core_libs)

$(bench_programs): %: %.o
	$(call say,LD,$@)$(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(fuse_libs) \
		$(bench_libs)

$(BUILD)/tests/unit/%.o $(BUILD)/tests/bench/%.o: CPPFLAGS += $(fuse_cflags)

# The same tests, built with sanitizers: plain make, in a folder of its own.
san_flags = -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_flags = -fsanitize=thread
san_make = $(build) BUILD=$(BUILD)/san SAN='$(san_flags)'
tsan_make = $(build) BUILD=$(BUILD)/tsan SAN='$(tsan_flags)'

# A test of tests/live/ runs twice: as fuse-NAME here, as cuse-NAME in the lab.
live_names = $(filter-out lib pairlib,$(basename $(notdir $(wildcard tests/live/*.sh))))
live_tests = $(foreach t,$(live_names),$(BUILD)/live/fuse-$(t).t \
	$(BUILD)/live/cuse-$(t).t)
# Of real programs, some once more with the tape behind pmtserve.
live_tests += $(patsubst %,$(BUILD)/live/fusepair-%.t,tar mt dump cpio) \
	$(BUILD)/live/cusepair-dump.t
cuse_tests = $(filter $(BUILD)/live/cuse%,$(live_tests))

$(BUILD)/live/%.t: tests/live/run
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec tests/live/run %s %s\n' \
		$(word 1,$(subst -, ,$*)) $(word 2,$(subst -, ,$*)) >$@
	@chmod +x $@

# Every command of the manuals that wants real drives, for the full run.
full_tests = $(wildcard tests/real/*manual.t)
script_tests = $(filter-out $(full_tests),$(wildcard tests/style/*.t \
	tests/contract/*.t tests/diff/*.t tests/tools/*.t tests/real/*.t))

prove = BUILD=$(BUILD) prove -j$(JOBS)

.PHONY: tests
tests: $(test_programs)

.PHONY: check
check: deps
	+$(build) all tests $(live_tests)
	+$(san_make) tests
	BUILD=$(BUILD)/san prove tests/diff/twin.t
	$(prove) $(c_tests) $(c_tests:$(BUILD)/%=$(BUILD)/san/%) \
		$(script_tests) $(live_tests)

.PHONY: check-san
check-san: deps
	+$(build) all
	+$(san_make) tests
	$(prove) $(c_tests:$(BUILD)/%=$(BUILD)/san/%)

# A fuzzer runs FUZZ_SECONDS over the images of tests/data as its first corpus.
fuzzers = $(patsubst tests/fuzz/%-fuzz.c,$(BUILD)/fuzz/%,$(wildcard \
	tests/fuzz/*-fuzz.c))
FUZZ_SECONDS ?= 60

# What a target needs beyond the formats.
fuzz_src_rmt-server = $(wildcard rmt/server*.c daemon/drive*.c) rmt/table.c \
	rmt/wire.c $(wildcard daemon/fault*.c) daemon/null.c

fuzz_src_pair-request = $(libpmt_src) pair/serve.c \
	tests/lib/memtape.c

fuzz_src_pair-reply = $(libpmt_src) pair/port.c pair/pair.c pair/listen.c \
	pair/serve.c $(wildcard daemon/drive*.c) \
	tests/lib/memtape.c

$(BUILD)/fuzz/%: tests/fuzz/%-fuzz.c $(wildcard tests/fuzz/*.h daemon/*.[ch] \
		formats/*.[ch] rmt/*.[ch] pair/*.[ch])
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
	+$(tsan_make) all tests
	BUILD=$(BUILD)/tsan prove tests/diff/twin.t $(filter %-t,$(patsubst %.c,$(BUILD)/tsan/%,\
		$(wildcard tests/unit/cuse-*-t.c tests/*/mirror-*-t.c \
		tests/unit/pair-*-t.c tests/contract/tape-t.c)))

# An hour of random operations against the real st, and of our nodes.
.PHONY: soak
soak: deps
	+$(build) tests
	tests/diff/soak

# Breaks the drive on purpose, and shows which script catches it.
.PHONY: mutate
mutate: deps
	tests/diff/mutate

.PHONY: check-full
check-full: deps deps-full
	$(MAKE) check
	for k in stable new; do \
		PMT_KERNEL=$$k $(prove) $(cuse_tests) || exit 1; done
	PMT_KERNEL=stable $(prove) tests/diff/cuse.t tests/real/contract-tgt.t \
		tests/real/rmt-tgt.t
	PMT_RUNS=1000 $(prove) $(BUILD)/live/fuse-kill.t
	PMT_RUNS=60 $(prove) $(BUILD)/live/cuse-kill.t
	PMT_RUNS=100 $(prove) $(BUILD)/live/fuse-mirrorkill.t
	PMT_RUNS=30 PMT_LAB_SECONDS=1500 $(prove) \
		$(BUILD)/live/cuse-mirrorkill.t
	PMT_LEGS=all $(prove) tests/real/legs-dump.t
	$(prove) $(full_tests)
	PMT_RUNS=300 $(prove) $(BUILD)/live/fuse-pairkill.t
	PMT_RUNS=300 PMT_LAB_SECONDS=3000 $(prove) $(BUILD)/live/cuse-pairkill.t
	tests/live/run cusepair tar
	PMT_PAIR=pair: OPERATIONS=3000 tests/diff/cuse.t
	PMT_RUNS=1000 $(prove) $(BUILD)/tests/fault/file-kill-t
	PMT_RUNS=300 $(prove) $(BUILD)/tests/fault/file-powercut-t
	PMT_RUNS=50000 $(prove) $(BUILD)/tests/fault/mirror-soak-t
	PMT_RUNS=1000 $(prove) $(BUILD)/tests/fault/mirror-rmt-t
	PMT_RUNS=1000 $(prove) $(BUILD)/tests/fault/mirror-kill-t
	$(MAKE) check-tsan
	$(MAKE) mutate
	+$(build) fuzz

.PHONY: bench
bench: deps
	+$(build) all tests
	$(BUILD)/tests/bench/image
	$(BUILD)/tests/bench/mirror
	tests/bench/run fuse
	tests/lab/lab -m 2G -- tests/bench/run cuse 3
	tests/bench/rmt
	tests/lab/lab -m 2G -x netem -- tests/bench/rmt 1
	tests/bench/pair fuse
	tests/lab/lab -m 2G -- tests/bench/pair cuse 3

.PHONY: demo
demo: deps-demo
	+$(build) all
	tests/demo

# ---- Checking the text ------------------------------------------------------

c_files = $(shell git ls-files '*.c' '*.h')
sh_files = $(shell git ls-files '*.sh' '*.t' tests/lab/lab tests/lab/init \
	tests/demo tests/live/run tests/bench/run tests/bench/rmt \
	tests/bench/pair tests/diff/mutate tests/diff/soak .ci/run \
	examples/pipetape pair/pmt-pair.sh)

.PHONY: lint
lint: deps-lint
	clang-format --dry-run --Werror $(c_files)
	cppcheck --quiet --std=c11 --enable=warning,portability \
		--inline-suppr --error-exitcode=1 $(CPPFLAGS) daemon formats mirror rmt \
		cuse pair tools
	shellcheck -x -P SCRIPTDIR:pair -e SC2015,SC2016,SC2012,SC2317 $(sh_files)
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

# For programs that are a tape: header, libraries, and where they are; and what
# scripts read in.
.PHONY: install-libpmt
install-libpmt: $(libraries)
	install -D -m 644 pair/pmt-pair.sh $(DESTDIR)$(bindir)/pmt-pair.sh
	install -D -m 644 pair/pmt/pair.h $(DESTDIR)$(includedir)/pmt/pair.h
	install -D -m 755 $(BUILD)/$(libpmt_soname) \
		$(DESTDIR)$(libdir)/$(libpmt_soname)
	ln -sf $(libpmt_soname) $(DESTDIR)$(libdir)/libpmt.so
	install -D -m 644 $(BUILD)/libpmt.a $(DESTDIR)$(libdir)/libpmt.a
	install -d $(DESTDIR)$(libdir)/pkgconfig
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@version@|$(VERSION)|' \
		pair/libpmt.pc.in >$(DESTDIR)$(libdir)/pkgconfig/libpmt.pc

.PHONY: install
install: all install-libpmt
	install -D -m 755 $(BUILD)/pmtd $(DESTDIR)$(sbindir)/pmtd
	install -D -m 755 $(BUILD)/pmtimg $(DESTDIR)$(bindir)/pmtimg
	install -D -m 644 docs/pmtimg.1 $(DESTDIR)$(mandir)/man1/pmtimg.1
	install -D -m 755 $(BUILD)/pmtserve $(DESTDIR)$(bindir)/pmtserve
	install -D -m 644 docs/pmtserve.1 $(DESTDIR)$(mandir)/man1/pmtserve.1
	install -D -m 644 docs/libpmt.3 $(DESTDIR)$(mandir)/man3/libpmt.3
	install -D -m 644 docs/pmt-pair.7 $(DESTDIR)$(mandir)/man7/pmt-pair.7
	install -d $(DESTDIR)$(docdir)/examples
	install -m 755 examples/sqltape.py examples/pipetape \
		$(DESTDIR)$(docdir)/examples
	install -m 644 examples/ramtape.c $(DESTDIR)$(docdir)/examples
	install -D -m 755 $(BUILD)/pmt-rmt $(DESTDIR)$(sbindir)/pmt-rmt
	install -D -m 644 docs/pmt-rmt.8 $(DESTDIR)$(mandir)/man8/pmt-rmt.8
	install -D -m 644 docs/pmtd.8 $(DESTDIR)$(mandir)/man8/pmtd.8
	install -D -m 644 docs/pmt-mirror.7 \
		$(DESTDIR)$(mandir)/man7/pmt-mirror.7
	install -D -m 644 docs/pmt-formats.5 \
		$(DESTDIR)$(mandir)/man5/pmt-formats.5
	install -D -m 644 docs/pmt-native.5 \
		$(DESTDIR)$(mandir)/man5/pmt-native.5
	install -d $(DESTDIR)$(unitdir)
	sed 's|@sbindir@|$(sbindir)|' dist/pmt@.service \
		>$(DESTDIR)$(unitdir)/pmt@.service
	sed 's|@bindir@|$(bindir)|' dist/pmtserve@.service \
		>$(DESTDIR)$(unitdir)/pmtserve@.service
	install -D -m 644 dist/pmt-rmt.conf \
		$(DESTDIR)$(docdir)/rmt.conf
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
