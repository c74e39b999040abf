# The replay of the logical log: build/replay, of the specifications in hypervisor/*/spec.

SPEC_SOURCES := $(sort $(wildcard hypervisor/*/spec/*.c)) tests/replay/rows.c
REPLAY_CFLAGS := $(filter-out -O2,$(USER_CFLAGS)) -O2 -DCONFIG_LLOG=1

build/replay/.flags: FORCE
	$(call if-changed,$@,$(CC) $(USER_CPPFLAGS) $(REPLAY_CFLAGS))
build/replay/obj/%.o: %.c build/replay/.flags
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(REPLAY_CFLAGS) -MMD -MP -c $< -o $@
build/replay/replay: $(patsubst %.c,build/replay/obj/%.o,$(SPEC_SOURCES) tests/replay/main.c)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $^ -o $@
-include $(shell find build/replay -name '*.d' 2>/dev/null)

.PHONY: replay
replay: build/replay/replay # the tool that replays the logical log of a debug image

# The explorer of interleavings: the files below, unchanged but for the compiler's hooks, on simulated CPUs.
# EXPLORED_TREE: where they are taken from (another tree for mutants), X: where its objects go.
EXPLORED      := lock/lock lock/mcs thread/inbox thread/interrupt thread/loan thread/ready thread/sched thread/thread thread/wait
EXPLORED_TREE ?= .
X             ?= build/explore
EXPLORE_CFLAGS := -std=gnu11 $(WARNINGS) -O1 -g -fno-strict-aliasing -fno-omit-frame-pointer -fno-pic -mno-red-zone \
	-fcf-protection=none -fno-stack-protector -DCONFIG_LLOG=1 -D_GNU_SOURCE= -I$(EXPLORED_TREE)/hypervisor -Ihypervisor -I. -I$(O)/gen
EXPLORE_HOST   := $(patsubst %,$(X)/%.o,tests/explore/engine tests/explore/hooks tests/explore/machine tests/explore/main \
	tests/explore/memory tests/explore/stubs hypervisor/thread/switch hypervisor/thread/idle_poll hypervisor/lib/rbtree $(basename $(SPEC_SOURCES)))
EXPLORE_HOOKED := $(patsubst %,$(X)/explored/%.o,$(notdir $(EXPLORED)) scenarios)

$(X)/.flags: FORCE
	$(call if-changed,$@,$(CC) $(EXPLORE_CFLAGS))
$(X)/%.o: %.c $(X)/.flags
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXPLORE_CFLAGS) -O2 -MMD -MP -c $< -o $@
$(X)/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c $< -o $@
define explored-rule
$(X)/explored/$(notdir $(1)).o: $(1).c $(X)/.flags $(O)/gen/version.h
	$$(call say,HOSTCC,$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(EXPLORE_CFLAGS) -fsanitize=thread -Wno-tsan -MMD -MP -c $$< -o $$@
endef
$(foreach f,$(addprefix $(EXPLORED_TREE)/hypervisor/,$(EXPLORED)) tests/explore/scenarios,$(eval $(call explored-rule,$(f))))
$(X)/explore: $(EXPLORE_HOST) $(EXPLORE_HOOKED) tests/explore/explore.ld
	$(call say,HOSTLD,$@)
	$(Q)$(CC) -no-pie -Wl,-T,tests/explore/explore.ld -Wl,--no-warn-rwx-segments $(filter %.o,$^) -o $@
-include $(shell find $(X) -name '*.d' 2>/dev/null)

.PHONY: explore explore-short
explore: $(X)/explore # every interleaving of locks, inboxes, sleep and wakeup on simulated CPUs (may take hours)
	@$(X)/explore 0
explore-short: $(X)/explore # the same, so many of each as make check has time for
	@$(X)/explore

# For tests/mutants.py, which compiles one changed file and links it with the others.
.PHONY: mutant-words
mutant-words: $(X)/explore image
	@printf '%s\n' 'explore-cc=$(CC) $(EXPLORE_CFLAGS) -fsanitize=thread -Wno-tsan' 'explore-objects=$(EXPLORE_HOST) $(EXPLORE_HOOKED)' \
		'explore-link=$(CC) -no-pie -Wl,-T,tests/explore/explore.ld -Wl,--no-warn-rwx-segments' \
		'kernel-cc=$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_CFLAGS)' 'kernel-objects=$(KERNEL_OBJS)'

.PHONY: cbmc
cbmc: build/.deps-images # the locks once more, by CBMC 6 of Debian 13 (not part of make check)
	@tests/cbmc/run
