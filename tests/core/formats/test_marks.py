from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.errors import InvalidData
from core.formats.marks import Losses, Mark, ignored_of, kept, segments_of, without_overlap
from core.tasks.online_detection import frame_targets
from core.types import LabelledVideo, LabelSet


def mark(start, end, label="a", **more):
    return Mark(start_us=start, end_us=end, label=label, **more)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"start_us": -1}, "before the video"),
        ({"kind": "point"}, "A point must have one time"),
        ({"end_us": 1}, "end after it starts"),
        ({"label": ""}, "must have a label"),
    ],
)
def test_a_mark_that_says_nothing_possible_is_refused(values, rule):
    with pytest.raises(InvalidData, match=rule):
        Mark(**{"start_us": 1, "end_us": 2, "label": "a", **values})
    assert Mark(start_us=1, end_us=2, kind="ignore").label == ""


def test_a_format_that_loses_nothing_keeps_all_in_the_order_of_time():
    found = (mark(5, 6), mark(1, 1, kind="point"), mark(0, 9, track="b", key="k", parent=""))
    part = mark(2, 3, parent="k", confidence=0.5, note="n")
    assert kept((*found, part), Losses()) == (found[2], found[1], part, found[0])


def test_what_is_declared_lost_is_lost_and_nothing_else():
    whole, part = mark(0, 1_499, track="t", key="k"), mark(1, 1_500, parent="k", note="n")
    point = mark(4, 4, kind="point", confidence=0.5)
    assert kept([whole, part, point], Losses(tracks=True, points=True, grid_us=1_000)) == (
        mark(0, 1_000, key="k"), mark(0, 2_000, parent="k", note="n"),
    )  # fmt: skip
    assert kept([whole, part], Losses(hierarchy=True, notes=True)) == (
        mark(0, 1_499, track="t"), mark(1, 1_500),
    )  # fmt: skip


def test_a_part_of_what_is_lost_is_a_part_of_nothing():
    point = mark(4, 4, kind="point", key="k")
    assert kept([point, mark(1, 2, parent="k")], Losses(points=True)) == (mark(1, 2),)


def test_a_mark_that_is_cut_becomes_several_and_touching_ones_become_one():
    found = without_overlap([mark(0, 9), mark(3, 5, "b"), mark(9, 12), mark(20, 21)])
    assert sorted(found, key=lambda m: m.start_us) == [
        mark(0, 3), mark(3, 5, "b"), mark(5, 12), mark(20, 21),
    ]  # fmt: skip
    apart = [mark(0, 2), mark(2, 4, note="other"), mark(3, 3, kind="point")]
    assert without_overlap(apart) == apart


@pytest.mark.parametrize("seed", range(20))
def test_overlaps_are_cut_as_training_sees_them(seed):
    rng = np.random.default_rng(seed)
    names = ("a", "b", "c")
    spans = [sorted(map(int, rng.choice(40, 2, replace=False))) for _ in range(12)]
    marks = [mark(start, end, str(rng.choice(names))) for start, end in spans[:9]]
    marks += [Mark(start_us=start, end_us=end, kind="ignore") for start, end in spans[9:]]

    def targets(found):
        video = LabelledVideo("v", Path("v"), "", 40, segments_of(found), ignored_of(found))
        return frame_targets(video, np.arange(40), LabelSet(names)).tolist()

    cut = sorted(without_overlap(marks), key=lambda m: m.start_us)
    assert all(one.end_us <= other.start_us for one, other in pairwise(cut))
    assert targets(cut) == targets(marks)


def test_a_statement_names_what_is_lost():
    losses = Losses(points=True, notes=True, grid_us=100_000, sentence="And more.")
    assert losses.statement == (
        "Not kept: point events, notes. Times are rounded to 0.1 s. And more."
    )
    assert Losses().statement == ""
