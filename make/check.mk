# Tests and checks. Each target ends with a line `NAME: N passed, M failed`.

UNIT_SECONDS ?= 60
FUZZ_SECONDS ?= 60

# T=WORD: only the programs whose path contains WORD.
host-programs = $(shell sed -n 's/^PROGRAMS := //p' build/$(1)/rules.mk | tr ' ' '\n' | grep -F '$(T)')

.PHONY: unit-programs fuzz-programs
unit-programs fuzz-programs: %-programs: build/.deps-test
	@mkdir -p build/$*
	@$(MAKE) -f make/host.mk KIND=$* programs

.PHONY: unit
unit: unit-programs # host unit tests under ASan and UBSan (T=WORD: only those with WORD in the path)
	@tests/tools/run_programs.py unit $(UNIT_SECONDS) $(call host-programs,unit)

.PHONY: fuzz fuzz-short
fuzz: fuzz-programs # every fuzz target for FUZZ_SECONDS each (60)
	@tests/tools/run_programs.py fuzz $(FUZZ_SECONDS) $(call host-programs,fuzz)
fuzz-short: fuzz-programs # every fuzz target for some seconds
	@tests/tools/run_programs.py fuzz 6 $(call host-programs,fuzz)

# Static checks.
.PHONY: layer-check header-check lint format
layer-check: # no file includes a header of a layer above its own
	@tests/tools/layer_check.py

header-check: $(O)/gen/version.h # every header compiles alone
	@tests/tools/header_check.py \
		'$(CC) $(KERNEL_CPPFLAGS) -DCONFIG_DEBUG=1 $(FREESTANDING_INCLUDE) $(KERNEL_CFLAGS)' \
		'$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS)'

lint: build/.deps-test # formatting, cppcheck, every C file compiled by clang as well
	@MAKE='$(MAKE)' tests/tools/lint.py

F ?= $(shell git diff --name-only --diff-filter=d HEAD -- '*.c' '*.h')
format: build/.deps-test # format changed files, or F='FILE ...'
	@[ -z '$(F)' ] || clang-format -i $(F)

# What lint.py compiles with clang: kernel files as the kernel, the others as programs.
LINT_KERNEL = $(if $(findstring /spec/,$<),,$(filter-out %_test.c %_fuzz.c %_doc.c,$(filter hypervisor/% drivers/%,$<)))
build/lint/clang/%.o: %.c $(O)/.flags-kernel $(O)/.flags-user $(O)/gen/version.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(if $(LINT_KERNEL),$(KERNEL_CPPFLAGS) $(FREESTANDING_INCLUDE) $(KERNEL_CFLAGS), \
		$(USER_CPPFLAGS) $(USER_CFLAGS)) $(CFLAGS_$<) -MMD -MP -c $< -o $@
ifneq ($(filter build/lint/%,$(MAKECMDGOALS)),)
-include $(shell find build/lint -name '*.d' 2>/dev/null)
endif

.PHONY: reproducible
reproducible: both # a build elsewhere gives the same bytes
	@MAKE='$(MAKE)' tests/tools/reproducible.py '$(VERSION)'

# Steps of make check beside the tests/test_*.py; other fragments may add targets of theirs.
CHECK_STEPS += explore-short reproducible lint unit fuzz-short header-check layer-check docs-check
QUICK_STEPS += unit header-check layer-check docs-check

.PHONY: check-boot
check-boot: build/.deps-test build/.deps-images both build/demo.cpio # every loader, firmware and medium (long; the short ones are in make check)
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/test_efi.py $(sort $(wildcard tests/boot_*.py))

.PHONY: check quick
check: build/.deps-test build/.deps-images build/demo.cpio # everything; the last line is the count
	@MAKE='$(MAKE)' tests/tools/check.py check $(CHECK_STEPS)
quick: build/.deps-test # build, unit tests, layer and header check, self-tests on 2 CPUs
	@MAKE='$(MAKE)' tests/tools/check.py quick $(QUICK_STEPS)
