# Strata. `make help` lists the targets.
#
# Variables: CONFIG=release|debug (a file configs/$(CONFIG).mk), V=1 shows whole commands,
# O=... is the output folder of one configuration.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
SHELL := /bin/sh
export LC_ALL := C
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
.DELETE_ON_ERROR:
.SUFFIXES:

CONFIG  ?= release
CONFIGS := $(sort $(basename $(notdir $(wildcard configs/*.mk))))
ifeq ($(filter $(CONFIG),$(CONFIGS)),)
$(error CONFIG=$(CONFIG): there is no configs/$(CONFIG).mk)
endif
O ?= build/$(CONFIG)

CC      := gcc
LD      := ld
AR      := ar
OBJCOPY := objcopy
CLANG   := clang
PYTHON  := /usr/bin/python3

.PHONY: all
all: # build one configuration; copy it to build/strata, build/strata.cpio (default: release)

# Debian packages that a build needs are installed first; make re-reads deps.mk after that.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),all)),)
build/deps.mk: packaging/deps packaging/packages
	@mkdir -p build
	@packaging/deps build
	@printf 'FREESTANDING_INCLUDE := -nostdinc -isystem %s\n' "$$($(CC) -print-file-name=include)" >$@
include build/deps.mk
endif
build/.deps-%: packaging/deps packaging/packages
	@mkdir -p build
	@packaging/deps $*
	@touch $@

include configs/$(CONFIG).mk
include make/flags.mk
include make/rules.mk

# The kernel: every .c and .S, less tests, specifications (spec/) and programs that write documents; hypervisor/boot/setup/ and efi/ are no part of the
# kernel proper.
KERNEL_SOURCES := $(shell find hypervisor drivers -name '*.[cS]' -not -path '*/spec/*' 2>/dev/null | LC_ALL=C sort)
KERNEL_SOURCES := $(filter-out %_test.c %_fuzz.c %_doc.c hypervisor/boot/setup/% hypervisor/boot/efi/%,$(KERNEL_SOURCES))
ifneq ($(CONFIG_SELFTEST),y)
KERNEL_SOURCES := $(filter-out %_selftest.c,$(KERNEL_SOURCES))
endif
KERNEL_OBJS := $(patsubst %,$(O)/%.o,$(basename $(KERNEL_SOURCES))) $(O)/gen/version.o

# What goes into the boot archive: `ROOT_FILES += DEST=SOURCE`, added by the fragments below.
ROOT_FILES :=

-include hypervisor/boot/boot.mk
-include mgmt/mgmt.mk
-include images/images.mk
-include tests/tests.mk
-include bench/exit/exit.mk
-include bench/bench.mk
-include make/llog.mk
include make/check.mk

# hypervisor/boot/boot.mk links $(O)/strata.elf and makes $(O)/strata of it.
.PHONY: objects image
objects: $(KERNEL_OBJS)
image: objects $(if $(wildcard hypervisor/boot/boot.mk),$(O)/strata) $(O)/strata.cpio # kernel and archive; with TYPE=efi|iso|disk|pxe|deb an image for machines (images/README.md)

$(O)/.root-files: FORCE
	$(call if-changed,$@,$(ROOT_FILES))
$(O)/strata.cpio: packaging/mkarchive $(O)/.root-files $(foreach f,$(ROOT_FILES),$(lastword $(subst =, ,$(f))))
	$(call say,CPIO,$@)
	$(Q)packaging/mkarchive $(O)/root $@ $(ROOT_FILES)

all: image
	@for f in strata strata.cpio; do \
		[ ! -e $(O)/$$f ] || cmp -s $(O)/$$f build/$$f || cp $(O)/$$f build/$$f; done

.PHONY: both
both: # build every configuration
	@for c in $(CONFIGS); do $(MAKE) CONFIG=$$c O=build/$$c image || exit 1; done

.PHONY: clean
clean: # remove everything that was built
	rm -rf build

.PHONY: help
help: # this list
	@echo 'make [CONFIG=release|debug] [V=1] TARGET'
	@sed -n 's/^\([a-z-]*\):.* # \(.*\)/  \1\t\2/p' Makefile make/*.mk hypervisor/boot/*.mk \
		mgmt/*.mk images/*.mk tests/*.mk bench/*.mk 2>/dev/null | expand -t 20
