// SPDX-License-Identifier: GPL-2.0-or-later
// ChaCha20 (RFC 8439, "The ChaCha20 Block Function") as a generator: each call takes blocks under
// the current key and then replaces the key with a block that is never given out. RDRAND, where
// there is one, and the TSC are mixed into the key at every call.
#include "proc/random.h"

#include "cpu/msr.h"
#include "cpu/time.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lock/lock.h"

static const struct lock_class random_class = { "random", LOCK_RANK_LEAF };

/* Locks: [l] lock */
static struct {
	struct lock lock;
	uint32_t key[8]; /* [l] */
	uint64_t blocks; /* [l] */
} pool = { .lock = LOCK_INIT(&random_class) };

static uint32_t rotate(uint32_t v, unsigned int n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t *s, int a, int b, int c, int d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

static void make_block(uint32_t out[16])
{
	uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	memcpy(start + 4, pool.key, sizeof(pool.key));
	start[12] = (uint32_t)pool.blocks;
	start[13] = (uint32_t)(pool.blocks >> 32);
	pool.blocks++;
	memcpy(out, start, sizeof(start));
	for (int i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		out[i] += start[i];
}

/* 0 when the CPU has no RDRAND or it gives nothing now. */
static uint64_t hardware_random(void)
{
	uint64_t v = 0;
	bool ok = false;

	if ((cpuid(1, 0).ecx & BIT(30)) == 0)
		return 0;
	for (int i = 0; i < 10 && !ok; i++)
		__asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(ok));
	return ok ? v : 0;
}

static void stir(void)
{
	uint64_t a = hardware_random(), b = time_tsc();

	pool.key[0] ^= (uint32_t)a;
	pool.key[1] ^= (uint32_t)(a >> 32);
	pool.key[2] ^= (uint32_t)b;
	pool.key[3] ^= (uint32_t)(b >> 32);
}

void random_bytes(void *buf, size_t len)
{
	uint32_t block[16];
	uint8_t *p = buf;

	lock_acquire(&pool.lock);
	stir();
	while (len != 0) {
		size_t n = MIN(len, sizeof(block));

		make_block(block);
		memcpy(p, block, n);
		p += n;
		len -= n;
	}
	make_block(block);
	memcpy(pool.key, block, sizeof(pool.key));
	lock_release(&pool.lock);
}
