"""What a run proposes for one video: ghost segments that become real only when they are taken."""

import uuid
from typing import Any

import numpy as np

from analysis.proposals import SHORTEST_US, Stretch, boundaries, stretches
from app.services import Studio
from app.services.predictions import Answers, Asked, asked_run, end_of, label_ids, needed_answers
from storage import library, proposals as answered
from storage.library import Video
from storage.segment_queries import known_ids

_OURS = uuid.UUID("6f1c7e52-3d0b-5b0e-9a55-8f6f0b7f2a11")  # a proposal's id is unlike any other


def proposals(
    studio: Studio, video_id: int, run_id: int, shortest_us: int = SHORTEST_US
) -> dict[str, Any]:
    """Return the proposals of a run for a video, and the times where edges may lie.

    A dense run proposes its stretches of one action, a run on clips each clip that it was asked
    about. `label_id` is None, and the proposal cannot be taken, where the project has no such label
    any more; `unknown` names these.

    Raises:
        MissingArtifact: The run has not predicted the video.
        InvalidData: The run does not say what is shown.
    """
    video = library.video_by_id(studio.database, video_id)
    run = asked_run(studio, video.project_id, run_id)
    found = needed_answers(run, video)
    ids = label_ids(studio, video.project_id)
    stored = known_ids(studio.database, video_id)
    refused = answered.rejected(studio.database, video_id)
    shown = []
    for each in _stretches(run, found, video, shortest_us):
        label = run.classes[each.label]
        identity = proposal_id(run.id, video, each.start_us, each.end_us, label)
        shown.append(
            {
                "id": identity,
                "start_us": each.start_us,
                "end_us": each.end_us,
                "label_id": ids.get(label),
                "label": label,
                "confidence": round(each.confidence, 4),
                "state": "rejected" if identity in refused
                else "accepted" if identity in stored else "open",
            }
        )  # fmt: skip
    return {
        "run": run.id,
        "name": run.name,
        "proposals": shown,
        "boundaries": _boundaries(run, found, video),
        "unknown": sorted({each["label"] for each in shown if each["label_id"] is None}),
    }


def proposal_id(run: int, video: Video, start_us: int, end_us: int, label: str) -> str:
    """Return the id that a proposal always has, and its segment once it is taken."""
    return str(uuid.uuid5(_OURS, f"{run} {video.content_hash} {start_us} {end_us} {label}"))


def _stretches(run: Asked, found: Answers, video: Video, shortest_us: int) -> list[Stretch]:
    end_us = end_of(video)
    if found.span_us is None:
        return stretches(
            found.predicted, found.scores, found.time_us, end_us, shortest_us=shortest_us
        )
    sure = found.scores.confidence(found.predicted).tolist()
    rows = zip(found.span_us.tolist(), found.predicted.tolist(), sure, strict=True)
    # Two segments of one time were one question, and are one proposal.
    shown = {(a, b): Stretch(a, min(b, end_us), label, p) for (a, b), label, p in rows}
    return [each for each in shown.values() if each.start_us < end_us]


def _boundaries(run: Asked, found: Answers, video: Video) -> list[int]:
    if found.span_us is not None:
        return np.unique(found.span_us).tolist()
    return boundaries(found.predicted, found.scores, found.time_us, run.card.rate).tolist()
