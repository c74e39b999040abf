# The demo VM and the machine that `make run` and `make smoke` start. The kernel comes from Debian's package, which is kept in
# a cache outside the tree (images/fetch_kernel).

D := build/demo
DEMO_MODULES := button evdev

$(D)/kernel/release: images/fetch_kernel images/unpack_kernel.py
	$(call say,KERNEL,$(@D))
	@mkdir -p $(D)
	$(Q)package=$$(images/fetch_kernel) && images/unpack_kernel.py "$$package" $(@D) $(DEMO_MODULES)
$(D)/initrd: packaging/mkarchive images/init $(D)/kernel/release build/.deps-run
	$(call say,CPIO,$@)
	$(Q)packaging/mkarchive $(D)/initrd-root $@ init=images/init bin/busybox=/bin/busybox \
		$(foreach m,$(DEMO_MODULES),lib/modules/$(m).ko=$(D)/kernel/modules/$(m).ko)
build/demo.cpio: packaging/mkarchive images/demo.conf $(D)/initrd
	$(call say,CPIO,$@)
	$(Q)packaging/mkarchive $(D)/root $@ vms/demo.conf=images/demo.conf guests/demo/initrd=$(D)/initrd \
		guests/demo/vmlinux=$(D)/kernel/vmlinux

CPUS ?= 2
MEM  ?= 1g

# Archives may stand one behind the other: Strata's programs, then the VM.
$(O)/run.cpio: $(O)/strata.cpio build/demo.cpio
	$(Q)cat $^ >$@

.PHONY: run
run: build/.deps-run image $(O)/run.cpio # start Strata with the demo VM in QEMU, its console on this terminal (Ctrl-A X ends QEMU)
	@qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu EPYC,+svm,+npt -smp $(CPUS) -m $(MEM) -nographic -no-reboot \
		-net none -kernel $(O)/strata -initrd $(O)/run.cpio -append console=ttyS0 2>build/run.qemu

.PHONY: smoke
smoke: build/.deps-run build/.deps-test image $(O)/run.cpio # boot, drive the console and the demo VM, power off: at most 2 minutes
	@$(PYTHON) tests/smoke.py --config $(CONFIG) --cpus $(CPUS) --mem $(MEM) --archive $(O)/run.cpio

.PHONY: smoke-all
smoke-all: build/.deps-run build/.deps-test both # the same with 1, 2 and 4 CPUs, 1 and 8 GiB, release and debug
	@for c in $(CONFIGS); do \
		$(MAKE) CONFIG=$$c O=build/$$c build/$$c/run.cpio || exit 1; \
		for n in 1 2 4; do for m in 1g 8g; do \
			$(PYTHON) tests/smoke.py --config $$c --cpus $$n --mem $$m --archive build/$$c/run.cpio || exit 1; \
		done; done; done
