"""What an import would do: files read as a person chose, matched to videos, told as three lists."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.frame_times import frame_times
from core.errors import InvalidData
from core.formats import Fault, Reading, Row, format_of, read, recognise, suffixes
from core.formats.columns import ColumnMapping, read_columns
from core.formats.fifty_salads import MID
from core.formats.frames import check_rate
from core.formats.marks import Mark
from core.formats.matching import Matched, match
from storage import library
from storage.library_table import video_rows

TABLES = (".csv", ".tsv", ".txt")
"""Suffixes of files whose columns a person may choose."""

MOST_SHOWN = 1_000
"""Rows of each list that a page gets; the counts are of all."""

_NAMED = 5
"""Files that a note spells out."""

# One granularity at a time is what 50 Salads is learned from.
_USUAL_TRACKS = {"fifty_salads": (MID,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chose about the files.

    `frame_rate` is that of labels by frame which were made at another rate than the video's own,
    `mapping` says what the columns of a table are, and `tracks` are those that are taken: all by
    default, of 50 Salads one granularity.
    """

    frame_rate: float | None = None
    mapping: ColumnMapping | None = None
    tracks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.frame_rate is not None:
            check_rate(self.frame_rate)


AS_IT_IS = Choices()


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: rows by video, rows without a video here, faulty rows.

    `passed_over` are files of a folder that no format recognises. `frames` says how numbers of
    frames became times; empty where there were none. `tracks` counts the marks of every track of
    the files, also of those that are not `chosen`.
    """

    source: str
    format: str
    matched: Matched[int]
    faults: tuple[Fault, ...]
    passed_over: tuple[Path, ...] = ()
    frames: str = ""
    tracks: Mapping[str, int] = field(default_factory=dict)
    chosen: tuple[str, ...] | None = None

    @property
    def taken(self) -> list[tuple[int, Row]]:
        """Every row that would be taken, with its video."""
        return [(video, row) for video, rows in self.matched.taken.items() for row in rows]

    @property
    def labels(self) -> set[str]:
        """The names of the actions of these rows."""
        return {mark.label for _, row in self.taken for mark in row.marks if mark.label}


def preview_import(
    studio: Studio, project: int, files: Sequence[Path], choices: Choices = AS_IT_IS
) -> Preview:
    """Read annotation files and match them to the project's videos; nothing is written.

    Args:
        studio: Where the project is.
        project: Whose videos are meant.
        files: Annotation files, and folders with such files among others.
        choices: What a person chose about them.
    """
    if not files:
        raise InvalidData("An import needs at least one annotation file", "none was named")
    found, passed_over = _annotation_files(files, choices.mapping)
    readings = [_read(path, name, choices.mapping) for path, name in found.items()]
    tracks = Counter(m.track for reading in readings for row in reading.rows for m in row.marks)
    formats = "+".join(dict.fromkeys(found.values()))
    chosen = choices.tracks if choices.tracks is not None else _USUAL_TRACKS.get(formats)
    rows = [row for reading in readings for row in _of_tracks(reading.rows, chosen)]
    known = library.list_videos(studio.database, project)
    matched = match(
        rows,
        {video.id: Path(video.path) for video in known},
        durations_us={v.id: v.duration_us for v in known if v.duration_us is not None},
        frames={v.id: times for v in known if (times := frame_times(studio, v)) is not None},
        frame_rate=choices.frame_rate,
    )
    faults = (*(f for reading in readings for f in reading.faults), *matched.faults)
    source = ", ".join(str(path) for path in files)
    frames = _about_frames(rows, choices.frame_rate)
    return Preview(source, formats, matched, faults, tuple(passed_over), frames, tracks, chosen)


def _read(path: Path, name: str, mapping: ColumnMapping | None) -> Reading:
    return read(path, name) if mapping is None else read_columns(path, mapping)


def _of_tracks(rows: Sequence[Row], tracks: tuple[str, ...] | None) -> Iterator[Row]:
    """Yield rows with the marks of some tracks; a row that keeps none of its marks says nothing."""
    if tracks is None:
        yield from rows
        return
    for row in rows:
        marks = tuple(mark for mark in row.marks if mark.track in tracks)
        if marks or not row.marks:
            yield replace(row, marks=marks)


def _about_frames(rows: Sequence[Row], frame_rate: float | None) -> str:
    if all(row.unit == "us" for row in rows):
        return ""
    if frame_rate is not None:
        return f"Labels by frame are taken at {frame_rate:g} frames a second."
    return "Labels by frame are taken at the rate that the file names, else at that of the video."


def _annotation_files(
    files: Sequence[Path], mapping: ColumnMapping | None
) -> tuple[dict[Path, str], list[Path]]:
    """Return the files to read with their formats, and the files of folders that are of none.

    A file that was named must be of a format. A folder may hold other things with it. With a
    mapping every file is a table.
    """
    found: dict[Path, str] = {}
    passed_over: list[Path] = []
    for path in files:
        path = path.expanduser().resolve()
        if path.is_dir():
            inside = _named_like(path, TABLES if mapping else suffixes())
            of_format = {p: name for p in inside if (name := _format(p, mapping)) is not None}
            found |= of_format
            passed_over += [each for each in inside if each not in of_format]
        elif path.is_file():
            found[path] = recognise(path) if mapping is None else "table"
        else:
            raise InvalidData(
                "An annotation file must be there", f"'{path}' is not", "Correct the path."
            )
    if not found:
        raise InvalidData(
            "A folder to import must hold files of a supported format",
            f"it holds none, only {len(passed_over)} others" if passed_over else "it holds none",
            "Name a file to see why it is not taken.",
        )
    return found, passed_over


def _format(path: Path, mapping: ColumnMapping | None) -> str | None:
    return format_of(path) if mapping is None else "table"


def _named_like(folder: Path, known: frozenset[str] | tuple[str, ...]) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in known and p.is_file())


def describe(preview: Preview, studio: Studio, project: int) -> dict[str, Any]:
    """Return a preview as a page shows it: the beginnings of the three lists, counts of all."""
    names = dict(video_rows(studio.database, project, ("id", "name")))
    taken, missing = preview.taken, preview.matched.missing
    marks = [mark for _, row in taken for mark in row.marks]
    kinds = Counter(mark.kind for mark in marks)
    return {
        "format": preview.format,
        "counts": {
            "taken": len(taken), "missing": len(missing), "faults": len(preview.faults),
            "videos": len(preview.matched.taken),
        },
        "taken": [
            {
                "video": names[video],
                "file": row.file.name,
                "line": row.line,
                "segments": [[s.start_us, s.end_us, s.label] for s in row.segments],
                "labels": sorted({mark.label or "ignored" for mark in row.marks}),
            }
            for video, row in taken[:MOST_SHOWN]
        ],
        "missing": [
            {"video": str(row.video), "file": row.file.name, "line": row.line}
            for row in missing[:MOST_SHOWN]
        ],
        "faults": [
            {"file": f.file.name, "line": f.line, "sentence": f.sentence}
            for f in preview.faults[:MOST_SHOWN]
        ],
        "classes": sorted(preview.labels),
        "segments": kinds["interval"],
        "points": kinds["point"],
        "ignored": kinds["ignore"],
        "tracks": dict(sorted(Counter(mark.track for mark in marks if mark.track).items())),
        "of_tracks": dict(sorted(preview.tracks.items())),
        "chosen": None if preview.chosen is None else list(preview.chosen),
        "by_frame": bool(preview.frames),
        "clipped": preview.matched.clipped,
        "notes": _notes(preview, marks, kinds),
    }  # fmt: skip


def _notes(preview: Preview, marks: Sequence[Mark], kinds: Counter[str]) -> list[str]:
    """Return what else a person should know before importing."""
    parts = sum(bool(mark.parent) for mark in marks)
    named = Counter(mark.track for mark in marks if mark.track)
    tracks = ", ".join(f"'{name}' ({count})" for name, count in sorted(named.items()))
    others = sorted(set(preview.tracks) - set(preview.chosen or preview.tracks))
    left_out = [f"'{name}'" if name else "the one without a name" for name in others]
    passed = [path.name for path in preview.passed_over]
    shown = ", ".join(passed[:_NAMED]) + (" …" if len(passed) > _NAMED else "")
    said = {
        f"Point events: {kinds['point']}.": kinds["point"],
        f"Ignored spans: {kinds['ignore']}.": kinds["ignore"],
        f"Parts of other segments: {parts}.": parts,
        f"Tracks: {tracks}.": named,
        f"Tracks left out: {', '.join(left_out)}.": left_out,
        preview.frames: preview.frames,
        f"Files of no known format, passed over: {shown}.": passed,
    }
    return [note for note, there in said.items() if there]
