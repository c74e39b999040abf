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
