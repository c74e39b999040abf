# The guests that measure exits and interrupts between vCPUs, build/bench/exit.elf and ipi.elf: multiboot programs with the
# runtime of tests/guests/rt (tests/tests.mk).

build/bench/exit.elf build/bench/ipi.elf: build/bench/%.elf: $(G)/obj/bench/exit/%.o $(GUEST_RT_OBJS) tests/guests/rt/guest.ld
	$(call say,GUESTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) -nostdlib --build-id=none --no-warn-rwx-segments -T tests/guests/rt/guest.ld $(filter %.o,$^) -o $(@:.elf=.elf64)
	$(Q)$(OBJCOPY) -O elf32-i386 $(@:.elf=.elf64) $@

.PHONY: exit-guest
exit-guest: build/bench/exit.elf # the exit-cost guest: build/bench/exit.elf

.PHONY: profile-exit
profile-exit: build/.deps-test image exit-guest # instructions of an exit by function: REASON=cpuid, port-vmm-in, ... (bench/exit/exit.c)
	@bench/exit_profile.py --config $(CONFIG) '$(or $(REASON),cpuid)'
