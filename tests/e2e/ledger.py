# SPDX-License-Identifier: Apache-2.0
"""The agent's book-keeping about its outputs, checked against itself and against what really arrived.

    collected = sent + queued + dropped, at every moment

All is read from the lines `thermograf,output=...` of a file output, whose own lines nobody could lose.
"""

from collections import Counter

from tap import Failure, true

SUMS = ("lines_sent_total", "lines_queued", "lines_dropped_total")


def books(points):
    """{output: [(time_ns, fields), ...]} in the order of time."""
    found = {}
    for name, tags, fields, stamp in points:
        if name == "thermograf" and "output" in tags:
            found.setdefault(tags["output"], []).append((stamp, fields))
    return found


def check(points):
    """Every line on every output: the sums are right, and what is called a total never falls. Returns books()."""
    found = books(points)
    true(found, "the agent told nothing about its outputs")
    for output, rows in found.items():
        before = {}
        for stamp, fields in rows:
            _check_row(f"output {output} at {stamp}", fields, before)
            before = fields
    return found


def _check_row(what, row, before):
    collected = row["lines_collected_total"]
    if collected != sum(row[key] for key in SUMS):
        raise Failure(f"{what}: collected {collected}, " + ", ".join(f"{key} {row[key]}" for key in SUMS))
    reasons = sum(value for key, value in row.items()
                  if key.startswith("lines_dropped_") and key != "lines_dropped_total")
    if reasons != row["lines_dropped_total"]:
        raise Failure(f"{what}: dropped {row['lines_dropped_total']}, by reason {reasons}")
    for key, value in before.items():
        if key.endswith("_total") and row[key] < value:
            raise Failure(f"{what}: {key} fell from {value} to {row[key]}")
    if bool(row["lines_queued"]) != bool(row["batches_queued"]):
        raise Failure(f"{what}: {row['lines_queued']} lines in {row['batches_queued']} batches")


def settled(rows):
    """The last row at which nothing waited: (time_ns, fields); all lines stamped before are sent or dropped by then."""
    for stamp, fields in reversed(rows):
        if not fields["lines_queued"]:
            return stamp, fields
    return None


def stamp_of(line):
    return int(line.rsplit(" ", 1)[1])


def check_arrived(output, rows, truth, stored):
    """
    What is missing at the receiver is what the agent says that it dropped, to the line.
    @param truth   lines of the file output
    @param stored  those that the receiver has
    """
    true(settled(rows), f"output {output}: at no moment was everything delivered")
    stamp, fields = settled(rows)
    missing = Counter(line for line in truth if stamp_of(line) < stamp and line not in stored)
    if sum(missing.values()) != fields["lines_dropped_total"]:
        raise Failure(f"output {output}: {sum(missing.values())} lines are missing, {fields['lines_dropped_total']} "
                      f"counted as dropped; {list(missing)[:3]}")


def lateness_us(points):
    """How late the latest window was cut."""
    return max(fields["late_us"] for name, tags, fields, _ in points if name == "thermograf" and "output" not in tags)
