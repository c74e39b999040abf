# Generic rules: compile, assemble, generated version, rebuild when flags change.

# $(call say,CC,file): the short line; `make V=1` shows whole commands instead.
ifeq ($(V),1)
Q   :=
say := @:
else
Q   := @
say  = @printf '  %-7s %s\n' $(1) $(2)
endif
ifneq ($(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS)))),)
say := @:
endif

# $(call if-changed,file,text): rewrites `file` only when its text changes.
define if-changed
@mkdir -p $(dir $(1))
@printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $(1) || \
	printf '%s\n' '$(subst ','\'',$(2))' >$(1)
endef

.PHONY: FORCE
FORCE:

$(O)/.flags-kernel: FORCE
	$(call if-changed,$@,$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) $(KERNEL_ASFLAGS))
$(O)/.flags-user: FORCE
	$(call if-changed,$@,$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $(USER_LDFLAGS))

# The version: git's name of the commit. Set VERSION to override (a source tree without git).
VERSION ?= $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
VERSION := $(VERSION)
$(O)/gen/version.txt: FORCE
	$(call if-changed,$@,$(VERSION))
$(O)/gen/version.h: $(O)/gen/version.txt
	$(Q)printf '#pragma once\n#define STRATA_VERSION "%s"\n' '$(VERSION)' >$@
$(O)/gen/version.c: $(O)/gen/version.txt
	$(Q)printf '#include "lib/version.h"\nconst char strata_version[] = "%s";\nconst char strata_config[] = "%s";\n' \
		'$(VERSION)' '$(CONFIG)' >$@

$(O)/gen/version.o: $(O)/gen/version.c hypervisor/lib/version.h $(O)/.flags-kernel
	$(call say,CC,$@)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_CFLAGS) -c $< -o $@

# Kernel objects.
$(O)/hypervisor/%.o: hypervisor/%.c $(O)/.flags-kernel
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_CFLAGS) $(CFLAGS_$<) -MMD -MP -c $< -o $@
$(O)/hypervisor/%.o: hypervisor/%.S $(O)/.flags-kernel
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_ASFLAGS) -MMD -MP -c $< -o $@
$(O)/drivers/%.o: drivers/%.c $(O)/.flags-kernel
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_CFLAGS) $(CFLAGS_$<) -MMD -MP -c $< -o $@

# Ring-3 objects: $(O)/user/mgmt/vmm/main.o from mgmt/vmm/main.c; hypervisor/lib files too, so
# that a program can use them ($(O)/user/hypervisor/lib/fmt.o).
$(O)/user/%.o: %.c $(O)/.flags-user
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $(CFLAGS_$<) -MMD -MP -c $< -o $@

-include $(shell find $(O) -name '*.d' 2>/dev/null)
