// SPDX-License-Identifier: GPL-2.0-or-later
// What init may ask for, one row an operation. Registers and memory are read while no vCPU is in
// the guest: a machine that runs is held for that moment.

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/types.h"
#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"
#include "vmm/control.h"

#define PEEK_MAX 512 /* bytes in one reply */

/* An interrupt message that is an NMI for one vCPU (Intel SDM 3A, "Message Signalled Interrupts").
 */
#define MSI_ADDRESS(id) (0xfee00000u | (id) << 12)
#define MSI_NMI         (4u << 8)

static int refuse(char *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, CONTROL_WHY_MAX, format, args);
	va_end(args);
	return error;
}

static int op_stop(struct control *c, const json_t *request, int *handle, json_t *reply, char *why)
{
	(void)request, (void)handle, (void)reply;
	if (c->vm->machine.paused)
		return refuse(why, -EBUSY, "it is paused: resume it first, or use vm kill");
	if (!machine_power_button(&c->vm->machine))
		return refuse(
			why, -ENOSYS,
			"the guest does not listen to its power button (it has not enabled it by "
			"ACPI): use vm kill");
	control_note(c, "power button pressed");
	return 0;
}

static int op_console(struct control *c, const json_t *request, int *handle, json_t *reply,
		      char *why)
{
	int ret;

	(void)request, (void)reply;
	if (*handle < 0)
		return refuse(why, -EINVAL, "console: a channel must come with the request");
	ret = console_attach(&c->vm->consoles[0], *handle);
	if (ret < 0)
		return refuse(why, ret, "console: %d watch it already", CONSOLE_WATCHERS_MAX);
	*handle = -1;
	return 0;
}

static void set_state(struct control *c, enum vm_state state, const char *name)
{
	strata_vm_stop_reason(c->vm->machine.vm_fd, state, 0, "");
	control_say(c, name, "", 0);
}

static int op_pause(struct control *c, const json_t *request, int *handle, json_t *reply, char *why)
{
	(void)request, (void)handle, (void)reply;
	if (!vm_pause(c->vm))
		return refuse(why, -EALREADY, "already paused");
	set_state(c, VM_STATE_PAUSED, "paused");
	return 0;
}

static int op_resume(struct control *c, const json_t *request, int *handle, json_t *reply,
		     char *why)
{
	(void)request, (void)handle, (void)reply;
	if (!c->vm->machine.paused)
		return refuse(why, -EALREADY, "not paused");
	/* The state first: the guest may end at once. */
	set_state(c, VM_STATE_RUNNING, "running");
	vm_resume(c->vm);
	return 0;
}

static int op_reset(struct control *c, const json_t *request, int *handle, json_t *reply, char *why)
{
	(void)handle, (void)reply;
	if (c->reset)
		return refuse(why, -EALREADY, "a reset is under way");
	control_note(c, "reset from the console");
	if (c->vm->machine.paused)
		set_state(c, VM_STATE_RUNNING, "running");
	c->reset = json_incref((json_t *)request);
	vm_reset(c->vm);
	return CONTROL_LATER;
}

/* The vCPU that a request names; without one the first. */
static int vcpu_of(const struct control *c, const json_t *request, char *why)
{
	json_int_t number = proto_int(request, "vcpu", 0);

	if (number >= 0 && number < (json_int_t)c->vm->config->vcpus)
		return (int)number;
	return refuse(why, -EINVAL, "vCPU: expected a number from 0 to %u",
		      c->vm->config->vcpus - 1);
}

static int op_nmi(struct control *c, const json_t *request, int *handle, json_t *reply, char *why)
{
	bool all = !json_object_get(request, "vcpu");
	int first = vcpu_of(c, request, why);
	unsigned end;

	(void)handle, (void)reply;
	if (first < 0)
		return first;
	end = all ? c->vm->config->vcpus : (unsigned)first + 1;
	for (unsigned i = (unsigned)first; i < end; i++) {
		int ret = strata_vm_msi(c->vm->machine.vm_fd, MSI_ADDRESS(i), MSI_NMI);

		if (ret < 0)
			return refuse(why, ret, "vCPU %u: NMI: %s", i, strerror(-ret));
	}
	control_note(c, "NMI from the console");
	return 0;
}

/* ---- registers and memory ---- */

static const char *const gpr_names[GPR_COUNT] = {
	[GPR_RAX] = "rax", [GPR_RCX] = "rcx", [GPR_RDX] = "rdx", [GPR_RBX] = "rbx",
	[GPR_RSP] = "rsp", [GPR_RBP] = "rbp", [GPR_RSI] = "rsi", [GPR_RDI] = "rdi",
	[GPR_R8] = "r8",   [GPR_R9] = "r9",   [GPR_R10] = "r10", [GPR_R11] = "r11",
	[GPR_R12] = "r12", [GPR_R13] = "r13", [GPR_R14] = "r14", [GPR_R15] = "r15",
};

static const char *const seg_names[SEG_COUNT] = {
	[SEG_ES] = "es",     [SEG_CS] = "cs",     [SEG_SS] = "ss", [SEG_DS] = "ds",
	[SEG_FS] = "fs",     [SEG_GS] = "gs",     [SEG_TR] = "tr", [SEG_GDTR] = "gdtr",
	[SEG_LDTR] = "ldtr", [SEG_IDTR] = "idtr",
};

static const char *const mp_names[] = {
	[MP_RUNNABLE] = "runnable",
	[MP_HALTED] = "halted",
	[MP_WAIT_FOR_SIPI] = "waits for SIPI",
	[MP_INIT] = "init",
};

/* 64-bit values do not fit JSON's integers. */
static void put_hex(json_t *object, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	json_object_set_new(object, name, json_string(text));
}

static void put_segment(json_t *object, const char *name, const struct vcpu_segment *s)
{
	char text[64];

	snprintf(text, sizeof(text), "%04x base 0x%llx limit 0x%x attr 0x%x", s->selector,
		 (unsigned long long)s->base, s->limit, s->attr);
	json_object_set_new(object, name, json_string(text));
}

static void put_state(json_t *reply, const struct vcpu_state *s)
{
	bool known = s->mp_state < ARRAY_SIZE(mp_names);

	json_object_set_new(reply, "state", json_string(known ? mp_names[s->mp_state] : "?"));
	put_hex(reply, "rip", s->regs.rip);
	put_hex(reply, "rflags", s->regs.rflags);
	for (unsigned i = 0; i < GPR_COUNT; i++)
		put_hex(reply, gpr_names[i], s->regs.gpr[i]);
	put_hex(reply, "cr0", s->sregs.cr0);
	put_hex(reply, "cr2", s->sregs.cr2);
	put_hex(reply, "cr3", s->sregs.cr3);
	put_hex(reply, "cr4", s->sregs.cr4);
	put_hex(reply, "cr8", s->sregs.cr8);
	put_hex(reply, "efer", s->sregs.efer);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		put_segment(reply, seg_names[i], &s->sregs.seg[i]);
}

static int get_state(struct control *c, int number, struct vcpu_state *s)
{
	bool held = vm_pause(c->vm);
	int ret;

	s->version = VCPU_STATE_VERSION;
	s->size = sizeof(*s);
	s->valid = VCPU_STATE_ALL;
	ret = strata_vcpu_get_state(c->vm->vcpus[number].fd, s);
	if (held)
		vm_resume(c->vm);
	return ret;
}

static int op_regs(struct control *c, const json_t *request, int *handle, json_t *reply, char *why)
{
	int number = vcpu_of(c, request, why), ret;
	struct vcpu_state *s;

	(void)handle;
	if (number < 0)
		return number;
	s = calloc(1, sizeof(*s));
	if (!s)
		return refuse(why, -ENOMEM, "no memory");
	ret = get_state(c, number, s);
	if (ret < 0) {
		refuse(why, ret, "vCPU %d: registers: %s", number, strerror(-ret));
	} else {
		json_object_set_new(reply, "vcpu", json_integer(number));
		json_object_set_new(reply, "vcpus", json_integer(c->vm->config->vcpus));
		put_state(reply, s);
	}
	free(s);
	return ret < 0 ? ret : 0;
}

static int op_peek(struct control *c, const json_t *request, int *handle, json_t *reply, char *why)
{
	json_int_t gpa = proto_int(request, "gpa", -1), length = proto_int(request, "length", 0);
	char hex[2 * PEEK_MAX + 1] = "";
	const uint8_t *bytes;

	(void)handle;
	if (gpa < 0 || length < 1 || length > PEEK_MAX)
		return refuse(why, -EINVAL, "peek: expected an address and at most %d bytes",
			      PEEK_MAX);
	bytes = ram_ptr(&c->vm->machine.ram, (uint64_t)gpa, (uint64_t)length);
	if (!bytes)
		return refuse(why, -EFAULT, "0x%llx: expected the address of guest memory",
			      (unsigned long long)gpa);
	for (json_int_t i = 0; i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	json_object_set_new(reply, "data", json_string(hex));
	return 0;
}

/* The whole of the guest's memory, as an object, and where its pieces are. */
static int op_memory(struct control *c, const json_t *request, int *handle, json_t *reply,
		     char *why)
{
	const struct guest_ram *ram = &c->vm->machine.ram;
	json_t *pieces = json_array();
	int fd = dup(c->vm->memory_fd);

	(void)request, (void)handle;
	if (fd < 0) {
		int ret = -errno;

		json_decref(pieces);
		return refuse(why, ret, "memory: no handle: %s", strerror(-ret));
	}
	for (unsigned i = 0; i < ram->nr_pieces; i++) {
		const struct ram_piece *p = &ram->pieces[i];

		json_array_append_new(pieces,
				      json_pack("[I,I,I]", (json_int_t)p->gpa, (json_int_t)p->size,
						(json_int_t)p->offset));
	}
	json_object_set_new(reply, "pieces", pieces);
	json_object_set_new(reply, "vcpus", json_integer(c->vm->config->vcpus));
	c->reply_handle = fd;
	return 0;
}

static const struct control_op operations[] = {
	{ .name = "stop", .run = op_stop },     { .name = "console", .run = op_console },
	{ .name = "pause", .run = op_pause },   { .name = "resume", .run = op_resume },
	{ .name = "reset", .run = op_reset },   { .name = "nmi", .run = op_nmi },
	{ .name = "regs", .run = op_regs },     { .name = "peek", .run = op_peek },
	{ .name = "memory", .run = op_memory },
};

const struct control_op *control_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	}
	return NULL;
}
