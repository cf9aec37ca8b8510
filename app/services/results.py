"""What Compare shows: lanes of a video for several runs, as stored, none interpolated."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.services import Studio
from app.services.evaluation import kind_of, truth_of
from app.services.library import document
from core.errors import InvalidData, MissingArtifact
from core.prediction_files import read_prediction
from core.run_card import read_run_card
from core.types import LabelledVideo, Prediction, Segment
from storage import library, runs
from storage.library import Video
from storage.runs import Run
from storage.states import Health

MAX_RUNS = 8
_TOP = 5


def compare(studio: Studio, video_id: int, run_ids: list[int]) -> dict[str, Any]:
    """Return a video with the lanes of some runs.

    A lane holds a prediction for every frame of the run's rate: class, confidence, whether it is
    right, and the five likeliest classes.

    Raises:
        InvalidData: More runs than a person can compare at once.
    """
    if len(run_ids) > MAX_RUNS:
        raise InvalidData(f"At most {MAX_RUNS} runs are compared", f"{len(run_ids)} were chosen")
    video = library.video_by_id(studio.database, video_id)
    shown = document(studio, video_id)
    labelled = labelled_video(video, shown["segments"], video.duration_us or 0)
    lanes = []
    for run_id in run_ids:
        run = runs.find_run(studio.database, video.project_id, run_id)
        lanes += _lanes(studio, video, labelled, run)
    return {**shown, "lanes": lanes}


def labelled_video(
    video: Video, segments: Sequence[Mapping[str, Any]], end_us: int
) -> LabelledVideo:
    """Return a video with the segments of its document that start before an end."""
    return LabelledVideo(
        video.name, Path(video.path), video.content_hash or "", end_us,
        tuple(
            Segment(s["start_us"], s["end_us"], s["label"])
            for s in segments
            if s["kind"] == "interval" and s["start_us"] < end_us
        ),
        tuple((s["start_us"], s["end_us"]) for s in segments if s["kind"] == "ignore"),
        goal=video.goal,
    )  # fmt: skip


def _lanes(studio: Studio, video: Video, labelled: LabelledVideo, run: Run) -> list[dict[str, Any]]:
    """Return a run's lanes of a video, one for each kind of question."""
    stored = {p.video_id: p for p in runs.list_predictions(studio.database, run.id)}.get(video.id)
    about: dict[str, Any] = {"run": run.id, "name": run.name}
    if stored is None:
        return [{**about, "missing": "This run has no prediction for this video yet."}]
    try:
        prediction = read_prediction(studio.directory.root / stored.path)
    except MissingArtifact as error:
        return [{**about, "missing": error.sentence}]
    card = read_run_card(studio.directory.root / run.folder)
    truth, kinds = truth_of(card, labelled, prediction), kind_of(prediction)
    about |= {
        "classes": list(card.classes),
        "dense": card.task.dense,
        "rate": card.rate,
        "decoder": prediction.decoder,
        "cost": {"passes": stored.passes, "tokens": stored.tokens, "ms": stored.ms},
    }
    several = len(card.task.kinds) > 1
    return [
        about
        | {"question": what, "several": several}
        | _rows(prediction, truth, np.flatnonzero(kinds == kind))
        for kind, what in enumerate(card.task.kinds)
    ]


def _rows(
    prediction: Prediction, truth: NDArray[np.int64], rows: NDArray[np.int64]
) -> dict[str, Any]:
    """Return some rows of a prediction as a lane shows them."""
    said, scores = prediction.predicted[rows], prediction.scores.rows(rows)
    top, top_p = scores.top(_TOP)
    return {
        "time_us": prediction.time_us[rows].tolist(),
        "span_us": None if prediction.span_us is None else prediction.span_us[rows].tolist(),
        "class": said.tolist(),
        "confidence": np.round(scores.confidence(said), 3).tolist(),
        "truth": truth[rows].tolist(),
        "top": top.tolist(),
        "top_p": np.round(top_p, 3).tolist(),
        "texts": [prediction.texts[i] for i in rows] if prediction.texts else [],
    }


def first_video(studio: Studio, project: int) -> int | None:
    """Return the video that Compare opens with: a predicted one of the test split, if there is."""
    rows = library.list_videos(studio.database, project)
    rank = {"test": 0, "val": 1, "train": 2, None: 3}
    predicted = {
        p.video_id
        for run in runs.list_runs(studio.database, project)
        for p in runs.list_predictions(studio.database, run.id)
    }
    ready = [v for v in rows if v.content_hash and v.health in (Health.GOOD, Health.DAMAGED)]
    ready.sort(key=lambda v: (v.id not in predicted, rank[v.split], v.name))
    return ready[0].id if ready else None
