# The exit-cost guest, build/bench/exit.elf: a multiboot program with the runtime of tests/guests/rt (tests/tests.mk).

build/bench/exit.elf: $(G)/obj/bench/exit/exit.o $(GUEST_RT_OBJS) tests/guests/rt/guest.ld
	$(call say,GUESTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) -nostdlib --build-id=none --no-warn-rwx-segments -T tests/guests/rt/guest.ld $(filter %.o,$^) -o $(@:.elf=.elf64)
	$(Q)$(OBJCOPY) -O elf32-i386 $(@:.elf=.elf64) $@

.PHONY: exit-guest
exit-guest: build/bench/exit.elf # the exit-cost guest: build/bench/exit.elf

.PHONY: profile-exit
profile-exit: build/.deps-test image exit-guest # instructions of an exit by function: REASON=cpuid, port-vmm-in, ... (bench/exit/exit.c)
	@bench/exit_profile.py --config $(CONFIG) '$(or $(REASON),cpuid)'
