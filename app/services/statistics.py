"""What several statistics tell about one or more runs on a split: computed once, then kept.

Confusion, misclassification diversity, agreement and calibration come from the stored predictions
and the present labels. Their key is the hash of all that they depend on, so a new prediction, an
edited label or another setting computes them again, and nothing ever has to be thrown away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.agreement import Agreement, agreement
from analysis.calibration import Calibration, calibration_of
from analysis.confusion import Confusion, Side, Words, by_noun, by_verb, confusion
from analysis.diversity import diversity, size_matched
from analysis.ordering import order_by_confusion
from analysis.reports import Tally
from analysis.segments import IGNORED
from analysis.significance import DEFAULT, Bootstrap, Interval, difference, interval, mcnemar
from app.services import Studio
from app.services.run_answers import (
    Answered,
    ComparedRuns,
    RunAnswers,
    answers_of,
    check_same_rows,
    compared_runs,
    laid_end_to_end,
)
from core.prediction_files import prediction_path
from core.tasks import BACKGROUND
from core.types import Split
from core.video import content_hash
from storage import statistics, training_data

KIND = "analysis"
_DRAWS = Bootstrap(resamples=500)  # of mistakes: thousands of classes would take minutes otherwise
_SETTINGS = {
    "version": 2,
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
    compared = compared_runs(studio, project, names, split)
    key = _key(compared)
    value = statistics.get(studio.database, key)
    if value is not None:
        return Analysis(key, value, found=True)
    about = {
        "split": split,
        "videos": len(compared.videos),
        "left_out": list(compared.left_out),
        "task": compared.card.task.name,
        "dense": compared.card.task.dense,
    }
    return Analysis(key, {**about, **_compute(compared)}, found=False)


def _key(compared: ComparedRuns) -> str:
    inputs = {
        "runs": [[run.id, run.name] for run in compared.runs.values()],
        "predictions": predictions_hash(compared),
        "labels": training_data.data_hash(compared.videos, compared.classes),
        "words": {name: list(pair) for name, pair in compared.words.items()},
        "settings": _SETTINGS,
    }
    return statistics.key_of(KIND, inputs)


def predictions_hash(compared: ComparedRuns) -> list[list[str]]:
    """Return the hash of every prediction that is looked at, by run."""
    return [
        [content_hash(prediction_path(card.folder, v.content_hash)) for v in compared.videos]
        for card in compared.cards.values()
    ]


def _compute(compared: ComparedRuns) -> dict[str, Any]:
    answers = {name: answers_of(card, compared.videos) for name, card in compared.cards.items()}
    check_same_rows(answers)
    classes, words, dense = compared.classes, compared.words, compared.card.task.dense
    tables = [_table(each.rows, classes) for each in answers.values()]
    spread = _diversity(tables, classes.index(BACKGROUND) if dense else None)
    tallies = [_right(each.rows) for each in answers.values()]
    return {
        "runs": [
            {
                "run": name,
                "id": compared.runs[name].id,
                "accuracy": _spread(interval(tally)),
                "confusion": _confusion(table, words),
                "segments": _confusion(_table(each.segments, classes), words) if dense else None,
                "diversity": {kind: of_runs[at] for kind, of_runs in spread.items()},
                "calibration": _calibration(calibration_of(each.judged, _SETTINGS["bins"])),
            }
            for at, ((name, each), table, tally) in enumerate(
                zip(answers.items(), tables, tallies, strict=True)
            )
        ],
        "orders": {
            "class": order_by_confusion(tables),
            "verb": order_by_confusion([by_verb(table, words) for table in tables]),
            "noun": order_by_confusion([by_noun(table, words) for table in tables]),
        },
        "per_class": _per_class(tables),
        "agreement": _compared(answers, tallies) if len(answers) > 1 else None,
    }


def _table(answered: Answered, classes: tuple[str, ...]) -> Confusion:
    truth, said = laid_end_to_end(answered.truth), laid_end_to_end(answered.predicted)
    return confusion(truth, said, classes)


def _right(answered: Answered) -> Tally:
    """Return how many of its rows a run has right, by video."""
    pairs = [(truth, answered.predicted[name]) for name, truth in sorted(answered.truth.items())]
    right = [[float(((truth == said) & (truth != IGNORED)).sum())] for truth, said in pairs]
    return Tally(np.array(right), np.array([[float((t != IGNORED).sum())] for t, _ in pairs]))


def _compared(answers: Mapping[str, RunAnswers], tallies: Sequence[Tally]) -> dict[str, Any]:
    """Return where runs agree, and for every pair whether one is better than the other."""
    first = next(iter(answers.values()))
    predicted = {name: each.rows.predicted for name, each in answers.items()}
    found = _agreement(agreement(first.rows.truth, predicted))
    tally = dict(zip(answers, tallies, strict=True))
    truth = laid_end_to_end(first.segments.truth)
    right = {
        name: (laid_end_to_end(each.segments.predicted) == truth)[truth != IGNORED]
        for name, each in answers.items()
    }
    for pair in found["pairs"]:
        one, other = pair["runs"]
        pair["accuracy_difference"] = _spread(difference(tally[one], tally[other]))
        pair["mcnemar"] = asdict(mcnemar(right[one], right[other]))
    return {**found, "segments": len(right[next(iter(answers))])}


# ---- results as JSON ---------------------------------------------------------------------------


def _confusion(table: Confusion, words: Words) -> dict[str, Any]:
    """Return the most frequent mistakes, and all cells [true, predicted, count] to draw."""

    def pairs(of: Confusion) -> list[dict[str, Any]]:
        return [asdict(each) for each in of.top_pairs(_SETTINGS["pairs"])]

    def cells(of: Confusion) -> list[list[int]]:
        return np.stack(of.cells, axis=1).tolist()

    verbs, nouns = by_verb(table, words), by_noun(table, words)
    return {
        "pairs": pairs(table),
        "verbs": pairs(verbs),
        "nouns": pairs(nouns),
        "classes": list(table.classes),
        "cells": cells(table),
        "groups": {
            "verb": {"names": list(verbs.classes), "cells": cells(verbs)},
            "noun": {"names": list(nouns.classes), "cells": cells(nouns)},
        },
    }


def _per_class(tables: Sequence[Confusion]) -> list[dict[str, Any]]:
    """Return of every class that occurs how many rows it has, and how many each run has right."""
    totals = tables[0].counts.sum(axis=1)
    diagonals = [table.counts.diagonal() for table in tables]
    return [
        {
            "name": name,
            "rows": int(total),
            "right": [int(each[at]) for each in diagonals],
            "recall": [100.0 * float(each[at]) / float(total) for each in diagonals],
        }
        for at, (name, total) in enumerate(zip(tables[0].classes, totals, strict=True))
        if total
    ]


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
