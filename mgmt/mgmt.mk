# Ring-3 programs: each is a folder mgmt/NAME, linked statically with mgmt/lib and what LIBS_NAME says, and becomes
# /bin/NAME of the boot archive. $(O)/linux/NAME is the same program over mgmt/lib/strata_linux.c, for tests on this machine.

MGMT_PROGRAMS := init shell vmm

LIBS_init  := -linih -ljansson
# readline looks up home folders: static glibc warns that this wants shared libraries; there is no /etc/passwd to look in.
LIBS_vmm   := -linih -ljansson -lcapstone
LIBS_shell := -linih -lreadline -ltinfo -ljansson -Wl,--no-warnings

# Files of mgmt/lib that not every program wants.
SHARED_init  := mgmt/lib/cpu_list.c
SHARED_shell := mgmt/lib/vm_config.c mgmt/lib/vm_config_keys.c mgmt/lib/vm_sched.c mgmt/lib/frame.c mgmt/lib/cpu_list.c
SHARED_vmm   := mgmt/lib/vm_config.c mgmt/lib/vm_config_keys.c mgmt/lib/vm_sched.c mgmt/lib/cpu_list.c
# Folders of a program beside its own.
FOLDERS_vmm := acpi dev emu load

mgmt-sources = $(SHARED_$(1)) $(filter-out %_test.c %_fuzz.c,$(sort $(wildcard mgmt/$(1)/*.c $(foreach f,$(FOLDERS_$(1)),mgmt/$(1)/$(f)/*.c))))
mgmt-objs    = $(patsubst %.c,$(O)/user/%.o,$(1))

MGMT_LIB       := $(call mgmt-objs,mgmt/lib/strata.c mgmt/lib/chan.c mgmt/lib/proto.c)
MGMT_LIB_LINUX := $(call mgmt-objs,mgmt/lib/strata_linux.c mgmt/lib/strata_fake.c mgmt/lib/chan.c mgmt/lib/proto.c)

define mgmt-program
$(O)/user/bin/$(1): $(call mgmt-objs,$(call mgmt-sources,$(1))) $(MGMT_LIB) mgmt/mgmt.mk
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(USER_LDFLAGS) $$(filter-out %.mk,$$^) $$(LIBS_$(1)) -o $$@.debug
	$$(Q)strip -o $$@ $$@.debug
$(O)/linux/$(1): $(call mgmt-objs,$(call mgmt-sources,$(1))) $(MGMT_LIB_LINUX)
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$^ $$(LIBS_$(1)) -o $$@
ROOT_FILES += bin/$(1)=$(O)/user/bin/$(1)
image: $(O)/linux/$(1)
endef
$(foreach p,$(MGMT_PROGRAMS),$(eval $(call mgmt-program,$(p))))

# The client for other machines: an ordinary program of Debian's.
CLIENT_OBJS := $(call mgmt-objs,$(sort $(wildcard mgmt/client/*.c)) mgmt/lib/frame.c)
build/strata-client: $(CLIENT_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $^ -o $@
build/strata-client.bash: mgmt/client/completion.py $(O)/linux/shell
	$(call say,GEN,$@)
	$(Q)$(O)/linux/shell --table | $(PYTHON) mgmt/client/completion.py >$@
image: build/strata-client build/strata-client.bash

PREFIX ?= /usr/local
.PHONY: install-client
install-client: build/strata-client build/strata-client.bash # strata-client with man page and completion, below PREFIX (/usr/local)
	install -D build/strata-client $(DESTDIR)$(PREFIX)/bin/strata-client
	install -D -m 644 mgmt/client/strata-client.1 $(DESTDIR)$(PREFIX)/share/man/man1/strata-client.1
	install -D -m 644 build/strata-client.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/strata-client

# The terminal that the shell describes itself to readline as.
ROOT_FILES += lib/terminfo/v/vt100=/lib/terminfo/v/vt100

.PHONY: docs docs-check
docs: $(O)/linux/shell $(O)/linux/vmm build/boot-words # write docs/boot.md, console.md, json.md and vm-config.md from the tables of kernel, shell and VMM
	@mkdir -p docs
	@build/boot-words >docs/boot.md
	@$(O)/linux/shell --doc >docs/console.md
	@$(O)/linux/shell --json-doc >docs/json.md
	@$(O)/linux/vmm --doc >docs/vm-config.md
docs-check: $(O)/linux/shell $(O)/linux/vmm build/boot-words # fail when they are not what `make docs` would write
	@build/boot-words | diff -u docs/boot.md - || { echo "docs/boot.md is old: run make docs" >&2; exit 1; }
	@$(O)/linux/shell --doc | diff -u docs/console.md - || { echo "docs/console.md is old: run make docs" >&2; exit 1; }
	@$(O)/linux/shell --json-doc | diff -u docs/json.md - || { echo "docs/json.md is old: run make docs" >&2; exit 1; }
	@$(O)/linux/vmm --doc | diff -u docs/vm-config.md - || { echo "docs/vm-config.md is old: run make docs" >&2; exit 1; }
