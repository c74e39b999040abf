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
KERNEL_ASFLAGS  := -g $(REPRODUCIBLE) -Wa,--noexecstack

# Programs for ring 3 (and for Linux): static, with Debian's libc.
USER_CPPFLAGS := $(CONFIG_CPPFLAGS) $(INCLUDES) -Imgmt -D_GNU_SOURCE=
USER_CFLAGS   := -std=gnu11 $(WARNINGS) -O2 -g $(REPRODUCIBLE) -fno-strict-aliasing \
	-fno-omit-frame-pointer
USER_LDFLAGS  := -static -Wl,--build-id=none
