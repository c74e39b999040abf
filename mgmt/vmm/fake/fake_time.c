// SPDX-License-Identifier: GPL-2.0-or-later
// The timers of all devices are in one list; advancing stops at each that is due.

#include "vmm/fake/fake_time.h"

uint64_t fake_now = 1000000000;
int64_t fake_wall;
uint64_t fake_look;
static struct timer *timers;

uint64_t events_now(void)
{
	fake_now += fake_look;
	return fake_now;
}

int64_t events_wall_time(void)
{
	return (int64_t)fake_now + fake_wall;
}

void timer_init(struct timer *timer, struct events *events, struct mutex *lock,
		void (*fire)(void *), void *arg)
{
	*timer = (struct timer){ .events = events,
				 .lock = lock,
				 .fire = fire,
				 .arg = arg,
				 .next = timers,
				 .deadline = TIMER_NEVER };
	timers = timer;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
	timer->deadline = deadline;
}

void timer_stop(struct timer *timer)
{
	timer->deadline = TIMER_NEVER;
}

void timer_remove(struct timer *timer)
{
	for (struct timer **p = &timers; *p; p = &(*p)->next) {
		if (*p == timer) {
			*p = timer->next;
			return;
		}
	}
}

static struct timer *next_due(uint64_t until)
{
	struct timer *due = NULL;

	for (struct timer *t = timers; t; t = t->next) {
		if (t->deadline <= until && (!due || t->deadline < due->deadline))
			due = t;
	}
	return due;
}

void fake_time_advance(uint64_t ns)
{
	uint64_t until = fake_now + ns;
	struct timer *t;

	while ((t = next_due(until))) {
		if (t->deadline > fake_now)
			fake_now = t->deadline;
		t->deadline = TIMER_NEVER;
		mutex_lock(t->lock);
		t->fire(t->arg);
		mutex_unlock(t->lock);
	}
	fake_now = until;
}

void watch_add(struct events *events, struct watch *watch)
{
	watch->next = events->watches;
	events->watches = watch;
}

void watch_remove(struct events *events, struct watch *watch)
{
	for (struct watch **p = &events->watches; *p; p = &(*p)->next) {
		if (*p == watch) {
			*p = watch->next;
			return;
		}
	}
}
