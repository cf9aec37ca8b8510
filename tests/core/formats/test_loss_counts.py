"""What is counted as lost is what `kept` takes away."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from core.formats.loss_counts import census, lost, off_grid
from core.formats.marks import INTERVALS, Losses, Mark, MarkedVideo, kept

NAMES = ("points", "ignored", "tracks", "hierarchy", "confidence", "notes")


def video(marks) -> MarkedVideo:
    return MarkedVideo(name="a", path=Path("a.mp4"), duration_us=10**9, marks=tuple(marks))


def drawn(rng: random.Random) -> MarkedVideo:
    marks = []
    for index in range(rng.randrange(12)):
        start = rng.randrange(40)
        kind = rng.choice(["interval", "interval", "point", "ignore"])
        end = start if kind == "point" else start + rng.randrange(1, 9)
        marks.append(
            Mark(start_us=start, end_us=end, label=rng.choice("ab"), kind=kind, key=str(index),
                 parent="0" if index and rng.random() < 0.3 else "", note=rng.choice(["", "n"]),
                 track=rng.choice(["", "left"]), confidence=rng.choice([None, 0.5]))
        )  # fmt: skip
    return video(marks)


def changed(marks, name: str) -> int:
    """Count the marks that are not what they were in a format that loses one thing."""
    if name == "hierarchy":
        return sum(bool(mark.parent) for mark in marks)
    alone = [replace(mark, key="", parent="") for mark in marks]
    return sum(kept([mark], Losses(**{name: True})) != (mark,) for mark in alone)


@pytest.mark.parametrize("seed", range(40))
def test_the_counts_are_those_of_marks_that_change(seed):
    drawn_video = drawn(random.Random(seed))
    counts, marks = census([drawn_video]), drawn_video.marks
    assert {name: counts[name] for name in NAMES} == {name: changed(marks, name) for name in NAMES}
    spans = [m for m in marks if m.kind == "interval"]
    assert counts["overlap"] == sum(
        any(a is not b and a.start_us < b.end_us and b.start_us < a.end_us for b in spans)
        for a in spans
    )
    assert off_grid([drawn_video], 10) == sum(
        bool(m.start_us % 10) or bool(m.end_us % 10) for m in marks
    )


def test_losses_are_said_with_their_numbers_and_only_those_that_there_are():
    marks = [
        Mark(start_us=0, end_us=5, label="a", note="n", track="left"),
        Mark(start_us=3, end_us=9, label="b", note="n"),
        Mark(start_us=9, end_us=9, label="b", kind="point"),
    ]
    counts = census([video(marks), video(marks[1:])])
    assert lost(counts, Losses()) == []
    assert lost(counts, replace(INTERVALS, overlap=True)) == [
        "2 point events", "2 segments that overlap others", "1 name of a track", "3 notes",
    ]  # fmt: skip
