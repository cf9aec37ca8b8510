"""Show what `gad bench` measured: its rows as a Markdown table, its curves as SVG files.

gad bench --out docs/performance/bench.json
python scripts/show_performance.py docs/performance/bench.json docs/img
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 34, 46
_COLOURS = ("#c2410c", "#1d4ed8", "#15803d")


class Axis:
    """A logarithmic axis from one pixel to another."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low, self.high = math.log10(min(values)), math.log10(max(values))
        spare = 0.06 * (self.high - self.low or 1)
        self.low, self.high = self.low - spare, self.high + spare
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return 1, 2 and 5 times powers of ten, or powers alone where there are many."""
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        steps = (1,) if self.high - self.low > 3 else (1, 2, 5)
        found = [m * 10.0**p for p in powers for m in steps]
        return [t for t in found if self.low <= math.log10(t) <= self.high]


def draw(curve: Mapping[str, Any]) -> str:
    """Return one plot."""
    points = [point for way in curve["ways"].values() for point in way]
    x = Axis([p[0] for p in points], _LEFT, _WIDTH - _RIGHT)
    y = Axis([p[1] for p in points], _HEIGHT - _BOTTOM, _TOP + 16 * len(curve["ways"]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for tick in x.ticks():
        at = x.at(tick)
        parts.append(_line(at, _HEIGHT - _BOTTOM, at, _TOP, "#e5e7eb"))
        parts.append(_text(at, _HEIGHT - _BOTTOM + 15, f"{tick:,g}", "middle"))
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(_line(_LEFT, at, _WIDTH - _RIGHT, at, "#e5e7eb"))
        parts.append(_text(_LEFT - 6, at + 4, f"{tick:,g}", "end"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, curve["against"], "middle"))
    parts.append(_text(_LEFT, 16, curve["unit"], "start", weight="600"))
    for number, ((name, way), colour) in enumerate(zip(curve["ways"].items(), _COLOURS)):  # noqa: B905
        path = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in way)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="3" fill="{colour}"/>' for a, b in way
        ]
        parts.append(_text(_WIDTH - _RIGHT, 18 + 16 * number, name, "end", colour, "600"))
    return "\n".join([*parts, "</svg>", ""])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(
    x: float, y: float, text: str, anchor: str, colour: str = "#374151", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return every ratio and every single figure as Markdown tables, a pair for each benchmark."""
    parts = []
    for report in reports:
        parts.append(f"\n### `gad bench {report['name']}`\n")
        if report["rows"]:
            parts.append("| figure | ratio | aim | ours | baseline | of its bound |")
            parts.append("|---|---|---|---|---|---|")
            parts += [_row(row) for row in report["rows"]]
        if report["figures"]:
            parts += ["", "| figure | value |", "|---|---|"]
            parts += [f"| {f['what']} | {f['value']:,.4g} {f['unit']} |" for f in report["figures"]]
    return "\n".join(parts)


def _row(row: Mapping[str, Any]) -> str:
    aim = f"{row['aim']:.3g} ×" if row["aim"] else ""
    share = f"{100 * row['share_of_bound']:.0f} %" if row["share_of_bound"] else ""
    ratio = f"**{row['ratio']:.3g} ×** [{row['low']:.3g}, {row['high']:.3g}]"
    ways = [f"{row[w]['rate']:,.4g} {row['unit']} ({row[w]['name']})" for w in ("ours", "baseline")]
    return f"| {row['figure']} | {ratio} | {aim} | {ways[0]} | {ways[1]} | {share} |"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    reports = json.loads(options.measured.read_text())["reports"]
    names = iter(("window", "length", "labels", "label-length"))
    for report in reports:
        for curve in report["curves"]:
            (options.folder / f"cost-against-{next(names)}.svg").write_text(draw(curve))
    print(table(reports))  # noqa: T201


if __name__ == "__main__":
    main()
