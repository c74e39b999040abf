# Links the kernel and packs it into an image of the Linux/x86 boot protocol.
#
# Two links: the first one (strata.1.elf, with an empty symbol table) tells the functions' addresses,
# the second one has the table. The text comes first in the image, so it does not move.

BOOT := hypervisor/boot

$(O)/boot/kernel.ld: $(BOOT)/kernel.ld $(BOOT)/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c $(INCLUDES) $< -o $@

KERNEL_LDFLAGS := -nostdlib -static --gc-sections --build-id=none -z max-page-size=4096 -z noexecstack \
	--no-warn-rwx-segments --fatal-warnings -T $(O)/boot/kernel.ld

$(O)/boot/ksyms0.S: $(BOOT)/ksyms.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) $(BOOT)/ksyms.py </dev/null >$@
$(O)/boot/ksyms1.S: $(O)/boot/strata.1.elf $(BOOT)/ksyms.py
	$(call say,KSYMS,$@)
	$(Q)nm -n $< | $(PYTHON) $(BOOT)/ksyms.py >$@
$(O)/boot/ksyms%.o: $(O)/boot/ksyms%.S
	$(Q)$(CC) -Wa,--noexecstack -c $< -o $@

$(O)/boot/strata.1.elf: $(KERNEL_OBJS) $(O)/boot/ksyms0.o $(O)/boot/kernel.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(KERNEL_LDFLAGS) $(KERNEL_OBJS) $(O)/boot/ksyms0.o -o $@
$(O)/strata.elf: $(O)/boot/strata.1.elf $(O)/boot/ksyms1.o
	$(call say,LD,$@)
	$(Q)$(LD) $(KERNEL_LDFLAGS) $(KERNEL_OBJS) $(O)/boot/ksyms1.o -o $@
	$(Q)nm -n $@ | $(PYTHON) $(BOOT)/ksyms.py --check $(O)/boot/ksyms1.S

$(O)/boot/kernel.bin: $(O)/strata.elf
	$(Q)$(OBJCOPY) -O binary --gap-fill 0 $< $@

# The real-mode part.
$(O)/boot/setup.o: $(BOOT)/setup/setup.S
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 $(INCLUDES) -Wa,--noexecstack -c $< -o $@
$(O)/boot/setup.elf: $(O)/boot/setup.o $(BOOT)/setup/setup.ld
	$(Q)$(LD) -m elf_i386 --build-id=none --no-warn-rwx-segments -T $(BOOT)/setup/setup.ld $< -o $@
$(O)/boot/setup.bin: $(O)/boot/setup.elf
	$(Q)$(OBJCOPY) -O binary $< $@

$(O)/strata: $(O)/boot/setup.bin $(O)/boot/kernel.bin $(BOOT)/pack.py
	$(call say,PACK,$@)
	$(Q)$(PYTHON) $(BOOT)/pack.py $(O)/boot/setup.bin $(O)/boot/kernel.bin \
		0x$$(nm $(O)/strata.elf | sed -n 's/ [aA] image_size$$//p') $@
