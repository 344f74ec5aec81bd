# SPDX-License-Identifier: Apache-2.0
"""The demonstration's picture: queried sums to lines of text. Pure: no clock, no terminal.

    Throughput  {(device, op): {second: count}} of I/Os and of bytes
    Heat        {(le,): {second: count}}: how many I/Os of that second fell into that bucket
"""

import math
from collections import namedtuple

OPS = ("read", "write", "writeback", "commit", "flush", "discard", "other")

# Dark to bright, as in a fire. Each step is clearly brighter than the one before, also without colour vision.
FIRE = ((40, 11, 84), (87, 16, 110), (136, 34, 106), (187, 55, 84), (227, 89, 51), (249, 140, 10), (249, 201, 50),
        (252, 255, 164))
FIRE_256 = (54, 90, 126, 161, 202, 208, 220, 229)
SHADES = "░▒▓█"
SPARKS = "▁▂▃▄▅▆▇█"

LABEL = 9  # "8.19 ms " and the axis
CELL = 2  # columns for a second: about a square
LARGE_ROWS = 28  # lines for buckets from which on each gets two, and a second twice the columns

View = namedtuple("View", "width height colour")  # colour: "truecolor", "256" or "none"; height 0: as it needs
Data = namedtuple("Data", "title device ios bytes heat rate_seconds")  # device: the one whose latency is shown


def number(value):
    """Three figures and a unit: 0, 7, 950, 1.02 k, 20.3 M."""
    for unit in ("", " k", " M", " G"):
        if value < 999.5 or unit == " G":
            break
        value /= 1000
    text = f"{value:.0f}" if value >= 99.95 or value == int(value) else f"{value:.3g}"
    return text + unit


def size(value):
    """Bytes."""
    text = number(value)
    return text + ("B" if " " in text else " B")


def latency(le):
    """A bound in microseconds for a person."""
    if le == math.inf:
        return "above"
    for unit, size in (("µs", 1), ("ms", 1000), ("s", 1_000_000)):
        if le < 1000 * size or unit == "s":
            value = le / size
            return (f"{value:.0f}" if size == 1 or value >= 99.95 else f"{value:.3g}") + f" {unit}"
    return ""


def ramp(intensity, colour):
    """The colour of 0 < intensity <= 1 as an SGR parameter without its 38; or 48;."""
    last = len(FIRE) - 1
    place = min(max(intensity, 0), 1) * last
    if colour == "256":
        return f"5;{FIRE_256[round(place)]}"
    low = min(int(place), last - 1)
    red, green, blue = (round(a + (b - a) * (place - low)) for a, b in zip(FIRE[low], FIRE[low + 1]))
    return f"2;{red};{green};{blue}"


class Painter:
    """Text with or without colours."""

    def __init__(self, colour):
        self.colour = colour

    def style(self, text, sgr):
        return f"\x1b[{sgr}m{text}\x1b[0m" if self.colour != "none" and text.strip() else text

    def dim(self, text):
        return self.style(text, "2")

    def bold(self, text):
        return self.style(text, "1")

    def cell(self, intensity, width):
        """One bucket of one second."""
        if not intensity:
            return " " * width
        if self.colour == "none":
            return SHADES[min(int(intensity * len(SHADES)), len(SHADES) - 1)] * width
        return f"\x1b[38;{ramp(intensity, self.colour)}m{'█' * width}\x1b[0m"

    def halves(self, upper, lower, width):
        """Two buckets in one line."""
        if not upper or not lower:
            intensity, block = (upper, "▀") if upper else (lower, "▄")
            return f"\x1b[38;{ramp(intensity, self.colour)}m{block * width}\x1b[0m" if intensity else " " * width
        return (f"\x1b[38;{ramp(upper, self.colour)};48;{ramp(lower, self.colour)}m{'▀' * width}\x1b[0m")


def seconds_shown(data, columns):
    """The seconds from left to right: grows to the right, then scrolls."""
    known = [second for series in data.ios.values() for second in series]
    if not known:
        return []
    newest, oldest = max(known), min(known)
    return list(range(max(oldest, newest - columns + 1), newest + 1))


def sparkline(series, shown, high):
    return "".join(SPARKS[math.ceil(series.get(s, 0) / high * len(SPARKS)) - 1] if series.get(s) else " "
                   for s in shown)


def table(data, painter, width, most):
    """Throughput: a line per device and operation; if there is no room for all, our own first, then the busiest."""
    columns = width - 46
    shown = seconds_shown(data, columns)
    recent = shown[-data.rate_seconds:]
    busy = {key: sum(series.get(s, 0) for s in shown) for key, series in data.ios.items()}
    keys = sorted((key for key in busy if busy[key]), key=lambda key: (key[0] != data.device, -busy[key]))[:most]
    keys.sort(key=lambda key: (key[0] != data.device, key[0], OPS.index(key[1]) if key[1] in OPS else len(OPS)))
    lines = [painter.dim(f" {'device':<11}{'operation':<11}{'I/Os per s':>10}{'bytes per s':>12}"
                         f" {'I/Os each second' if columns >= 16 else 'I/Os':<{columns}}")]
    previous = None
    for key in keys:
        ios, volume = ((sum(series.get(key, {}).get(s, 0) for s in recent) / max(len(recent), 1))
                     for series in (data.ios, data.bytes))
        high = max(data.ios[key].get(s, 0) for s in shown)
        device = key[0] if key[0] != previous else ""
        previous = key[0]
        text = f"{key[1]:<11}{number(ios):>10}{size(volume) if volume else '':>12} "
        lines.append(" " + painter.bold(f"{device[:10]:<11}") + text + painter.style(sparkline(data.ios[key], shown, high), "36"))
    return lines


def bounds_shown(heat):
    """The buckets from slow to fast, without holes: bounds are octaves."""
    found = sorted(le for le, series in heat.items() if any(series.values()))
    if not found:
        return []
    finite = [le for le in found if le != math.inf] or [1]
    low, high = min(finite), max(finite)
    bounds = [low]
    while bounds[-1] < high:
        bounds.append(bounds[-1] * 2)
    # Some rows at least, so that a picture that starts is not a stripe.
    while len(bounds) < 8:
        bounds.append(bounds[-1] * 2)
    if math.inf in found:
        bounds.append(math.inf)
    return bounds[::-1]


def heatmap(data, painter, width, most):
    """The latency heatmap with its axes; most: lines for buckets, 0 for as many as there are."""
    tall = 2 if most >= LARGE_ROWS else 1
    cell = CELL * tall
    columns = (width - LABEL - 2) // cell
    shown = seconds_shown(data, columns)
    if not most and shown:  # on paper: as wide as it gets
        cell = min(4, max(cell, (width - LABEL - 2) // len(shown)))
    heat = {math.inf if key[0] in ("+Inf", "inf") else int(key[0]): series for key, series in data.heat.items()}
    bounds = bounds_shown(heat)
    high = max((heat[le].get(s, 0) for le in heat for s in shown), default=0) or 1

    def intensity(le, second):
        count = heat.get(le, {}).get(second, 0)
        return math.log1p(count) / math.log1p(high) if count else 0

    lines = [" " + painter.bold(f"latency of {data.device}") + "  " + legend(painter, high)]
    if tall > 1 and len(bounds) * tall > most:
        tall = 1
    if most and len(bounds) > most and painter.colour != "none":
        if len(bounds) % 2:
            bounds = [bounds[0] * 2] + bounds
        for upper, lower in list(zip(bounds[::2], bounds[1::2]))[-most:]:
            cells = "".join(painter.halves(intensity(upper, s), intensity(lower, s), cell) for s in shown)
            lines.append(painter.dim(f"{latency(upper):>{LABEL}}┤") + cells)
    else:
        for le in bounds[-most:]:
            cells = "".join(painter.cell(intensity(le, s), cell) for s in shown)
            lines.append(painter.dim(f"{latency(le):>{LABEL}}┤") + cells.rstrip(" "))
            lines += [painter.dim(" " * LABEL + "│") + cells] * (tall - 1)
    return lines + [painter.dim(line) for line in time_axis(shown, columns if most else len(shown), cell)]


def legend(painter, high):
    steps = len(SHADES) if painter.colour == "none" else len(FIRE)
    blocks = "".join(painter.cell((step + 0.5) / steps, 1) for step in range(steps))
    return f"{painter.dim('1 I/O ')}{blocks}{painter.dim(' ' + number(high) + ' each second')}"


def time_axis(shown, columns, cell):
    """A mark every 10 seconds, counted back from now."""
    line = ["─"] * (columns * cell)
    labels = [" "] * (columns * cell + 4)
    for index, second in enumerate(shown):
        ago = shown[-1] - second
        if ago % 10:
            continue
        at = index * cell + (cell - 1) // 2
        line[at] = "┴"
        text = f"-{ago} s" if ago else "now"
        start = max(0, min(at - len(text) // 2, len(labels) - len(text)))
        labels[start:start + len(text)] = text
    return [" " * LABEL + "└" + "".join(line), " " * (LABEL + 1) + "".join(labels).rstrip()]


def draw(data, view):
    """The lines of the whole picture."""
    painter = Painter(view.colour)
    lines = [" " + painter.bold("thermograf") + "  " + data.title]
    if not any(data.ios.values()):
        return lines + ["", " waiting for the first window"]
    # Of 24 lines the table takes 8, the heatmap's title and axis 3, space 3: 10 are left for buckets.
    rows = max(7, (view.height - 14) // 4) if view.height else 40
    top = table(data, painter, view.width, rows)
    left = max(4, view.height - len(top) - 6) if view.height else 0
    return lines + [""] + top + [""] + heatmap(data, painter, view.width, left)
