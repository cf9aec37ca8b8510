"""A folder of clips for other trainers: every segment a video, in a folder of its class.

`fill kettle/tea_2.000_5.000.mp4`, and `clips.csv` with the columns path, label, video, start, end
and split. Nothing reads it back, so it is no entry of the table of formats. Names are made safe for
folders of every system; the true ones stand in the table.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from core.errors import InvalidData
from core.formats.marks import INTERVALS, Mark, MarkedVideo
from core.formats.sheet import write_sheet
from core.formats.writing import intervals, new_target, seconds
from core.types import SECOND, Progress, Report, nobody_listens

LAYOUT = "a folder of clips for each class, and clips.csv"
LOSSES = replace(
    INTERVALS,
    sentence="A clip has the frames that begin within its segment, and no sound.",
)

_TABLE = "clips.csv"
_COLUMNS = ("path", "label", "video", "start", "end", "split")

_NAME_BYTES = 100
"""Of a name before its number and suffix; file systems take 255."""

_UNSAFE = re.compile(r"[^\w .()+-]")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Clip:
    """A segment and the path of its clip below the folder."""

    video: MarkedVideo
    mark: Mark
    path: str


def write(
    videos: Sequence[MarkedVideo],
    target: Path,
    *,
    threads: int = 1,
    report: Report = nobody_listens,
) -> None:
    """Write a folder of clips, all or nothing.

    Args:
        videos: What is cut; the files of those with segments must be there.
        target: The folder; it must not exist.
        threads: Decoding threads, 0 for one per core.
        report: Hears how many clips are finished; returning True stops.

    Raises:
        InvalidData: There is no segment.
        Stopped: `report` asked for it; nothing is left behind.
        UnreadableVideo: A video cannot be opened.
    """
    from core.video.cutting import Cut, cut_clips  # PyAV takes a second to import

    clips = _clips(videos)
    total = len(list(chain(*clips)))
    if not total:
        raise InvalidData("A folder of clips needs a segment at least", "", "Label something.")
    with new_target(target) as folder:
        folder.mkdir()
        done = 0
        for own in filter(None, clips):
            cuts = [Cut(c.mark.start_us, c.mark.end_us, folder / c.path) for c in own]
            heard = _in_all(done, total, report)
            cut_clips(own[0].video.path, cuts, threads=threads, report=heard)
            done += len(own)
        write_sheet(folder / _TABLE, [_COLUMNS, *map(_row, chain(*clips))])


def _in_all(done: int, total: int, report: Report) -> Report:
    """Return what tells `report` of the clips of one video as a part of all."""
    return lambda progress: report(Progress(done + progress.done, total, progress.message))


def _row(clip: _Clip) -> Sequence[str]:
    mark = clip.mark
    return (
        clip.path,
        mark.label,
        clip.video.name,
        seconds(mark.start_us),
        seconds(mark.end_us),
        clip.video.split or "",
    )


def _clips(videos: Sequence[MarkedVideo]) -> list[list[_Clip]]:
    """Return the segments of each video, with a path that no other one has."""
    names = _Names({_TABLE})
    labels = sorted({mark.label for video in videos for mark in intervals(video)})
    folders = {label: names.new(label) for label in labels}
    inside = {label: _Names(set()) for label in labels}

    def clip(video: MarkedVideo, mark: Mark) -> _Clip:
        times = f"_{mark.start_us / SECOND:.3f}_{mark.end_us / SECOND:.3f}"
        name = inside[mark.label].new(video.name.removesuffix(video.path.suffix), times)
        return _Clip(video, mark, f"{folders[mark.label]}/{name}.mp4")

    return [[clip(video, mark) for mark in intervals(video)] for video in videos]


class _Names:
    """Names of files in one folder that differ in more than capitals."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken

    def new(self, text: str, ending: str = "") -> str:
        """Return a safe name like `text` with an ending, numbered where it is taken."""
        stem, number = safe_name(text), 1
        name = f"{stem}{ending}"
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}{ending}-{number}"
        self._taken.add(name.casefold())
        return name


def safe_name(text: str) -> str:
    """Return a name that every system takes for a file or folder, and for nothing else."""
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text))
    name = name.encode()[:_NAME_BYTES].decode(errors="ignore").strip(" .-+")
    return f"_{name}" if not name or _RESERVED.fullmatch(name) else name
