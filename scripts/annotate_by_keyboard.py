"""Label two minutes of kitchen from scratch: by keyboard, and by dragging. What does it take?

python -m scripts.annotate_by_keyboard [--out docs/performance/annotate_by_keyboard.json]

A scripted person who knows the 40 segments labels them in real Chromium, once with keys only and
once with the mouse only; afterwards the database must hold them to the frame. By keyboard he
records while the video plays (a label's key begins a segment and ends it; labels without a digit
are marked with I and O and found by their first letters), then goes from segment to segment and
moves the edges that are off by frames. His presses are `--tremor` milliseconds early or late
(normal, fixed seed). By mouse he drags each segment on the ruler, zoomed in to four pixels a
frame, and clicks its label; his hand does not tremble, so nothing has to be mended.

The estimate is the keystroke-level model's (Card, Moran, Newell: The Keystroke-Level Model for User
Performance Time with Interactive Systems, CACM 23(7), 1980): a key K = 0.28 s (an average typist),
pointing P = 1.1 s, a button pressed or let go B = 0.1 s (Kieras's addition; here a notch of the
wheel too), a hand to another device H = 0.4 s, a decision M = 1.35 s. Decisions are the same in
both ways, three a segment (where it begins, where it ends, what it is), and one more for every edge
that is mended. The video is watched once, at the speed at which it is recorded; looking at a video
to find what to drag is not counted.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.app.browser import chromium
from tests.app.drill import TWO_MINUTES, Film, Person, annotating, make_film, stored

SECONDS_EACH = {"keys": 0.28, "moves": 1.1, "buttons": 0.1, "notches": 0.1, "decisions": 1.35}
HOMING_S = 0.4


def label(browser: Browser, data: Path, film: Film, way: str, options: argparse.Namespace) -> dict:
    """Label the film in one way; returns what it took."""
    speed = options.speed
    with annotating(browser, data, film) as (page, studio):
        person = Person(page, tremor_s=options.tremor / 1000 if way == "keyboard" else 0.0)
        begun = time.monotonic()
        if way == "keyboard":
            person.label_by_keyboard(film, speed)
        else:
            person.label_by_dragging(film)
        person.wait()
        took = time.monotonic() - begun
        if stored(studio) != film.truth:
            raise SystemExit(f"By {way} the segments are not the true ones.")
    watching = film.length_us / 1e6 / speed
    return {
        "keys": person.counts["keys"],
        "button presses": person.counts["buttons"] // 2,
        "pointings": person.counts["moves"],
        "wheel notches": person.counts["notches"],
        "pointer travel, px": round(person.travel_px),
        "edges mended": person.counts["mended"],
        "decisions": person.counts["decisions"],
        "scripted, s": round(took, 1),
        "hands, s": round(_seconds(person.counts, decisions=False), 1),
        "estimate, s": round(_seconds(person.counts, decisions=True) + watching, 1),
    }


def _seconds(counts: Counter[str], *, decisions: bool) -> float:
    """Return what the keystroke-level model makes of hands, with or without what they wait for."""
    names = [name for name in SECONDS_EACH if decisions or name != "decisions"]
    return HOMING_S + sum(counts[name] * SECONDS_EACH[name] for name in names)


def table(report: dict[str, Any]) -> str:
    """Return the two ways as a Markdown table."""
    ways = list(report["ways"].values())
    lines = ["| | keyboard | dragging |", "|---|---|---|"]
    lines += [f"| {name} | {ways[0][name]:,} | {ways[1][name]:,} |" for name in ways[0]]
    return "\n".join(lines)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--speed", type=float, default=1.0, choices=[1.0, 1.5, 2.0])
    parser.add_argument("--tremor", type=float, default=40.0, help="milliseconds, one sigma")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        film = make_film(Path(place) / "kitchen.mp4", TWO_MINUTES)
        load = [os.getloadavg()[0]]
        ways = {
            way: label(browser, Path(place) / way, film, way, options)
            for way in ("keyboard", "dragging")
        }
        load.append(os.getloadavg()[0])
    report = {
        "segments": len(film.truth), "labels": len(film.labels), "video, s": film.length_us / 1e6,
        "speed": options.speed, "tremor, ms": options.tremor, "load": load, "ways": ways,
    }  # fmt: skip
    print(json.dumps(report, indent=1), table(report), sep="\n\n")  # noqa: T201
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
