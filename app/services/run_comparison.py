"""The runs of a project as a table, and what two of them have different: settings and data."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from analysis.data_difference import DataDifference, SegmentChange, data_difference
from app.services import Studio
from app.services.experiments import shown_run
from core.config import RunConfig
from core.types import LabelledVideo, Segment
from storage import frozen_data, library, run_notes, runs
from storage.frozen_data import FrozenData
from storage.run_notes import RunNote
from storage.runs import Run

MOST_LISTED = 1_000
"""Videos or segments of a kind that are listed; all are counted."""

_VIDEO = ("task", "rate", "window_s")
_ABSENT: Any = object()


def run_table(studio: Studio, project: int) -> list[dict[str, Any]]:
    """Return all runs of a project, archived ones too, with notes and what they were trained on."""
    notes = run_notes.run_notes(studio.database, project)
    trained = frozen_data.trainings(studio.database, project)
    rows = []
    for run in runs.list_runs(studio.database, project, archived=True):
        note, training = notes.get(run.id, RunNote()), trained.get(run.id)
        rows.append(
            {
                **shown_run(run),
                "context": run.context,
                "note": note.text,
                "tags": list(note.tags),
                "job": training.job if training else run.job_id,
                "videos": training.videos if training else None,
                "segments": training.segments if training else None,
            }
        )
    return rows


def write_note(
    studio: Studio,
    project: int,
    run: int,
    *,
    text: str | None = None,
    tags: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Write a run's note, its tags, or both; returns them as they are now."""
    known = runs.find_run(studio.database, project, run)
    note = run_notes.put_note(studio.database, known.id, text=text, tags=tags)
    return {"note": note.text, "tags": list(note.tags)}


def put_away(studio: Studio, project: int, run: int, *, archived: bool) -> dict[str, Any]:
    """Archive a run or bring it back; returns its state. Nothing is deleted."""
    known = runs.find_run(studio.database, project, run)
    change = run_notes.archive_run if archived else run_notes.bring_back
    change(studio.database, known.id)
    return {"state": runs.find_run(studio.database, project, run).state}


def compare_runs(studio: Studio, project: int, first: int, second: int) -> dict[str, Any]:
    """Return what differs from a first to a second run: settings, labels, videos, segments.

    `data` is None where one of them was not trained here, so that nothing of its data is known.
    """
    one, other = (runs.find_run(studio.database, project, each) for each in (first, second))
    frozen = [frozen_data.frozen_data(studio.database, run.id) for run in (one, other)]
    return {
        "config": config_difference(one, other),
        "data": _data(studio, project, *frozen),
        "unknown": [
            run.name for run, data in zip((one, other), frozen, strict=True) if data is None
        ],
    }


def config_difference(first: Run, second: Run) -> list[dict[str, Any]]:
    """Return the settings that differ, in the order of the config, each with its default."""
    default = _flat(RunConfig().model_dump())
    one, other = ({**default, **_flat(run.config)} for run in (first, second))
    return [
        {
            "group": _group(name),
            "setting": name.removeprefix("training."),
            "first": one.get(name),
            "second": other.get(name),
            "default": default.get(name),
        }
        for name in sorted(one.keys() | other.keys(), key=lambda name: (_group(name), name))
        if one.get(name, _ABSENT) != other.get(name, _ABSENT)
    ]


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    inner = {f"training.{name}": value for name, value in config.get("training", {}).items()}
    return {name: value for name, value in config.items() if name != "training"} | inner


def _group(name: str) -> str:
    if name.startswith("training."):
        return "training"
    return "video" if name in _VIDEO else "model"


# ---- data --------------------------------------------------------------------------------------


def _data(
    studio: Studio, project: int, first: FrozenData | None, second: FrozenData | None
) -> dict[str, Any] | None:
    if first is None or second is None:
        return None
    found = data_difference(first.videos, second.videos)
    listed = library.list_videos(studio.database, project)
    numbers = {video.content_hash: video.id for video in listed if video.content_hash}

    def videos(of: Sequence[LabelledVideo]) -> dict[str, Any]:
        shown = [
            {
                "video": numbers.get(v.content_hash),
                "name": v.name,
                "split": v.split,
                "duration_us": v.duration_us,
                "segments": len(v.segments),
            }
            for v in of[:MOST_LISTED]
        ]
        return {"count": len(of), "listed": shown}

    moved = videos([after for _, after in found.moved_videos])
    for row, (before, _) in zip(moved["listed"], found.moved_videos, strict=False):
        row["before"] = before.split
    return {
        "labels": {
            "added": [name for name in second.classes if name not in set(first.classes)],
            "removed": [name for name in first.classes if name not in set(second.classes)],
        },
        "added": videos(found.added),
        "removed": videos(found.removed),
        "moved": moved,
        "segments": {
            "count": dict(Counter(change.how for change in found.segments)),
            "listed": [
                {
                    "how": change.how,
                    "video": numbers.get(change.video.content_hash),
                    "name": change.video.name,
                    "split": change.video.split,
                    "before": _segment(change.before),
                    "after": _segment(change.after),
                }
                for change in found.segments[:MOST_LISTED]
            ],
        },
        "classes": _by_class(found),
    }


def _by_class(found: DataDifference) -> list[dict[str, Any]]:
    """Return of every class that changed its training segments and how many changed, by kind."""
    changed: dict[str, Counter[str]] = {}
    for change in found.segments:
        for name in _labels(change):
            changed.setdefault(name, Counter())[change.how] += 1
    return [
        {
            "name": name,
            "first": (both := found.counts.get(name, (0, 0)))[0],
            "second": both[1],
            "changed": dict(changed.get(name, {})),
        }
        for name in sorted(found.counts.keys() | changed.keys())
        if name in changed or found.counts[name][0] != found.counts[name][1]
    ]


def _labels(change: SegmentChange) -> set[str]:
    return {segment.label for segment in (change.before, change.after) if segment is not None}


def _segment(segment: Segment | None) -> dict[str, Any] | None:
    if segment is None:
        return None
    return {"start_us": segment.start_us, "end_us": segment.end_us, "label": segment.label}
