#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration's picture fits the terminal and says what the numbers say."""

import math
import random
import re

import picture
from tap import at_most, equal, main, true

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
START = 1_700_000_000


def made_up(seconds, bounds=14, devices=1, seed=1):
    rng = random.Random(seed)
    keys = [(f"loop{d}", op) for d in range(devices) for op in picture.OPS[:6]]
    span = range(START, START + seconds)
    heat = {(str(2**n),): {s: rng.randrange(1, 10**rng.randrange(1, 7)) for s in span} for n in range(bounds)}
    return picture.Data("title", "loop0", {k: {s: rng.randrange(10**6) for s in span} for k in keys},
                        {k: {s: rng.randrange(10**10) for s in span} for k in keys}, heat, 2)


def test_no_line_is_wider_and_no_picture_higher_than_the_terminal():
    for width, height in ((80, 24), (81, 25), (100, 30), (140, 45), (250, 70), (60, 20)):
        for seconds in (1, 2, 10, 15, 39, 500):
            for colour in ("truecolor", "256"):
                for devices in (1, 2, 5):
                    lines = picture.draw(made_up(seconds, devices=devices), picture.View(width, height, colour))
                    what = f"{width}x{height}, {seconds} s, {devices} devices"
                    at_most(len(lines), height, f"lines at {what}")
                    at_most(max(len(ESCAPE.sub("", line)) for line in lines), width, f"columns at {what}")


def test_the_device_whose_latency_is_shown_is_in_the_table_however_busy_others_are():
    data = made_up(10, devices=9)._replace(device="loop8")
    data.ios.update({key: {START + 9: 1} for key in data.ios if key[0] == "loop8"})
    lines = [ESCAPE.sub("", line) for line in picture.draw(data, picture.View(80, 24, "256"))]
    true(any(line.startswith(" loop8") for line in lines), "\n".join(lines))


def test_without_colours_there_is_no_escape_code_and_every_bucket_has_its_line():
    lines = picture.draw(made_up(15), picture.View(80, 0, "none"))
    true(not any("\x1b" in line for line in lines), "an escape code")
    labels = [line.split("┤")[0].strip() for line in lines if "┤" in line]
    equal(labels, ["8.19 ms", "4.1 ms", "2.05 ms", "1.02 ms", "512 µs", "256 µs", "128 µs", "64 µs", "32 µs", "16 µs",
                   "8 µs", "4 µs", "2 µs", "1 µs"], "labels from slow to fast")


def test_a_brighter_cell_means_more():
    counts = {START + n: 10**n for n in range(6)}
    data = made_up(6)._replace(heat={("64",): counts})
    lines = picture.draw(data, picture.View(80, 0, "none"))
    (row,) = [line.split("┤")[1] for line in lines if line.strip().startswith("64 µs")]
    shades = [picture.SHADES.index(row[i]) for i in range(0, len(row), len(row) // 6)]
    equal(shades, sorted(shades), "shades of growing counts")
    equal((shades[0], shades[-1]), (0, len(picture.SHADES) - 1), "the least and the most")


def test_what_is_above_all_bounds_stands_on_top():
    heat = {("+Inf",): {START: 1}, ("1024",): {START: 5}}
    labels = [line.split("┤")[0].strip() for line in picture.draw(made_up(1)._replace(heat=heat),
                                                                  picture.View(80, 0, "none")) if "┤" in line]
    equal((labels[0], labels[-1]), ("above", "1.02 ms"), "first and last label")


def test_numbers_and_latencies_read_well():
    for value, text in ((0, "0"), (7, "7"), (29.66, "29.7"), (999, "999"), (1000, "1 k"), (1070, "1.07 k"),
                        (258e6, "258 M"), (999_700, "1 M"), (3.21e12, "3210 G")):
        equal(picture.number(value), text, f"number {value}")
    for le, text in ((1, "1 µs"), (512, "512 µs"), (1024, "1.02 ms"), (131072, "131 ms"), (2**20, "1.05 s"),
                     (2**30, "1074 s"), (math.inf, "above")):
        equal(picture.latency(le), text, f"latency {le}")


def test_before_the_first_window_it_says_so():
    lines = picture.draw(made_up(1)._replace(ios={}, bytes={}, heat={}), picture.View(80, 24, "256"))
    true("waiting" in lines[-1], f"{lines}")


if __name__ == "__main__":
    main(globals(), once="no agent in it")
