"""Differences of data, against what was done to them."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

from analysis.data_difference import data_difference, segment_changes
from core.types import LabelledVideo, Segment, Split


def video(number: int, *segments: Segment, split: Split | None = "train") -> LabelledVideo:
    return LabelledVideo(f"v{number}", Path("v"), f"{number}" * 64, 100, segments, split=split)


A, B, C = Segment(0, 10, "a"), Segment(20, 30, "b"), Segment(40, 50, "c")


def test_the_same_data_do_not_differ_however_they_are_named() -> None:
    one = video(1, A, B)
    found = data_difference([one, video(2)], [video(2), replace(one, name="renamed")])
    assert (found.added, found.removed, found.moved_videos, found.segments) == ((), (), (), ())
    assert found.counts == {"a": (1, 1), "b": (1, 1)}


def test_videos_are_added_removed_and_moved_between_splits() -> None:
    first = [video(1, A), video(2, B), video(3, C)]
    second = [video(2, B, split="test"), video(3, C), video(4, A, B)]
    found = data_difference(first, second)
    assert [v.name for v in found.added] == ["v4"]
    assert [v.name for v in found.removed] == ["v1"]
    assert [(a.split, b.split) for a, b in found.moved_videos] == [("train", "test")]
    assert found.counts == {"a": (1, 1), "b": (1, 1), "c": (1, 1)}
    assert found.segments == ()


def test_a_segment_is_relabelled_moved_added_or_removed() -> None:
    after = (Segment(0, 10, "c"), Segment(22, 31, "b"), Segment(60, 70, "a"))
    found = {each.how: each for each in segment_changes(video(1), (A, B, C), after)}
    assert (found["relabelled"].before, found["relabelled"].after) == (A, after[0])
    assert (found["moved"].before, found["moved"].after) == (B, after[1])
    assert found["removed"].spans == ((40, 50),)
    assert found["added"].spans == ((60, 70),)


def test_of_several_overlapping_segments_the_one_that_overlaps_most_is_meant() -> None:
    near, far = Segment(1, 11, "a"), Segment(8, 30, "a")
    found = segment_changes(video(1), [A], [far, near])
    assert [(each.how, each.after) for each in found] == [("moved", near), ("added", far)]


def test_changes_lead_from_the_first_segments_to_the_second() -> None:
    rng = random.Random(0)

    def some() -> list[Segment]:
        starts = [rng.randrange(40) for _ in range(12)]
        return [Segment(s, s + rng.randrange(1, 9), rng.choice("abc")) for s in starts]

    for _ in range(50):
        before, after = some(), some()
        changes = segment_changes(video(1), before, after)
        gone = Counter(each.before for each in changes if each.before)
        come = Counter(each.after for each in changes if each.after)
        assert Counter(before) - gone + come == Counter(after)
        assert not (gone & come)
