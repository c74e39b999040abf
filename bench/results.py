# SPDX-License-Identifier: GPL-2.0-or-later
"""The results file of a benchmark run: build/bench/results.json. bench/README.md has its schema."""
import json
import os
import statistics

SCHEMA = 1
SIDES = ("bare", "kvm", "strata")


class BadResults(Exception):
    """A results file that cannot be used; the text names the file and what was expected."""


def new(machine, versions, commit, mitigations):
    return {"schema": SCHEMA, "commit": commit, "machine": machine, "versions": versions,
            "mitigations": mitigations, "rows": [], "holes": [], "failed_tries": [], "done": []}


def save(path, results):
    """All or nothing: an interrupted run leaves the last whole file."""
    temporary = path + ".tmp"
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(temporary, "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1, sort_keys=True)
        f.write("\n")
    os.replace(temporary, path)


def check_row(path, number, row):
    where = f"{path}: row {number}"
    for key, kind in (("workload", str), ("metric", str), ("unit", str), ("better", str), ("samples", dict)):
        if not isinstance(row.get(key), kind):
            raise BadResults(f"{where}: {key}: expected {kind.__name__}")
    if row["better"] not in ("lower", "higher"):
        raise BadResults(f"{where}: better: expected 'lower' or 'higher', not {row['better']!r}")
    for side, samples in row["samples"].items():
        if side not in SIDES:
            raise BadResults(f"{where}: samples: expected sides of {', '.join(SIDES)}, not {side!r}")
        if not isinstance(samples, list) or not all(type(s) in (int, float) for s in samples):
            raise BadResults(f"{where}: samples of {side}: expected a list of numbers")


def load(path):
    try:
        with open(path, encoding="utf-8") as f:
            results = json.load(f)
    except OSError as e:
        raise BadResults(f"{path}: {e.strerror}") from e
    except ValueError as e:
        raise BadResults(f"{path}: expected JSON: {e}") from e
    if not isinstance(results, dict) or results.get("schema") != SCHEMA:
        raise BadResults(f"{path}: expected a results file of schema {SCHEMA}")
    for key, kind in (("commit", str), ("machine", dict), ("versions", dict), ("mitigations", str),
                      ("rows", list), ("holes", list), ("done", list)):
        if not isinstance(results.get(key), kind):
            raise BadResults(f"{path}: {key}: expected {kind.__name__}")
    for number, row in enumerate(results["rows"]):
        check_row(path, number, row)
    return results


def find_row(results, workload, metric):
    for row in results["rows"]:
        if (row["workload"], row["metric"]) == (workload, metric):
            return row
    return None


def add_sample(results, workload, metric, unit, better, side, value):
    row = find_row(results, workload, metric)
    if row is None:
        row = {"workload": workload, "metric": metric, "unit": unit, "better": better, "samples": {}}
        results["rows"].append(row)
    row["samples"].setdefault(side, []).append(value)
    return row


def add_hole(results, workload, side, reason):
    """A side that could not be measured: named, and the run goes on."""
    remove_holes(results, workload, side)
    results["holes"].append({"workload": workload, "side": side, "reason": reason})


def remove_holes(results, workload, side):
    results["holes"] = [h for h in results["holes"] if (h["workload"], h["side"]) != (workload, side)]


def add_failed_try(results, job, side, number, reason):
    """A job that had to begin again."""
    results.setdefault("failed_tries", []).append({"job": job, "side": side, "try": number, "reason": reason})


def sort_rows(results, order):
    """Rows in this order of (workload, metric), whichever was measured first; others behind."""
    places = {key: place for place, key in enumerate(order)}
    results["rows"].sort(key=lambda row: places.get((row["workload"], row["metric"]), len(order)))


def median(row, side):
    samples = row["samples"].get(side)
    return statistics.median(samples) if samples else None


def spread(row, side):
    """Smallest and largest sample, None if there is none."""
    samples = row["samples"].get(side)
    return (min(samples), max(samples)) if samples else None


def ratio(row, over, under):
    """Median of one side over another's; None when one is missing or nothing to divide by."""
    a, b = median(row, over), median(row, under)
    return a / b if a is not None and b else None


RATIOS = (("strata", "kvm"), ("strata", "bare"), ("kvm", "bare"))
