// SPDX-License-Identifier: GPL-2.0-or-later
// An MC146818 with 128 bytes of CMOS. The time is the host's wall clock plus an offset that writes
// change; registers are made up when read. Periodic, alarm and update interrupts share one timer.

#include "vmm/machine.h"

#include <string.h>
#include <time.h>

#define REG_SECONDS       0
#define REG_ALARM_SECONDS 1
#define REG_MINUTES       2
#define REG_ALARM_MINUTES 3
#define REG_HOURS         4
#define REG_ALARM_HOURS   5
#define REG_WEEKDAY       6
#define REG_DAY           7
#define REG_MONTH         8
#define REG_YEAR          9
#define REG_A             10
#define REG_B             11
#define REG_C             12
#define REG_D             13
#define REG_CENTURY       0x32

#define A_UIP      0x80
#define A_RATE     0x0f
#define B_SET      0x80
#define B_PERIODIC 0x40
#define B_ALARM    0x20
#define B_UPDATE   0x10
#define B_BINARY   0x04
#define B_24H      0x02
#define C_IRQ      0x80
#define D_VALID    0x80

#define UIP_NS    244000ll /* UIP is up for so long before an update */
#define SECOND_NS 1000000000ll

/* Locks: all by the device's lock */
struct rtc {
	struct device device;
	struct timer timer;
	int64_t offset;        /* guest's time less the host's, seconds */
	int64_t updates_seen;  /* second up to which register C accounts for updates */
	uint64_t periods_seen; /* likewise, in periods of the monotonic clock */
	struct tm frozen;      /* the time while B_SET */
	uint8_t index, a, b, c;
	bool line;
	uint8_t ram[128];
};

static int64_t guest_second(const struct rtc *r)
{
	return events_wall_time() / SECOND_NS + r->offset;
}

/* Until the next second begins, in ns. */
static int64_t second_left(void)
{
	return SECOND_NS - events_wall_time() % SECOND_NS;
}

static struct tm guest_tm(const struct rtc *r)
{
	time_t seconds = guest_second(r);
	struct tm tm;

	if (r->b & B_SET)
		return r->frozen;
	gmtime_r(&seconds, &tm);
	return tm;
}

static uint8_t encode(const struct rtc *r, int v)
{
	return (uint8_t)(r->b & B_BINARY ? v : v / 10 << 4 | v % 10);
}

static int decode(const struct rtc *r, uint8_t v)
{
	return r->b & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct rtc *r, int hour)
{
	int twelve = hour % 12 ? hour % 12 : 12;

	if (r->b & B_24H)
		return encode(r, hour);
	return (uint8_t)(encode(r, twelve) | (hour >= 12 ? 0x80 : 0));
}

static int decode_hour(const struct rtc *r, uint8_t v)
{
	if (r->b & B_24H)
		return decode(r, v);
	return decode(r, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

static uint8_t read_time(const struct rtc *r, uint8_t reg)
{
	struct tm tm = guest_tm(r);

	switch (reg) {
	case REG_SECONDS: return encode(r, tm.tm_sec);
	case REG_MINUTES: return encode(r, tm.tm_min);
	case REG_HOURS: return encode_hour(r, tm.tm_hour);
	case REG_WEEKDAY: return encode(r, tm.tm_wday + 1);
	case REG_DAY: return encode(r, tm.tm_mday);
	case REG_MONTH: return encode(r, tm.tm_mon + 1);
	case REG_YEAR: return encode(r, tm.tm_year % 100);
	default: return encode(r, (tm.tm_year + 1900) / 100);
	}
}

static void write_time(struct rtc *r, uint8_t reg, uint8_t value)
{
	struct tm tm = guest_tm(r);

	switch (reg) {
	case REG_SECONDS: tm.tm_sec = decode(r, value); break;
	case REG_MINUTES: tm.tm_min = decode(r, value); break;
	case REG_HOURS: tm.tm_hour = decode_hour(r, value); break;
	case REG_DAY: tm.tm_mday = decode(r, value); break;
	case REG_MONTH: tm.tm_mon = decode(r, value) - 1; break;
	case REG_YEAR: tm.tm_year = tm.tm_year / 100 * 100 + decode(r, value); break;
	case REG_CENTURY:
		tm.tm_year = decode(r, value) * 100 - 1900 + (tm.tm_year + 1900) % 100;
		break;
	}
	if (r->b & B_SET)
		r->frozen = tm;
	else
		r->offset += timegm(&tm) - guest_second(r);
}

/* Nanoseconds of one period of the periodic interrupt; 0: none. */
static uint64_t period_ns(const struct rtc *r)
{
	unsigned rate = r->a & A_RATE;

	if (rate == 0)
		return 0;
	if (rate < 3)
		rate += 7;
	return (1ull << (rate - 1)) * 1000000000ull / 32768;
}

static bool alarm_field(const struct rtc *r, uint8_t reg, uint8_t now)
{
	return (r->ram[reg] & 0xc0) == 0xc0 || r->ram[reg] == now;
}

static bool alarm_matches(const struct rtc *r, time_t second)
{
	struct tm tm;

	gmtime_r(&second, &tm);
	return alarm_field(r, REG_ALARM_SECONDS, encode(r, tm.tm_sec)) &&
	       alarm_field(r, REG_ALARM_MINUTES, encode(r, tm.tm_min)) &&
	       alarm_field(r, REG_ALARM_HOURS, encode_hour(r, tm.tm_hour));
}

/* Sets the flags of register C for everything that happened since the last time. */
static void account(struct rtc *r)
{
	int64_t second = guest_second(r);
	uint64_t period = period_ns(r), periods = period ? events_now() / period : 0;

	if (period && periods != r->periods_seen)
		r->c |= B_PERIODIC;
	r->periods_seen = periods;
	if (r->b & B_SET || second == r->updates_seen)
		return;
	r->c |= B_UPDATE;
	/* A day of alarms at most, should the clock have jumped. */
	if (second - r->updates_seen > 86400 || second < r->updates_seen)
		r->updates_seen = second - 1;
	while (r->updates_seen < second && !(r->c & B_ALARM)) {
		if (alarm_matches(r, ++r->updates_seen))
			r->c |= B_ALARM;
	}
	r->updates_seen = second;
}

static void set_line(struct rtc *r, bool level)
{
	if (level == r->line)
		return;
	r->line = level;
	machine_irq(r->device.machine, GSI_RTC, level);
}

static void update(struct rtc *r)
{
	uint8_t wanted = r->b & (B_PERIODIC | B_ALARM | B_UPDATE);
	uint64_t now = events_now(), next = TIMER_NEVER, period = period_ns(r);
	bool level;

	account(r);
	if (r->c & wanted)
		r->c |= C_IRQ;
	level = r->c & C_IRQ;
	set_line(r, level);
	if (wanted & (B_ALARM | B_UPDATE))
		next = now + (uint64_t)second_left();
	if (wanted & B_PERIODIC && period && (now / period + 1) * period < next)
		next = (now / period + 1) * period;
	/* With the line up nothing new can be signalled; reading C starts the timer again. */
	timer_set(&r->timer, level ? TIMER_NEVER : next);
}

static void on_timer(void *arg)
{
	update(arg);
}

static uint8_t read_c(struct rtc *r)
{
	uint8_t c;

	account(r);
	c = r->c;
	r->c = 0;
	/* What has come up in between is a new edge: an edge-triggered pin sees no other. */
	set_line(r, false);
	update(r);
	return c;
}

static uint8_t read_a(const struct rtc *r)
{
	bool uip = !(r->b & B_SET) && second_left() <= UIP_NS;

	return r->a | (uip ? A_UIP : 0);
}

static uint8_t read_register(struct rtc *r, uint8_t reg)
{
	switch (reg) {
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_WEEKDAY:
	case REG_DAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY: return read_time(r, reg);
	case REG_A: return read_a(r);
	case REG_B: return r->b;
	case REG_C: return read_c(r);
	case REG_D: return D_VALID;
	default: return r->ram[reg];
	}
}

static void write_b(struct rtc *r, uint8_t value)
{
	struct tm tm = guest_tm(r);

	if (value & ~r->b & B_SET)
		r->frozen = tm;
	if (r->b & ~value & B_SET) {
		r->offset += timegm(&r->frozen) - guest_second(r);
		r->updates_seen = guest_second(r);
	}
	r->b = value;
}

static void write_register(struct rtc *r, uint8_t reg, uint8_t value)
{
	switch (reg) {
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_DAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY: write_time(r, reg, value); break;
	case REG_A: r->a = value & 0x7f; break;
	case REG_B: write_b(r, value); break;
	case REG_WEEKDAY:
	case REG_C:
	case REG_D: break;
	default: r->ram[reg] = value; break;
	}
	update(r);
}

static uint64_t rtc_read(void *device, uint64_t offset, unsigned size)
{
	struct rtc *r = device;

	(void)size;
	return offset == 0 ? 0xff : read_register(r, r->index);
}

static void rtc_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct rtc *r = device;

	(void)size;
	if (offset == 0)
		r->index = value & 0x7f;
	else
		write_register(r, r->index, (uint8_t)value);
}

static const struct bus_ops rtc_ops = {
	.name = "rtc",
	.max_size = 1,
	.read = rtc_read,
	.write = rtc_write,
};

static void put16(struct rtc *r, uint8_t reg, uint64_t value)
{
	uint16_t v = value > 0xffff ? 0xffff : (uint16_t)value;

	r->ram[reg] = (uint8_t)v;
	r->ram[reg + 1] = (uint8_t)(v >> 8);
}

/* What firmware and old kernels look for: memory sizes and the number of CPUs. */
static void fill_cmos(struct rtc *r, const struct machine *m)
{
	uint64_t low = ram_low_end(&m->ram), high = ram_high_size(&m->ram);
	uint64_t extended_kb = low > (1 << 20) ? (low - (1 << 20)) >> 10 : 0;

	put16(r, 0x15, 640);
	put16(r, 0x17, extended_kb);
	put16(r, 0x30, extended_kb);
	put16(r, 0x34, low > (16 << 20) ? (low - (16 << 20)) >> 16 : 0);
	r->ram[0x5b] = (uint8_t)(high >> 16);
	r->ram[0x5c] = (uint8_t)(high >> 24);
	r->ram[0x5d] = (uint8_t)(high >> 32);
	r->ram[0x5f] = (uint8_t)(m->config->vcpus - 1);
}

static int rtc_create(struct device *device, unsigned instance)
{
	struct rtc *r = (struct rtc *)device;
	int ret;

	(void)instance;
	r->a = 0x26;
	r->b = B_24H;
	r->updates_seen = guest_second(r);
	fill_cmos(r, device->machine);
	ret = device_claim(device, BUS_PORT, 0x70, 2, &rtc_ops);
	if (!ret)
		timer_init(&r->timer, device->machine->events, &device->lock, on_timer, r);
	return ret;
}

static void rtc_destroy(struct device *device)
{
	timer_remove(&((struct rtc *)device)->timer);
}

const struct device_class rtc_class = {
	.name = "rtc",
	.size = sizeof(struct rtc),
	.create = rtc_create,
	.destroy = rtc_destroy,
};
