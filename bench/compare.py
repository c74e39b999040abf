#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What changed from one results file to another beyond noise: compare.py A.json B.json

A metric has changed when the ranges of its samples do not overlap and the medians differ by more
than a hundredth. Counts under icount have no noise: any difference is one. Exit status 1 when
something of Strata's became worse.
"""
import sys

import results as R

THRESHOLD = 0.01


def exact(row):
    return bool(row.get("exact"))


def change(a, b, side):
    """Relative change of the median from a to b beyond noise; None: none, or not comparable."""
    ranges = R.spread(a, side), R.spread(b, side)
    if None in ranges:
        return None
    old, new = R.median(a, side), R.median(b, side)
    if not old or old == new:
        return None
    relative = (new - old) / old
    if exact(a):
        return relative
    overlap = ranges[0][0] <= ranges[1][1] and ranges[1][0] <= ranges[0][1]
    return None if overlap or abs(relative) <= THRESHOLD else relative


def is_worse(row, relative):
    return relative > 0 if row["better"] == "lower" else relative < 0


def compare(old, new):
    """Lines to print, and whether Strata became worse somewhere."""
    lines, worse = [], False
    for row in new["rows"]:
        before = R.find_row(old, row["workload"], row["metric"])
        if before is None:
            lines.append(f"new      {row['workload']} {row['metric']}")
            continue
        for side in R.SIDES:
            relative = change(before, row, side)
            if relative is None:
                continue
            bad = is_worse(row, relative)
            worse |= bad and side == "strata"
            lines.append(f"{'worse ' if bad else 'better'}   {row['workload']} {row['metric']} {side}: "
                         f"{R.median(before, side):g} -> {R.median(row, side):g} {row['unit']} ({relative:+.1%})")
    for row in old["rows"]:
        if R.find_row(new, row["workload"], row["metric"]) is None:
            lines.append(f"gone     {row['workload']} {row['metric']}")
    return lines, worse


def main(argv):
    if len(argv) != 3:
        sys.exit("usage: compare.py A.json B.json")
    try:
        lines, worse = compare(R.load(argv[1]), R.load(argv[2]))
    except R.BadResults as e:
        sys.exit(f"compare: {e}")
    print("\n".join(lines) if lines else "no change beyond noise")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main(sys.argv)
