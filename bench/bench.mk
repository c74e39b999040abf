# The comparison with KVM: bench/README.md. Kernel packages and the Debian image are kept in a cache outside the tree.

BENCH := build/bench
BENCH_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/strata/bench

# Debian's kernel package, with all its modules.
$(BENCH)/kernel/release: images/fetch_kernel images/unpack_kernel.py
	$(call say,KERNEL,$(@D))
	@mkdir -p $(BENCH)
	$(Q)package=$$(images/fetch_kernel) && images/unpack_kernel.py "$$package" $(@D) && \
		rm -rf $(@D)/lib && dpkg-deb --fsys-tarfile "$$package" | tar -x -C $(@D) ./lib/modules

$(BENCH)/boot: bench/guest/boot.c $(O)/.flags-user
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $< $(USER_LDFLAGS) -s -o $@
$(BENCH)/guest.cpio: bench/guest/mkguest.py bench/guest/init bench/cpio.py $(BENCH)/boot $(BENCH)/kernel/release build/.deps-run
	$(call say,CPIO,$@)
	$(Q)bench/guest/mkguest.py --modules $(BENCH)/kernel/lib/modules/$$(cat $(BENCH)/kernel/release) --boot $(BENCH)/boot --output $@


BENCH_WORKLOADS := $(sort $(wildcard bench/workloads/*))
$(BENCH)/tool: bench/guest/tool.c $(O)/.flags-user
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $< $(USER_LDFLAGS) -s -o $@
$(BENCH)/online $(BENCH)/stamp: $(BENCH)/%: bench/kvm/%.c $(O)/.flags-user
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $< $(USER_LDFLAGS) -s -o $@
$(BENCH)/nothing.elf $(BENCH)/ready.elf: $(BENCH)/%.elf: bench/guest/%.S
	$(call say,GUESTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -c $< -o $(@:.elf=.o)
	$(Q)$(LD) -m elf_i386 -N -Ttext=0x100000 --build-id=none --no-warn-rwx-segments -nostdlib $(@:.elf=.o) -o $@
# What the build workload compiles.
$(BENCH)/tree.tar.gz: $(wildcard hypervisor/lib/*.[ch] hypervisor/mem/*.[ch] hypervisor/cpu/*.[ch])
	@mkdir -p $(@D)
	$(Q)tar --sort=name --mtime=@0 --owner=0 --group=0 -czf $@ $^
$(BENCH)/image: bench/guest/fetch_image bench/guest/mkimage.py bench/guest/parallel $(BENCH)/tool $(BENCH)/tree.tar.gz $(BENCH_WORKLOADS) build/.deps-bench
	$(call say,IMAGE,$@)
	$(Q)packages=$$(bench/guest/fetch_image) && bench/guest/mkimage.py --packages "$$packages" --folder $(BENCH)/root --output $@ \
		--file /bench/bin/tool=$(BENCH)/tool --file /bench/bin/parallel=bench/guest/parallel \
		--file /bench/tree.tar.gz=$(BENCH)/tree.tar.gz \
		$(foreach w,$(BENCH_WORKLOADS),--file /bench/$(notdir $(w))=$(w))

BENCH_SMALL := image $(addprefix $(BENCH)/,exit.elf ipi.elf guest.cpio nothing.elf online ready.elf stamp)
.PHONY: bench-guest bench-small bench-files
bench-guest: $(BENCH)/guest.cpio
bench-small: $(BENCH_SMALL) build/.deps-bench build/.deps-test
bench-files: bench-small $(BENCH)/image

# ONLY=boot,fio: some workloads. SIDES=kvm,strata, REPEAT=N, FRESH=1: begin anew instead of going on. PERF=1: profiles by perf in the guest.
# JOBS=N: turns at a time. QEMU=qemu-system-x86_64: another emulator than Debian 13's, which is fetched.
BENCH_ARGS = $(if $(ONLY),--only $(ONLY)) $(if $(SIDES),--sides $(SIDES)) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(FRESH),--fresh) $(if $(PERF),--perf) \
	$(if $(JOBS),--jobs $(JOBS)) $(if $(QEMU),--qemu '$(QEMU)')
.PHONY: figures
figures: image build/.deps-test # the kernel's own figures on 1, 2, 4 and 8 CPUs that take turns: docs/figures.md
	$(Q)$(PYTHON) bench/figures.py --config $(CONFIG) --output docs/figures.md
.PHONY: profile-guest
# RUN='perf bench -f simple sched pipe -l 400000' UNIT=__schedule SIDES=kvm,strata AFTER=10 (seconds until it is traced)
profile-guest: bench-files # instructions of a command in the bench guest by function, guest and host, on each side (RUN= UNIT= SIDES=)
	@bench/guest_profile.py --config $(CONFIG) $(if $(SIDES),--sides $(SIDES)) $(if $(UNIT),--unit $(UNIT)) $(if $(AFTER),--after $(AFTER)) $(if $(QEMU),--qemu '$(QEMU)') '$(RUN)'
.PHONY: bench bench-quick bench-compare bench-set check-bench-set
bench-comma := ,
bench-space := $(subst ,, )
BENCH_SHORT := boot create exit ipi ipi-one-cpu start
bench: bench-files # guests on the bare machine, under KVM and under Strata (ONLY= SIDES= REPEAT= FRESH=1): build/bench/report.html
	@$(PYTHON) bench/run.py --config $(CONFIG) $(BENCH_ARGS)
bench-quick: bench-small # the same with exit costs, interrupts between vCPUs, starting a VM, and boot only
	@$(PYTHON) bench/run.py --config $(CONFIG) $(if $(ONLY),,--only $(subst $(bench-space),$(bench-comma),$(BENCH_SHORT))) $(BENCH_ARGS)
# Workloads in Linux need the disk image.
BENCH_SET_FILES := $(if $(filter-out $(BENCH_SHORT),$(subst $(bench-comma), ,$(or $(ONLY),all))),bench-files,bench-small)
bench-set: $(BENCH_SET_FILES) build/.deps-images # what a real server boots to run the comparison (ONLY= SPEED=115200): build/bench/set
	@$(PYTHON) bench/realset.py --config $(CONFIG) $(if $(ONLY),--only $(ONLY)) $(if $(SPEED),--speed $(SPEED)) --output $(BENCH)/set
check-bench-set: build/.deps-test # that set on an emulated server, all three sides over its serial line; minutes, not part of make check
	$(Q)$(PYTHON) -m pytest -q -p no:cacheprovider tests/bench_set.py
bench-compare: # what changed beyond noise: A=old/results.json B=new/results.json
	@$(PYTHON) bench/compare.py '$(A)' '$(B)'
