# The host programs of one kind, KIND=unit|fuzz; run as a make of its own by make/check.mk.
MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:

O := build/$(KIND)
CONFIG_CPPFLAGS := -DCONFIG_DEBUG=1
CC  := gcc
AR  := ar
KIND_CFLAGS_unit  := -fsanitize=address,undefined
KIND_LDFLAGS_unit := -fsanitize=address,undefined
KIND_LIBS_unit    := -lcmocka
ifeq ($(KIND),fuzz)
CC := clang
endif
KIND_CFLAGS_fuzz  := -fsanitize=fuzzer-no-link,address,undefined
KIND_LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined

include make/flags.mk
include make/rules.mk

.PHONY: programs
programs:
include $(O)/rules.mk
$(O)/rules.mk: FORCE
	@/usr/bin/python3 tests/tools/host_rules.py $(KIND) $@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@
programs: $(PROGRAMS)

HOST_CFLAGS := -std=gnu11 $(WARNINGS) -O1 -g $(REPRODUCIBLE) -fno-strict-aliasing \
	-fno-omit-frame-pointer -fno-sanitize-recover=all $(KIND_CFLAGS_$(KIND))

$(O)/.flags-host: FORCE
	$(call if-changed,$@,$(CC) $(USER_CPPFLAGS) $(HOST_CFLAGS))

$(O)/obj/%.o: %.c $(O)/.flags-host
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(HOST_CFLAGS) $(TEST_CFLAGS) -MMD -MP -c $< -o $@

$(O)/host.a:
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcD $@ $^

# Per-CPU variables are addressed from here (cpu/cpu.h, tests/host/cpu.c).
PERCPU_LDFLAGS := -Wl,--defsym=__percpu_start=__executable_start

$(PROGRAMS):
	$(call say,HOSTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIND_LDFLAGS_$(KIND)) $(PERCPU_LDFLAGS) $^ $(LIBS) $(KIND_LIBS_$(KIND)) -o $@
