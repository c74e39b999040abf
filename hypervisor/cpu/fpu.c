// SPDX-License-Identifier: GPL-2.0-or-later
// Lazy: registers stay their owner's until another's are loaded; a guest's also while its VMM is in
// ring 3, with CR0.TS set. Saving and restoring go over all features of the host, with XCR0 set to
// the host's meanwhile, so that a guest that has switched a feature off finds its registers again
// when it switches it on. AMD APM 2, "Saving Media and x87 Execution Unit State"; APM 4, "XSAVE".
#include "cpu/fpu.h"

#include "cpu/cpu.h"
#include "cpu/extable.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "lib/errno.h"
#include "lib/string.h"

#define CR0_TS         (1ull << 3)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_OSXSAVE    (1ull << 18)

#define CPUID_1_ECX_XSAVE      (1u << 26)
#define CPUID_D_1_EAX_XSAVEOPT (1u << 0)
#define CPUID_8_EBX_XSAVEERPTR (1u << 2)
#define CPUID_VENDOR_AMD_EBX   0x68747541u /* "Auth" of AuthenticAMD */
#define CPUID_VENDOR_HYGON_EBX 0x6f677948u /* "Hygo" of HygonGenuine */
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_HYPERVISOR       0x40000000u
#define CPUID_TCG_EBX          0x54474354u /* "TCGTCGTCGTCG" */
#define CPUID_TCG_ECX          0x43544743u
#define CPUID_TCG_EDX          0x47435447u
#define CPUID_EXT_MAX          0x80000000u
#define CPUID_EXT_SIZES        0x80000008u

#define FXSAVE_SIZE      512
#define XSAVE_MIN        576 /* with its header */
#define FCW_INITIAL      0x37f
#define MXCSR_INITIAL    0x1f80
#define FSW_ES           0x80u /* of its low byte: the summary of the exceptions there */
#define FCW_OFFSET       0
#define FSW_OFFSET       2
#define FTW_OFFSET       4
#define MXCSR_OFFSET     24
#define XSTATE_BV_OFFSET 512

/* What #NM costs is saved by about as many calls in which the caller uses no register. */
#define EAGER_CALLS 8

/* Immutable after the boot CPU's start. */
static struct {
	bool xsave, xsaveopt;
	bool leaks_pointers; /* FXRSTOR leaves x87's instruction and data pointers of the former
				owner */
	bool tcg_xsave;      /* QEMU's TCG, with XSAVE: load_for_tcg() */
	uint64_t xcr0;
	size_t size;
} features;

/* Locks: [o] owner CPU only */
struct fpu {
	struct fpu_state *owner; /* [o] whose registers these are; NULL: nobody's */
	struct fpu_state *lent;  /* [o] in whose place *owner is; NULL: nobody's, and CR0.TS is
				    clear */
	uint64_t xcr0;           /* [o] the CPU's */
	uint64_t valid_xcr0;     /* [o] one of which that is known */
};
DEFINE_CPU_PRIVATE(struct fpu, fpu);

/* ---- the machine ---- */

/* What we set has none of the upper half's bits: usable(). Without XSAVE all are alike, always. */
static void set_xcr0(struct fpu *f, uint64_t xcr0)
{
	if (f->xcr0 == xcr0)
		return;
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)xcr0), "d"(0) : "memory");
	f->xcr0 = xcr0;
}

static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

/* #NM at the next use in ring 3. The guest has a CR0 of its own. */
static void set_ts(void)
{
	uint64_t cr0;

	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_TS) : "memory");
}

/* The part of `offered` that is made of whole sets. */
static uint64_t usable(uint64_t offered)
{
	uint64_t xcr0 = XCR0_X87 | XCR0_SSE;

	if (offered & XCR0_AVX)
		xcr0 |= XCR0_AVX;
	if ((xcr0 & XCR0_AVX) && (offered & XCR0_AVX_512) == XCR0_AVX_512)
		xcr0 |= XCR0_AVX_512;
	return xcr0;
}

static uint64_t offered_here(void)
{
	struct cpuid d = cpuid(0xd, 0);

	return (uint64_t)d.edx << 32 | d.eax;
}

static bool amd_leaks_pointers(void)
{
	uint32_t vendor = cpuid(0, 0).ebx;

	if (vendor != CPUID_VENDOR_AMD_EBX && vendor != CPUID_VENDOR_HYGON_EBX)
		return false;
	return cpuid(CPUID_EXT_MAX, 0).eax < CPUID_EXT_SIZES ||
	       !(cpuid(CPUID_EXT_SIZES, 0).ebx & CPUID_8_EBX_XSAVEERPTR);
}

static bool is_tcg(void)
{
	struct cpuid h = cpuid(CPUID_HYPERVISOR, 0);

	return (cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) && h.ebx == CPUID_TCG_EBX &&
	       h.ecx == CPUID_TCG_ECX && h.edx == CPUID_TCG_EDX;
}

/*
 * QEMU's TCG takes CR4.OSXSAVE for a reserved bit where leaf 0xd has no extension (Opteron_G4 and
 * G5), and answers with a #VMEXIT to a host that is not there, for ever. Real CPUs of that kind
 * have XSAVE.
 */
static bool xsave_works(bool tcg)
{
	return !tcg || cpuid(0xd, 1).eax != 0;
}

static void choose_features(void)
{
	bool tcg = is_tcg();

	features.xsave = (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) && xsave_works(tcg);
	features.tcg_xsave = features.xsave && tcg;
	features.leaks_pointers = amd_leaks_pointers();
	features.xcr0 = XCR0_X87 | XCR0_SSE;
	features.size = XSAVE_MIN;
	if (!features.xsave)
		return;
	features.xcr0 = usable(offered_here());
	features.xsaveopt = cpuid(0xd, 1).eax & CPUID_D_1_EAX_XSAVEOPT;
}

void fpu_init_cpu(void)
{
	struct fpu *f = cpu_private(fpu);
	uint64_t cr4;

	if (!features.size)
		choose_features();
	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | (features.xsave ? CR4_OSXSAVE : 0);
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
	f->valid_xcr0 = features.xcr0;
	if (!features.xsave) {
		f->xcr0 = features.xcr0;
		return;
	}
	if (features.xcr0 & ~offered_here())
		fatal("CPU %u lacks FPU features of the boot CPU", this_cpu_id().n);
	set_xcr0(f, features.xcr0);
	/* EBX: bytes for what XCR0 enables now. */
	features.size = MAX((size_t)cpuid(0xd, 0).ebx, (size_t)XSAVE_MIN);
}

/* ---- states ---- */

bool fpu_has_xsave(void)
{
	return features.xsave;
}

size_t fpu_area_size(void)
{
	return features.size;
}

uint64_t fpu_host_xcr0(void)
{
	return features.xcr0;
}

bool fpu_xcr0_valid(uint64_t xcr0)
{
	/* APM 2, "XFEATURE_ENABLED_MASK Register (XCR0)": AVX needs SSE; x87 is always there. */
	if (!features.xsave || (xcr0 & ~features.xcr0) || !(xcr0 & XCR0_X87))
		return false;
	if ((xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE))
		return false;
	return !(xcr0 & XCR0_AVX_512) ||
	       ((xcr0 & XCR0_AVX_512) == XCR0_AVX_512 && (xcr0 & XCR0_AVX));
}

static void init_area(void *area)
{
	memset(area, 0, features.size);
	*(uint16_t *)((char *)area + FCW_OFFSET) = FCW_INITIAL;
	*(uint32_t *)((char *)area + MXCSR_OFFSET) = MXCSR_INITIAL;
}

void fpu_state_init(struct fpu_state *s, void *area)
{
	*s = (struct fpu_state){ .area = area, .xcr0 = features.xcr0, .cpu = -1 };
	init_area(area);
}

/* EAX and EDX: all that we enable. */
#define ALL_LO ((uint32_t)features.xcr0)
#define ALL_HI 0

/*
 * QEMU's TCG never intercepts XSETBV, and a guest that clears CR4.OSXSAVE behind one leaves us no
 * sign of it. Unseen, its XCR0 would be that of whoever is next, and decide what is saved.
 */
static __noinline void note_xcr0(struct fpu *f, struct fpu_state *s)
{
	f->xcr0 = s->xcr0 = read_xcr0();
}

static inline void save(struct fpu *f, struct fpu_state *s)
{
	if (features.tcg_xsave)
		note_xcr0(f, s);
	set_xcr0(f, features.xcr0);
	if (likely(features.xsaveopt))
		__asm__ volatile("xsaveopt64 (%0)"
				 :
				 : "r"(s->area), "a"(ALL_LO), "d"(ALL_HI)
				 : "memory");
	else if (features.xsave)
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(s->area), "a"(ALL_LO), "d"(ALL_HI)
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(s->area) : "memory");
	/* Another CPU may wait for that: fpu_fetch(). */
	__atomic_store_n(&s->cpu, -1, __ATOMIC_RELEASE);
}

/* False: the CPU refuses the area's contents. */
static inline bool xrstor(const void *area)
{
	__asm__ goto("1: xrstor64 (%0)\n\t" EXTABLE_TEXT("1b", "%l[refused]")
		     :
		     : "r"(area), "a"(ALL_LO), "d"(ALL_HI)
		     : "memory"
		     : refused);
	return true;
refused:
	return false;
}

static inline bool fxrstor(const void *area)
{
	__asm__ goto("1: fxrstor64 (%0)\n\t" EXTABLE_TEXT("1b", "%l[refused]")
		     :
		     : "r"(area)
		     : "memory"
		     : refused);
	return true;
refused:
	return false;
}

/* These AMD CPUs restore the pointers only with an exception pending: APM 4, "FXRSTOR". A load from
 * memory of ours sets them. */
static void hide_pointers(void)
{
	static const uint32_t zero;

	__asm__ volatile("fnclex\n\t"
			 "emms\n\t"
			 "fildl %0"
			 :
			 : "m"(zero));
}

/*
 * QEMU 7.2 answers each load of an x87 status word without ES with an unlocked read, change and
 * write of the boot CPU's flags, from whichever CPU (cpu_set_fpus, cpu_clear_ignne). Among these
 * are GIF and whether nested paging is on: a VMRUN or #VMEXIT of the boot CPU that comes between is
 * half undone, and host or guest is lost. So ES is loaded, and FNCLEX takes it back. A word with
 * exceptions, which FNCLEX would take as well, goes the dangerous way.
 */
static inline bool load_for_tcg(struct fpu_state *s)
{
	uint8_t *exceptions = (uint8_t *)s->area + FSW_OFFSET;
	bool loaded;

	if (unlikely(*exceptions))
		return xrstor(s->area);
	*exceptions = FSW_ES;
	loaded = xrstor(s->area);
	__asm__ volatile("fnclex");
	return loaded;
}

static inline bool load(struct fpu_state *s)
{
	if (features.tcg_xsave)
		return load_for_tcg(s);
	if (features.leaks_pointers)
		hide_pointers();
	return features.xsave ? xrstor(s->area) : fxrstor(s->area);
}

static __noinline void restore_initial(struct fpu_state *s)
{
	init_area(s->area);
	ASSERT(load(s));
}

static inline void restore(struct fpu *f, struct fpu_state *s)
{
	set_xcr0(f, features.xcr0);
	if (unlikely(!load(s)))
		restore_initial(s);
	s->cpu = this_cpu_id().n;
}

static __noinline void check_xcr0(struct fpu *f, struct fpu_state *s)
{
	if (!fpu_xcr0_valid(s->xcr0))
		s->xcr0 = features.xcr0;
	f->valid_xcr0 = s->xcr0;
}

/* Nothing that a guest or program says makes the host fault. */
static inline void use_xcr0(struct fpu *f, struct fpu_state *s)
{
	if (s->xcr0 == f->xcr0)
		return;
	if (unlikely(s->xcr0 != f->valid_xcr0))
		check_xcr0(f, s);
	set_xcr0(f, s->xcr0);
}

/* The former owner's are saved. */
static inline void give_to(struct fpu *f, struct fpu_state *s)
{
	restore(f, s);
	f->owner = s;
	use_xcr0(f, s);
}

/* Before anything else is done to the registers: whoever lent them is in memory. */
static inline void end_loan(struct fpu *f)
{
	if (likely(!f->lent))
		return;
	__asm__ volatile("clts");
	f->lent->cpu = -1;
	f->lent = NULL;
}

void fpu_load_saved(struct fpu_state *s)
{
	struct fpu *f = cpu_private(fpu);

	DEBUG_ASSERT(s->cpu < 0 && f->owner != s);
	end_loan(f);
	if (f->owner)
		save(f, f->owner);
	give_to(f, s);
}

/* ---- across a call ---- */

/* What a called function must preserve of these registers: the control words. */
static void save_control(struct fpu_state *s)
{
	char *area = s->area;

	__asm__ volatile("fnstcw %0" : "=m"(*(uint16_t *)(area + FCW_OFFSET)));
	__asm__ volatile("stmxcsr %0" : "=m"(*(uint32_t *)(area + MXCSR_OFFSET)));
	/* With the tags behind it: the x87 stack is empty. */
	*(uint16_t *)(area + FSW_OFFSET) = 0;
	*(uint16_t *)(area + FTW_OFFSET) = 0;
	*(uint64_t *)(area + XSTATE_BV_OFFSET) |= XCR0_X87 | XCR0_SSE;
}

/* XSAVEOPT leaves what is there of registers that are as they were at first, all but MXCSR. */
static uint16_t control_word(const char *area)
{
	if (features.xsave && !(*(const uint64_t *)(area + XSTATE_BV_OFFSET) & XCR0_X87))
		return FCW_INITIAL;
	return *(const uint16_t *)(area + FCW_OFFSET);
}

static void load_control(const struct fpu_state *s)
{
	const char *area = s->area;
	uint16_t fcw = control_word(area);

	__asm__ volatile("fninit");
	if (unlikely(fcw != FCW_INITIAL))
		__asm__ volatile("fldcw %0" : : "m"(fcw));
	__asm__ volatile("ldmxcsr %0" : : "m"(*(const uint32_t *)(area + MXCSR_OFFSET)));
}

/* It is the owner already where another thread, here or elsewhere, ran it before. */
void fpu_begin_call_slowly(struct fpu_state *s, struct fpu_state *callee)
{
	struct fpu *f;

	fpu_fetch(callee);
	f = cpu_private(fpu);
	end_loan(f);
	if (f->owner == callee)
		return;
	if (likely(f->owner == s)) {
		save_control(s);
		s->cpu = -1;
	} else if (f->owner) {
		save(f, f->owner);
	}
	give_to(f, callee);
}

static void take_back(struct fpu *f, struct fpu_state *s)
{
	save(f, f->owner);
	load_control(s);
	s->cpu = this_cpu_id().n;
	f->owner = s;
	use_xcr0(f, s);
}

static void lend(struct fpu *f, struct fpu_state *s)
{
	s->cpu = this_cpu_id().n;
	f->lent = s;
	set_ts();
}

void fpu_end_call_slowly(struct fpu_state *s, struct fpu_state *callee)
{
	struct fpu *f = cpu_private(fpu);

	if (f->owner != callee)
		return;
	DEBUG_ASSERT(s->cpu < 0 && !f->lent);
	if (s->eager == 0) {
		lend(f, s);
		return;
	}
	s->eager--;
	take_back(f, s);
}

void fpu_end_call_now(struct fpu_state *s, struct fpu_state *callee)
{
	struct fpu *f = cpu_private(fpu);

	/* Nor is a loan ended then: it is another's, whose caller must still find what it lent. */
	if (f->owner != callee)
		return;
	end_loan(f);
	take_back(f, s);
}

bool fpu_use(struct fpu_state *s)
{
	struct fpu *f = cpu_private(fpu);

	if (!s || f->lent != s)
		return false;
	end_loan(f);
	take_back(f, s);
	s->eager = EAGER_CALLS;
	return true;
}

void fpu_set_xcr0(struct fpu_state *s, uint64_t xcr0)
{
	if (!features.xsave)
		return;
	DEBUG_ASSERT(s->cpu < 0 || s->cpu == this_cpu_id().n);
	s->xcr0 = xcr0;
	if (s->cpu >= 0)
		use_xcr0(cpu_private(fpu), s);
}

void fpu_read_xcr0(struct fpu_state *s)
{
	struct fpu *f = cpu_private(fpu);

	DEBUG_ASSERT(f->owner == s);
	if (features.xsave)
		f->xcr0 = s->xcr0 = read_xcr0();
}

void fpu_holders(const struct fpu_state **owner, const struct fpu_state **lender)
{
	const struct fpu *f = cpu_private(fpu);

	*owner = f->owner;
	*lender = f->lent;
}

void fpu_release(struct fpu_state *s)
{
	struct fpu *f = cpu_private(fpu);

	if (f->owner != s && f->lent != s) {
		DEBUG_ASSERT(s->cpu < 0);
		return;
	}
	end_loan(f);
	save(f, f->owner);
	f->owner = NULL;
}

static void release_here(void *arg)
{
	struct fpu_state *s = arg;

	/* It may have been saved since. */
	if (s->cpu >= 0)
		fpu_release(s);
}

void fpu_fetch_remote(struct fpu_state *s)
{
	int32_t cpu = __atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE);
	struct cpu_set holder = { 0 };

	if (cpu < 0 || cpu == this_cpu_id().n)
		return;
	cpu_set_add(&holder, CPU_ID(cpu));
	ipi_call(&holder, release_here, s);
	ASSERT(__atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE) < 0);
}
