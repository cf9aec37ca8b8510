"""What several statistics tell about one or more runs on a split: computed once, then kept.

Confusion, misclassification diversity, agreement and calibration come from the stored predictions
and the present labels. Their key is the hash of all that they depend on, so a new prediction, an
edited label or another setting computes them again, and nothing ever has to be thrown away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from analysis.agreement import Agreement, agreement
from analysis.calibration import Calibration, calibration_of
from analysis.confusion import Confusion, Side
from analysis.diversity import diversity, size_matched
from analysis.reports import Tally
from analysis.segments import IGNORED
from analysis.significance import DEFAULT, Bootstrap, Interval, difference, interval, mcnemar
from app.services import Studio, confusions
from app.services.confusions import Counted, Part, about, confusion_part
from app.services.run_answers import (
    Answered,
    ComparedRuns,
    RunAnswers,
    compared_runs,
    judged_of,
    laid_end_to_end,
)
from core.prediction_files import prediction_path
from core.tasks import BACKGROUND
from core.types import Split
from core.video import content_hash
from storage import statistics, training_data

KIND = "analysis"
_DRAWS = Bootstrap(resamples=500)  # of mistakes
_MOST_DRAWN, _FEWEST_DRAWS = 6_000_000, 100
_SETTINGS = {
    "version": 3,
    "bins": 15,
    "videos": asdict(DEFAULT),
    "mistakes": asdict(_DRAWS),
    "most": [_MOST_DRAWN, _FEWEST_DRAWS],
}
"""Part of the key; a changed formula or form of the result gets a new version."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result as JSON, and the parts that it is kept in."""

    value: dict[str, Any]
    parts: tuple[Part, ...]

    @property
    def found(self) -> bool:
        """Whether all of it was in the database."""
        return all(part.found for part in self.parts)


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
    """Store what was not found."""
    for part in analysis.parts:
        confusions.keep(studio, part)


def look(studio: Studio, project: str | int, names: Sequence[str | int], split: Split) -> Analysis:
    """Return the kept result, or compute it without keeping it.

    Runs are looked at on the videos that all of them have predicted, and `left_out` names the rest.

    Raises:
        InvalidData: The runs were not asked the same questions.
        MissingArtifact: There is no video that all of them have predicted.
    """
    found = Counted(compared_runs(studio, project, names, split))
    first, second = confusion_part(studio, found), _mistakes_part(studio, found)
    runs = zip(first.value["runs"], second.value["runs"], strict=True)
    merged = [{**one, **other} for one, other in runs]
    value = {**about(found.compared), **first.value, **second.value, "runs": merged}
    return Analysis(value, (first, second))


def _mistakes_part(studio: Studio, found: Counted) -> Part:
    compared = found.compared
    inputs = {
        "runs": [[run.id, run.name] for run in compared.runs.values()],
        "predictions": predictions_hash(compared),
        "labels": training_data.data_hash(compared.videos, compared.classes),
        "settings": _SETTINGS,
    }
    key = statistics.key_of(KIND, inputs)
    value = statistics.get(studio.database, key)
    return Part(KIND, key, value or _compute(found), value is not None)


def predictions_hash(compared: ComparedRuns) -> list[list[str]]:
    """Return the hash of every prediction that is looked at, by run."""
    return [
        [file_hash(prediction_path(card.folder, v.content_hash)) for v in compared.videos]
        for card in compared.cards.values()
    ]


def file_hash(path: Path) -> str:
    """Return the hash of a prediction's file, read once."""
    known = path.stat()
    return _hash_once(path, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=100_000)
def _hash_once(path: Path, mtime_ns: int, size: int) -> str:
    """Hash a prediction; replaced as a whole, it has another time or size."""
    return content_hash(path)


def _compute(found: Counted) -> dict[str, Any]:
    compared, answers, tables = found.compared, found.answers, found.tables()
    background = compared.classes.index(BACKGROUND) if compared.card.task.dense else None
    spread = _diversity(tables, background)
    tallies = [_right(each.rows) for each in answers.values()]
    sure = [
        calibration_of(judged_of(card, compared.videos, answers[name].rows), _SETTINGS["bins"])
        for name, card in compared.cards.items()
    ]
    return {
        "runs": [
            {
                "accuracy": _spread(interval(tally)),
                "diversity": {kind: of_runs[at] for kind, of_runs in spread.items()},
                "calibration": _calibration(trust),
            }
            for at, (tally, trust) in enumerate(zip(tallies, sure, strict=True))
        ],
        "per_class": _per_class(tables),
        "agreement": _compared(answers, tallies) if len(answers) > 1 else None,
    }


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
    """Return every kind of diversity, a result a run.

    The mean over thousands of classes hardly varies, so it needs fewer draws, and they cost most.
    """
    cells = max(len(table.mistakes[0]) for table in tables)
    most = max(_FEWEST_DRAWS, _MOST_DRAWN // max(1, cells))
    how = replace(_DRAWS, resamples=min(_DRAWS.resamples, most))
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
        matched = size_matched(tables, side, without=without, how=how)
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
