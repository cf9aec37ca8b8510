"""Labels held against runs: which are probably wrong, and which a new run gets right or wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.label_errors import margins
from analysis.within_segments import Rows, joined, majority, opinion, rows_of_spans, rows_within
from app.services import Studio
from app.services.predictions import (
    Answers,
    Asked,
    answers,
    asked_run,
    end_of,
    label_ids,
    trained_on,
)
from app.services.tracks import left_out
from core.errors import MissingArtifact
from storage import library
from storage.library import Video
from storage.segment_queries import LabelledSpan, labelled_spans


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """One run on the segments of one video; `own` int64 [segments] are the classes of the labels.

    `rows.some` says about which segments it has answered.
    """

    found: Answers
    rows: Rows
    own: NDArray[np.int64]


def doubtful(studio: Studio, project: int, run_id: int, limit: int = 200) -> list[dict[str, Any]]:
    """Return the segments whose labels are probably wrong, the most doubtful first.

    Only segments of videos that the run did not learn from are judged, and only those are returned
    for which another label has a higher mean probability; see `analysis.label_errors.margins`.

    Raises:
        MissingArtifact: There is no such segment with a prediction.
    """
    run, ids = asked_run(studio, project, run_id), label_ids(studio, project)
    learned = trained_on(studio, project, run)
    videos = [v for v in _videos(studio, project) if v.content_hash not in learned]
    judged, opinions = [], []
    for video, segments, (said,) in _labelled(studio, project, videos, ids, [run]):
        some = said.rows.some
        judged += [(video, segments[at]) for at in np.flatnonzero(some).tolist()]
        opinions.append(opinion(said.own[some], said.rows.of(some), said.found.scores, run.labels))
    if not judged:
        raise MissingArtifact(
            "Labels are checked by a run that has predicted them and has not learned from them",
            f"'{run.name}' has no such segment",
            "Label videos outside the split 'train', then predict with the run.",
        )
    held = joined(opinions)
    order = np.argsort(margins(held.own, held.confidence), kind="stable")
    order = order[(held.suggestion != held.own)[order]][:limit]
    shown = []
    for at in order.tolist():
        video, segment = judged[at]
        suggestion = run.classes[held.suggestion[at]]
        shown.append(
            {
                **_shown(video, segment, run.classes[held.own[at]]),
                "label_id": segment.label_id,
                "confidence": round(float(held.confidence[at]), 4),
                "suggestion_id": ids.get(suggestion),
                "suggestion": suggestion,
                "suggestion_confidence": round(float(held.suggestion_confidence[at]), 4),
                "version": segment.version,
            }
        )
    return shown


def changed(studio: Studio, project: int, before: int, after: int) -> dict[str, Any]:
    """Return the segments that one run has right and the other wrong.

    A run has a segment right if most of its rows there say its label (of equals the first class).

    Raises:
        MissingArtifact: There is no segment about which both runs have answered.
    """
    runs = [asked_run(studio, project, number) for number in (before, after)]
    ids = label_ids(studio, project)
    found: dict[str, list[dict[str, Any]]] = {"repaired": [], "broken": []}
    videos = _videos(studio, project)
    compared = 0
    for video, segments, both in _labelled(studio, project, videos, ids, runs):
        some = both[0].rows.some & both[1].rows.some
        compared += int(some.sum())
        said = [
            majority(each.found.predicted, each.rows.of(some), len(run.classes))
            for run, each in zip(runs, both, strict=True)
        ]
        right = [classes == each.own[some] for classes, each in zip(said, both, strict=True)]
        places = np.flatnonzero(some)
        for at in np.flatnonzero(right[0] != right[1]).tolist():
            was, now = (run.classes[c[at]] for run, c in zip(runs, said, strict=True))
            segment = segments[places[at]]
            label = now if right[1][at] else was
            shown = {**_shown(video, segment, label), "before": was, "after": now}
            found["repaired" if right[1][at] else "broken"].append(shown)
    if not compared:
        raise MissingArtifact(
            "Two runs are compared on labelled segments that both have predicted",
            f"'{runs[0].name}' and '{runs[1].name}' have none in common",
            "Predict with both runs again.",
        )
    return found


def _videos(studio: Studio, project: int) -> tuple[Video, ...]:
    return library.list_videos(studio.database, project)


def _labelled(
    studio: Studio,
    project: int,
    videos: Iterable[Video],
    ids: Mapping[str, int],
    runs: Sequence[Asked],
) -> Iterator[tuple[Video, list[LabelledSpan], list[_Judged]]]:
    """Yield the videos that all runs have predicted, with the segments whose label all know.

    Segments on tracks that the project leaves out do not count.
    """
    without = left_out(studio, project)
    names = {number: name for name, number in ids.items()}
    index = [{run.classes[c]: c for c in run.labels} for run in runs]
    for video in videos:
        found = [answers(run, video) for run in runs]
        if any(each is None for each in found):
            continue
        segments = [
            each
            for each in labelled_spans(studio.database, video.id, without=without)
            if each.start_us < end_of(video)
            and all(names.get(each.label_id) in known for known in index)
        ]
        start_us = np.array([each.start_us for each in segments], np.int64)
        end_us = np.array([min(each.end_us, end_of(video)) for each in segments], np.int64)
        yield video, segments, [
            _Judged(
                each,
                rows_of_spans(each.span_us, start_us, end_us) if each.span_us is not None
                else rows_within(each.time_us, start_us, end_us),
                np.array([known[names[s.label_id]] for s in segments], np.int64),
            )
            for each, known in zip(found, index, strict=True) if each is not None
        ]  # fmt: skip


def _shown(video: Video, segment: LabelledSpan, label: str) -> dict[str, Any]:
    return {
        "segment": segment.id,
        "video": video.id,
        "name": video.name,
        "start_us": segment.start_us,
        "end_us": segment.end_us,
        "label": label,
    }
