// SPDX-License-Identifier: GPL-2.0-or-later
// An 8254 and port 0x61. Counts are computed from the clock when they are read; only channel 0 has
// a timer, for its interrupt. A late periodic interrupt is raised once and the phase kept.

#include "vmm/machine.h"

#define PIT_HZ 1193182ull

#define ACCESS_LATCH 0
#define ACCESS_LOW   1
#define ACCESS_HIGH  2
#define ACCESS_WORD  3

struct channel {
	uint64_t start; /* ns: when the count was loaded (or the gate rose) */
	uint32_t count; /* 1..65536 */
	uint16_t latched;
	uint8_t access, mode, status;
	bool bcd, gate, loaded;
	bool read_high, write_high, count_latched, status_latched, latch_high;
	uint8_t write_low;
};

/* Locks: all by the device's lock */
struct pit {
	struct device device;
	struct timer tick;
	struct channel channels[3];
	uint8_t speaker; /* port 0x61, bits 0..3 */
};

static uint64_t ns_to_ticks(uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * PIT_HZ / 1000000000u);
}

/* The first nanosecond at which `ticks` have passed. */
static uint64_t ticks_to_ns(uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * 1000000000u + PIT_HZ - 1) / PIT_HZ);
}

static bool periodic(const struct channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

static uint64_t elapsed(const struct channel *c)
{
	if (!c->loaded || (!c->gate && periodic(c)))
		return 0;
	return ns_to_ticks(events_now() - c->start);
}

static uint16_t to_bcd(uint32_t v)
{
	v %= 10000;
	return (uint16_t)(v / 1000 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10);
}

static uint32_t from_bcd(uint16_t v)
{
	return (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u + (v & 15);
}

static uint16_t current_count(const struct channel *c)
{
	uint64_t t = elapsed(c);
	uint32_t modulus = c->bcd ? 10000 : 65536, left;

	if (c->mode == 3)
		left = c->count - (uint32_t)(t * 2 % c->count);
	else if (c->mode == 2)
		left = c->count - (uint32_t)(t % c->count);
	else
		left = (uint32_t)(c->count + modulus - t % modulus) % modulus;
	return c->bcd ? to_bcd(left) : (uint16_t)left;
}

static bool output(const struct channel *c)
{
	uint64_t t = elapsed(c);

	switch (c->mode) {
	case 2: return !c->gate || t % c->count != c->count - 1;
	case 3: return !c->gate || t % c->count < (c->count + 1) / 2;
	case 4:
	case 5: return t != c->count;
	default: return c->loaded && t >= c->count;
	}
}

static void schedule(struct pit *p)
{
	struct channel *c = &p->channels[0];
	uint64_t rounds;

	if (!c->loaded) {
		timer_stop(&p->tick);
		return;
	}
	rounds = periodic(c) ? ns_to_ticks(events_now() - c->start) / c->count + 1 : 1;
	timer_set(&p->tick, c->start + ticks_to_ns(rounds * c->count));
}

/* Edge triggered: each pulse is a whole one, so that a masked input loses nothing later. */
static void on_tick(void *arg)
{
	struct pit *p = arg;

	machine_irq(p->device.machine, GSI_PIT, false);
	machine_irq(p->device.machine, GSI_PIT, true);
	if (periodic(&p->channels[0]))
		schedule(p);
}

static void load(struct pit *p, struct channel *c, uint16_t value)
{
	c->count = c->bcd ? from_bcd(value) : value;
	if (c->count == 0)
		c->count = c->bcd ? 10000 : 65536;
	c->start = events_now();
	c->loaded = true;
	if (c == &p->channels[0]) {
		if (!periodic(c))
			machine_irq(p->device.machine, GSI_PIT, false);
		schedule(p);
	}
}

static void write_count(struct pit *p, struct channel *c, uint8_t value)
{
	if (c->access == ACCESS_LOW) {
		load(p, c, value);
	} else if (c->access == ACCESS_HIGH) {
		load(p, c, (uint16_t)(value << 8));
	} else if (!c->write_high) {
		c->write_low = value;
		c->write_high = true;
	} else {
		c->write_high = false;
		load(p, c, (uint16_t)(value << 8 | c->write_low));
	}
}

static void latch_count(struct channel *c)
{
	if (!c->count_latched) {
		c->latched = current_count(c);
		c->count_latched = true;
		c->latch_high = c->access == ACCESS_HIGH;
	}
}

static void latch_status(struct channel *c)
{
	if (!c->status_latched) {
		c->status = (uint8_t)(output(c) << 7 | !c->loaded << 6 | c->access << 4 |
				      c->mode << 1 | c->bcd);
		c->status_latched = true;
	}
}

static void read_back(struct pit *p, uint8_t command)
{
	for (unsigned i = 0; i < 3; i++) {
		if (!(command & 2u << i))
			continue;
		if (!(command & 0x20))
			latch_count(&p->channels[i]);
		if (!(command & 0x10))
			latch_status(&p->channels[i]);
	}
}

static void write_control(struct pit *p, uint8_t command)
{
	unsigned n = command >> 6;
	struct channel *c = &p->channels[n % 3];

	if (n == 3) {
		read_back(p, command);
		return;
	}
	if ((command >> 4 & 3) == ACCESS_LATCH) {
		latch_count(c);
		return;
	}
	c->access = command >> 4 & 3;
	c->mode = command >> 1 & 7;
	if (c->mode > 5)
		c->mode &= 3;
	c->bcd = command & 1;
	c->loaded = c->count_latched = c->status_latched = c->read_high = c->write_high = false;
	if (n == 0) {
		timer_stop(&p->tick);
		machine_irq(p->device.machine, GSI_PIT, c->mode != 0);
	}
}

static uint8_t read_latched(struct channel *c)
{
	uint8_t value = (uint8_t)(c->latch_high ? c->latched >> 8 : c->latched);

	if (c->access == ACCESS_WORD && !c->latch_high)
		c->latch_high = true;
	else
		c->count_latched = false;
	return value;
}

static uint8_t read_channel(struct channel *c)
{
	uint16_t count;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->count_latched)
		return read_latched(c);
	count = current_count(c);
	high = c->access == ACCESS_HIGH || (c->access == ACCESS_WORD && c->read_high);
	if (c->access == ACCESS_WORD)
		c->read_high = !c->read_high;
	return (uint8_t)(high ? count >> 8 : count);
}

static uint64_t pit_read(void *device, uint64_t offset, unsigned size)
{
	struct pit *p = device;

	(void)size;
	return offset == 3 ? 0xff : read_channel(&p->channels[offset]);
}

static void pit_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct pit *p = device;

	(void)size;
	if (offset == 3)
		write_control(p, (uint8_t)value);
	else
		write_count(p, &p->channels[offset], (uint8_t)value);
}

static const struct bus_ops pit_ops = {
	.name = "pit",
	.max_size = 1,
	.read = pit_read,
	.write = pit_write,
};

/* Port 0x61: bit 0 gate of channel 2, 1 speaker, 4 refresh (toggles every 15 us), 5 output of 2. */
static uint64_t speaker_read(void *device, uint64_t offset, unsigned size)
{
	struct pit *p = device;
	uint8_t refresh = (uint8_t)(events_now() / 15085 & 1);

	(void)offset, (void)size;
	return p->speaker | refresh << 4 | output(&p->channels[2]) << 5;
}

static void speaker_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct pit *p = device;
	struct channel *c = &p->channels[2];
	bool gate = value & 1;

	(void)offset, (void)size;
	/* A rising gate restarts every mode but 0 and 4, which only pause. */
	if (gate && !c->gate && c->mode != 0 && c->mode != 4)
		c->start = events_now();
	c->gate = gate;
	p->speaker = value & 0x0f;
}

static const struct bus_ops speaker_ops = {
	.name = "port61",
	.max_size = 1,
	.read = speaker_read,
	.write = speaker_write,
};

static int pit_create(struct device *device, unsigned instance)
{
	struct pit *p = (struct pit *)device;
	int ret;

	(void)instance;
	for (unsigned i = 0; i < 3; i++) {
		p->channels[i].count = 65536;
		p->channels[i].access = ACCESS_WORD;
		p->channels[i].gate = i != 2;
	}
	ret = device_claim(device, BUS_PORT, 0x40, 4, &pit_ops);
	if (!ret)
		ret = device_claim(device, BUS_PORT, 0x61, 1, &speaker_ops);
	if (!ret)
		timer_init(&p->tick, device->machine->events, &device->lock, on_tick, p);
	return ret;
}

static void pit_destroy(struct device *device)
{
	timer_remove(&((struct pit *)device)->tick);
}

const struct device_class pit_class = {
	.name = "pit",
	.size = sizeof(struct pit),
	.create = pit_create,
	.destroy = pit_destroy,
};
