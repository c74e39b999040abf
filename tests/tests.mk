# Test guests: tests/guests/NAME.c with the runtime of tests/guests/rt becomes build/guests/NAME.elf, a multiboot program that
# starts by `qemu-system-x86_64 -kernel` and as a VM's `kernel =` alike. QEMU wants multiboot kernels as 32-bit ELF.

G := build/guests
GUEST_CFLAGS := -std=gnu11 $(WARNINGS) -O2 -g $(REPRODUCIBLE) -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only \
	-fno-strict-aliasing -fno-omit-frame-pointer -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-common
GUEST_CC := $(CC) -Ihypervisor -I. $(FREESTANDING_INCLUDE) $(GUEST_CFLAGS)

GUESTS      := $(patsubst tests/guests/%.c,%,$(sort $(wildcard tests/guests/*.c)))
GUEST_RT    := $(sort $(wildcard tests/guests/rt/*.S tests/guests/rt/*.c)) hypervisor/lib/fmt.c hypervisor/lib/string.c hypervisor/lib/strx.c
GUEST_RT_OBJS := $(patsubst %,$(G)/obj/%.o,$(basename $(GUEST_RT)))

$(G)/.flags: FORCE
	$(call if-changed,$@,$(GUEST_CC))
$(G)/obj/%.o: %.c $(G)/.flags
	$(call say,GUESTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) -MMD -MP -c $< -o $@
$(G)/obj/%.o: %.S $(G)/.flags
	$(call say,GUESTAS,$<)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) -Wa,--noexecstack -MMD -MP -c $< -o $@
$(G)/%.elf: $(G)/obj/tests/guests/%.o $(GUEST_RT_OBJS) tests/guests/rt/guest.ld
	$(call say,GUESTLD,$@)
	$(Q)$(LD) -nostdlib --build-id=none --no-warn-rwx-segments -T tests/guests/rt/guest.ld $(filter %.o,$^) -o $(@:.elf=.elf64)
	$(Q)$(OBJCOPY) -O elf32-i386 $(@:.elf=.elf64) $@
.SECONDARY:

.PHONY: guests
guests: $(GUESTS:%=$(G)/%.elf) # the test guests: build/guests/NAME.elf
-include $(shell find $(G) -name '*.d' 2>/dev/null)
