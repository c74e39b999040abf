// SPDX-License-Identifier: GPL-2.0-or-later
// What each command's objects hold, with --json. Names are stable: a member may be added, none is
// renamed or given another meaning. A test compares every command's objects with these lists.

#include "mgmt/shell/shell.h"

#define MEMBER(n, t, m)                            \
	{                                          \
		.name = n, .type = t, .meaning = m \
	}
#define OPTIONAL(n, t, m)                                            \
	{                                                            \
		.name = n, .type = t, .meaning = m, .optional = true \
	}
#define END MEMBER(NULL, NULL, NULL)

const struct member schema_vm[] = {
	MEMBER("name", "string", "of the VM"),
	MEMBER("state", "string", "stopped, starting, running, paused, stopping or failed"),
	MEMBER("autostart", "boolean", "starts with the host"),
	MEMBER("exit_code", "integer", "of its last run"),
	MEMBER("reason", "string", "why its last run ended; empty while it runs"),
	MEMBER("uptime_ns", "integer", "since it was started, 0 when it does not run"),
	MEMBER("ran_ns", "integer", "its last run from start to end, 0 while it runs"),
	MEMBER("starts", "integer", "how often it was started"),
	MEMBER("file", "string", "its configuration"),
	OPTIONAL("vcpus", "integer", "number of virtual CPUs"),
	OPTIONAL("memory", "integer", "bytes of guest memory"),
	OPTIONAL("kernel_memory", "integer", "bytes of kernel memory beside it"),
	OPTIONAL("run_time_ns", "integer", "of all vCPUs, guest and kernel"),
	OPTIONAL("guest_time_ns", "integer", "of it in the guest"),
	OPTIONAL("weight", "integer", "share of CPU time against other VMs"),
	OPTIONAL("cap", "integer", "percent of one CPU for all vCPUs, 0: no limit"),
	OPTIONAL("pool", "integer", "its CPU pool"),
	OPTIONAL("dedicated", "boolean", "each vCPU has a CPU to itself"),
	OPTIONAL("cpus", "string", "where it may run, as 0-3,8"),
	OPTIONAL("notes", "array", "what happened last, with seconds since the start"),
	OPTIONAL("settings", "array", "KEY=VALUE over what the file says"),
	OPTIONAL("exits", "object", "counters by reason; those that are 0 are left out"),
	END,
};

const struct member schema_host[] = {
	MEMBER("version", "string", "of Strata"),
	MEMBER("cpu_model", "string", "as the processor names itself"),
	MEMBER("virt", "string", "svm, vmx or none"),
	MEMBER("cpus", "integer", "number of CPUs"),
	MEMBER("nodes", "integer", "number of NUMA nodes"),
	MEMBER("tsc_khz", "integer", "rate of the time-stamp counter"),
	MEMBER("vms", "integer", "VMs that the kernel holds"),
	MEMBER("uptime_ns", "integer", "since the start"),
	MEMBER("memory", "integer", "bytes of RAM"),
	MEMBER("objects", "integer", "kernel objects that handles refer to"),
	MEMBER("threads", "integer", "threads of processes and of the kernel"),
	MEMBER("cmdline", "string", "the kernel's command line"),
	END,
};

const struct member schema_cpu[] = {
	MEMBER("cpu", "integer", "number of the CPU"),
	MEMBER("apic_id", "integer", "of its local APIC"),
	MEMBER("node", "integer", "NUMA node"),
	MEMBER("core", "integer", "the same number: threads of one core"),
	MEMBER("package", "integer", "the same number: cores of one package"),
	MEMBER("pool", "integer", "CPU pool"),
	MEMBER("dedicated_to", "string", "the VM that has it to itself, empty: none"),
	MEMBER("online", "boolean", "it runs threads"),
	MEMBER("idle_ns", "integer", "time without work"),
	MEMBER("user_ns", "integer", "time in ring 3"),
	MEMBER("guest_ns", "integer", "time in guests"),
	MEMBER("kernel_ns", "integer", "time in the kernel"),
	MEMBER("switches", "integer", "of threads"),
	MEMBER("interrupts", "integer", "taken"),
	MEMBER("ipis", "integer", "sent"),
	MEMBER("exits", "integer", "of guests"),
	MEMBER("mitigations", "string", "in force"),
	MEMBER("features", "string", "what the processor can do, names divided by blanks"),
	END,
};

const struct member schema_memory[] = {
	MEMBER("kind", "string",
	       "host, node, container or vm: which of the members below are there"),
	OPTIONAL("total", "integer", "host: bytes of RAM; node: less what the start reserved"),
	OPTIONAL("free", "integer", "host, node: not in use; node: nor in a CPU's cache"),
	OPTIONAL("node", "integer", "node: number"),
	OPTIONAL("cpus", "integer", "node: how many CPUs it has"),
	OPTIONAL("cpu_caches", "integer", "host: of it in the CPUs' caches"),
	OPTIONAL("kernel_image", "integer", "host: code and data"),
	OPTIONAL("page_structs", "integer", "host: one for each page of RAM"),
	OPTIONAL("kernel", "integer", "host: allocated by the kernel"),
	OPTIONAL("user", "integer", "host: pages of processes"),
	OPTIONAL("guest", "integer", "host: memory of guests"),
	OPTIONAL("boot_archive", "integer", "host: the boot archive"),
	OPTIONAL("at_rest", "integer",
		 "host: kernel and processes when the first shell had been started"),
	OPTIONAL("id", "integer", "container: number"),
	OPTIONAL("parent", "integer", "container: number of the one it is in"),
	OPTIONAL("name", "string", "container or vm: name"),
	OPTIONAL("used", "integer", "container: bytes charged to it"),
	OPTIONAL("limit", "integer", "container: its quota"),
	OPTIONAL("peak", "integer", "container: most ever used"),
	OPTIONAL("memory", "integer", "vm: bytes of guest memory"),
	OPTIONAL("kernel_memory", "integer", "vm: bytes of kernel memory beside it"),
	END,
};

const struct member schema_top[] = {
	MEMBER("kind", "string", "cpu, vm or vcpu: which of the members below are there"),
	OPTIONAL("cpu", "integer", "cpu: its number; vcpu: where it ran last"),
	OPTIONAL("name", "string", "vm, vcpu: name of the VM"),
	OPTIONAL("vcpu", "integer", "vcpu: its number"),
	OPTIONAL("vcpus", "integer", "vm: number of virtual CPUs"),
	OPTIONAL("guest_percent", "number", "of a CPU's time in guests, or in this one"),
	OPTIONAL("kernel_percent", "number", "cpu: in the kernel"),
	OPTIONAL("user_percent", "number", "cpu: in ring 3"),
	OPTIONAL("idle_percent", "number", "cpu: without work"),
	OPTIONAL("run_percent", "number", "vm, vcpu: it had a CPU; all vCPUs of a VM together"),
	OPTIONAL("steal_percent", "number", "vcpu: ready while others had the CPU"),
	OPTIONAL("wait_percent", "number", "vcpu: halted, or its VMM was at work"),
	OPTIONAL("switches_per_s", "number", "cpu: of threads"),
	MEMBER("exits_per_s", "number", "of guests, in a second"),
	OPTIONAL("exits", "object",
		 "vm: in a second, by reason; those that did not come are left out"),
	OPTIONAL("memory", "integer", "vm: bytes of guest memory"),
	OPTIONAL("kernel_memory", "integer", "vm: bytes of kernel memory beside it"),
	END,
};

const struct member schema_trace[] = {
	MEMBER("ns", "integer", "when it began, since the start"),
	MEMBER("duration_ns", "integer", "how long it took"),
	MEMBER("cpu", "integer", "where"),
	MEMBER("kind", "string", "guest, exit, inject, post, switch or call"),
	MEMBER("name", "string",
	       "guest: the VM; exit: why; inject, post: what; switch: the thread; call: the system "
	       "call"),
	MEMBER("sequence", "integer", "number of the event on its CPU"),
	MEMBER("lost", "integer", "so many before it on its CPU were overwritten while being read"),
	OPTIONAL("vm", "string",
		 "name of the VM; switch: whose vCPU the thread is; call: whose VMM made it"),
	OPTIONAL("vcpu", "integer", "guest, exit, inject, post: number of the vCPU"),
	OPTIONAL("address", "string", "exit: RIP; inject, post: vector; hexadecimal"),
	OPTIONAL("thread", "integer", "switch, call: number of the thread"),
	OPTIONAL("number", "integer", "call: its number; 65535: that or more"),
	OPTIONAL("result", "integer", "call: what it returned; an error is -1 to -4095"),
	END,
};

const struct member schema_chrome[] = {
	MEMBER("displayTimeUnit", "string", "ns"),
	MEMBER("traceEvents", "array", "objects in Chrome's trace event format"),
	END,
};

const struct member schema_terminal[] = {
	MEMBER("terminal", "string", "its kind, as TERM says"),
	MEMBER("rows", "integer", "0: not known"),
	MEMBER("columns", "integer", "0: not known"),
	MEMBER("paging", "boolean", "long output stops at each screen"),
	END,
};

const struct member schema_log[] = {
	MEMBER("sequence", "integer", "number of the line"),
	MEMBER("ns", "integer", "when, since the start; 0: before there was a clock"),
	MEMBER("level", "string", "error, warn, info or debug"),
	MEMBER("line", "string", "without its end"),
	END,
};

const struct member schema_log_level[] = {
	MEMBER("level", "string", "error, warn, info or debug"),
	END,
};

const struct member schema_bench[] = {
	MEMBER("measure", "string", "what was measured"),
	MEMBER("ns", "number",
	       "time of one operation; fair: that a thread ran, on average; late: how late, on "
	       "average"),
	MEMBER("rounds", "integer",
	       "of each thread; fair: milliseconds that each was to run; late: sleeps"),
	MEMBER("threads", "integer", "at once"),
	MEMBER("least_ns", "integer",
	       "of the quickest thread, all rounds; fair: that the one with least ran; late: the "
	       "least"),
	MEMBER("most_ns", "integer",
	       "of the slowest thread, all rounds; fair: that the one with most ran; late: the "
	       "most"),
	MEMBER("behind", "integer",
	       "locks: rounds that one had still to do when the first had done all; else 0"),
};

const struct member schema_action[] = {
	MEMBER("action", "string", "what was done"),
	END,
};

const struct member schema_command[] = {
	MEMBER("name", "string", "of the command"),
	MEMBER("args", "string", "what may follow it"),
	MEMBER("help", "string", "what it does"),
	MEMBER("more", "string", "more about it; may be empty"),
	MEMBER("json", "boolean", "it takes --json"),
	MEMBER("terminal", "boolean", "it needs a person's terminal"),
	END,
};

const struct member schema_line[] = {
	MEMBER("number", "integer", "of the line, from the first that is kept"),
	MEMBER("text", "string", "without its end; control characters are question marks"),
	END,
};

const struct member schema_text[] = {
	MEMBER("text", "string", "a line"),
	END,
};

const struct member schema_setting[] = {
	MEMBER("file", "string", "where it is set"),
	MEMBER("section", "string", "without brackets"),
	MEMBER("key", "string", "name"),
	MEMBER("value", "string", "as written"),
	END,
};

const struct member schema_check[] = {
	MEMBER("file", "string", "that was checked"),
	MEMBER("ok", "boolean", "it can be used"),
	MEMBER("problem", "string", "FILE:LINE: KEY: what was expected; empty when there is none"),
	END,
};

const struct member schema_dump[] = {
	OPTIONAL("vcpu", "integer", "number of the vCPU whose registers these are"),
	OPTIONAL("state", "string", "runnable, halted, waits for SIPI or init"),
	OPTIONAL("rip", "string", "hexadecimal"),
	OPTIONAL("rflags", "string", "hexadecimal"),
	OPTIONAL("rax", "string", "hexadecimal"),
	OPTIONAL("rcx", "string", "hexadecimal"),
	OPTIONAL("rdx", "string", "hexadecimal"),
	OPTIONAL("rbx", "string", "hexadecimal"),
	OPTIONAL("rsp", "string", "hexadecimal"),
	OPTIONAL("rbp", "string", "hexadecimal"),
	OPTIONAL("rsi", "string", "hexadecimal"),
	OPTIONAL("rdi", "string", "hexadecimal"),
	OPTIONAL("r8", "string", "hexadecimal"),
	OPTIONAL("r9", "string", "hexadecimal"),
	OPTIONAL("r10", "string", "hexadecimal"),
	OPTIONAL("r11", "string", "hexadecimal"),
	OPTIONAL("r12", "string", "hexadecimal"),
	OPTIONAL("r13", "string", "hexadecimal"),
	OPTIONAL("r14", "string", "hexadecimal"),
	OPTIONAL("r15", "string", "hexadecimal"),
	OPTIONAL("cr0", "string", "hexadecimal"),
	OPTIONAL("cr2", "string", "hexadecimal"),
	OPTIONAL("cr3", "string", "hexadecimal"),
	OPTIONAL("cr4", "string", "hexadecimal"),
	OPTIONAL("cr8", "string", "hexadecimal"),
	OPTIONAL("efer", "string", "hexadecimal"),
	OPTIONAL("es", "string", "selector, base, limit, attributes"),
	OPTIONAL("cs", "string", "selector, base, limit, attributes"),
	OPTIONAL("ss", "string", "selector, base, limit, attributes"),
	OPTIONAL("ds", "string", "selector, base, limit, attributes"),
	OPTIONAL("fs", "string", "selector, base, limit, attributes"),
	OPTIONAL("gs", "string", "selector, base, limit, attributes"),
	OPTIONAL("gdtr", "string", "selector, base, limit, attributes"),
	OPTIONAL("ldtr", "string", "selector, base, limit, attributes"),
	OPTIONAL("idtr", "string", "selector, base, limit, attributes"),
	OPTIONAL("tr", "string", "selector, base, limit, attributes"),
	OPTIONAL("address", "string", "with --memory: guest-physical, hexadecimal"),
	OPTIONAL("data", "string", "the bytes there, two digits each"),
	OPTIONAL("offset", "integer", "with --core: in the file"),
	OPTIONAL("base64", "string", "the bytes there"),
	END,
};
