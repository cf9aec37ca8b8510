"""One label per frame: the layout in which Breakfast, 50 Salads and GTEA are used with MS-TCN.

`groundTruth/<video>.txt` has as many lines as frames; `mapping.txt` numbers the labels and
`splits/train.split1.bundle` lists files. Labels are written with underscores for spaces. The files
do not say how many labels there are to a second (50 Salads has 30 or 15), so a row has no rate.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.frames import clock_of
from core.formats.marks import INTERVALS, Mark, MarkedVideo, without_overlap
from core.formats.source import HEAD_BYTES, content, quoted, text_of
from core.formats.values import AMBIGUOUS, BACKGROUND, label_of, labelled
from core.formats.writing import ids_of, intervals, write_folder
from core.types import Split

LAYOUT = "a text file named as its video, with one label per frame in every line"
SUFFIXES = (".txt",)
LOSSES = replace(
    INTERVALS,
    by_frame=True,
    overlap=True,
    sentence="Underscores in names become spaces, and the frame rate is not in the files.",
)

_WRITTEN_BACKGROUND = "background"
"""Of all names for it the only one that evaluation code leaves out."""

_WORD = re.compile(r"[^\s\0\N{REPLACEMENT CHARACTER}]+")


def recognises(head: bytes) -> bool:
    """Return whether lines are single words, most of them the same as the line before."""
    lines = _lines(head.decode(errors="replace"))
    if len(head) == HEAD_BYTES:
        lines = lines[:-1]  # may be half a line
    if len(lines) < 2 or not all(_WORD.fullmatch(line) for line in set(lines)):
        return False
    same = sum(one == other for one, other in pairwise(lines))
    return 2 * same >= len(lines) - 1 and any(c.isalpha() for line in set(lines) for c in line)


def read(path: Path) -> Reading:
    """Read the labels of one video; a row is a stretch of frames with one label."""
    lines = _lines(text_of(content(path), path))
    if not lines:
        raise InvalidFile(
            "A file of frame labels must have a line for every frame",
            path,
            next_step="Choose the file again.",
        )
    rows: list[Row] = []
    faults: list[Fault] = []
    for start, end, text in _runs(lines):
        try:
            marks = _marks(start, end, text)
        except InvalidData as error:
            faults.append(fault_of(path, start + 1, error))
        else:
            rows.append(Row(path, start + 1, path.stem, False, marks, unit="frames"))
    return Reading(tuple(rows), tuple(faults))


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder: `groundTruth`, `mapping.txt`, and `splits` where videos have one."""
    names = ids_of(videos, flat=True)
    written = _written_labels(videos)
    labels = [_WRITTEN_BACKGROUND, *sorted(written.values())]
    files = {"mapping.txt": _text(f"{index} {label}" for index, label in enumerate(labels))}
    members: dict[Split, list[str]] = {}
    for name, video in zip(names, videos, strict=True):
        files[f"groundTruth/{name}.txt"] = _text(_frame_labels(video, written))
        if video.split:
            members.setdefault(video.split, []).append(f"{name}.txt")
    for split, found in members.items():
        files[f"splits/{split}.split1.bundle"] = _text(found)
    write_folder(target, files)


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _runs(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield first frame, end and label of every stretch of equal lines."""
    start = 0
    for text, same in groupby(lines):
        end = start + sum(1 for _ in same)
        yield start, end, text
        start = end


def _marks(start: int, end: int, text: str) -> tuple[Mark, ...]:
    if not text:
        raise InvalidData("A frame must have a label", "an empty line", "Write 'background'.")
    marks = labelled(start, end, label_of(text))  # `action_start` is background as it stands
    return tuple(
        replace(mark, label=label_of(mark.label.replace("_", " "))) if mark.label else mark
        for mark in marks
    )


def _written_labels(videos: Sequence[MarkedVideo]) -> Mapping[str, str]:
    """Return how each label is written; two that would be written alike are refused."""
    labels = sorted({mark.label for video in videos for mark in intervals(video)})
    written = {label: "_".join(label.split()) for label in labels}
    first: dict[str, str] = {}
    for label, text in written.items():
        other = first.setdefault(text, label)
        background = text.casefold() in BACKGROUND | AMBIGUOUS or not text.strip("_")
        if background or other != label:
            raise InvalidData(
                "Names must differ from each other and from background with '_' for spaces",
                quoted(label) if background else f"{quoted(other)} and {quoted(label)}",
                "Rename the label.",
            )
    return written


def _frame_labels(video: MarkedVideo, written: Mapping[str, str]) -> list[str]:
    clock = clock_of(video)
    labels = [_WRITTEN_BACKGROUND] * max(1, clock.frame(video.duration_us))
    for mark in without_overlap(intervals(video)):
        start = clock.frame(mark.start_us)
        frames = slice(start, max(start + 1, clock.frame(mark.end_us)))
        labels[frames] = [written[mark.label]] * len(labels[frames])
    return labels


def _text(lines: Iterable[str]) -> str:
    """Return lines, each with its end: the code that reads them drops what follows the last one."""
    return "".join(f"{line}\n" for line in lines)
