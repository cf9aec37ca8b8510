"""What differs between the data of two trainings: videos, segments, labels.

A video is known by its content, so a renamed file is the same video. Of the segments of a video
that both have, those of equal times and another label are `relabelled`, those of equal label that
overlap most are `moved`, and what then remains is `added` or `removed`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.types import LabelledVideo, Segment, Span

How = Literal["added", "removed", "relabelled", "moved"]


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """One segment before and after; None where it is not there."""

    how: How
    video: LabelledVideo
    before: Segment | None
    after: Segment | None

    @property
    def spans(self) -> tuple[Span, ...]:
        """The times that it had or has."""
        return tuple((s.start_us, s.end_us) for s in (self.before, self.after) if s is not None)


@dataclass(frozen=True, slots=True)
class DataDifference:
    """How the second data differ from the first.

    `moved_videos` are (first, second) of another split; `counts` by class is how many training
    segments the first and the second have.
    """

    added: tuple[LabelledVideo, ...]
    removed: tuple[LabelledVideo, ...]
    moved_videos: tuple[tuple[LabelledVideo, LabelledVideo], ...]
    segments: tuple[SegmentChange, ...]
    counts: Mapping[str, tuple[int, int]]


def data_difference(
    first: Sequence[LabelledVideo], second: Sequence[LabelledVideo]
) -> DataDifference:
    """Return how the data of a second training differ from those of a first."""
    before = {video.content_hash: video for video in first}
    after = {video.content_hash: video for video in second}
    both = [(before[key], after[key]) for key in before if key in after]
    old, new = _trained(first), _trained(second)
    return DataDifference(
        added=tuple(video for key, video in after.items() if key not in before),
        removed=tuple(video for key, video in before.items() if key not in after),
        moved_videos=tuple((one, other) for one, other in both if one.split != other.split),
        segments=tuple(
            change
            for one, other in both
            for change in segment_changes(other, one.segments, other.segments)
        ),
        counts={name: (old[name], new[name]) for name in sorted(old.keys() | new.keys())},
    )


def segment_changes(
    video: LabelledVideo, before: Sequence[Segment], after: Sequence[Segment]
) -> list[SegmentChange]:
    """Return how the segments of one video changed, in the order of their start."""
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    old, new = sorted(gone.elements(), key=_start), sorted(come.elements(), key=_start)
    changes: list[SegmentChange] = []

    def pair(how: How, one: Segment, other: Segment) -> None:
        old.remove(one)
        new.remove(other)
        changes.append(SegmentChange(how, video, one, other))

    for one in tuple(old):
        same = (s for s in new if (s.start_us, s.end_us) == (one.start_us, one.end_us))
        if (other := next(same, None)) is not None:
            pair("relabelled", one, other)
    for one in tuple(old):
        overlapping = [s for s in new if s.label == one.label and _overlap(one, s) > 0]
        if overlapping:
            pair("moved", one, max(overlapping, key=lambda s: _overlap(one, s)))
    changes += [SegmentChange("removed", video, one, None) for one in old]
    changes += [SegmentChange("added", video, None, other) for other in new]
    return sorted(changes, key=lambda change: change.spans[0])


def _trained(videos: Sequence[LabelledVideo]) -> Counter[str]:
    return Counter(s.label for v in videos if v.split == "train" for s in v.segments)


def _start(segment: Segment) -> tuple[int, int, str]:
    return segment.start_us, segment.end_us, segment.label


def _overlap(one: Segment, other: Segment) -> int:
    return min(one.end_us, other.end_us) - max(one.start_us, other.start_us)
