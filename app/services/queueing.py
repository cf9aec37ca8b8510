"""What to label next: the videos of a project in the order in which work on them helps most."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from analysis.queue import disagreement, disagreement_of_clips, uncertainty
from app.services import Studio
from app.services.predictions import Asked, answers, asked_run, end_of
from app.services.tracks import left_out
from core.errors import InvalidData
from storage import library
from storage.library import Video
from storage.segment_queries import covered_us
from storage.states import Health

By = Literal["coverage", "uncertainty", "disagreement"]
_Judge = Callable[[Video], tuple[float | None, str]]
"""Returns the score of a video, and the reason for it or for its absence."""


def queue(
    studio: Studio, project: int, by: By, run_ids: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Return the videos that can be watched, those first that are best labelled next.

    By coverage: the share of the video in no segment, whoever made it (ignored spans cover, points
    do not, and tracks that the project leaves out do not count); videos without segments first. By
    uncertainty: the mean entropy of the runs' answers. By disagreement: the share of the answers in
    which the runs differ. Videos without the needed predictions come last, and `why` says so.

    Raises:
        InvalidData: Too few runs, or runs whose answers cannot be laid beside each other.
    """
    runs = [asked_run(studio, project, number) for number in dict.fromkeys(run_ids)]
    judge = _judge(studio, project, by, runs)
    found = []
    for video in library.list_videos(studio.database, project):
        if video.health in (Health.GOOD, Health.DAMAGED) and not video.is_features:
            score, why = judge(video)
            found.append(
                {
                    "video": video.id,
                    "name": video.name,
                    "split": video.split,
                    "score": None if score is None else round(score, 4),
                    "segments": video.segments,
                    "why": why,
                }
            )
    started = by == "coverage"
    return sorted(
        found, key=lambda e: (e["score"] is None, started and e["segments"] > 0, -(e["score"] or 0))
    )


def _judge(studio: Studio, project: int, by: By, runs: Sequence[Asked]) -> _Judge:
    if by == "coverage":
        return _coverage(covered_us(studio.database, project, without=left_out(studio, project)))
    needed = 1 if by == "uncertainty" else 2
    if len(runs) < needed:
        raise InvalidData(
            f"The order by {by} needs {'a run' if needed == 1 else 'two runs'} or more",
            f"{len(runs)} chosen",
            "Choose runs that have predicted the videos.",
        )
    if by == "uncertainty":
        return lambda video: _uncertainty(runs, video)
    if len({run.card.task.dense for run in runs}) > 1:
        raise InvalidData(
            "Runs differ only where they answer the same question",
            ", ".join(f"'{run.name}' {run.card.task.name.replace('_', ' ')}" for run in runs),
            "Choose runs of one task.",
        )
    return lambda video: _disagreement(runs, video)


def _coverage(covered: dict[int, int]) -> _Judge:
    def judge(video: Video) -> tuple[float | None, str]:
        left = 1 - covered.get(video.id, 0) / max(end_of(video), 1)
        if not video.segments:
            return left, "It has no segment yet."
        return left, f"{_percent(left)} of it is not labelled."

    return judge


def _uncertainty(runs: Sequence[Asked], video: Video) -> tuple[float | None, str]:
    found = []
    for run in runs:
        said = answers(run, video)
        if said is None:
            return None, _missing([run])
        found.append(uncertainty(said.scores, run.choices))
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None, "A decoder that scores its own answer alone says nothing about doubt."
    mean = float(np.mean(known))
    return mean, f"Mean entropy is {_percent(mean)} of the greatest possible."


def _disagreement(runs: Sequence[Asked], video: Video) -> tuple[float | None, str]:
    said = [answers(run, video) for run in runs]
    there = [each for each in said if each is not None]
    if len(there) < len(runs):
        return None, _missing(r for r, each in zip(runs, said, strict=True) if each is None)
    numbers = {name: i for i, name in enumerate(dict.fromkeys(_names(runs)))}
    classes = [
        np.array([numbers[name] for name in run.classes])[each.predicted]
        for run, each in zip(runs, there, strict=True)
    ]
    spans = [each.span_us for each in there if each.span_us is not None]
    if spans:
        share = disagreement_of_clips(spans, classes)
        what = "clips"
    else:
        share = disagreement([each.time_us for each in there], classes)
        what = "frames"
    if share is None:
        return None, f"The runs were asked about no {what} in common."
    return share, f"The runs differ at {_percent(share)} of the {what}."


def _names(runs: Iterable[Asked]) -> Iterable[str]:
    return (name for run in runs for name in run.classes)


def _missing(runs: Iterable[Asked]) -> str:
    names = ", ".join(f"'{run.name}'" for run in runs)
    return f"There is no prediction of it by {names}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
