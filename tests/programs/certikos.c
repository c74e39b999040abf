// SPDX-License-Identifier: GPL-2.0-or-later
// The system-call layer of mC2, primitive by primitive: a line `certikos: NAME ok` for each row of
// the table (tests/certikos.py) that works, `certikos: NAME FAILED: what` for one that does not.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/strata.h"

#define MS        1000000ll
#define GUEST_RAM 0x10000ul
#define CODE      0x1000
#define HANDLER   0x1100
#define VECTOR    0x20

static const char *why;
static volatile int *volatile nowhere = (int *)16;

#define CHECK(cond)                  \
	do {                         \
		if (!(cond)) {       \
			why = #cond; \
			return;      \
		}                    \
	} while (0)

static long call(long nr, long a, long b, long c)
{
	long rc = syscall(nr, a, b, c);

	return rc == -1 ? -errno : rc;
}

/* ---- threads ---- */

static volatile long sleeper_tid, sleeper_result = 1;

static void *sleeper(void *forever)
{
	__atomic_store_n(&sleeper_tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	__atomic_store_n(&sleeper_result, call(SYS_THREAD_SLEEP, -1, 0, 0), __ATOMIC_RELEASE);
	while (forever)
		sched_yield();
	return NULL;
}

static pthread_t start_sleeper(void *forever)
{
	pthread_t t;

	sleeper_tid = 0;
	sleeper_result = 1;
	pthread_create(&t, NULL, sleeper, forever);
	while (!__atomic_load_n(&sleeper_tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return t;
}

static void test_sleep(void)
{
	CHECK(call(SYS_THREAD_SLEEP, MS, 0, 0) == -ETIMEDOUT);
}

/* A wakeup that comes before the sleep forestalls it. */
static void test_wakeup(void)
{
	pthread_t t = start_sleeper(NULL);

	CHECK(call(SYS_THREAD_WAKEUP, sleeper_tid, 0, 0) == 0);
	pthread_join(t, NULL);
	CHECK(sleeper_result == 0);
	CHECK(call(SYS_THREAD_WAKEUP, 999999, 0, 0) == -ESRCH);
}

static void test_kill(void)
{
	pthread_t t = start_sleeper((void *)1);

	CHECK(call(SYS_THREAD_KILL, sleeper_tid, 0, 0) == 0);
	/* Its end clears its tid, which a join waits for. */
	pthread_join(t, NULL);
	CHECK(call(SYS_THREAD_KILL, 999999, 0, 0) == -ESRCH);
}

static void test_yield(void)
{
	CHECK(sched_yield() == 0);
}

/* Own memory as it is and is not. */
static void test_query(void)
{
	struct as_query q;
	int on_stack;

	CHECK(call(SYS_AS_QUERY, (long)&on_stack, (long)&q, 0) == 0);
	CHECK(q.page_size == 4096 && q.rights == (AS_READ | AS_WRITE));
	CHECK(call(SYS_AS_QUERY, (long)test_query, (long)&q, 0) == 0);
	CHECK(q.rights == (AS_READ | AS_EXEC));
	CHECK(call(SYS_AS_QUERY, 0, (long)&q, 0) == 0 && q.page_size == 0);
}

/* Reads where a sleeping thread is, and has it return something else. */
static void test_context(void)
{
	struct thread_context c;
	pthread_t t = start_sleeper(NULL);
	long rc;

	while ((rc = call(SYS_THREAD_GET_CONTEXT, sleeper_tid, (long)&c, 0)) == -EBUSY)
		sched_yield();
	CHECK(rc == 0 && c.rip != 0 && c.rsp != 0);
	CHECK(call(SYS_THREAD_SET_CONTEXT, sleeper_tid, (long)&c, 0) == 0);
	CHECK(call(SYS_THREAD_WAKEUP, sleeper_tid, 0, 0) == 0);
	pthread_join(t, NULL);
	c.rip = UINT64_MAX;
	CHECK(call(SYS_THREAD_SET_CONTEXT, syscall(SYS_gettid), (long)&c, 0) == -EINVAL);
}

/* ---- memory and identity ---- */

static uint64_t used(void)
{
	struct self_info s;

	return call(SYS_SELF, (long)&s, 0, 0) == 0 ? s.container_used : 0;
}

static void test_memory(void)
{
	size_t size = 1u << 20;
	uint64_t before = used();
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 1, size);
	CHECK(used() >= before + size);
	CHECK(munmap(p, size) == 0);
	CHECK(used() < before + size);
}

static void test_identity(void)
{
	struct self_info s;
	unsigned cpu = ~0u;

	CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && cpu < 16);
	CHECK(call(SYS_SELF, (long)&s, 0, 0) == 0);
	CHECK(s.pid == (uint64_t)getpid() && s.container_id != 0 && s.container_limit != 0);
}

/* ---- channels ---- */

static long send_text(int fd, const char *text, uint32_t flags)
{
	struct chan_msg m = { .buf = (uintptr_t)text,
			      .len = (uint32_t)strlen(text),
			      .flags = flags,
			      .timeout_ns = -1 };

	return call(SYS_CHAN_SEND, fd, (long)&m, 0);
}

static long receive(int fd, char *buf, uint32_t room, uint32_t flags)
{
	struct chan_msg m = {
		.buf = (uintptr_t)buf, .len = room, .flags = flags, .timeout_ns = -1
	};

	return call(SYS_CHAN_RECV, fd, (long)&m, 0);
}

static int32_t ends[2];

/* The sender goes on before anybody has received. */
static void test_asynchronous(void)
{
	char buf[8];

	CHECK(call(SYS_CHAN_CREATE, (long)ends, 2, 0) == 0);
	CHECK(send_text(ends[0], "one", 0) == 0 && send_text(ends[0], "two", 0) == 0);
	CHECK(send_text(ends[0], "three", CHAN_NOWAIT) == -EAGAIN);
	CHECK(call(SYS_CHAN_CHECK, ends[1], 0, 0) == 2);
	CHECK(receive(ends[1], buf, sizeof(buf), 0) == 3 && memcmp(buf, "one", 3) == 0);
	CHECK(receive(ends[1], buf, sizeof(buf), 0) == 3 && memcmp(buf, "two", 3) == 0);
	CHECK(receive(ends[1], buf, sizeof(buf), CHAN_NOWAIT) == -EAGAIN);
}

static void test_chan_wait(void)
{
	CHECK(call(SYS_CHAN_WAIT, ends[1], MS, 0) == -ETIMEDOUT);
	CHECK(send_text(ends[0], "x", 0) == 0);
	CHECK(call(SYS_CHAN_WAIT, ends[1], -1, 0) == 0);
	CHECK(call(SYS_CHAN_CHECK, ends[1], 0, 0) == 1);
}

static void *answer(void *arg)
{
	char buf[8];
	long n = receive(ends[1], buf, sizeof(buf) - 1, 0);

	(void)arg;
	buf[n > 0 ? n : 0] = '!';
	buf[n > 0 ? n + 1 : 1] = '\0';
	send_text(ends[1], buf, 0);
	return NULL;
}

/* The caller sleeps until its answer is there. */
static void test_synchronous(void)
{
	pthread_t t;
	char buf[8];

	CHECK(receive(ends[1], buf, sizeof(buf), 0) == 1);
	pthread_create(&t, NULL, answer, NULL);
	CHECK(send_text(ends[0], "hm", 0) == 0);
	CHECK(receive(ends[0], buf, sizeof(buf), 0) == 3 && memcmp(buf, "hm!", 3) == 0);
	pthread_join(t, NULL);
}

static long call_text(int fd, const char *text, char *answer, uint32_t room, int64_t timeout)
{
	struct chan_msg request = { .buf = (uintptr_t)text,
				    .len = (uint32_t)strlen(text),
				    .timeout_ns = timeout };
	struct chan_msg reply = { .buf = (uintptr_t)answer, .len = room };

	return call(SYS_CHAN_CALL, fd, (long)&request, (long)&reply);
}

/* Answers every request with what it asked, until a message comes that is none. */
static void *serve(void *arg)
{
	struct chan_msg m;
	char buf[8];

	(void)arg;
	for (;;) {
		m = (struct chan_msg){ .buf = (uintptr_t)buf,
				       .len = sizeof(buf),
				       .timeout_ns = -1 };
		if (call(SYS_CHAN_RECV, ends[1], (long)&m, 0) < 0 || m.call == 0)
			return NULL;
		call(SYS_CHAN_SEND, ends[1], (long)&m, 0);
	}
}

/* A call gets the answer to itself, past what waits, or none in time. */
static void test_call(void)
{
	struct chan_msg bad = { .flags = CHAN_NOWAIT, .timeout_ns = -1 };
	pthread_t t;
	char buf[8];

	CHECK(call(SYS_CHAN_CALL, ends[0], (long)&bad, (long)&bad) == -EINVAL);
	CHECK(call(SYS_CHAN_CALL, 99, (long)&bad, (long)&bad) != 0);
	CHECK(call_text(ends[0], "hm", buf, sizeof(buf), MS) == -ETIMEDOUT);
	CHECK(receive(ends[1], buf, sizeof(buf), 0) == 2);
	pthread_create(&t, NULL, serve, NULL);
	CHECK(call_text(ends[0], "one", buf, sizeof(buf), -1) == 3 && memcmp(buf, "one", 3) == 0);
	CHECK(send_text(ends[1], "between", 0) == 0);
	CHECK(call_text(ends[0], "two", buf, sizeof(buf), -1) == 3 && memcmp(buf, "two", 3) == 0);
	CHECK(receive(ends[0], buf, sizeof(buf), 0) == 7);
	CHECK(send_text(ends[0], "end", 0) == 0);
	pthread_join(t, NULL);
}

/* ---- processes ---- */

static long run_self(const char *word, struct proc_info *info)
{
	const char *argv[] = { "certikos", word, NULL }, *envp[] = { NULL };
	struct proc_spawn s = { .path = (uintptr_t) "/bin/certikos",
				.argv = (uintptr_t)argv,
				.envp = (uintptr_t)envp,
				.nr_fds = 3,
				.fds = { 0, 1, 2 },
				.name = "child" };
	long fd = call(SYS_PROC_SPAWN, (long)&s, 0, 0);

	do {
		if (fd < 0 || call(SYS_PROC_INFO, fd, (long)info, 0) != 0)
			return -1;
		sched_yield();
	} while (info->end == PROC_RUNNING);
	return close((int)fd);
}

static void test_spawn(void)
{
	struct proc_info info;

	CHECK(run_self("child", &info) == 0);
	CHECK(info.end == PROC_EXITED && info.exit_code == 7);
}

/* Pages come when they are touched; a touch of nothing ends the program alone. */
static void test_fault(void)
{
	size_t size = 64u << 20;
	uint64_t before = used();
	volatile char *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct proc_info info;

	CHECK((void *)p != MAP_FAILED && used() < before + size / 2);
	p[size / 2] = 1;
	CHECK(p[size / 2] == 1 && p[0] == 0);
	munmap((void *)p, size);
	CHECK(run_self("fault", &info) == 0);
	CHECK(info.end == PROC_FAULTED && info.exit_code == SIGSEGV && info.fault_address == 16);
}

/* ---- a virtual machine ---- */

static int vm = -1, memory = -1, vcpu = -1;
static uint8_t *ram;
static volatile struct vcpu_run *run;
static struct vcpu_state state;

static const uint8_t code[] = {
	0xb0, 0x5a, /* mov al, 5a */
	0xe6, 0x80, /* out 80, al */
	0xe4, 0x71, /* in al, 71 */
	0xe6, 0x80, /* out 80, al */
	0xfb,       /* sti */
	0x90,       /* nop */
	0xeb, 0xfe, /* jmp to itself */
};
static const uint8_t handler[] = {
	0xb0, 0x77, /* mov al, 77 */
	0xe6, 0x80, /* out 80, al */
	0xcf,       /* iret */
};

static void test_vm_create(void)
{
	struct vm_create v = { .name = "certikos", .nr_vcpus_max = 1 };

	vm = (int)call(SYS_VM_CREATE, (long)&v, 0, 0);
	CHECK(vm >= 0);
	vcpu = (int)call(SYS_VCPU_CREATE, vm, 0, 0);
	CHECK(vcpu >= 0);
	run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	CHECK((void *)run != MAP_FAILED);
}

static void test_vm_map(void)
{
	struct vm_map m = { .vm_fd = vm,
			    .size = GUEST_RAM,
			    .rights = AS_READ | AS_WRITE | AS_EXEC };

	memory = (int)call(SYS_MOBJ_CREATE, GUEST_RAM, MOBJ_GUEST, 0);
	CHECK(memory >= 0);
	ram = mmap(NULL, GUEST_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	CHECK((void *)ram != MAP_FAILED);
	m.mobj_fd = memory;
	CHECK(call(SYS_VM_MAP, (long)&m, 0, 0) == 0);
	CHECK(call(SYS_VM_UNMAP, vm, 0, GUEST_RAM) == 0);
	CHECK(call(SYS_VM_MAP, (long)&m, 0, 0) == 0);
	memcpy(ram + CODE, code, sizeof(code));
	memcpy(ram + HANDLER, handler, sizeof(handler));
	memcpy(ram + VECTOR * 4, (uint16_t[]){ HANDLER, 0 }, 4);
}

static void test_state(void)
{
	CHECK(call(SYS_VCPU_GET_STATE, vcpu, (long)&state, 0) == 0);
	state.regs.rip = CODE;
	state.regs.gpr[GPR_RSP] = 0x8000;
	state.sregs.seg[SEG_CS].base = 0;
	state.sregs.seg[SEG_CS].selector = 0;
	state.valid = VCPU_STATE_REGS | VCPU_STATE_SREGS;
	CHECK(call(SYS_VCPU_SET_STATE, vcpu, (long)&state, 0) == 0);
	memset(&state.regs, 0, sizeof(state.regs));
	CHECK(call(SYS_VCPU_GET_STATE, vcpu, (long)&state, 0) == 0);
	CHECK(state.regs.rip == CODE && state.sregs.seg[SEG_CS].base == 0);
}

static void test_run(void)
{
	CHECK(call(SYS_VCPU_RUN, vcpu, 0, 0) == 0);
	CHECK(run->exit_reason == VCPU_EXIT_IO);
}

static void test_exit_fields(void)
{
	CHECK(run->io.port == 0x80 && run->io.size == 1 && run->io.write == 1);
	CHECK((run->io.data & 0xff) == 0x5a && run->io.rep == 0 && run->io.string == 0);
	CHECK(run->regs.rip == CODE + 2 && run->io.next_rip == CODE + 4);
	CHECK(call(SYS_VCPU_RUN, vcpu, 0, 0) == 0 && run->exit_reason == VCPU_EXIT_IO);
	CHECK(run->io.port == 0x71 && run->io.write == 0);
	run->io.data = 0x42;
	CHECK(call(SYS_VCPU_RUN, vcpu, 0, 0) == 0 && run->exit_reason == VCPU_EXIT_IO);
	CHECK(run->io.port == 0x80 && (run->io.data & 0xff) == 0x42);
}

/* The guest's interrupts are off still. */
static void test_pending(void)
{
	CHECK(run->ready_for_irq == 0 && run->cpl == 0);
}

static void test_window(void)
{
	run->request_irq_window = 1;
	CHECK(call(SYS_VCPU_RUN, vcpu, 0, 0) == 0);
	run->request_irq_window = 0;
	CHECK(run->exit_reason == VCPU_EXIT_IRQ_WINDOW && run->ready_for_irq == 1);
}

static void test_inject(void)
{
	const struct vcpu_event e = { .vector = VECTOR, .type = EVENT_INTR };

	CHECK(call(SYS_VCPU_INJECT, vcpu, (long)&e, 0) == 0);
	CHECK(call(SYS_VCPU_RUN, vcpu, 0, 0) == 0 && run->exit_reason == VCPU_EXIT_IO);
	CHECK((run->io.data & 0xff) == 0x77 && run->regs.rip == HANDLER + 2);
}

static void test_sync(void)
{
	run->regs.gpr[GPR_RBX] = 0x1234;
	run->dirty = RUN_REGS_DIRTY;
	CHECK(call(SYS_VCPU_SYNC, vcpu, 0, 0) == 0);
	CHECK(call(SYS_VCPU_GET_STATE, vcpu, (long)&state, 0) == 0);
	CHECK(state.regs.gpr[GPR_RBX] == 0x1234);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "thread_sleep", test_sleep },
	{ "thread_wakeup", test_wakeup },
	{ "thread_kill", test_kill },
	{ "sched_yield", test_yield },
	{ "as_query", test_query },
	{ "thread_context", test_context },
	{ "mmap", test_memory },
	{ "self", test_identity },
	{ "chan_asynchronous", test_asynchronous },
	{ "chan_wait", test_chan_wait },
	{ "chan_synchronous", test_synchronous },
	{ "chan_call", test_call },
	{ "proc_spawn", test_spawn },
	{ "page_fault", test_fault },
	{ "vm_create", test_vm_create },
	{ "vm_map", test_vm_map },
	{ "vcpu_state", test_state },
	{ "vcpu_run", test_run },
	{ "run_page_exit", test_exit_fields },
	{ "run_page_pending", test_pending },
	{ "run_page_window", test_window },
	{ "vcpu_inject", test_inject },
	{ "vcpu_sync", test_sync },
};

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc == 2 && strcmp(argv[1], "child") == 0)
		return 7;
	if (argc == 2 && strcmp(argv[1], "fault") == 0)
		*nowhere = 1;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		why = NULL;
		tests[i].run();
		if (why)
			printf("certikos: %s FAILED: %s\n", tests[i].name, why);
		else
			printf("certikos: %s ok\n", tests[i].name);
		fflush(stdout);
		failed += why != NULL;
	}
	return failed != 0;
}
