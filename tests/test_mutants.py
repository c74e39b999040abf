# SPDX-License-Identifier: GPL-2.0-or-later
"""Every planted bug (tests/mutants.py) is caught: by exploring interleavings, by replaying the logical log."""
import os
import subprocess

import pytest

import harness
import llog
import mutants

EXPLORED = [m for m in mutants.MUTANTS if m.explore]
REPLAYED = [m for m in mutants.MUTANTS if m.replay]
SELF_TESTED = [m for m in mutants.MUTANTS if m.selftest]
LIMIT = 20000  # executions of a scenario
RUNS = 6  # of a machine, at most
ENDS = r"selftest: \d+ passed|init \([^)]*\) has ended|panic: "


@pytest.fixture(scope="module")
def words():
    llog.build()
    subprocess.run(["make", "-s", "programs-archive"], cwd=harness.TREE, check=True, timeout=300)
    return mutants.words()


def test_each_is_planted_somewhere():
    assert all(m.explore or m.replay or m.selftest for m in mutants.MUTANTS)
    assert len({m.name for m in mutants.MUTANTS}) == len(mutants.MUTANTS)
    print(f"{len(mutants.MUTANTS)} mutants, {len(EXPLORED)} explored, {len(REPLAYED)} replayed, {len(SELF_TESTED)} self-tested")


@pytest.mark.parametrize("m", EXPLORED, ids=lambda m: m.name)
def test_explored(m, words):
    program = mutants.build_explorer(m, words)
    p = subprocess.run([program, str(LIMIT), m.explore], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=120 * harness.TIME_SCALE, check=False)
    text = p.stdout.decode()
    assert "FAILED" in text and p.returncode == 1, f"{m.name} ({m.breaks}) was not found:\n{text}"
    print(text)


def replayed(m, kernel):
    """One machine of the mutant; the replay of its log."""
    if m.replay == "channels":
        machine = {"smp": 2, "append": "strata.exit=init init=/bin/objects",
                   "initrd": os.path.join(harness.BUILD, "programs.cpio")}
    else:
        machine = {"smp": 4, "append": f"selftest={m.replay} strata.exit=selftest"}
    with llog.logged(kernel=kernel, **machine) as (box, replay):
        try:
            # One that hangs always takes its limit whole: it is not stretched.
            box.expect(ENDS, timeout=15 / harness.TIME_SCALE if m.hangs else 60, allow_panic=True)
        except harness.MachineError:
            print(f"{m.name}: does not end")
    return replay


@pytest.mark.parametrize("m", REPLAYED, ids=lambda m: m.name)
def test_replayed(m, words):
    """Which CPU comes first is the machine's to say: a race is looked for in several runs, and one must show it."""
    kernel = mutants.build_image(m, words)
    for n in range(RUNS):
        replay = replayed(m, kernel)
        if replay.violations:
            break
        print(f"{m.name}: not found by run {n + 1}")
    assert replay.violations, f"{m.name} ({m.breaks}) was not found in {RUNS} runs:\n{replay.text}"
    print(f"{m.name}: {replay.violations[0]}")


@pytest.mark.parametrize("m", SELF_TESTED, ids=lambda m: m.name)
def test_self_tested(m, words, machine):
    """What is no matter of order is found by a self-test, which passes without the bug (tests/test_selftest.py). What the computer below
    takes from one thread can make another's gain look fair: several runs, and one must show it; or a machine whose clock counts instructions."""
    kernel = mutants.build_image(m, words)
    for n in range(1 if m.icount else RUNS):
        with machine(smp=m.smp, icount=m.icount, kernel=kernel, append=f"selftest={m.selftest} strata.exit=selftest") as box:
            box.expect(r"selftest: (\d+) passed, (\d+) failed|panic: [^\r\n]*", timeout=60, allow_panic=True)
            if box.child.match[2] != b"0":
                return
        print(f"{m.name}: not found by run {n + 1}")
    pytest.fail(f"{m.name} ({m.breaks}) was not found")
