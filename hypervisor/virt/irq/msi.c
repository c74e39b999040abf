// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSI address and data to an interrupt message. The redirection hint matters in logical mode only,
 * where it asks for one of the CPUs named; with a physical destination there is one anyway.
 */
#include "virt/irq/msg.h"

#include "lib/bits.h"
#include "lib/errno.h"

#define MSI_ADDR_LOGICAL     BIT(2)
#define MSI_ADDR_REDIRECTION BIT(3)
#define MSI_DATA_LEVEL       BIT(15)

int msi_decode(uint64_t address, uint32_t data, struct irq_msg *msg)
{
	if (address - MSI_BASE >= MSI_SIZE)
		return -EINVAL;
	*msg = (struct irq_msg){
		.dest = (uint32_t)(BITS_GET(address, 19, 12) | BITS_GET(address, 11, 5) << 8),
		.vector = (uint8_t)data,
		.mode = BITS_GET(data, 10, 8),
		.logical = address & MSI_ADDR_LOGICAL,
		.level = data & MSI_DATA_LEVEL,
	};
	if ((address & MSI_ADDR_REDIRECTION) && msg->logical && msg->mode == IRQ_FIXED)
		msg->mode = IRQ_LOWEST;
	return 0;
}
