# Compiler flags, shared by every kind of object.

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror

# Paths in the output are relative to the tree, wherever it is.
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=.

INCLUDES := -Ihypervisor -I. -I$(O)/gen

# The kernel: only the compiler's own freestanding headers (FREESTANDING_INCLUDE, from deps.mk).
KERNEL_CPPFLAGS := -D__STRATA_KERNEL__ $(CONFIG_CPPFLAGS) $(INCLUDES)
KERNEL_CODEGEN  := -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-common -ffunction-sections -fdata-sections
KERNEL_CFLAGS   := -std=gnu11 $(WARNINGS) $(CONFIG_CFLAGS) -g $(REPRODUCIBLE) $(KERNEL_CODEGEN)

# What every exit runs does without a frame where nothing but speed counts: three instructions a function. RBP stays that of the
# caller, so a backtrace leaves such functions' callers out and goes on.
ifneq ($(CONFIG_FRAMES),y)
FRAMELESS := $(addprefix hypervisor/,cpu/fpu.c proc/syscall.c thread/thread.c trap/trap.c virt/hypercall.c virt/irqchip.c virt/msr.c virt/vcpu.c virt/vcpu_run.c \
	virt/irq/vlapic.c virt/irq/vlapic_route.c virt/irq/vlapic_timer.c virt/svm/fast.c virt/svm/inject.c virt/svm/svm.c)
FRAMELESS_CFLAGS := -fomit-frame-pointer -ffixed-rbp -mpreferred-stack-boundary=3
$(foreach file,$(FRAMELESS),$(eval CFLAGS_$(file) := $(FRAMELESS_CFLAGS)))
endif
KERNEL_ASFLAGS  := -g $(REPRODUCIBLE) -Wa,--noexecstack

# Programs for ring 3 (and for Linux): static, with Debian's libc.
USER_CPPFLAGS := $(CONFIG_CPPFLAGS) $(INCLUDES) -Imgmt -D_GNU_SOURCE=
USER_CFLAGS   := -std=gnu11 $(WARNINGS) -O2 -g $(REPRODUCIBLE) -fno-strict-aliasing \
	-fno-omit-frame-pointer
USER_LDFLAGS  := -static -Wl,--build-id=none
