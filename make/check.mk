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

.PHONY: check
check: build/.deps-test # everything that CI runs; ends with the total
	@tests/tools/check.py both docs-check unit fuzz-short
