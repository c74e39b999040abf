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

# Images for machines: `make image TYPE=efi|iso|disk|pxe|deb`, into $(O)/image/, the same bytes from the same commit.
# CMDLINE: the kernel's words. ARCHIVES: more boot archives (images/build makes them). KEY, CERT: sign what firmware or
# iPXE checks. IMAGE: what a disk image looks like.
I := $(O)/image
CMDLINE ?= console=ttyS0,115200n8
ARCHIVES ?=
IMAGE   ?= configs/images/default.conf
KEY     ?=
CERT    ?=
ifneq ($(TYPE),)
ifeq ($(filter efi iso disk pxe deb,$(TYPE)),)
$(error TYPE=$(TYPE): expected efi, iso, disk, pxe or deb)
endif
ifneq ($(words $(KEY) $(CERT)),$(if $(KEY),2,0))
$(error KEY=$(KEY) CERT=$(CERT): expected both or none)
endif
image: image-$(TYPE)
endif
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH

$(O)/image.cpio: $(O)/strata.cpio $(ARCHIVES) FORCE
	$(Q)cat $(O)/strata.cpio $(ARCHIVES) >$@

.PHONY: image-efi image-iso image-disk image-pxe image-deb iso
image-efi: build/.deps-images $(O)/strata $(O)/image.cpio
	$(call say,EFI,$(I)/strata.efi)
	@mkdir -p $(I)
	$(Q)images/unify.py $(O)/strata $(I)/strata.efi --cmdline '$(CMDLINE)' --initrd $(O)/image.cpio
	$(Q)$(if $(KEY),sbsign --key $(KEY) --cert $(CERT) --output $(I)/strata.efi $(I)/strata.efi)
image-iso: build/.deps-images $(O)/strata $(O)/image.cpio
	$(call say,ISO,$(I)/strata.iso)
	@mkdir -p $(I)
	$(Q)images/iso.py $(I)/strata.iso $(O)/strata $(O)/image.cpio --cmdline '$(CMDLINE)'
image-disk: build/.deps-images $(O)/strata $(O)/image.cpio $(IMAGE)
	$(call say,DISK,$(I)/strata.raw)
	@mkdir -p $(I)
	$(Q)images/disk.py $(I)/strata.raw $(IMAGE) $(O)/strata $(O)/image.cpio
image-pxe: build/.deps-images $(O)/strata $(O)/image.cpio
	$(call say,PXE,$(I)/pxe)
	$(Q)images/pxe.py $(I)/pxe $(O)/strata $(O)/image.cpio --cmdline '$(CMDLINE)' $(if $(KEY),--key $(KEY) --cert $(CERT))
image-deb: build/.deps-images $(O)/strata $(O)/strata.cpio
	$(call say,DEB,$(I))
	@mkdir -p $(I) && rm -f $(I)/*.deb
	$(Q)packaging/mkdeb.py $(I) $(O)/strata $(O)/strata.cpio '$(VERSION)'
iso: image-iso # short for make image TYPE=iso

.PHONY: boot-sizes
boot-sizes: image-efi image-iso image-disk image-pxe image-deb # sizes of all artifacts; instructions from firmware's hand-off to the prompt
	@tests/tools/boot_cost.py --config $(CONFIG) --instructions $(O)/strata $(O)/strata.cpio $(I)/strata.efi $(I)/strata.iso \
		$(I)/strata.raw $(I)/strata.qcow2 $(I)/*.deb $(I)/pxe/boot.ipxe
