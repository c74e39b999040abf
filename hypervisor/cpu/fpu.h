/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPU/SSE/AVX state. The kernel uses none. Each CPU knows whose state its registers hold (the
 * owner); state is saved only when another's is loaded. A state is loaded on a CPU at most:
 * fpu_release() before it moves to another CPU or is freed.
 *
 * XCR0 is part of a state: a guest may choose its own. Whatever it is, all features that the host
 * enables are saved and restored. Nothing that a program or guest puts into a state makes the host
 * fault: what the CPU refuses is replaced by the initial state, or by the host's XCR0.
 *
 * Any context with interrupts off; a state's functions on the CPU that may run it.
 */
#pragma once

#include "lib/types.h"

/* Locks: [o] the CPU in `cpu` while loaded, else the thread or vCPU that owns it. */
struct fpu_state {
	void *area;     /* [o] fpu_area_size() bytes, 64-byte aligned, XSAVE standard format */
	uint64_t xcr0;  /* [o] value to run with; features of a guest's choice. Of one that is
			   loaded it is the CPU's: fpu_set_xcr0() */
	int32_t cpu;    /* [o] CPU whose registers hold it, or will at its first use (fpu_use());
			   -1: in memory. Others may read it */
	uint32_t eager; /* [o] so many ends of calls give the registers back at once */
};

/* Bits of XCR0. */
#define XCR0_X87     (1ull << 0)
#define XCR0_SSE     (1ull << 1)
#define XCR0_AVX     (1ull << 2)
#define XCR0_AVX_512 (7ull << 5)

void fpu_init_cpu(void); /* each CPU, by cpu_init_*: CR4, XCR0 */

bool fpu_has_xsave(void);     /* false: FXSAVE's 512 bytes are all, and there is no XCR0 */
size_t fpu_area_size(void);   /* for all features the host enables; at least 576 */
uint64_t fpu_host_xcr0(void); /* features that the CPU has and we enable (x87, SSE, AVX, AVX-512
				 when whole) */
bool fpu_xcr0_valid(uint64_t xcr0); /* may a guest set it? Features of the host's, in whole sets */
void fpu_state_init(struct fpu_state *s, void *area); /* area from the caller, whose it stays;
							 initial state FCW 0x37f, MXCSR 0x1f80 */

/* Makes the registers hold *s: saves the former owner's, restores this. Cheap when it is there
 * already. */
void fpu_load_saved(struct fpu_state *s);
static inline void fpu_load(struct fpu_state *s)
{
	if (unlikely(s->cpu < 0))
		fpu_load_saved(s);
}

/* Another XCR0, at once if *s is loaded, which is on this CPU alone. One that is not valid becomes
 * the host's. Without XSAVE: nothing. */
void fpu_set_xcr0(struct fpu_state *s, uint64_t xcr0);

/* After a guest ran that may set XCR0 without our seeing it: reads XCR0 back into *s, which is
 * loaded. */
void fpu_read_xcr0(struct fpu_state *s);

/* Saves *s to memory if this CPU holds it and forgets it. Where a callee's are in the registers in
 * place of *s, that is saved. */
void fpu_release(struct fpu_state *s);

/* The same on whichever CPU holds it: for a state that nobody loads meanwhile, in thread context
 * with no lock held. Nothing is done if this CPU holds it. */
void fpu_fetch_remote(struct fpu_state *s);
static inline void fpu_fetch(struct fpu_state *s)
{
	if (unlikely(__atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE) >= 0))
		fpu_fetch_remote(s);
}

/*
 * A system call that runs a guest may be one that preserves of its caller's registers what a
 * function does (System V ABI: MXCSR's control bits and the x87 control word): the caller's state
 * need not be saved and restored then, only the guest's. fpu_begin_call() notes those of *s and
 * loads *callee; what is in memory of *s is old but for them.
 *
 * fpu_end_call() leaves the registers and XCR0 as they are and sets CR0.TS: they stay the callee's
 * until the caller uses one, and the next fpu_begin_call() with the same two costs nothing if it
 * does not. The use raises #NM, or #UD where XCR0 lacks its feature, and fpu_use() is the answer:
 * it saves *callee and makes the registers those of *s, with the values that *callee left, so this
 * is only for a caller that may see these. fpu_end_call_now() does so at once: for a caller that is
 * about to use them. Where *callee is not loaded any more nothing happens, and the next fpu_load()
 * brings back the old ones.
 *
 * As long as *callee may be in the registers, *s must not go away, nor *callee before
 * fpu_release() or fpu_fetch().
 */
void fpu_begin_call_slowly(struct fpu_state *s, struct fpu_state *callee);
static inline void fpu_begin_call(struct fpu_state *s, struct fpu_state *callee)
{
	/* Two states are on a CPU only while the second stands in for the first. */
	if (unlikely(s->cpu < 0 || s->cpu != callee->cpu))
		fpu_begin_call_slowly(s, callee);
}

void fpu_end_call_slowly(struct fpu_state *s, struct fpu_state *callee);
static inline void fpu_end_call(struct fpu_state *s, struct fpu_state *callee)
{
	/* In a call that is so only of one whose registers the callee has had since the last. */
	if (unlikely(s->cpu < 0))
		fpu_end_call_slowly(s, callee);
}
void fpu_end_call_now(struct fpu_state *s, struct fpu_state *callee);

/* Whether that is what an exception of ring 3 was for; then the instruction can be tried again. */
bool fpu_use(struct fpu_state *s);

/* For self-tests: whose registers this CPU holds, and in whose place; NULL: nobody's. */
void fpu_holders(const struct fpu_state **owner, const struct fpu_state **lender);
