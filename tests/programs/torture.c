// SPDX-License-Identifier: GPL-2.0-or-later
// What a hostile or broken program may do. `torture calls`: every system call with bad pointers,
// handles and lengths; none may succeed by accident or hurt. `torture wild NAME`: one thing that
// must end this process, and nothing else. `torture list`: the names. `torture fill`: all of the
// quota.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "abi/strata.h"

#define PAGE       4096ul
#define KERNEL     0xffff800000000000ul
#define IMAGE      0xffffffff80000000ul
#define NO_ADDRESS 0x8000000000000000ul
#define END        0x00007ffffffff000ul

static int failures;
static long made;
static uint64_t hole; /* an address where nothing is mapped, the page below it is */

/* The kernel's own answer: glibc's syscall() would hide what is not an errno. */
static long call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long rc;

	made++;
	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return rc;
}

static void expect(const char *what, long rc, long wanted)
{
	if (rc == wanted)
		return;
	printf("torture: %s: %ld instead of %ld\n", what, rc, wanted);
	failures++;
}

#define EXPECT(wanted, nr, a, b, c, d, e, f)                                                       \
	expect(#nr "(" #a ", " #b ", " #c ", " #d ")",                                             \
	       call(nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), \
		    (uint64_t)(f)),                                                                \
	       wanted)

/* ---- calls whose answer is known ---- */

static uint64_t bad_address(int i)
{
	const uint64_t bad[] = { 0,     8,          hole,     END,      END - 4, KERNEL,
				 IMAGE, NO_ADDRESS, hole - 4, ~0ul - 7, ~0ul };

	return i < (int)(sizeof(bad) / sizeof(bad[0])) ? bad[i] : 1;
}

static void test_pointers(void)
{
	int file = open("/bin/torture", O_RDONLY);
	uint64_t p;

	expect("open", file >= 0, 1);
	for (int i = 0; (p = bad_address(i)) != 1; i++) {
		EXPECT(-EFAULT, SYS_write, 1, p, 16, 0, 0, 0);
		EXPECT(-EFAULT, SYS_read, file, p, 16, 0, 0, 0);
		EXPECT(-EFAULT, SYS_pread64, file, p, 16, 0, 0, 0);
		EXPECT(-EFAULT, SYS_writev, 1, p, 1, 0, 0, 0);
		EXPECT(-EFAULT, SYS_readv, file, p, 1, 0, 0, 0);
		EXPECT(-EFAULT, SYS_fstat, file, p, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_uname, p, 0, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_sysinfo, p, 0, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_getrandom, p, 16, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_clock_gettime, 0, p, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_nanosleep, p, 0, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_clock_nanosleep, 0, 0, p, 0, 0, 0);
		EXPECT(-EFAULT, SYS_poll, p, 1, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_readlink, "/proc/self/exe", p, 64, 0, 0, 0);
		EXPECT(-EFAULT, SYS_SELF, p, 0, 0, 0, 0, 0);
		EXPECT(-EFAULT, SYS_AS_QUERY, 0, p, 0, 0, 0, 0);
	}
	/* Strings end before the hole or are refused. */
	memcpy((char *)hole - 4, "abcd", 4);
	EXPECT(-EFAULT, SYS_open, hole - 4, 0, 0, 0, 0, 0);
	EXPECT(-EFAULT, SYS_open, KERNEL, 0, 0, 0, 0, 0);
	EXPECT(-EFAULT, SYS_openat, AT_FDCWD, NO_ADDRESS, 0, 0, 0, 0);
	EXPECT(-EFAULT, SYS_stat, hole, hole - 8, 0, 0, 0, 0);
	EXPECT(-EFAULT, SYS_chdir, ~0ul, 0, 0, 0, 0, 0);
	memcpy((char *)hole - 2, "/", 2);
	EXPECT(-EFAULT, SYS_stat, hole - 2, hole, 0, 0, 0, 0);
	EXPECT(0, SYS_chdir, hole - 2, 0, 0, 0, 0, 0);
	/* A read that runs into the hole gives what fits or nothing, never a byte elsewhere. */
	EXPECT(-EFAULT, SYS_read, file, hole - 8, 64, 0, 0, 0);
	EXPECT(-EFAULT, SYS_read, file, hole - 8, ~0ul, 0, 0, 0);
	EXPECT(-EFAULT, SYS_getcwd, hole - 1, 64, 0, 0, 0, 0);
	/* To read-only memory. */
	EXPECT(-EFAULT, SYS_read, file, "constant", 4, 0, 0, 0);
	close(file);
}

static void test_handles(void)
{
	static const int bad[] = { -1, 77, 1023, 1024, 0x7fffffff, -0x7fffffff };
	char buf[16];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT(-EBADF, SYS_read, bad[i], buf, 4, 0, 0, 0);
		EXPECT(-EBADF, SYS_write, bad[i], buf, 4, 0, 0, 0);
		EXPECT(-EBADF, SYS_close, bad[i], 0, 0, 0, 0, 0);
		EXPECT(-EBADF, SYS_fstat, bad[i], buf, 0, 0, 0, 0);
		EXPECT(-EBADF, SYS_dup, bad[i], 0, 0, 0, 0, 0);
		EXPECT(-EBADF, SYS_dup2, bad[i], 5, 0, 0, 0, 0);
		EXPECT(-EBADF, SYS_lseek, bad[i], 0, 0, 0, 0, 0);
		EXPECT(-EBADF, SYS_ioctl, bad[i], 0x5401, buf, 0, 0, 0);
		EXPECT(-EBADF, SYS_fcntl, bad[i], F_GETFL, 0, 0, 0, 0);
		EXPECT(-EBADF, SYS_getdents64, bad[i], buf, 16, 0, 0, 0);
		EXPECT(-EBADF, SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, bad[i], 0);
		EXPECT(-EBADF, SYS_timerfd_settime, bad[i], 0, buf, 0, 0, 0);
	}
	EXPECT(-EBADF, SYS_dup2, 1, 1024, 0, 0, 0, 0);
	EXPECT(-EBADF, SYS_dup2, 1, -1, 0, 0, 0, 0);
	EXPECT(-EINVAL, SYS_timerfd_settime, 1, 0, buf, 0, 0, 0);
	EXPECT(-EROFS, SYS_open, "/bin/new", O_CREAT | O_WRONLY, 0644, 0, 0, 0);
	EXPECT(-EROFS, SYS_open, "/bin/torture", O_WRONLY, 0, 0, 0, 0);
	EXPECT(-EISDIR, SYS_open, "/bin", O_RDWR, 0, 0, 0, 0);
	EXPECT(-ENOTDIR, SYS_open, "/bin/torture/x", 0, 0, 0, 0, 0);
	EXPECT(-ENOENT, SYS_open, "/nothing", 0, 0, 0, 0, 0);
}

static void test_memory(void)
{
	const int priv = MAP_PRIVATE | MAP_ANONYMOUS, fixed = priv | MAP_FIXED;
	const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;

	EXPECT(-EACCES, SYS_mmap, 0, PAGE, rwx, priv, -1, 0);
	EXPECT(-EACCES, SYS_mprotect, hole - PAGE, PAGE, rwx, 0, 0, 0);
	EXPECT(-EINVAL, SYS_mmap, 0, 0, PROT_READ, priv, -1, 0);
	EXPECT(-ENOMEM, SYS_mmap, 0, ~0ul, PROT_READ, priv, -1, 0);
	EXPECT(-EINVAL, SYS_mmap, 0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0);
	EXPECT(-EINVAL, SYS_mmap, hole + 1, PAGE, PROT_READ, fixed, -1, 0);
	EXPECT(-EINVAL, SYS_mmap, 0, PAGE, PROT_READ, fixed, -1, 0);
	EXPECT(-EINVAL, SYS_mmap, KERNEL, PAGE, PROT_READ, fixed, -1, 0);
	EXPECT(-EINVAL, SYS_mmap, END, PAGE, PROT_READ, fixed, -1, 0);
	EXPECT(-EEXIST, SYS_mmap, hole - PAGE, PAGE, PROT_READ, priv | MAP_FIXED_NOREPLACE, -1, 0);
	EXPECT(-EINVAL, SYS_munmap, hole + 1, PAGE, 0, 0, 0, 0);
	EXPECT(-EINVAL, SYS_munmap, hole, 0, 0, 0, 0, 0);
	EXPECT(-EINVAL, SYS_munmap, IMAGE, PAGE, 0, 0, 0, 0);
	EXPECT(-ENOMEM, SYS_mprotect, hole, PAGE, PROT_READ, 0, 0, 0);
	EXPECT(-EINVAL, SYS_mprotect, KERNEL, PAGE, PROT_READ, 0, 0, 0);
	EXPECT(-EFAULT, SYS_mremap, hole, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0, 0);
	EXPECT(-EINVAL, SYS_mremap, IMAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0, 0);
	EXPECT(-ENOMEM, SYS_madvise, hole, PAGE, MADV_DONTNEED, 0, 0, 0);
	expect("brk", call(SYS_brk, ~0ul, 0, 0, 0, 0, 0) == call(SYS_brk, 0, 0, 0, 0, 0, 0), 1);
	expect("brk", call(SYS_brk, IMAGE, 0, 0, 0, 0, 0) == call(SYS_brk, 0, 0, 0, 0, 0, 0), 1);
}

static void test_discard(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect("mmap", p != MAP_FAILED, 1);
	memset(p, 1, 4 * PAGE);
	EXPECT(0, SYS_madvise, p + PAGE, 2 * PAGE, MADV_DONTNEED, 0, 0, 0);
	expect("what stays", p[0] == 1 && p[3 * PAGE] == 1, 1);
	expect("what goes", p[PAGE] == 0 && p[3 * PAGE - 1] == 0, 1);
	munmap(p, 4 * PAGE);
}

static void test_threads(void)
{
	uint32_t word = 5, *odd = (uint32_t *)((char *)&word + 1);
	struct thread_context c = { .rip = 1 };

	EXPECT(-EAGAIN, SYS_futex, &word, 0, 4, 0, 0, 0);
	EXPECT(-EINVAL, SYS_futex, odd, 0, 5, 0, 0, 0);
	EXPECT(-EFAULT, SYS_futex, hole, 0, 5, 0, 0, 0);
	EXPECT(-EFAULT, SYS_futex, KERNEL, 0, 5, 0, 0, 0);
	EXPECT(-EFAULT, SYS_futex, &word, 0, 5, hole, 0, 0);
	EXPECT(-EINVAL, SYS_futex, &word, 9, 5, 0, 0, 0);
	EXPECT(-ENOSYS, SYS_futex, &word, 77, 5, 0, 0, 0);
	EXPECT(0, SYS_futex, &word, 1, 0x7fffffff, 0, 0, 0);
	EXPECT(-ENOSYS, SYS_clone, 17, 0, 0, 0, 0, 0);
	EXPECT(-ENOSYS, SYS_fork, 0, 0, 0, 0, 0, 0);
	EXPECT(-ENOSYS, SYS_execve, "/bin/torture", 0, 0, 0, 0, 0);
	EXPECT(-EINVAL, SYS_clone, ~0ul, hole, 0, 0, 0, 0);
	EXPECT(-EPERM, SYS_clone, 0xd0f00, hole, 0, 0, KERNEL, 0);
	EXPECT(-EPERM, SYS_arch_prctl, 0x1002, NO_ADDRESS, 0, 0, 0, 0);
	EXPECT(-EPERM, SYS_arch_prctl, 0x1001, KERNEL, 0, 0, 0, 0);
	EXPECT(-EFAULT, SYS_arch_prctl, 0x1003, KERNEL, 0, 0, 0, 0);
	EXPECT(-ESRCH, SYS_THREAD_WAKEUP, 123456, 0, 0, 0, 0, 0);
	EXPECT(-ESRCH, SYS_THREAD_KILL, 123456, 0, 0, 0, 0, 0);
	EXPECT(-EBUSY, SYS_THREAD_SET_CONTEXT, gettid(), &c, 0, 0, 0, 0);
	c.rip = NO_ADDRESS;
	EXPECT(-EINVAL, SYS_THREAD_SET_CONTEXT, gettid(), &c, 0, 0, 0, 0);
	EXPECT(-EFAULT, SYS_THREAD_SET_CONTEXT, gettid(), hole, 0, 0, 0, 0);
	EXPECT(-ETIMEDOUT, SYS_THREAD_SLEEP, 1000, 0, 0, 0, 0, 0);
	EXPECT(0, SYS_THREAD_WAKEUP, gettid(), 0, 0, 0, 0, 0);
	EXPECT(0, SYS_THREAD_SLEEP, ~0ul, 0, 0, 0, 0, 0);
}

/* ---- every number there is ---- */

/* Calls that end, block for ever, or undo what this program stands on. */
static int is_left_out(long nr)
{
	static const long out[] = { SYS_exit,         SYS_exit_group, SYS_tgkill,
				    SYS_close,        SYS_brk,        SYS_poll,
				    SYS_ppoll,        SYS_select,     SYS_dup2,
				    SYS_dup3,         SYS_chdir,      SYS_THREAD_KILL,
				    SYS_THREAD_SLEEP, SYS_SYS_POWER,  SYS_LOG_WRITE,
				    SYS_read,         SYS_readv };

	for (unsigned i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		if (out[i] == nr)
			return 1;
	}
	return 0;
}

static void sweep(long nr)
{
	for (int i = 0; i < 400; i++) {
		uint64_t a[6];

		for (int j = 0; j < 6; j++)
			a[j] = bad_address(rand() % 11);
		if (rand() % 4 == 0)
			a[0] = (uint64_t)(rand() % 64);
		(void)call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

static void test_all(void)
{
	for (long nr = 0; nr < 600; nr++) {
		if (!is_left_out(nr))
			sweep(nr);
	}
	for (long nr = STRATA_SYS_BASE; nr < STRATA_SYS_END + 8; nr++) {
		if (!is_left_out(nr))
			sweep(nr);
	}
	EXPECT(-ENOSYS, ~0ul, 0, 0, 0, 0, 0, 0);
	EXPECT(-ENOSYS, NO_ADDRESS, 0, 0, 0, 0, 0, 0);
	EXPECT(-ENOSYS, 1ul << 32, 0, 0, 0, 0, 0, 0);
}

/* While another thread takes the memory away. */
static volatile int racing = 1;
static char *race_page;

static void *take_away(void *arg)
{
	while (racing) {
		mmap(race_page, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		munmap(race_page, PAGE);
	}
	return arg;
}

static void test_race(void)
{
	pthread_t t;

	race_page = (char *)hole + 16 * PAGE;
	expect("pthread_create", pthread_create(&t, NULL, take_away, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		long rc = call(SYS_clock_gettime, 0, (uint64_t)race_page + 8, 0, 0, 0, 0);

		if (rc != 0 && rc != -EFAULT)
			expect("clock_gettime", rc, -EFAULT);
		(void)call(SYS_stat, (uint64_t)race_page, (uint64_t)race_page, 0, 0, 0, 0);
		(void)call(SYS_futex, (uint64_t)race_page, 0, 1, 0, 0, 0);
	}
	racing = 0;
	pthread_join(t, NULL);
}

static int run_calls(void)
{
	char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + PAGE, 63 * PAGE);
	hole = (uint64_t)p + PAGE;
	test_pointers();
	test_handles();
	test_memory();
	test_discard();
	test_threads();
	test_race();
	test_all();
	printf("torture: %ld calls, %d failures\n", made, failures);
	return failures != 0;
}

/* ---- what ends a process ---- */

static void jump(uint64_t to)
{
	__asm__ volatile("jmp *%0" : : "r"(to));
}

static void jump_zero(void)
{
	jump(0);
}
static void jump_kernel(void)
{
	jump(IMAGE + 0x1000);
}
static void jump_direct_map(void)
{
	jump(KERNEL + 0x100000);
}
static void jump_no_address(void)
{
	jump(NO_ADDRESS);
}

static void jump_stack(void)
{
	volatile unsigned char code[16] = { 0xc3 };

	jump((uint64_t)code);
}

static void jump_data(void)
{
	static unsigned char code[16] = { 0xc3 };

	jump((uint64_t)code);
}

static void read_kernel(void)
{
	(void)*(volatile char *)IMAGE;
}
static void read_direct_map(void)
{
	(void)*(volatile char *)(KERNEL + 0x100000);
}
static void read_no_address(void)
{
	(void)*(volatile char *)NO_ADDRESS;
}
static void write_kernel(void)
{
	*(volatile char *)IMAGE = 1;
}
static void write_text(void)
{
	*(volatile char *)(uintptr_t)&jump_zero = 1;
}

static int deep(volatile char *above)
{
	volatile char here[4096];

	here[0] = above[0];
	return above[0] != 0 ? deep(here) + here[0] : 0;
}

static void stack_overflow(void)
{
	volatile char top = 1;

	deep(&top);
}

static void bad_instruction(void)
{
	__asm__ volatile("ud2");
}
static void halt(void)
{
	__asm__ volatile("hlt");
}
static void cli(void)
{
	__asm__ volatile("cli");
}
static void port(void)
{
	__asm__ volatile("outb %%al, $0x80" : : "a"(0));
}
static void write_cr3(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(0ul));
}
static void read_msr(void)
{
	__asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx");
}
static void write_msr(void)
{
	__asm__ volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0));
}
static void int_80(void)
{
	__asm__ volatile("int $0x80");
}
static void int_timer(void)
{
	__asm__ volatile("int $0xf0");
}
static void int_page_fault(void)
{
	__asm__ volatile("int $14");
}
static void sysenter(void)
{
	__asm__ volatile("sysenter");
}
static void swap_gs(void)
{
	__asm__ volatile("swapgs");
}
static void breakpoint(void)
{
	__asm__ volatile("int3");
}
static void no_stack(void)
{
	__asm__ volatile("xor %%esp, %%esp; push %%rax" : : : "memory");
}
static void vmrun(void)
{
	__asm__ volatile("vmrun" : : "a"(0));
}
static void load_gs(void)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(0x10));
}

static void single_step(void)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; syscall"
			 :
			 : "a"(39)
			 : "rcx", "r11");
}

static void divide(void)
{
	__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
}

static const struct {
	const char *name;
	void (*run)(void);
} wild[] = {
	{ "jump_zero", jump_zero },
	{ "jump_kernel", jump_kernel },
	{ "jump_direct_map", jump_direct_map },
	{ "jump_no_address", jump_no_address },
	{ "jump_stack", jump_stack },
	{ "jump_data", jump_data },
	{ "read_kernel", read_kernel },
	{ "read_direct_map", read_direct_map },
	{ "read_no_address", read_no_address },
	{ "write_kernel", write_kernel },
	{ "write_text", write_text },
	{ "stack_overflow", stack_overflow },
	{ "bad_instruction", bad_instruction },
	{ "halt", halt },
	{ "cli", cli },
	{ "port", port },
	{ "write_cr3", write_cr3 },
	{ "read_msr", read_msr },
	{ "write_msr", write_msr },
	{ "int_80", int_80 },
	{ "int_timer", int_timer },
	{ "int_page_fault", int_page_fault },
	{ "sysenter", sysenter },
	{ "swap_gs", swap_gs },
	{ "breakpoint", breakpoint },
	{ "no_stack", no_stack },
	{ "vmrun", vmrun },
	{ "load_gs", load_gs },
	{ "single_step", single_step },
	{ "divide", divide },
	{ "abort", abort },
};
#define WILD (sizeof(wild) / sizeof(wild[0]))

static int run_wild(const char *name)
{
	for (unsigned i = 0; i < WILD; i++) {
		if (strcmp(wild[i].name, name) != 0)
			continue;
		wild[i].run();
		printf("torture: %s did not end the process\n", name);
		return 0;
	}
	printf("torture: there is no %s\n", name);
	return 0;
}

/* ---- all of them, each in a process of its own ---- */

static long spawn(const char *what, const char *name)
{
	const char *argv[] = { "torture", what, name, NULL };
	struct proc_spawn s = {
		.path = (uintptr_t) "/bin/torture",
		.argv = (uintptr_t)argv,
		.envp = (uintptr_t)(const char *[]){ NULL },
		.memory_limit = 64ul << 20,
		.nr_fds = 3,
		.fds = { 0, 1, 2 },
		.name = "wild",
	};

	return call(SYS_PROC_SPAWN, (uint64_t)(uintptr_t)&s, 0, 0, 0, 0, 0);
}

static void wait_end(long fd, struct proc_info *info)
{
	struct {
		int fd;
		short events, revents;
	} p = { (int)fd, 1, 0 };

	(void)call(SYS_poll, (uint64_t)(uintptr_t)&p, 1, ~0ul, 0, 0, 0);
	expect("proc_info",
	       call(SYS_PROC_INFO, (uint64_t)fd, (uint64_t)(uintptr_t)info, 0, 0, 0, 0), 0);
}

static void check_child(const char *what, const char *name, uint32_t end)
{
	struct proc_info info = { 0 };
	long fd = spawn(what, name);

	expect("proc_spawn", fd >= 0, 1);
	if (fd < 0)
		return;
	wait_end(fd, &info);
	close((int)fd);
	if (info.end == end && (end == PROC_FAULTED || info.exit_code == 0))
		return;
	printf("torture: %s %s: end %u, code %d\n", what, name, info.end, info.exit_code);
	failures++;
}

static uint64_t container_used(void)
{
	struct self_info s;

	expect("self", call(SYS_SELF, (uint64_t)(uintptr_t)&s, 0, 0, 0, 0, 0), 0);
	return s.container_used;
}

static int run_all(void)
{
	uint64_t before;

	/* Once before the count: pages of this program itself that this path touches. */
	check_child("wild", "divide", PROC_FAULTED);
	check_child("calls", "", PROC_EXITED);
	before = container_used();
	for (unsigned i = 0; i < WILD; i++)
		check_child("wild", wild[i].name, PROC_FAULTED);
	check_child("fill", "", PROC_FAULTED);
	expect("memory that children left behind", (long)(container_used() - before), 0);
	printf("torture: %u children, %d failures\n", (unsigned)WILD + 3, failures);
	return failures != 0;
}

__attribute__((noreturn)) static void run_fill(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			continue;
		memset(p, 1, 1 << 20);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 2 && strcmp(argv[1], "calls") == 0)
		return run_calls();
	if (argc >= 3 && strcmp(argv[1], "wild") == 0)
		return run_wild(argv[2]);
	if (argc >= 2 && strcmp(argv[1], "fill") == 0)
		run_fill();
	if (argc >= 2 && strcmp(argv[1], "all") == 0)
		return run_all();
	for (unsigned i = 0; i < WILD; i++)
		printf("%s\n", wild[i].name);
	return 0;
}
