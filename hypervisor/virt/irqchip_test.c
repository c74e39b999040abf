// SPDX-License-Identifier: GPL-2.0-or-later
// PIC, IO-APIC and the lines between: what a guest programs, what lines do, what vCPUs take.
// TEST-WITH: virt/irqchip.c virt/irq/vpic.c virt/irq/vioapic.c virt/irq/vlapic.c
// TEST-WITH: virt/irq/vlapic_regs.c virt/irq/vlapic_route.c virt/irq/vlapic_timer.c virt/irq/msi.c
// TEST-WITH: virt/irq/timer_advance.c
#include "tests/host/vcpus.h"

#include "tests/host/host.h"
#include "tests/host/rand.h"
#include "virt/irqchip.h"

static struct irqchip chip;

static void forward_eoi(struct vcpu *v, uint8_t vector)
{
	(void)v;
	irqchip_eoi(&chip, vector);
}

static void out(uint16_t port, uint8_t value)
{
	uint32_t v = value;

	assert_true(irqchip_port(&chip, port, true, 1, &v));
}

static uint8_t in(uint16_t port)
{
	uint32_t v = 0;

	assert_true(irqchip_port(&chip, port, false, 1, &v));
	return (uint8_t)v;
}

static int take(unsigned i)
{
	bool has = irqchip_has_interrupt(&chip, lapic(i));
	int vector = irqchip_take_interrupt(&chip, lapic(i));

	assert_int_equal(has, vector >= 0);
	return vector;
}

static void line(unsigned n, bool level)
{
	assert_int_equal(irqchip_set_line(&chip, n, level), 0);
}

static void pulse(unsigned n)
{
	line(n, true);
	line(n, false);
}

static void start(unsigned nr)
{
	irqchip_init(&chip, &test_ops);
	test_machine_start(&chip.lapics, nr);
	test_eoi_hook = forward_eoi;
}

/* As BIOS and Linux do it: vectors 0x20 and 0x28. */
static void pic_setup(uint8_t icw4)
{
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, icw4);
	out(0xa0, 0x11);
	out(0xa1, 0x28);
	out(0xa1, 0x02);
	out(0xa1, icw4);
	out(0x21, 0);
	out(0xa1, 0);
}

static void start_pic(uint8_t icw4)
{
	start(2);
	vlapic_reset(lapic(0), false); /* LINT0 is ExtINT */
	pic_setup(icw4);
}

static void test_pic_priorities(void **state)
{
	(void)state;
	start_pic(1);
	assert_int_equal(take(0), -1);
	machine.vcpu[0].kicks = 0;
	pulse(4);
	assert_int_equal(machine.vcpu[0].kicks, 1);
	pulse(1);
	pulse(12);
	assert_int_equal(in(0x20), 1 << 1 | 1 << 4 | 1 << 2);
	assert_int_equal(take(1), -1); /* only the boot processor's LINT0 is open */
	assert_int_equal(take(0), 0x21);
	assert_int_equal(take(0), -1);
	out(0x20, 0x20);
	assert_int_equal(take(0), 0x2c);
	out(0x20, 0x0b);
	assert_int_equal(in(0x20), 1 << 2);
	out(0xa0, 0x0b);
	assert_int_equal(in(0xa0), 1 << 4);
	out(0x20, 0x20);
	assert_int_equal(take(0), 0x24);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	assert_int_equal(take(0), -1);
}

static void test_pic_mask_and_level(void **state)
{
	(void)state;
	start_pic(1);
	out(0x21, 0xff);
	assert_int_equal(in(0x21), 0xff);
	pulse(3);
	assert_int_equal(take(0), -1);
	out(0x21, 0);
	assert_int_equal(take(0), 0x23);
	out(0x20, 0x63); /* specific */
	/* ELCR: what is edge-triggered by nature cannot be level-triggered. */
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	assert_int_equal(in(0x4d0), 0xf8);
	assert_int_equal(in(0x4d1), 0xde);
	line(9, true);
	assert_int_equal(take(0), 0x29);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	assert_int_equal(take(0), 0x29); /* still high */
	line(9, false);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	assert_int_equal(take(0), -1);
}

static void test_pic_spurious(void **state)
{
	(void)state;
	start_pic(1);
	out(0x4d0, 0x20);
	line(5, true);
	assert_true(irqchip_has_interrupt(&chip, lapic(0)));
	line(5, false);
	assert_int_equal(take(0), -1);
	assert_int_equal(vpic_ack(&chip.pic), 0x27);
	out(0x20, 0x0b);
	assert_int_equal(in(0x20), 0);
}

static void test_pic_auto_eoi_and_rotation(void **state)
{
	(void)state;
	start_pic(3);
	pulse(0);
	assert_int_equal(take(0), 0x20);
	pulse(0);
	assert_int_equal(take(0), 0x20); /* without an EOI */
	out(0x20, 0x80);                 /* rotate in auto EOI */
	pulse(0);
	assert_int_equal(take(0), 0x20); /* pin 0 is lowest now */
	pulse(0);
	pulse(7);
	assert_int_equal(take(0), 0x27);
	assert_int_equal(take(0), 0x20);
	start_pic(1);
	out(0x20, 0xc3); /* pin 3 is lowest: 4 is highest */
	pulse(3);
	pulse(4);
	pulse(1);
	assert_int_equal(take(0), 0x24);
	out(0x20, 0xa0); /* EOI and rotate: 4 is lowest */
	assert_int_equal(take(0), 0x21);
	out(0x20, 0x20);
	assert_int_equal(take(0), 0x23);
}

static void test_pic_special_modes(void **state)
{
	(void)state;
	start_pic(1);
	pulse(3);
	assert_int_equal(take(0), 0x23);
	out(0x21, 1 << 3);
	out(0x20, 0x68); /* special mask: what is masked does not block */
	pulse(5);
	assert_int_equal(take(0), 0x25);
	start_pic(0x11); /* special fully nested: the slave may interrupt itself */
	pulse(12);
	assert_int_equal(take(0), 0x2c);
	pulse(9);
	assert_int_equal(take(0), 0x29);
	start_pic(1);
	out(0x21, 0);
	pulse(6);
	out(0x20, 0x0c); /* poll */
	assert_int_equal(in(0x20), 0x86);
	out(0x20, 0x20);
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0x07);
}

static void test_pic_ports(void **state)
{
	uint32_t v = 0;

	(void)state;
	start_pic(1);
	for (uint32_t port = 0; port < 0x10000; port++) {
		bool ours = port == 0x20 || port == 0x21 || port == 0xa0 || port == 0xa1 ||
			    port == 0x4d0 || port == 0x4d1;

		assert_int_equal(irqchip_port(&chip, (uint16_t)port, false, 1, &v), ours);
	}
	out(0x21, 0xfb);
	assert_true(irqchip_port(&chip, 0x20, false, 4, &v));
	assert_int_equal(v, 0xfffffb00);
	v = 0xaa00;
	assert_true(irqchip_port(&chip, 0x20, true, 2, &v));
	assert_int_equal(in(0x21), 0xaa);
}

/* ---- IO-APIC ---- */

static void io_write(uint8_t index, uint32_t value)
{
	irqchip_mmio_write(&chip, lapic(0), VIOAPIC_BASE, 4, index);
	irqchip_mmio_write(&chip, lapic(0), VIOAPIC_BASE + 0x10, 4, value);
}

static uint32_t io_read(uint8_t index)
{
	irqchip_mmio_write(&chip, lapic(0), VIOAPIC_BASE, 1, index);
	return (uint32_t)irqchip_mmio_read(&chip, lapic(0), VIOAPIC_BASE + 0x10, 4);
}

static void entry(unsigned pin, uint32_t dest, uint32_t low)
{
	io_write((uint8_t)(0x11 + 2 * pin), dest << 24);
	io_write((uint8_t)(0x10 + 2 * pin), low);
}

#define LEVEL  0x8000u
#define MASKED 0x10000u
#define REMOTE 0x4000u

static void start_ioapic(unsigned nr)
{
	start(nr);
	for (unsigned i = 0; i < nr; i++)
		wr(i, APIC_LVT_LINT0, LVT_MASKED);
}

static void test_ioapic_registers(void **state)
{
	(void)state;
	start_ioapic(1);
	assert_int_equal(io_read(1), 0x00170020);
	io_write(0, 0xffffffff);
	assert_int_equal(io_read(0), 0x0f000000);
	assert_int_equal(io_read(2), 0x0f000000);
	for (unsigned i = 0; i < 24; i++)
		assert_int_equal(io_read((uint8_t)(0x10 + 2 * i)), MASKED);
	io_write(0x10, 0xffffffff);
	io_write(0x11, 0xffffffff);
	assert_int_equal(io_read(0x10), 0x1afff); /* status and remote IRR are read-only */
	assert_int_equal(io_read(0x11), 0xfffe0000);
	for (unsigned index = 0x40; index < 0x100; index++) {
		io_write((uint8_t)index, 0xffffffff);
		assert_int_equal(io_read((uint8_t)index), 0);
	}
	for (uint32_t offset = 0; offset < 0x1000; offset++)
		for (unsigned len = 1; len <= 8; len *= 2) {
			irqchip_mmio_read(&chip, lapic(0), VIOAPIC_BASE + offset, len);
			irqchip_mmio_write(&chip, lapic(0), VIOAPIC_BASE + offset, len, ~0ull);
		}
	assert_true(irqchip_mmio_hit(lapic(0), VIOAPIC_BASE + 0xfff));
	assert_false(irqchip_mmio_hit(lapic(0), VIOAPIC_BASE + 0x1000));
	assert_true(irqchip_mmio_hit(lapic(0), VLAPIC_BASE_DEFAULT));
}

static void test_ioapic_edge(void **state)
{
	(void)state;
	start_ioapic(2);
	entry(4, 1, 0x54);
	line(4, true);
	assert_int_equal(take(0), -1);
	assert_int_equal(take(1), 0x54);
	vlapic_eoi(lapic(1));
	line(4, true); /* no edge */
	assert_int_equal(take(1), -1);
	line(4, false);
	entry(4, 1, MASKED | 0x54);
	line(4, true); /* lost */
	entry(4, 1, 0x54);
	assert_int_equal(take(1), -1);
	line(4, false);
	line(4, true);
	assert_int_equal(take(1), 0x54);
}

static void test_ioapic_level(void **state)
{
	(void)state;
	start_ioapic(1);
	entry(20, 0, LEVEL | 0x64);
	line(20, true);
	assert_int_equal(take(0), 0x64);
	assert_int_equal(io_read(0x10 + 40), LEVEL | REMOTE | 0x64);
	line(20, false);
	line(20, true); /* under way: nothing new */
	assert_int_equal(take(0), -1);
	wr(0, APIC_EOI, 0);
	assert_int_equal(take(0), 0x64); /* still high: again */
	line(20, false);
	wr(0, APIC_EOI, 0);
	assert_int_equal(take(0), -1);
	assert_int_equal(io_read(0x10 + 40), LEVEL | 0x64);
	/* Masked while high, unmasked later. */
	entry(20, 0, MASKED | LEVEL | 0x64);
	line(20, true);
	assert_int_equal(take(0), -1);
	entry(20, 0, LEVEL | 0x64);
	assert_int_equal(take(0), 0x64);
	/* The EOI register ends it without the local APIC. */
	line(20, false);
	irqchip_mmio_write(&chip, lapic(0), VIOAPIC_BASE + 0x40, 4, 0x64);
	assert_int_equal(io_read(0x10 + 40), LEVEL | 0x64);
	/* To edge and back resets remote IRR. */
	wr(0, APIC_EOI, 0);
	line(20, true);
	assert_int_equal(io_read(0x10 + 40), LEVEL | REMOTE | 0x64);
	entry(20, 0, MASKED | 0x64);
	assert_int_equal(io_read(0x10 + 40), MASKED | 0x64);
}

/* A level nobody takes stays pending and is not under way. */
static void test_ioapic_nobody(void **state)
{
	(void)state;
	start_ioapic(1);
	entry(21, 9, LEVEL | 0x65);
	line(21, true);
	assert_int_equal(io_read(0x10 + 42), LEVEL | 0x65);
	entry(21, 0, LEVEL | 0x65);
	assert_int_equal(take(0), 0x65);
}

static void test_two_pins_one_vector(void **state)
{
	(void)state;
	start_ioapic(1);
	entry(16, 0, LEVEL | 0x70);
	entry(17, 0, LEVEL | 0x70);
	line(16, true);
	line(17, true);
	assert_int_equal(take(0), 0x70);
	line(16, false);
	wr(0, APIC_EOI, 0);
	assert_int_equal(take(0), 0x70);
	line(17, false);
	wr(0, APIC_EOI, 0);
	assert_int_equal(take(0), -1);
}

static void test_lines(void **state)
{
	(void)state;
	start_ioapic(1);
	assert_int_equal(irqchip_set_line(&chip, 2, true), -EINVAL);
	assert_int_equal(irqchip_set_line(&chip, 24, true), -EINVAL);
	assert_int_equal(irqchip_set_line(&chip, ~0u, true), -EINVAL);
	for (unsigned i = 0; i < 24; i++)
		entry(i, 0, 0x40 + i);
	for (unsigned i = 0; i < 24; i++) {
		if (i == 2)
			continue;
		pulse(i);
		assert_int_equal(take(0), 0x40 + (i ? i : 2)); /* the PIT is on pin 2 */
		vlapic_eoi(lapic(0));
	}
	assert_int_equal(irqchip_msi(&chip, 0xfee00000, 0x99), 1);
	assert_int_equal(take(0), 0x99);
	assert_int_equal(irqchip_msi(&chip, 0xfee05000, 0x99), 0);
	assert_int_equal(irqchip_msi(&chip, 0x1000, 0x99), -EINVAL);
}

/* The PIC comes before the local APIC, and its interrupts bypass priorities. */
static void test_pic_before_lapic(void **state)
{
	(void)state;
	start_pic(1);
	wr(0, APIC_SVR, 0x1ff);
	wr(0, APIC_LVT_LINT0, IRQ_EXTINT << 8);
	wr(0, APIC_TPR, 0xff);
	pulse(0);
	assert_int_equal(take(0), 0x20);
	assert_int_equal(take(0), -1);
	wr(0, APIC_TPR, 0);
	vlapic_accept(lapic(0), 0xf0, false);
	out(0x20, 0x20);
	pulse(1);
	assert_int_equal(take(0), 0x21);
	assert_int_equal(take(0), 0xf0);
}

/* Whatever a guest writes and lines do, everything stays in bounds and drains. */
static void test_storm(void **state)
{
	static const uint16_t ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	uint64_t r = 99;

	(void)state;
	start(4);
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t x = host_rand(&r);
		uint32_t v = (uint32_t)(x >> 32);

		switch (x % 8) {
		case 0:
			irqchip_port(&chip, ports[x >> 8 & 7 ? (x >> 8) % 6 : 0], x & 16, 1, &v);
			break;
		case 1: irqchip_set_line(&chip, (unsigned)(x >> 8) % 30, x & 16); break;
		case 2: io_write((uint8_t)(x >> 8) % 0x48, v); break;
		case 3: irqchip_msi(&chip, MSI_BASE | (x >> 8 & 0xfffff), v); break;
		case 4: wr((unsigned)(x >> 8) % 4, (uint32_t)(x >> 12) & 0xff0, v); break;
		case 5: vlapic_eoi(lapic((unsigned)(x >> 8) % 4)); break;
		default: irqchip_take_interrupt(&chip, lapic((unsigned)(x >> 8) % 4)); break;
		}
		if (i % 1000 == 0)
			pic_setup((uint8_t)x & 0x1f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pic_priorities),
		cmocka_unit_test(test_pic_mask_and_level),
		cmocka_unit_test(test_pic_spurious),
		cmocka_unit_test(test_pic_auto_eoi_and_rotation),
		cmocka_unit_test(test_pic_special_modes),
		cmocka_unit_test(test_pic_ports),
		cmocka_unit_test(test_ioapic_registers),
		cmocka_unit_test(test_ioapic_edge),
		cmocka_unit_test(test_ioapic_level),
		cmocka_unit_test(test_ioapic_nobody),
		cmocka_unit_test(test_two_pins_one_vector),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_pic_before_lapic),
		cmocka_unit_test(test_storm),
	};

	host_cpu_init(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
