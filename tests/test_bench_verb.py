# SPDX-License-Identifier: GPL-2.0-or-later
"""The verb `bench`: in instructions on one deterministic CPU, and every row on more of them (tests/test_figures_smp.py has their figures)."""
import json
import re

PROMPT = r"strata> "

# Instructions of one operation in the release image, at most; what it is now is in hypervisor/README.md.
BUDGETS = {
    "ticket lock, 1 CPU": 26,
    "MCS lock, 1 CPU": 84,
    "channel round trip, same CPU": 4200,
    "context switch": 700,
    "wakeup, same CPU": 1200,
    "4 KiB page, allocate and free": 200,
    "2 MiB block, allocate and free": 650,
    "null system call": 280,
}
FAIR = {"fairness, 1 thread", "by weight, 16 threads"} | {f"fairness, {n} threads" for n in (2, 4, 8, 16, 64)}
LATE = {"woken late, 1 thread"} | {f"woken late, {n} threads" for n in (2, 4, 8, 16, 64)}
LATE_MOST = 5000  # a woken thread goes first, after what another computes between two looks
SHARE = (90, 110)  # per cent of an equal share, of the thread with least and the one with most


def test_instructions(machine):
    """-icount shift=0: an instruction takes a nanosecond, and the counts repeat."""
    with machine(config="release", smp=1, icount=True) as m:
        m.expect(PROMPT, timeout=60)
        m.sendline("bench")
        m.expect(PROMPT, timeout=240)
        cost = {k.strip(): float(v) for k, v in re.findall(r"(?m)^(.*?)  +([0-9.]+) ns\s*$", m.before())}
        shares = {k: (float(least), float(most)) for k, least, most in re.findall(r"(?m)^(\S.*?)  +([0-9.]+) to +([0-9.]+) % of an equal share", m.before())}
        late = {k: int(most) for k, most in re.findall(r"(?m)^(woken .*?)  +[0-9.]+ ns, at most (\d+) ns", m.before())}
    print(cost, shares)
    assert set(cost) == set(BUDGETS) and set(shares) == FAIR
    assert set(late) == LATE and max(late.values()) <= LATE_MOST, late
    # Counted as the budgets are: the same on each machine.
    assert all(least >= SHARE[0] and most <= SHARE[1] for least, most in shares.values())
    over = {k: v for k, v in cost.items() if v > BUDGETS[k]}
    assert not over, f"more than {BUDGETS}"


def test_rows(machine):
    """On two CPUs the contended rows are there too, and each has run all its rounds."""
    with machine(config="debug", smp=2) as m:
        m.expect(PROMPT, timeout=60)
        m.sendline("bench --json")
        m.expect(PROMPT, timeout=240)
        rows = [json.loads(line) for line in m.before().splitlines() if line.startswith("{")]
        m.sendline("bench nothing")
        m.expect(r"expected: bench", timeout=20)
    names = {r["measure"] for r in rows}
    contended = {"ticket lock, 2 CPUs", "MCS lock, 2 CPUs", "channel round trip, other CPU", "wakeup, other CPU"}
    assert names == set(BUDGETS) | FAIR | LATE | contended
    # A host that is busy may leave a thread without time; the budgets' machine says how fair the shares are.
    assert all(r["ns"] > 0 and r["most_ns"] >= r["least_ns"] >= (r["measure"] not in FAIR) and r["rounds"] > 0 for r in rows)
