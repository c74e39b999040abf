// SPDX-License-Identifier: GPL-2.0-or-later
// vm pause, resume, reset, nmi and dump: requests that go through init to the VM's VMM.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/shell.h"

#define DUMP_PIECE   512
#define DUMP_MAX     (1u << 20)
#define DUMP_DEFAULT 256

/* One request about a VM; then its state. */
static int act(struct session *s, const char *op, const char *name, json_t *more)
{
	json_object_set_new(more, "vm", proto_text(name));
	return shell_act(s, op, more, name);
}

int cmd_vm_pause(struct session *s, int argc, char **argv)
{
	(void)argc;
	return act(s, "pause", argv[0], json_object());
}

int cmd_vm_resume(struct session *s, int argc, char **argv)
{
	(void)argc;
	return act(s, "resume", argv[0], json_object());
}

int cmd_vm_reset(struct session *s, int argc, char **argv)
{
	(void)argc;
	return act(s, "reset", argv[0], json_object());
}

/* "--vcpu N" into the request. 1: it was there, -1: no number. */
static int take_vcpu(int *argc, char **argv, json_t *more)
{
	const char *word;
	uint64_t number;
	int found = option_take(argc, argv, "--vcpu", &word);

	if (found <= 0)
		return found;
	if (!option_number(word, 0, 1023, &number))
		return -1;
	json_object_set_new(more, "vcpu", json_integer((json_int_t)number));
	return 1;
}

int cmd_vm_nmi(struct session *s, int argc, char **argv)
{
	json_t *more = json_object();

	if (take_vcpu(&argc, argv, more) < 0 || argc != 1) {
		json_decref(more);
		return STATUS_USAGE;
	}
	return act(s, "nmi", argv[0], more);
}

/* ---- dump ---- */

static void print_register(const char *name, const char *value, int *column)
{
	/* Segments are long: a line each. */
	bool whole = strchr(value, ' ') != NULL;

	if (whole && *column)
		printf("\n");
	if (whole)
		*column = 0;
	printf(whole ? "%-7s%s" : "%-7s%-19s", name, value);
	*column = whole ? 3 : *column + 1;
	if (*column < 3)
		return;
	printf("\n");
	*column = 0;
}

static void print_registers(json_t *reply)
{
	const char *name;
	json_t *value;
	int column = 0;

	printf("vCPU %" JSON_INTEGER_FORMAT ": %s\n", proto_int(reply, "vcpu", 0),
	       proto_string(reply, "state", ""));
	json_object_foreach(reply, name, value)
	{
		if (json_is_string(value) && strcmp(name, "state") != 0)
			print_register(name, json_string_value(value), &column);
	}
	if (column)
		printf("\n");
}

/* One vCPU; *count is how many there are. */
static int dump_vcpu(struct session *s, const char *name, json_int_t number, json_int_t *count)
{
	json_t *reply =
		client_call(s, "regs", json_pack("{s:s,s:I}", "vm", name, "vcpu", number), -1);

	if (!reply)
		return STATUS_FAIL;
	*count = proto_int(reply, "vcpus", 0);
	json_object_del(reply, "vcpus");
	json_object_del(reply, "id");
	json_object_del(reply, "ok");
	if (s->json)
		shell_print_json(json_incref(reply));
	else
		print_registers(reply);
	json_decref(reply);
	return STATUS_OK;
}

static int dump_vcpus(struct session *s, const char *name)
{
	json_int_t count = 1;
	int status = STATUS_OK;

	for (json_int_t i = 0; i < count && status == STATUS_OK; i++)
		status = dump_vcpu(s, name, i, &count);
	return status;
}

static void print_bytes(uint64_t address, const char *hex)
{
	for (size_t n = strlen(hex) / 2, i = 0; i < n; i += 16) {
		char text[17] = "";

		printf("%012" PRIx64 " ", address + i);
		for (size_t k = 0; k < 16 && i + k < n; k++) {
			char digits[3] = { hex[2 * (i + k)], hex[2 * (i + k) + 1], '\0' };
			unsigned long byte = strtoul(digits, NULL, 16);

			printf("%s%s", k == 8 ? "  " : " ", digits);
			text[k] = byte >= ' ' && byte < 0x7f ? (char)byte : '.';
			text[k + 1] = '\0';
		}
		printf("  %s\n", text);
	}
}

static int dump_piece(struct session *s, const char *name, uint64_t address, uint64_t length)
{
	json_t *reply = client_call(s, "peek",
				    json_pack("{s:s,s:I,s:I}", "vm", name, "gpa",
					      (json_int_t)address, "length", (json_int_t)length),
				    -1);
	char text[24];

	if (!reply)
		return STATUS_FAIL;
	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	if (s->json)
		shell_print_json(json_pack("{s:s,s:O}", "address", text, "data",
					   json_object_get(reply, "data")));
	else
		print_bytes(address, proto_string(reply, "data", ""));
	json_decref(reply);
	return STATUS_OK;
}

static int dump_memory(struct session *s, const char *name, uint64_t address, uint64_t length)
{
	int status = STATUS_OK;

	while (length && status == STATUS_OK) {
		uint64_t n = length < DUMP_PIECE ? length : DUMP_PIECE;

		status = dump_piece(s, name, address, n);
		address += n;
		length -= n;
	}
	return status;
}

static int dump_core(struct session *s, int argc, char **argv)
{
	bool raw = option_flag(&argc, argv, "--raw");

	if (argc != 1 || (raw && s->json))
		return STATUS_USAGE;
	if (raw && !s->captured)
		return shell_fail(s, "--raw: expected strata-client to take it");
	return vm_dump_core(s, argv[0], raw);
}

int cmd_vm_dump(struct session *s, int argc, char **argv)
{
	const char *address_word = NULL, *length_word = NULL, *vcpu_word = NULL;
	uint64_t address, length = DUMP_DEFAULT, vcpu;
	json_int_t count;

	if (option_flag(&argc, argv, "--core"))
		return dump_core(s, argc, argv);
	if (option_take(&argc, argv, "--memory", &address_word) < 0 ||
	    option_take(&argc, argv, "--length", &length_word) < 0 ||
	    option_take(&argc, argv, "--vcpu", &vcpu_word) < 0 || argc != 1 ||
	    (length_word && !option_number(length_word, 1, DUMP_MAX, &length)) ||
	    (vcpu_word && !option_number(vcpu_word, 0, 1023, &vcpu)) ||
	    (address_word && !option_number(address_word, 0, INT64_MAX, &address)) ||
	    (length_word && !address_word))
		return STATUS_USAGE;
	if (vcpu_word)
		return dump_vcpu(s, argv[0], (json_int_t)vcpu, &count);
	if (address_word)
		return dump_memory(s, argv[0], address, length);
	return dump_vcpus(s, argv[0]);
}
