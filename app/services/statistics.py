"""What several statistics tell about one or more runs on a split: computed once, then kept.

Confusion, misclassification diversity, agreement and calibration come from the stored predictions
and the present labels. Their key is the hash of all that they depend on, so a new prediction, an
edited label or another setting computes them again, and nothing ever has to be thrown away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.agreement import Agreement, agreement
from analysis.calibration import Calibration, Judged, calibration_of, judged
from analysis.confusion import Confusion, Side, Words, by_noun, by_verb, confusion
from analysis.diversity import diversity, size_matched
from analysis.segments import Indices
from analysis.significance import DEFAULT, Bootstrap, Interval
from app.services import Studio
from app.services.evaluation import kind_of, scorable, truth_of
from core.errors import InvalidData, MissingArtifact
from core.prediction_files import prediction_path, read_prediction
from core.run_card import RunCard, read_run_card
from core.scores import Scores
from core.tasks import BACKGROUND
from core.types import LabelledVideo, Split
from core.video import content_hash
from storage import labels, projects, runs, statistics, training_data
from storage.runs import Run

KIND = "analysis"
_CELLS = 1 << 22  # scores laid out at a time
_DRAWS = Bootstrap(resamples=500)  # of mistakes: thousands of classes would take minutes otherwise
_SETTINGS = {
    "version": 1,
    "pairs": 20,
    "bins": 15,
    "videos": asdict(DEFAULT),
    "mistakes": asdict(_DRAWS),
}
"""Part of the key; a changed formula or form of the result gets a new version."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result as JSON, its key, and whether it was found in the database."""

    key: str
    value: dict[str, Any]
    found: bool


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a run said, by video. `asked` are the times, or spans, of its questions."""

    truth: dict[str, Indices]
    predicted: dict[str, Indices]
    asked: dict[str, NDArray[np.int64]]
    judged: list[Judged]


def analyse(
    studio: Studio, project: str | int, names: Sequence[str | int], split: Split
) -> dict[str, Any]:
    """Return confusion, diversity, agreement and calibration of runs on a split, and keep them.

    Only the process that may write calls this; `look` computes the same and keeps nothing.
    """
    analysis = look(studio, project, names, split)
    keep(studio, analysis)
    return analysis.value


def keep(studio: Studio, analysis: Analysis) -> None:
    """Store a result that was not found."""
    if not analysis.found:
        statistics.put(studio.database, analysis.key, KIND, analysis.value)


def look(studio: Studio, project: str | int, names: Sequence[str | int], split: Split) -> Analysis:
    """Return the kept result, or compute it without keeping it.

    Runs are looked at on the videos that all of them have predicted, and `left_out` names the rest.

    Raises:
        InvalidData: The runs were not asked the same questions.
        MissingArtifact: There is no video that all of them have predicted.
    """
    number = projects.find_project(studio.database, project).id
    found = {run.id: run for run in (runs.find_run(studio.database, number, n) for n in names)}
    cards = {run.name: read_run_card(studio.directory.root / run.folder) for run in found.values()}
    _check_same_questions(cards)
    videos = training_data.labelled_videos(studio.database, number, split)
    scored = [{video.name for video in scorable(card, videos)} for card in cards.values()]
    common = [video for video in videos if all(video.name in names for names in scored)]
    if not common:
        raise MissingArtifact(
            "An analysis needs labelled videos of its split that every run has predicted",
            f"{', '.join(cards)}: none in '{split}'",
            "Set the split of some videos, then predict with the runs.",
        )
    words = _words(studio, number)
    key = _key(found.values(), cards, common, words)
    value = statistics.get(studio.database, key)
    if value is not None:
        return Analysis(key, value, found=True)
    left_out = sorted(set().union(*scored) - {video.name for video in common})
    about = {"split": split, "videos": len(common), "left_out": left_out}
    return Analysis(key, {**about, **_compute(cards, common, words)}, found=False)


def _check_same_questions(cards: Mapping[str, RunCard]) -> None:
    """Refuse runs whose answers cannot be laid beside each other."""
    for what, of in (
        ("task", lambda card: card.task.name),
        ("frame rate", lambda card: card.rate),
        ("classes", lambda card: card.classes),
    ):
        first, *others = cards.items()
        for name, card in others:
            if of(card) != of(first[1]):
                raise InvalidData(
                    f"Runs are analysed together when they have the same {what}",
                    f"'{first[0]}' and '{name}' have not",
                    "Analyse them one by one.",
                )


def _words(studio: Studio, project: int) -> Words:
    """Return verb and noun of every label, as the project's label set says."""
    known = labels.list_label_sets(studio.database, project)
    listed = labels.list_labels(studio.database, known[0].id, archived=True) if known else ()
    return {label.name: (label.verb, label.noun) for label in listed}


def _key(
    found: Iterable[Run],
    cards: Mapping[str, RunCard],
    videos: Sequence[LabelledVideo],
    words: Words,
) -> str:
    classes = next(iter(cards.values())).classes
    inputs = {
        "runs": [[run.id, run.name] for run in found],
        "predictions": [
            [content_hash(prediction_path(card.folder, video.content_hash)) for video in videos]
            for card in cards.values()
        ],
        "labels": training_data.data_hash(videos, classes),
        "words": {name: list(pair) for name, pair in words.items()},
        "settings": _SETTINGS,
    }
    return statistics.key_of(KIND, inputs)


def _compute(
    cards: Mapping[str, RunCard], videos: Sequence[LabelledVideo], words: Words
) -> dict[str, Any]:
    answers = {name: _answers(card, videos) for name, card in cards.items()}
    _check_same_rows(answers)
    card = next(iter(cards.values()))
    tables = [
        confusion(_joined(each.truth), _joined(each.predicted), card.classes)
        for each in answers.values()
    ]
    background = card.classes.index(BACKGROUND) if card.task.dense else None
    spread = _diversity(tables, background)
    first, *others = answers.values()
    predicted = {name: each.predicted for name, each in answers.items()}
    return {
        "runs": [
            {
                "run": name,
                "confusion": _confusion(table, words),
                "diversity": {kind: of_runs[at] for kind, of_runs in spread.items()},
                "calibration": _calibration(calibration_of(each.judged, _SETTINGS["bins"])),
            }
            for at, ((name, each), table) in enumerate(zip(answers.items(), tables, strict=True))
        ],
        "agreement": _agreement(agreement(first.truth, predicted)) if others else None,
    }


def _answers(card: RunCard, videos: Sequence[LabelledVideo]) -> _Answers:
    """Read a run's predictions; of their distributions only what calibration needs stays."""
    answers = _Answers({}, {}, {}, [])
    for video in videos:
        prediction = read_prediction(prediction_path(card.folder, video.content_hash))
        rows = kind_of(prediction) == 0  # of a joint task its first question
        truth = truth_of(card, video, prediction)[rows]
        answers.truth[video.name] = truth
        answers.predicted[video.name] = prediction.predicted[rows]
        asked = prediction.time_us if prediction.span_us is None else prediction.span_us
        answers.asked[video.name] = asked[rows]
        answers.judged.extend(_judged(prediction.scores.rows(rows), truth, len(card.classes)))
    return answers


def _judged(scores: Scores, truth: Indices, classes: int) -> list[Judged]:
    """Judge answers some rows at a time.

    Of a large label set the classes that were not kept share the mass of the rest evenly: the
    confidence is exact, Brier score and likelihood are where the true class was kept.
    """
    size = max(1, _CELLS // classes)
    pieces = np.split(np.arange(len(truth)), range(size, len(truth), size))
    return [judged(scores.rows(rows).matrix(classes), truth[rows]) for rows in pieces]


def _check_same_rows(answers: Mapping[str, _Answers]) -> None:
    """Refuse predictions that were made for other times, such as before a segment was moved."""
    (first, here), *others = answers.items()
    for name, there in others:
        for video, asked in here.asked.items():
            if not np.array_equal(asked, there.asked[video]):
                raise InvalidData(
                    "Runs are analysed together on the same frames or clips",
                    f"'{first}' and '{name}' answered at other times of '{video}'",
                    "Predict with both runs again.",
                )


def _joined(by_video: Mapping[str, Indices]) -> Indices:
    return np.concatenate(list(by_video.values()))


# ---- results as JSON ---------------------------------------------------------------------------


def _confusion(table: Confusion, words: Words) -> dict[str, Any]:
    """Return the most frequent mistakes, and all cells [true, predicted, count] to draw."""

    def pairs(of: Confusion) -> list[dict[str, Any]]:
        return [asdict(each) for each in of.top_pairs(_SETTINGS["pairs"])]

    return {
        "pairs": pairs(table),
        "verbs": pairs(by_verb(table, words)),
        "nouns": pairs(by_noun(table, words)),
        "classes": list(table.classes),
        "cells": np.stack(table.cells, axis=1).tolist(),
    }


def _diversity(tables: Sequence[Confusion], background: int | None) -> dict[str, list[Any]]:
    """Return every kind of diversity, a result a run."""
    kinds: dict[str, tuple[Side, int | None]] = {
        "rows": ("true", None),
        "columns": ("predicted", None),
    }
    if background is not None:
        kinds["rows_without_background"] = ("true", background)
        kinds["columns_without_background"] = ("predicted", background)
    found = {}
    for key, (side, without) in kinds.items():
        plain = [diversity(table, side, without=without) for table in tables]
        matched = size_matched(tables, side, without=without, how=_DRAWS)
        found[key] = [
            {
                "score": one.score,
                "mistakes": one.mistakes,
                "per_class": [asdict(each) for each in one.per_class],
                "matched": asdict(other),
            }
            for one, other in zip(plain, matched, strict=True)
        ]
    return found


def _calibration(found: Calibration) -> dict[str, Any]:
    return {
        **asdict(found),
        "equal_width": [asdict(each) for each in found.equal_width],
        "equal_mass": [asdict(each) for each in found.equal_mass],
        "ece": found.ece,
        "ece_equal_mass": found.ece_equal_mass,
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "rows": found.counted,
        "pairs": [
            {
                "runs": [pair.first, pair.second],
                **{k: _spread(getattr(pair, k)) for k in ("same", "double_fault", "q", "kappa")},
            }
            for pair in found.pairs
        ],
        "oracle": _spread(found.oracle),
        "only_right": found.only_right_counts,
    }


def _spread(found: Interval) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}
