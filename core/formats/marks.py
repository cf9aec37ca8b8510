"""What annotation files say, whatever their format: marks on a video, and the videos themselves.

Every reader makes marks and every writer takes them, so any format can become any other, less what
its `Losses` declare. The law of every format that is read and written, which a test draws at
random: reading what was written gives `kept(marks, losses)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from core.errors import InvalidData
from core.types import SECOND, Segment, Span, Split

MarkKind = Literal["interval", "point", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One annotation: `[start_us, end_us)` and what it says.

    A point has `end_us == start_us`; an ignored span carries no target and needs no label. `key`
    names it within its video and file where others refer to it, `parent` is the key of the mark
    that it is a part of. `confidence` is that of a model, in [0, 1].
    """

    start_us: int
    end_us: int
    label: str = ""
    kind: MarkKind = "interval"
    track: str = ""
    key: str = ""
    parent: str = ""
    confidence: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        times = f"'{self.label}', {self.start_us / SECOND:.3f} s to {self.end_us / SECOND:.3f} s"
        if self.start_us < 0:
            raise InvalidData("A mark must not start before the video", times)
        if self.kind == "point" and self.end_us != self.start_us:
            raise InvalidData("A point must have one time", times)
        if self.kind != "point" and self.end_us <= self.start_us:
            raise InvalidData("A segment must end after it starts", times, "Correct the times.")
        if not self.label and self.kind != "ignore":
            raise InvalidData("A mark must have a label", times, "Write its name.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedVideo:
    """A video as an export sees it. `fps` is its nominal frame rate, where it has one.

    `frame_times_us` gives the presentation time of every frame where frames are written; without it
    frame i is at `i / fps`.
    """

    name: str
    path: Path
    duration_us: int
    marks: tuple[Mark, ...]
    fps: float | None = None
    size: tuple[int, int] | None = None
    split: Split | None = None
    goal: str = ""
    frame_times_us: Sequence[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What a format cannot say. `grid_us` is the resolution of its times (1: exact).

    `by_frame` formats write frame numbers: a time becomes that of the nearest frame. `sentence`
    says the rest, for the person who exports.
    """

    overlap: bool = False
    tracks: bool = False
    hierarchy: bool = False
    points: bool = False
    ignored: bool = False
    confidence: bool = False
    notes: bool = False
    grid_us: int = 1
    by_frame: bool = False
    sentence: str = ""

    @property
    def statement(self) -> str:
        """What is lost, as a person reads it; empty where nothing is."""
        names = {
            "overlap": "overlapping segments",
            "tracks": "tracks",
            "hierarchy": "which step a segment is a part of",
            "points": "point events",
            "ignored": "ignored spans",
            "confidence": "confidences",
            "notes": "notes",
        }
        lost = [text for name, text in names.items() if getattr(self, name)]
        parts = [f"Not kept: {', '.join(lost)}."] if lost else []
        if self.by_frame:
            parts.append("Times become those of frames.")
        elif self.grid_us > 1:
            parts.append(f"Times are rounded to {self.grid_us / SECOND:g} s.")
        return " ".join([*parts, self.sentence]).strip()


INTERVALS = Losses(
    tracks=True, hierarchy=True, points=True, ignored=True, confidence=True, notes=True
)
"""What formats lose that know labelled intervals and nothing else."""


def kept(marks: Sequence[Mark], losses: Losses) -> tuple[Mark, ...]:
    """Return what a format keeps of marks, in the order of time; the law of its round trip.

    Where overlaps are lost, the mark that starts last wins, as in training; what is left of one
    that was cut is several marks, and what touches and says the same is one. A format of frames is
    compared on times that already stand on frames.
    """
    found = [
        replace(
            mark,
            start_us=_rounded(mark.start_us, losses.grid_us),
            end_us=_rounded(mark.end_us, losses.grid_us),
            track="" if losses.tracks else mark.track,
            key="" if losses.hierarchy else mark.key,
            parent="" if losses.hierarchy else mark.parent,
            confidence=None if losses.confidence else mark.confidence,
            note="" if losses.notes else mark.note,
        )
        for mark in marks
        if not (losses.points and mark.kind == "point")
        and not (losses.ignored and mark.kind == "ignore")
    ]
    there = {mark.key for mark in found}
    found = [m if m.parent in there else replace(m, parent="") for m in found]
    if losses.overlap:
        found = without_overlap(found)
    return tuple(sorted(found, key=lambda m: (m.start_us, m.end_us, m.label, m.track, m.kind)))


def without_overlap(marks: Sequence[Mark]) -> list[Mark]:
    """Return marks of which one holds at a time, by the rule of `core.tasks.online_detection`.

    The mark that starts last wins, then the shorter, then the label that comes first in the
    alphabet; an ignored span wins over all. Points stay. Marks that touch and say the same are one.
    """
    spans = sorted((m for m in marks if m.kind != "point"), key=lambda m: m.label, reverse=True)
    spans.sort(key=lambda m: (m.kind == "ignore", m.start_us, -m.end_us))
    edges = sorted({time for m in spans for time in (m.start_us, m.end_us)})
    place = {time: index for index, time in enumerate(edges)}
    owners: list[Mark | None] = [None] * len(edges)  # of the time from each edge to the next
    for mark in spans:  # later ones overwrite
        start, end = place[mark.start_us], place[mark.end_us]
        owners[start:end] = [mark] * (end - start)
    found: list[Mark] = []
    for index, mark in enumerate(owners):
        if mark is None:
            continue
        piece = replace(mark, start_us=edges[index], end_us=edges[index + 1], key="", parent="")
        last = found[-1] if found else None
        if last and last.end_us == piece.start_us and _saying(last) == _saying(piece):
            found[-1] = replace(last, end_us=piece.end_us)
        else:
            found.append(piece)
    return [*found, *(m for m in marks if m.kind == "point")]


def _saying(mark: Mark) -> tuple[object, ...]:
    return mark.label, mark.kind, mark.track, mark.confidence, mark.note


def _rounded(time_us: int, grid_us: int) -> int:
    return (time_us + grid_us // 2) // grid_us * grid_us


def segments_of(marks: Sequence[Mark]) -> tuple[Segment, ...]:
    """Return the intervals of marks, as training sees them."""
    return tuple(Segment(m.start_us, m.end_us, m.label) for m in marks if m.kind == "interval")


def ignored_of(marks: Sequence[Mark]) -> tuple[Span, ...]:
    """Return the ignored spans of marks."""
    return tuple((m.start_us, m.end_us) for m in marks if m.kind == "ignore")
