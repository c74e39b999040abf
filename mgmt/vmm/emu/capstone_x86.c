// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's libcapstone.a knows eleven architectures and refers to each from one table. Defining the
// entries of those that are not wanted here keeps the linker from taking their tables: 3 MiB less.

#include <capstone/capstone.h>

#define UNWANTED(arch)                                              \
	cs_err arch##_global_init(void *handle);                    \
	cs_err arch##_option(void *handle, int type, size_t value); \
	cs_err arch##_global_init(void *handle)                     \
	{                                                           \
		(void)handle;                                       \
		return CS_ERR_ARCH;                                 \
	}                                                           \
	cs_err arch##_option(void *handle, int type, size_t value)  \
	{                                                           \
		(void)handle, (void)type, (void)value;              \
		return CS_ERR_ARCH;                                 \
	}

UNWANTED(ARM)
UNWANTED(AArch64)
UNWANTED(Mips)
UNWANTED(PPC)
UNWANTED(Sparc)
UNWANTED(SystemZ)
UNWANTED(XCore)
UNWANTED(M68K)
UNWANTED(TMS320C64x)
UNWANTED(M680X)
UNWANTED(EVM)
