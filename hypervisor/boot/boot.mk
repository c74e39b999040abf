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

# The EFI stub: a position-independent program behind the kernel, linked where it lies in the file.
EFI_SOURCES := $(filter-out %_test.c %_fuzz.c,$(sort $(wildcard $(BOOT)/efi/*.[cS]))) \
	$(BOOT)/console_arg.c drivers/serial/uart16550.c $(addprefix hypervisor/lib/,cmdline.c fmt.c string.c strx.c)
EFI_OBJS := $(patsubst %,$(O)/efi/%.o,$(basename $(EFI_SOURCES)))
EFI_CFLAGS = $(filter-out -fno-pic -mcmodel=kernel,$(KERNEL_CFLAGS)) -fpie -fvisibility=hidden -fno-jump-tables
$(O)/efi/%.o: %.c $(O)/.flags-kernel
	$(call say,EFICC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(EFI_CFLAGS) -MMD -MP -c $< -o $@
$(O)/efi/%.o: %.S $(O)/.flags-kernel
	$(call say,EFIAS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_ASFLAGS) -MMD -MP -c $< -o $@

# Whole pages: in the image, file offset and address are the same.
pages-of = $$(( ($$(stat -c %s $(1)) + 4095) / 4096 * 4096 ))
$(O)/boot/stub.elf: $(EFI_OBJS) $(BOOT)/efi/stub.ld $(O)/boot/setup.bin $(O)/boot/kernel.bin
	$(call say,LD,$@)
	$(Q)$(LD) -pie --no-dynamic-linker -nostdlib --gc-sections --build-id=none -z noexecstack -z norelro --no-warn-rwx-segments \
		--fatal-warnings --defsym=SETUP_SIZE=$(call pages-of,$(O)/boot/setup.bin) \
		--defsym=KERNEL_SIZE=$(call pages-of,$(O)/boot/kernel.bin) -T $(BOOT)/efi/stub.ld $(EFI_OBJS) -o $@
$(O)/boot/stub.bin: $(O)/boot/stub.elf
	$(Q)$(OBJCOPY) -O binary -j .text -j .rodata -j .data --set-section-flags .data=alloc,load,contents --gap-fill 0 $< $@

$(O)/strata: $(O)/boot/setup.bin $(O)/boot/kernel.bin $(O)/boot/stub.bin $(BOOT)/pack.py
	$(call say,PACK,$@)
	$(Q)nm $(O)/strata.elf $(O)/boot/stub.elf | $(PYTHON) $(BOOT)/pack.py $(O)/boot/setup.bin $(O)/boot/kernel.bin \
		$(O)/boot/stub.bin $@

# A test's loader for the 64-bit entry (tests/test_boot_entry.py). QEMU wants multiboot kernels as
# 32-bit ELF, whatever is in them.
LOADER64_CFLAGS := -std=gnu11 $(WARNINGS) -O1 -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
build/tests/loader64.elf: $(addprefix tests/boot/loader64,.S .c .ld)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LOADER64_CFLAGS) -Wa,--noexecstack -c tests/boot/loader64.S -o build/tests/loader64-asm.o
	$(Q)$(CC) $(LOADER64_CFLAGS) -c tests/boot/loader64.c -o build/tests/loader64-c.o
	$(Q)$(LD) -nostdlib --build-id=none --no-warn-rwx-segments -T tests/boot/loader64.ld \
		build/tests/loader64-asm.o build/tests/loader64-c.o -o build/tests/loader64.64
	$(Q)$(OBJCOPY) -O elf32-i386 build/tests/loader64.64 $@

# Writes docs/boot.md (make docs).
BOOT_WORDS := $(addprefix $(BOOT)/,words_doc.c words.c console_arg.c) $(addprefix hypervisor/lib/,cmdline.c fmt.c strx.c)
build/boot-words: $(BOOT_WORDS) $(addprefix $(BOOT)/,words.h console_arg.h)
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $(BOOT_WORDS) -o $@
