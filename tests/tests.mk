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

# Test programs of ring 3: tests/programs/NAME.c, built as Debian's tools build them, with Debian's busybox and some files in
# a boot archive of their own, build/programs.cpio.
P := build/programs
PROGRAM_NAMES := $(patsubst tests/programs/%.c,%,$(sort $(wildcard tests/programs/*.c)))
PROGRAM_FILES := bin/busybox=/bin/busybox etc/fruit=tests/programs/fruit.txt guests/sum.elf=$(G)/sum.elf guests/smp.elf=$(G)/smp.elf $(foreach p,$(PROGRAM_NAMES),bin/$(p)=$(P)/$(p))

$(P)/.flags: FORCE
	$(call if-changed,$@,$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $(USER_LDFLAGS))
$(P)/%: tests/programs/%.c hypervisor/abi/strata.h tests/programs/vm.h tests/programs/guest.h $(P)/.flags
	$(call say,USERCC,$<)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $< $(USER_LDFLAGS) -o $@
build/programs.cpio: packaging/mkarchive tests/programs/fruit.txt $(G)/sum.elf $(G)/smp.elf $(PROGRAM_NAMES:%=$(P)/%)
	$(call say,CPIO,$@)
	$(Q)packaging/mkarchive $(P)/root $@ $(PROGRAM_FILES)

.PHONY: programs-archive
programs-archive: build/.deps-test build/programs.cpio # the test programs of ring 3: build/programs.cpio

MINUTES ?= 10
SEED    ?= 1
.PHONY: soak
soak: build/.deps-test both # 24 VMs on 4 CPUs driven at random for MINUTES (10), in the debug image; SEED=N repeats a run
	@$(PYTHON) tests/soak.py --minutes $(MINUTES) --seed $(SEED)

.PHONY: soak-loans
soak-loans: build/.deps-test both # VMs whose registers are lent, killed, reset and paused at random for MINUTES (10), in the debug image; SEED=N repeats a run
	@$(PYTHON) tests/loans.py --minutes $(MINUTES) --seed $(SEED)
