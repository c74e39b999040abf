// SPDX-License-Identifier: GPL-2.0-or-later
// Threads of glibc as they come: mutexes, condition variables, barriers, thread-local storage,
// timed waits, memory that is taken in one thread and freed in another. Prints `threads: ok` or
// what broke.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS  2000

static int failures;

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			printf("threads: line %d: %s\n", __LINE__, #cond);  \
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED); \
		}                                                           \
	} while (0)

static void run(void *(*fn)(void *), void *results[THREADS])
{
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, fn, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], results != NULL ? &results[i] : NULL) == 0);
}

/* ---- mutual exclusion ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long counter, inside;

static void *count(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		CHECK(++inside == 1);
		counter = counter + 1;
		if (i % 64 == 0)
			sched_yield();
		inside--;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void test_mutex(void)
{
	void *results[THREADS];

	run(count, results);
	CHECK(counter == (long)THREADS * ROUNDS);
	for (long i = 0; i < THREADS; i++)
		CHECK(results[i] == (void *)i);
}

/* ---- a token that goes round ---- */

static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static long token;

static void *pass(void *arg)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 100; i++) {
		while (token % THREADS != (long)arg)
			pthread_cond_wait(&turn, &lock);
		token++;
		pthread_cond_broadcast(&turn);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void test_condition(void)
{
	run(pass, NULL);
	CHECK(token == THREADS * 100);
}

/* ---- barrier, thread-local storage ---- */

static pthread_barrier_t barrier;
static __thread long own = 7;
static long arrived;

static void *meet(void *arg)
{
	CHECK(own == 7);
	own = (long)arg;
	for (int i = 1; i <= 50; i++) {
		__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
		CHECK(__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) == (long)i * THREADS);
		pthread_barrier_wait(&barrier);
	}
	CHECK(own == (long)arg);
	return NULL;
}

static void test_barrier(void)
{
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	run(meet, NULL);
	CHECK(own == 7);
}

/* ---- time ---- */

static long ms_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

static void test_time(void)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK(usleep(20000) == 0);
	CHECK(ms_since(&start) >= 20);

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 30000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	pthread_mutex_lock(&lock);
	CHECK(pthread_cond_timedwait(&turn, &lock, &end) == ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	CHECK(ms_since(&start) >= 29);
}

/* ---- memory and floating point across switches ---- */

static void *box[THREADS];

static void *churn(void *arg)
{
	double sum = 0, step = 1.0 / (1 + (long)arg);

	for (int i = 0; i < 300; i++) {
		size_t size = (size_t)(i * 977 % 40000) + 8;
		unsigned char *p = malloc(size);
		void *old;

		CHECK(p != NULL);
		if (p == NULL)
			return NULL;
		memset(p, i, size);
		old = __atomic_exchange_n(&box[i % THREADS], p, __ATOMIC_ACQ_REL);
		free(old);
		sum += step;
		if (i % 16 == 0)
			sched_yield();
	}
	CHECK(sum > 299.9 * step && sum < 300.1 * step);
	return NULL;
}

static void test_memory(void)
{
	unsigned char *p = malloc(1 << 20);

	run(churn, NULL);
	for (int i = 0; i < THREADS; i++)
		free(box[i]);
	CHECK(p != NULL);
	memset(p, 0x5a, 1 << 20);
	p = realloc(p, 9 << 20);
	CHECK(p != NULL && p[0] == 0x5a && p[(1 << 20) - 1] == 0x5a && p[(9 << 20) - 1] == 0);
	free(p);
}

/* Many that come and go: stacks are given back. */
static void *nothing(void *arg)
{
	return arg;
}

static void test_many(void)
{
	for (int i = 0; i < 40; i++)
		run(nothing, NULL);
}

int main(void)
{
	test_mutex();
	test_condition();
	test_barrier();
	test_time();
	test_memory();
	test_many();
	printf(failures == 0 ? "threads: ok\n" : "threads: %d failures\n", failures);
	return failures != 0;
}
