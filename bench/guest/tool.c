// SPDX-License-Identifier: GPL-2.0-or-later
// tool stream | random 4k | random 2m: sums of a memory area in order, in MB/s, or of words of it
// in random order, in ns for one, with small or huge pages; each prints `NAME VALUE`. tool now: the
// time in ns, for scripts that measure by two of them.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define AREA   (64ul << 20)
#define WORDS  (AREA / 8)
#define RANDOM 400000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static uint64_t *area(int advice)
{
	uint8_t *p =
		mmap(NULL, 2 * AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	p = (uint8_t *)(((uintptr_t)p + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
	madvise(p, AREA, advice);
	memset(p, 1, AREA);
	return (uint64_t *)p;
}

static void stream(void)
{
	volatile uint64_t *a = area(MADV_HUGEPAGE);
	uint64_t sum = 0, begin = now_ns();

	for (unsigned pass = 0; pass < 4; pass++) {
		for (size_t i = 0; i < WORDS; i++)
			sum += a[i];
	}
	printf("stream %.1f\n", 4.0 * AREA * 1000 / (double)(now_ns() - begin));
	if (sum == 1)
		puts("");
}

static void random_access(const char *name, int advice)
{
	volatile uint64_t *a = area(advice);
	uint64_t x = 88172645463325252ull, sum = 0, begin = now_ns();

	for (unsigned i = 0; i < RANDOM; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += a[x % WORDS];
	}
	printf("random-%s %.1f\n", name, (double)(now_ns() - begin) / RANDOM);
	if (sum == 1)
		puts("");
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "now"))
		printf("%llu\n", (unsigned long long)now_ns());
	else if (argc == 2 && !strcmp(argv[1], "stream"))
		stream();
	else if (argc == 3 && !strcmp(argv[1], "random"))
		random_access(argv[2], strcmp(argv[2], "2m") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	else
		return 2;
	return 0;
}
