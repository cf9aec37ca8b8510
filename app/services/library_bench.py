"""`gad bench library`: how long a person waits in a project of a million segments.

Answers are compared with the obvious way to the same content: an object for every row, and Python
for the rest. An edit is compared with the same edit in a project of a hundred segments, and with
itself while a backup is being made.
"""

import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

from app.services import Studio, annotating, library, open_studio
from app.services.backups import give_way
from core.bench.measuring import Report, Row, Settings, Way, time_in_turns
from core.types import SPLITS
from storage import annotations, labels
from storage.backup import check_copy, copy_database
from storage.database import Database
from storage.large_project import LargeProject, Size, make_large_project
from storage.library import VideoFilter, list_videos, video_by_id
from storage.operations import Operation
from storage.segment_edits import SegmentEdit

_QUICK = Size(videos=100, segments=2_000, labels=60, longest=500)
_LITTLE = Size(videos=10, segments=100, labels=10, longest=20)
_WINDOW = VideoFilter(limit=100, offset=50)
_SEARCH = "P03"


def run(settings: Settings) -> Report:
    """Measure list, window, filter, counts, opening, an edit, and a backup beside edits."""
    size = _QUICK if settings.quick else Size()
    report = Report("library")
    with (
        tempfile.TemporaryDirectory() as folder,
        open_studio(Path(folder) / "large", on_server=False) as studio,
        open_studio(Path(folder) / "little", on_server=False) as little,
    ):
        settings.say(f"making {size.videos:,} videos, {size.segments:,} segments")
        made = make_large_project(studio.database, size)
        small = make_large_project(little.database, _LITTLE)
        for what, ours, theirs in _questions(studio, made):
            _compare(report, what, ours, theirs, settings)
        _compare(
            report,
            "an edit in the video with most segments",
            ("ours", _edit(studio, made)),
            ("the same among 100 segments", _edit(little, small)),
            settings,
        )
        _beside_backup(report, studio, made)
    return report


Named = tuple[str, Callable[[], object]]


def _questions(studio: Studio, made: LargeProject) -> list[tuple[str, Named, Named]]:
    """Return what is asked, our way to answer it, and the obvious one."""
    database, project = studio.database, made.project
    return [
        (
            "list of all videos",
            ("ours", lambda: library.table(studio, project)),
            ("an object a video", lambda: list_videos(database, project)),
        ),
        (
            "100 videos of the list",
            ("ours", lambda: library.table(studio, project, _WINDOW)),
            ("all, then cut", lambda: list_videos(database, project)[50:150]),
        ),
        (
            "videos whose name holds a text",
            ("ours", lambda: library.table(studio, project, VideoFilter(search=_SEARCH))),
            ("all, then looked through", lambda: _looked_through(database, project)),
        ),
        (
            "counts of every project",
            ("ours", lambda: library.overview(studio)),
            ("all, then counted", lambda: _counted(database, made)),
        ),
        (
            "the segments of the video with most",
            ("ours", lambda: library.document(studio, made.longest)),
            ("an object a segment", lambda: _objects(database, made)),
        ),
        (
            "the same, as Annotate opens it",
            ("ours", lambda: annotating.annotations(studio, made.longest)),
            ("an object a segment", lambda: _objects(database, made)),
        ),
        (
            "names of all labels",
            ("ours", lambda: labels.classes(database, made.label_set)),
            ("an object a label, its use counted", lambda: _labels(database, made)),
        ),
    ]


def _looked_through(database: Database, project: int) -> object:
    return [video for video in list_videos(database, project) if _SEARCH in video.name]


def _counted(database: Database, made: LargeProject) -> object:
    videos = list_videos(database, made.project)
    splits = {split: sum(video.split == split for video in videos) for split in SPLITS}
    return sum(video.segments for video in videos), splits, len(_labels(database, made))


def _labels(database: Database, made: LargeProject) -> dict[int, str]:
    return {label.id: label.name for label in labels.list_labels(database, made.label_set)}


def _objects(database: Database, made: LargeProject) -> object:
    names, video = _labels(database, made), video_by_id(database, made.longest)
    segments = annotations.list_segments(database, made.longest)
    return video, [(segment, names[segment.label_id or 0]) for segment in segments]


def _edit(studio: Studio, made: LargeProject) -> Callable[[], object]:
    """Return an edit of one new segment, each time another one."""
    (label, *_) = _labels(studio.database, made)
    numbers = count()

    def edit() -> object:
        start = next(numbers)
        segment = SegmentEdit(
            id=str(uuid.uuid4()), start_us=start, end_us=start + 1000, label_id=label
        )
        operation = Operation(id=str(uuid.uuid4()), name="add", edits=[segment])
        return annotating.perform(studio, made.longest, operation)

    return edit


def _compare(report: Report, what: str, ours: Named, theirs: Named, settings: Settings) -> None:
    settings.say(what)
    first, second = time_in_turns([Way(name, 1, call) for name, call in (ours, theirs)], settings)
    busy = time.thread_time()
    ours[1]()
    busy = time.thread_time() - busy
    note = (
        f"{1e3 * median(first.seconds):.1f} ms ({1e3 * busy:.1f} ms of CPU) "
        f"against {1e3 * median(second.seconds):.1f} ms"
    )
    report.rows.append(Row(f"library, {what}", "answers/s", first, second, note=note))


def _beside_backup(report: Report, studio: Studio, made: LargeProject) -> None:
    """Tell how long edits take alone and while a backup is written and checked."""
    edit = _edit(studio, made)
    copy = studio.directory.root / "copy.sqlite"
    spans: list[float] = []

    def backup() -> None:
        give_way()
        for step in (copy_database, lambda _, copied: check_copy(copied)):
            started = time.perf_counter()
            step(studio.database.path, copy)
            spans.append(time.perf_counter() - started)

    alone = [_seconds(edit) for _ in range(50)]
    working = threading.Thread(target=backup)
    working.start()
    beside = [_seconds(edit)]
    while working.is_alive():
        time.sleep(0.02)
        beside.append(_seconds(edit))
    working.join()
    for what, seconds in (("alone", alone), ("while a backup is made", beside)):
        ordered = sorted(1e3 * each for each in seconds)
        report.figures.append((f"an edit {what}, median", median(ordered), "ms"))
        report.figures.append((f"an edit {what}, slowest of {len(ordered)}", ordered[-1], "ms"))
    for what, seconds in zip(("copying", "checking the copy"), spans, strict=True):
        report.figures.append((f"a backup, {what}", seconds, "s"))
    report.figures.append(("size of the backup", copy.stat().st_size / 1e6, "MB"))


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
