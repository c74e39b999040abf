// SPDX-License-Identifier: GPL-2.0-or-later
// INIT to all other CPUs, 10 ms, then for each in the MADT's order: arm the trampoline with a stack
// of its own, SIPI, a second SIPI if it is not there at once ("MP Initialization Protocol"), and
// wait until it has set itself up. One at a time, so that CPU numbers are the same on every boot. A
// CPU that does not come is disarmed first: should it wake up later, it finds nothing and halts.
#include "boot/init.h"
#include "boot/trampoline.h"
#include "boot/words.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "cpu/time.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mem/init.h"
#include "mem/page.h"
#include "thread/thread.h"

#define INIT_WAIT_US     10000
#define FIRST_SIPI_US    200
#define ARRIVE_TIMEOUT_S 2
#define READY_TIMEOUT_S  10

/* What the CPU being started is given, and what it answers. Written by boot, then by that CPU. */
static struct {
	uint32_t apic_id;
	void *area;
	bool arrived; /* it runs C */
	bool ready;   /* it is online */
} starting;

static bool all_started; /* the CPUs wait for it before they schedule */

static struct trampoline_params *params(void)
{
	return (void *)((char *)phys_to_virt(boot_trampoline_page()) + TRAMPOLINE_PARAMS);
}

/* A started CPU's first C code, on its own stack and the kernel's tables. */
static __noreturn void secondary_main(void)
{
	__atomic_store_n(&starting.arrived, true, __ATOMIC_SEQ_CST);
	cpu_init_secondary(starting.area, starting.apic_id);
	mitigations_init_cpu();
	mem_init_cpu();
	lapic_init();
	thread_init_cpu();
	__atomic_store_n(&starting.ready, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&all_started, __ATOMIC_ACQUIRE)) {
		ipi_serve();
		cpu_relax();
	}
	thread_start_cpu();
}

static bool wait_for(const bool *flag, uint64_t us)
{
	for (uint64_t waited = 0; waited < us; waited += 10) {
		if (__atomic_load_n(flag, __ATOMIC_ACQUIRE))
			return true;
		time_delay_us(10);
	}
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void send_startup(uint32_t apic_id)
{
	lapic_send_startup(apic_id, (uint8_t)(boot_trampoline_page() >> PAGE_SHIFT));
}

/* Memory for the CPU; what it was given stays its own for ever, even if it never comes. */
static bool prepare(const struct acpi_cpu *cpu)
{
	int node = (int)boot_node(cpu->domain);
	unsigned int order = log2_up(DIV_ROUND_UP(cpu_area_size(), PAGE_SIZE));
	phys_t area = page_alloc(kernel_container, order, PAGE_KERNEL, PAGE_ZERO, node);
	void *stack = kstack_alloc(kernel_container);
	if (!area || !stack)
		return false;
	starting = (__typeof__(starting)){ .apic_id = cpu->apic_id, .area = phys_to_virt(area) };
	cpu_set_node(CPU_ID(cpu_count()), (uint32_t)node);
	params()->stack = (uint64_t)stack;
	__atomic_store_n(&params()->armed, 1, __ATOMIC_SEQ_CST);
	return true;
}

static bool start_cpu(const struct acpi_cpu *cpu)
{
	if (!prepare(cpu)) {
		log_error("CPU with APIC id %u: no memory to start it", cpu->apic_id);
		return false;
	}
	send_startup(cpu->apic_id);
	if (!wait_for(&starting.arrived, FIRST_SIPI_US))
		send_startup(cpu->apic_id);
	if (!wait_for(&starting.arrived, ARRIVE_TIMEOUT_S * 1000000ull) &&
	    __atomic_exchange_n(&params()->armed, 0, __ATOMIC_SEQ_CST) == 1) {
		log_error("CPU with APIC id %u does not start: left out", cpu->apic_id);
		return false;
	}
	/* It has the stack and the area: from here on there is no way to go on without it. */
	if (!wait_for(&starting.ready, READY_TIMEOUT_S * 1000000ull))
		fatal("CPU with APIC id %u hangs while it starts", cpu->apic_id);
	return true;
}

static void install_trampoline(void)
{
	size_t size = (size_t)(trampoline_end - trampoline_start);
	ASSERT(size <= TRAMPOLINE_PARAMS);
	memcpy(phys_to_virt(boot_trampoline_page()), trampoline_start, size);
	params()->cr3 = (uint32_t)mem_kernel_root();
	params()->entry = (uint64_t)secondary_main;
}

/* The CPUs to start: those of the MADT that are enabled, less ourselves, up to maxcpus= in all. */
static bool wanted(const struct acpi_cpu *cpu)
{
	return cpu->enabled && cpu->apic_id != lapic_id() && lapic_reaches(cpu->apic_id);
}

static void start_all(unsigned int max)
{
	unsigned int others = 0;

	for (unsigned int i = 0; i < boot_acpi.nr_cpus; i++) {
		if (wanted(&boot_acpi.cpus[i])) {
			lapic_send_init(boot_acpi.cpus[i].apic_id);
			others++;
		}
	}
	if (others == 0)
		return;
	time_delay_us(INIT_WAIT_US);
	unsigned int missing = 0;
	for (unsigned int i = 0; i < boot_acpi.nr_cpus && cpu_count() < max; i++)
		if (wanted(&boot_acpi.cpus[i]))
			missing += !start_cpu(&boot_acpi.cpus[i]);
	if (missing > 0)
		log_warn("%u CPUs of the MADT did not start", missing);
}

void boot_start_cpus(const struct boot_info *info)
{
	unsigned int max = (unsigned int)boot_word_number(info->cmdline, "maxcpus");
	if (boot_trampoline_page() == 0) {
		log_warn("no free page below 1 MiB: only the boot CPU runs");
	} else if (max > 1) {
		install_trampoline();
		start_all(max);
	}
	__atomic_store_n(&all_started, true, __ATOMIC_RELEASE);
	mem_drop_identity();
	if (boot_acpi.nr_cpus_ignored > 0)
		log_warn("%u CPUs beyond %u are left out", boot_acpi.nr_cpus_ignored, CPU_MAX);
	log_info("%u CPUs online", cpu_count());
}
