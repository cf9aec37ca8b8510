"""What runs have predicted, as the parts that help a person to label read it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.services import Studio
from app.services.evaluation import kind_of
from core.errors import InvalidData, MissingArtifact
from core.prediction_files import prediction_path, read_prediction
from core.run_card import RunCard, read_run_card
from core.scores import Scores
from core.types import Prediction
from storage import labels, library, runs, training_data
from storage.library import Video, VideoFilter

_SHOWN = "step_recognition"  # the question of clip tasks that is about what a clip shows


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that says what is going on: at every frame, or in every clip."""

    id: int
    name: str
    card: RunCard
    classes: tuple[str, ...]

    @property
    def choices(self) -> range:
        """The classes that it chooses among."""
        return self.card.task.choices(self.card.labels)[0]

    @property
    def labels(self) -> range:
        """Those of them that are labels: all but the background of a dense run."""
        return self.choices[1:] if self.card.task.dense else self.choices


@dataclass(frozen=True, slots=True)
class Answers:
    """What a run said is going on in one video; `span_us` [rows, 2] only of clips."""

    predicted: NDArray[np.int64]
    scores: Scores
    time_us: NDArray[np.int64]
    span_us: NDArray[np.int64] | None


def asked_run(studio: Studio, project: int, run: int) -> Asked:
    """Return a run whose answers can be laid over a video.

    Raises:
        UnknownName: The project has no such run.
        MissingArtifact: It is not finished.
        InvalidData: It answers something else, such as what comes next.
    """
    found = runs.find_run(studio.database, project, run)
    card = read_run_card(studio.directory.root / found.folder)
    if not card.task.dense and card.task.kinds[0] != _SHOWN:
        raise InvalidData(
            "Only a run that says what is shown can help to label",
            f"'{found.name}' answers {card.task.name.replace('_', ' ')}",
            "Choose a run of online detection or of step recognition.",
        )
    return Asked(found.id, found.name, card, card.classes)


def answers(run: Asked, video: Video) -> Answers | None:
    """Return what a run said of a video; None where it has not predicted it."""
    if not video.content_hash:
        return None
    path = prediction_path(run.card.folder, video.content_hash)
    return _about_what_is_shown(read_prediction(path)) if path.is_file() else None


def needed_answers(run: Asked, video: Video) -> Answers:
    """Return what a run said of a video.

    Raises:
        MissingArtifact: It has not predicted it.
    """
    found = answers(run, video)
    if found is None:
        raise MissingArtifact(
            "A run proposes only where it has predicted",
            f"'{run.name}' has no prediction of '{video.name}'",
            "Predict with this run on the page Train, then come back.",
        )
    return found


def _about_what_is_shown(prediction: Prediction) -> Answers:
    """Keep the first question of a joint task."""
    rows = np.flatnonzero(kind_of(prediction) == 0)
    spans = prediction.span_us
    return Answers(
        prediction.predicted[rows],
        prediction.scores.rows(rows),
        prediction.time_us[rows],
        None if spans is None else spans[rows],
    )


def trained_on(studio: Studio, project: int, run: Asked) -> frozenset[str]:
    """Return the content hashes of the videos that a run learned from.

    A shipped run has no record of it here and learned from what the project came with: its split
    'train'.
    """
    frozen = training_data.trained_on(studio.database, run.id)
    if frozen is not None:
        return frozen
    videos = library.list_videos(studio.database, project, VideoFilter(split="train"))
    return frozenset(video.content_hash for video in videos if video.content_hash)


def label_ids(studio: Studio, project: int) -> dict[str, int]:
    """Return the ids of the labels that take new segments, by name."""
    known = labels.list_label_sets(studio.database, project)
    if not known:
        return {}
    return {each.name: each.id for each in labels.list_labels(studio.database, known[0].id)}


def end_of(video: Video) -> int:
    """Return where a video ends: a damaged one where it can no longer be decoded."""
    end_us = video.duration_us if video.usable_us is None else video.usable_us
    return end_us or 0
