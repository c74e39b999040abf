// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that call guests, with the calls of cpu/fpu.h in the orders that vcpu_run, the scheduler,
// uthread and trap make them: at random, from a seed, on one CPU and on two. A model says what
// each has in its registers, and who may be in a CPU at all.
#include "cpu/cpu.h"
#include "cpu/fpu.h"
#include "lib/string.h"
#include "thread/testlib.h"

#define AREA_SIZE 4096
#define CALLERS   5
#define GUESTS    3
#define CPUS_MAX  2
#define STEPS     20000
#define STAY      12 /* steps on a CPU, then those of the next */
#define SEED      0x5eed

#define MXCSR_INITIAL 0x1f80
#define FCW_INITIAL   0x37f
#define XMM0_OFFSET   160
#define BV_OFFSET     512
#define CR0_TS        8u

/* A check of the model: the run ends with the step. */
#define EXPECT(cond)                                              \
	do {                                                      \
		if (!(cond))                                      \
			selftest_fail(__FILE__, __LINE__, #cond); \
	} while (0)

/* What is in the registers: a number in each, which tells whose it is. */
struct values {
	uint64_t low[2]; /* XMM0, XMM15 */
	uint64_t wide;   /* four times in YMM7; with AVX */
	uint64_t x87;    /* ST0; 0: the stack is empty */
	uint32_t mxcsr;
	uint16_t fcw;
};

struct guest {
	struct fpu_state fpu;
	struct values v;
	bool busy;   /* somebody is in a call of it */
	bool closed; /* goes when nobody has it pinned */
};

struct caller {
	struct fpu_state fpu;
	struct values v;
	int cpu;
	struct guest *pin;
	struct guest *call; /* it is in a call of this one */
	bool no_fpu;        /* of that call: RUN_NO_FPU */
	bool known;         /* its vector registers: no call since it set them */
	uint32_t called; /* guests whose values they may be, if not: what is in memory may be old */
};

static char areas[CALLERS + GUESTS][AREA_SIZE] __aligned(64);
static struct caller callers[CALLERS];
static struct guest guests[GUESTS];
static struct caller *running[CPUS_MAX]; /* in a call, and awake */
static unsigned cpus;
static uint64_t state, numbers;

static unsigned random_below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 16) % n;
}

static bool one_in(unsigned n)
{
	return random_below(n) == 0;
}

static int here(void)
{
	return this_cpu_id().n;
}

/* ---- registers ---- */

static bool ts(void)
{
	uint64_t cr0;

	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	return cr0 & CR0_TS;
}

/* A guest has a CR0 of its own. */
static uint64_t guest_cr0(void)
{
	uint64_t cr0;

	__asm__ volatile("movq %%cr0, %0\n\tclts" : "=r"(cr0));
	return cr0;
}

static void host_cr0(uint64_t cr0)
{
	__asm__ volatile("movq %0, %%cr0" : : "r"(cr0));
}

static uint64_t xcr0_now(void)
{
	uint32_t lo, hi;

	if (!fpu_has_xsave())
		return fpu_host_xcr0();
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static bool avx_now(void)
{
	return xcr0_now() & XCR0_AVX;
}

static void set_registers(const struct values *v)
{
	uint64_t wide[4] = { v->wide, v->wide, v->wide, v->wide };

	if (avx_now())
		__asm__ volatile("vmovdqu (%0), %%ymm7" : : "r"(wide), "m"(wide));
	__asm__ volatile("movq %0, %%xmm0\n\tmovq %1, %%xmm15\n\tldmxcsr %2\n\tfninit\n\tfldcw %3"
			 :
			 : "r"(v->low[0]), "r"(v->low[1]), "m"(v->mxcsr), "m"(v->fcw));
	if (v->x87)
		__asm__ volatile("fildll %0" : : "m"(v->x87));
}

static void get_wide(uint64_t w[4])
{
	__asm__ volatile("vmovdqu %%ymm7, (%0)" : : "r"(w) : "memory");
}

static uint64_t wide_now(void)
{
	uint64_t w[4];

	get_wide(w);
	return w[0] == w[1] && w[0] == w[2] && w[0] == w[3] ? w[0] : ~0ull;
}

static uint64_t x87_now(void)
{
	uint16_t env[14];
	uint64_t st0;

	__asm__ volatile("fnstenv %0\n\tfldenv %0" : "+m"(env));
	if (env[4] == 0xffff)
		return 0;
	__asm__ volatile("fistpll %0\n\tfildll %0" : "=m"(st0));
	return st0;
}

static void get_control(struct values *v)
{
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(v->mxcsr), "=m"(v->fcw));
}

static void get_vectors(struct values *v)
{
	__asm__ volatile("movq %%xmm0, %0\n\tmovq %%xmm15, %1" : "=r"(v->low[0]), "=r"(v->low[1]));
	v->wide = avx_now() ? wide_now() : 0;
}

/* Numbers that no other state has ever had. */
static uint64_t number_of(unsigned owner)
{
	return (uint64_t)(owner + 1) << 48 | ++numbers;
}

static void draw(struct values *v, unsigned owner)
{
	*v = (struct values){
		.wide = number_of(owner),
		.mxcsr = MXCSR_INITIAL | random_below(4) << 13,
		.fcw = (uint16_t)(FCW_INITIAL | random_below(4) << 10),
	};
	v->low[0] = number_of(owner);
	v->low[1] = number_of(owner);
}

static const struct values initial = { .mxcsr = MXCSR_INITIAL, .fcw = FCW_INITIAL };

/* ---- guests ---- */

static unsigned guest_number(const struct guest *g)
{
	return (unsigned)(g - guests);
}

static void init_guest(struct guest *g)
{
	*g = (struct guest){ .v = initial };
	fpu_state_init(&g->fpu, areas[CALLERS + guest_number(g)]);
	fpu_set_xcr0(&g->fpu, XCR0_X87);
}

/* Of a state that has another, the host's is taken when it is loaded. */
static uint64_t some_xcr0(void)
{
	const uint64_t some[] = { XCR0_X87, XCR0_X87 | XCR0_SSE, fpu_host_xcr0(), 0, XCR0_SSE };

	return some[random_below(one_in(8) ? 5 : 3)];
}

static uint64_t in_force(uint64_t xcr0)
{
	return fpu_has_xsave() && fpu_xcr0_valid(xcr0) ? xcr0 : fpu_host_xcr0();
}

static void check_guest(const struct guest *g)
{
	struct values now;

	get_vectors(&now);
	get_control(&now);
	EXPECT(now.low[0] == g->v.low[0] && now.low[1] == g->v.low[1]);
	EXPECT(!avx_now() || now.wide == g->v.wide);
	EXPECT(now.mxcsr == g->v.mxcsr && now.fcw == g->v.fcw);
	EXPECT(x87_now() == g->v.x87);
}

static void change_guest(struct guest *g)
{
	uint64_t wide = g->v.wide;

	draw(&g->v, CALLERS + guest_number(g));
	g->v.x87 = one_in(2) ? g->v.low[0] : 0;
	if (!avx_now())
		g->v.wide = wide;
	set_registers(&g->v);
}

/* As a guest does it where nothing intercepts. */
static void xsetbv(uint64_t xcr0)
{
	if (fpu_has_xsave() && fpu_xcr0_valid(xcr0))
		__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)xcr0), "d"(0));
}

/* Entry, guest, exit. */
static void run_guest(struct guest *g)
{
	uint64_t cr0;

	fpu_load(&g->fpu);
	EXPECT(xcr0_now() == in_force(g->fpu.xcr0));
	cr0 = guest_cr0();
	check_guest(g);
	if (!one_in(4))
		change_guest(g);
	if (one_in(8))
		xsetbv(some_xcr0());
	host_cr0(cr0);
	fpu_read_xcr0(&g->fpu);
	if (one_in(8))
		fpu_set_xcr0(&g->fpu, some_xcr0());
}

/* ---- callers ---- */

static unsigned caller_number(const struct caller *c)
{
	return (unsigned)(c - callers);
}

static void init_caller(struct caller *c, int cpu)
{
	*c = (struct caller){ .v = initial, .cpu = cpu, .known = true };
	fpu_state_init(&c->fpu, areas[caller_number(c)]);
}

/* Its own, or of a guest that it has called: nobody else's. */
static bool may_have(const struct caller *c, uint64_t number)
{
	unsigned owner = (unsigned)(number >> 48);

	if (!owner || owner - 1 == caller_number(c))
		return true;
	return owner > CALLERS && (c->called >> (owner - 1 - CALLERS) & 1);
}

/* The halves may be of two moments: a CPU need not save both. */
static bool may_have_wide(const struct caller *c)
{
	uint64_t w[4] = { 0 };

	if (avx_now())
		get_wide(w);
	return may_have(c, w[0]) && may_have(c, w[1]) && may_have(c, w[2]) && may_have(c, w[3]);
}

static void check_caller(const struct caller *c)
{
	struct values now;

	get_vectors(&now);
	get_control(&now);
	EXPECT(xcr0_now() == fpu_host_xcr0());
	EXPECT(now.mxcsr == c->v.mxcsr);
	EXPECT(now.fcw == c->v.fcw);
	EXPECT(x87_now() == 0);
	EXPECT(may_have(c, now.low[0]) && may_have(c, now.low[1]) && may_have_wide(c));
	if (c->known)
		EXPECT(now.low[0] == c->v.low[0] && now.low[1] == c->v.low[1] &&
		       (!avx_now() || now.wide == c->v.wide));
}

/* In ring 3: #NM or #UD where its registers are lent. */
static void use_registers(struct caller *c)
{
	bool lent;

	fpu_load(&c->fpu);
	lent = ts();
	EXPECT(fpu_use(&c->fpu) == lent && !ts() && !fpu_use(&c->fpu));
	check_caller(c);
	draw(&c->v, caller_number(c));
	set_registers(&c->v);
	c->known = true;
}

static bool is_pinned(const struct guest *g)
{
	for (unsigned i = 0; i < CALLERS; i++) {
		if (callers[i].pin == g)
			return true;
	}
	return false;
}

/* The last reference goes. */
static void put_guest(struct guest *g)
{
	if (!g->closed || is_pinned(g))
		return;
	EXPECT(g->fpu.cpu < 0);
	init_guest(g);
}

static void close_guest(struct guest *g)
{
	g->closed = true;
	put_guest(g);
}

static void unpin(struct caller *c)
{
	struct guest *g = c->pin;

	fpu_release(&c->fpu);
	c->pin = NULL;
	if (g)
		put_guest(g);
}

static void end_caller(struct caller *c)
{
	unpin(c);
	fpu_release(&c->fpu);
	EXPECT(c->fpu.cpu == -1);
	init_caller(c, here());
}

/* The scheduler gives it to another CPU: it is ready, and not on its stack. */
static void move(struct caller *c)
{
	fpu_release(&c->fpu);
	c->cpu = (here() + 1) % (int)cpus;
}

/* ---- calls ---- */

/* System registers from the run page; false: refused, and the call is over. */
static bool take_run_page(struct guest *g)
{
	if (!one_in(6))
		return true;
	fpu_fetch(&g->fpu);
	fpu_set_xcr0(&g->fpu, some_xcr0());
	return one_in(2);
}

static void begin(struct caller *c, struct guest *g)
{
	if (c->pin != g || g->closed)
		unpin(c);
	if (g->closed || g->busy)
		return;
	c->pin = g;
	if (!take_run_page(g))
		return;
	c->call = g;
	c->no_fpu = !one_in(6);
	g->busy = true;
	running[here()] = c;
	if (!c->no_fpu) {
		fpu_fetch(&g->fpu);
		return;
	}
	c->known = false;
	c->called |= 1u << guest_number(g);
	fpu_begin_call(&c->fpu, &g->fpu);
}

static void end(struct caller *c)
{
	struct guest *g = c->call;

	if (!c->no_fpu)
		fpu_release(&g->fpu);
	else if (!one_in(3))
		fpu_end_call(&c->fpu, &g->fpu);
	else
		fpu_end_call_now(&c->fpu, &g->fpu);
	g->busy = false;
	c->call = NULL;
	running[here()] = NULL;
	if (one_in(16))
		end_caller(c);
	else if (!one_in(8))
		fpu_load(&c->fpu);
}

/* It halts, or makes way; then others run. */
static void sleep_in_call(struct caller *c)
{
	fpu_release(&c->call->fpu);
	EXPECT(c->call->fpu.cpu == -1);
	running[here()] = NULL;
	if (one_in(3))
		move(c);
}

static void go_on(struct caller *c)
{
	switch (random_below(8)) {
	case 0: sleep_in_call(c); break;
	case 1:
	case 2:
	case 3: end(c); break;
	default: run_guest(c->call);
	}
}

/* ---- a guest's state, by any thread ---- */

static void set_state(struct guest *g)
{
	char *area = g->fpu.area;

	if (one_in(2)) {
		g->v = initial;
		fpu_state_init(&g->fpu, area);
		fpu_set_xcr0(&g->fpu, XCR0_X87);
		return;
	}
	g->v.low[0] = number_of(CALLERS + guest_number(g));
	*(uint64_t *)(area + XMM0_OFFSET) = g->v.low[0];
	if (fpu_has_xsave() && !(*(uint64_t *)(area + BV_OFFSET) & XCR0_SSE))
		init_guest(g);
	fpu_set_xcr0(&g->fpu, some_xcr0());
}

static void look_at_state(struct guest *g)
{
	const char *area = g->fpu.area;
	bool is_initial;

	if (g->busy || g->closed)
		return;
	fpu_fetch(&g->fpu);
	fpu_release(&g->fpu);
	EXPECT(g->fpu.cpu == -1);
	is_initial = fpu_has_xsave() && !(*(const uint64_t *)(area + BV_OFFSET) & XCR0_SSE);
	EXPECT((is_initial ? 0 : *(const uint64_t *)(area + XMM0_OFFSET)) == g->v.low[0]);
	if (one_in(3))
		set_state(g);
}

/* ---- the run ---- */

static void in_ring3(struct caller *c)
{
	struct guest *g = &guests[random_below(GUESTS)];

	if (!one_in(6))
		fpu_load(&c->fpu);
	switch (random_below(20)) {
	case 0: end_caller(c); break;
	case 1: close_guest(g); break;
	case 2:
	case 3: look_at_state(g); break;
	case 4:
	case 5: move(c); break;
	case 6:
	case 7:
	case 8:
	case 9: use_registers(c); break;
	case 10:
	case 11: begin(c, g); break;
	default: begin(c, c->pin ? c->pin : g);
	}
}

static void step(void)
{
	struct caller *c = running[here()];

	if (c) {
		go_on(c);
		return;
	}
	c = &callers[random_below(CALLERS)];
	if (c->cpu != here())
		return;
	if (!c->call)
		in_ring3(c);
	else if (one_in(3))
		move(c);
	else
		running[here()] = c;
}

static bool is_callers(const struct guest *g, const struct fpu_state *lender)
{
	for (unsigned i = 0; i < CALLERS; i++) {
		if (lender == &callers[i].fpu)
			return callers[i].pin == g && !callers[i].call;
	}
	return false;
}

static void check_state(const struct fpu_state *s, const struct fpu_state *owner,
			const struct fpu_state *lender)
{
	EXPECT((s->cpu == here()) == (s == owner || s == lender));
}

/* Who is in this CPU, and may be. */
static void check_cpu(void)
{
	const struct fpu_state *owner, *lender;

	fpu_holders(&owner, &lender);
	EXPECT(ts() == (lender != NULL));
	EXPECT(!lender || (owner && owner != lender));
	EXPECT(!owner || xcr0_now() == in_force(owner->xcr0));
	for (unsigned i = 0; i < CALLERS; i++)
		check_state(&callers[i].fpu, owner, lender);
	for (unsigned i = 0; i < GUESTS; i++) {
		const struct guest *g = &guests[i];

		check_state(&g->fpu, owner, lender);
		/* One that is in no call is here in a loan, and its caller knows. */
		if (owner == &g->fpu && !g->busy)
			EXPECT(is_callers(g, lender));
	}
}

static void release_all(void)
{
	for (unsigned i = 0; i < CALLERS; i++) {
		if (callers[i].fpu.cpu == here())
			fpu_release(&callers[i].fpu);
	}
	for (unsigned i = 0; i < GUESTS; i++) {
		if (guests[i].fpu.cpu == here())
			fpu_release(&guests[i].fpu);
	}
}

static void begin_run(void)
{
	state = SEED;
	numbers = 0;
	memset(running, 0, sizeof(running));
	for (unsigned i = 0; i < CALLERS; i++)
		init_caller(&callers[i], (int)(i % cpus));
	for (unsigned i = 0; i < GUESTS; i++)
		init_guest(&guests[i]);
}

static void run(void *arg)
{
	unsigned n = 0;

	(void)arg;
	begin_run();
	for (; n < STEPS && !selftest_failed; n++) {
		if (n % STAY == 0)
			thread_move(CPU_ID(n / STAY % cpus));
		step();
		check_cpu();
	}
	if (selftest_failed)
		log_error("fpu: step %u of seed %#x, CPU %d", n - 1, SEED, here());
	for (unsigned i = 0; i < cpus; i++) {
		thread_move(CPU_ID(i));
		release_all();
	}
}

static void run_on(unsigned n)
{
	uint64_t start = time_now();

	cpus = n;
	test_end(test_start("fpu random", run, NULL, CPU_ID(0), false));
	log_info("fpu: %u random steps from seed %#x on %u CPUs, %llu us", STEPS, SEED, n,
		 (unsigned long long)((time_now() - start) / 1000));
}

SELFTEST(fpu_random_on_one_cpu)
{
	run_on(1);
}

SELFTEST(fpu_random_on_two_cpus)
{
	if (cpu_count() >= CPUS_MAX)
		run_on(CPUS_MAX);
}
