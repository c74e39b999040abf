#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes report.md and report.html from a results file: report.py RESULTS.json FOLDER

The page holds all it needs: a table, and for each workload bars normalized to the bare machine (to
KVM where the bare machine has no such operation).
"""
import html
import os
import sys

import goals as G
import results as R

COLORS = {"bare": "#8a8f98", "kvm": "#d98a3d", "strata": "#2f6fb0"}
NAMES = {"bare": "bare machine", "kvm": "Linux KVM", "strata": "Strata"}

TRIES = "Under KVM a job that ends so is begun again for what it has not measured yet (bench/README.md)."

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#1c1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:1em 0}
th,td{padding:.3em .6em;border-bottom:1px solid #dde;text-align:right;font-variant-numeric:tabular-nums}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
td.note{color:#667;font-size:.85em;text-align:left}
.good{color:#17733a}.bad{color:#a32018}
svg{display:block;margin:.5em 0 1.5em}
svg text{font:12px system-ui,sans-serif;fill:#1c1f24}
"""


def number(value):
    if value is None:
        return "–"
    if isinstance(value, float) and abs(value) < 100 and value != int(value):
        return f"{value:.2f}"
    return f"{value:,.0f}"


def cell(row, side):
    low_high = R.spread(row, side)
    if low_high is None:
        return "–"
    text = number(R.median(row, side))
    return text if low_high[0] == low_high[1] else f"{text} ({number(low_high[0])}–{number(low_high[1])})"


def ratio_text(row, pair):
    value = R.ratio(row, *pair)
    return "–" if value is None else f"{value:.3f}"


def ratio_class(row, pair):
    value = R.ratio(row, *pair)
    if value is None or pair != ("strata", "kvm"):
        return ""
    better = value < 1 if row["better"] == "lower" else value > 1
    return "good" if better else "bad"


def heading(results):
    versions = ", ".join(f"{k} {v}" for k, v in sorted(results["versions"].items()))
    machine = ", ".join(f"{k}: {v}" for k, v in sorted(results["machine"].items()))
    return [f"Commit {results['commit']}.", f"Machine: {machine}.", f"Versions: {versions}.",
            f"Mitigations: {results['mitigations']}, the same on all sides."]


def hole_lines(results):
    return [f"{h['workload']} on {NAMES.get(h['side'], h['side'])}: {h['reason']}" for h in results["holes"]]


def try_lines(results):
    return [f"{t['job']} on {NAMES.get(t['side'], t['side'])}, try {t['try']}: {t['reason']}" for t in results.get("failed_tries", [])]


def missed(row):
    """The ratio of a row that is worse than its goal, as text; None: it is not, or cannot be told."""
    count, own = G.count_of(row), R.median(row, "strata")
    if count is not None and own is not None and own > count:
        return f"{number(own)} {row['unit']} (at most {count} is the goal)"
    over, under, limit = G.goal_of(row)
    value = R.ratio(row, over, under)
    if value is None or (value <= limit if row["better"] == "lower" else value >= limit):
        return None
    return f"{value:.3f} of {NAMES[under]} ({'at most' if row['better'] == 'lower' else 'at least'} {limit:g} is the goal)"


def behind(results):
    """Rows where Strata is behind KVM or its goal, with the cause where one is known."""
    lines = []
    for row in results["rows"]:
        text = missed(row)
        if text:
            cause = G.cause_of(row)
            lines.append(f"{row['workload']} {row['metric']}: {text}{': ' + cause if cause else ': cause not known yet'}")
    return lines


def overheads(results):
    """What a boot takes over the bare machine's."""
    row = R.find_row(results, "boot", "boot")
    bare = R.median(row, "bare") if row else None
    if not bare:
        return []
    parts = [f"{NAMES[s]} {R.median(row, s) - bare:+,.0f}" for s in ("kvm", "strata") if R.median(row, s)]
    return [f"Boot over the bare machine, {row['unit']}: {', '.join(parts)}."] if parts else []


def markdown(results):
    lines = ["# Strata, KVM and the bare machine", ""] + heading(results) + [""]
    lines += ["## Where Strata is behind", ""] + [f"- {line}" for line in behind(results) or ["nowhere"]] + ["", "## All figures", ""]
    lines += overheads(results) + [""]
    lines += ["Median (smallest–largest). Ratios are of medians.", ""]
    titles = ["workload", "metric", "unit", "better"] + [NAMES[s] for s in R.SIDES]
    titles += [f"{a}/{b}" for a, b in R.RATIOS] + ["note"]
    lines.append("| " + " | ".join(titles) + " |")
    lines.append("|" + "---|" * len(titles))
    for row in results["rows"]:
        cells = [row["workload"], row["metric"], row["unit"], row["better"]]
        cells += [cell(row, s) for s in R.SIDES] + [ratio_text(row, p) for p in R.RATIOS] + [G.note_of(row)]
        lines.append("| " + " | ".join(cells) + " |")
    if results["holes"]:
        lines += ["", "## Not measured", ""] + [f"- {line}" for line in hole_lines(results)]
    if try_lines(results):
        lines += ["", "## Tries that failed", "", TRIES, ""] + [f"- {line}" for line in try_lines(results)]
    return "\n".join(lines) + "\n"


def table(results):
    out = ["<table><thead><tr><th>workload</th><th>metric</th><th>unit</th><th>better</th>"]
    out += [f"<th>{NAMES[s]}</th>" for s in R.SIDES]
    out += [f"<th>{a}/{b}</th>" for a, b in R.RATIOS] + ["<th>note</th></tr></thead><tbody>"]
    for row in results["rows"]:
        out.append("<tr>" + "".join(f"<td>{html.escape(row[k])}</td>"
                                    for k in ("workload", "metric", "unit", "better")))
        out += [f"<td>{cell(row, s)}</td>" for s in R.SIDES]
        out += [f'<td class="{ratio_class(row, p)}">{ratio_text(row, p)}</td>' for p in R.RATIOS]
        out.append(f'<td class="note">{html.escape(G.note_of(row))}</td></tr>')
    return "".join(out) + "</tbody></table>"


def bars(rows):
    """One group of bars a row, each normalized to the bare machine, or to KVM without one."""
    height, left, width, y = 16, 220, 560, 10
    groups = [(row, "bare" if R.median(row, "bare") else "kvm") for row in rows]
    groups = [(row, base) for row, base in groups if R.median(row, base)]
    scaled = [(row, base, [(s, R.ratio(row, s, base)) for s in R.SIDES if R.ratio(row, s, base) is not None])
              for row, base in groups]
    top = max((v for _, _, values in scaled for _, v in values), default=0)
    if not top:
        return ""
    out = []
    for row, base, values in scaled:
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{html.escape(row["metric"])}</text>')
        for side, value in values:
            length = max(width * value / top, 1)
            out.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{height - 3}" fill="{COLORS[side]}"/>')
            out.append(f'<text x="{left + length + 5:.1f}" y="{y + 11}">{value:.2f} {side}</text>')
            y += height
        out.append(f'<text x="{left - 8}" y="{y - 2}" text-anchor="end" opacity=".6">{base} = 1</text>')
        y += 10
    return f'<svg width="{left + width + 120}" height="{y}" role="img">{"".join(out)}</svg>'


def page(results):
    workloads = list(dict.fromkeys(row["workload"] for row in results["rows"]))
    body = ["<h1>Strata, KVM and the bare machine</h1>"]
    body += [f"<p>{html.escape(line)}</p>" for line in heading(results)]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in behind(results) or ["nowhere"])
    body.append(f"<h2>Where Strata is behind</h2><ul>{items}</ul><h2>All figures</h2>")
    body += [f"<p>{html.escape(line)}</p>" for line in overheads(results)]
    body.append("<p>Median (smallest–largest). Ratios are of medians.</p>" + table(results))
    for workload in workloads:
        rows = [row for row in results["rows"] if row["workload"] == workload]
        body.append(f"<h2>{html.escape(workload)}</h2>" + bars(rows))
    if results["holes"]:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in hole_lines(results))
        body.append(f"<h2>Not measured</h2><ul>{items}</ul>")
    if try_lines(results):
        items = "".join(f"<li>{html.escape(line)}</li>" for line in try_lines(results))
        body.append(f"<h2>Tries that failed</h2><p>{TRIES}</p><ul>{items}</ul>")
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Strata benchmark</title>'
            f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


def write_all(results, folder):
    os.makedirs(folder, exist_ok=True)
    write(folder, "report.md", markdown(results))
    write(folder, "report.html", page(results))


def main(argv):
    if len(argv) != 3:
        sys.exit("usage: report.py RESULTS.json FOLDER")
    try:
        results = R.load(argv[1])
    except R.BadResults as e:
        sys.exit(f"report: {e}")
    write_all(results, argv[2])


if __name__ == "__main__":
    main(sys.argv)
