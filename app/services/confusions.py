"""Which class runs took for which on a split: counted from what they decided for alone, and kept.

It is what a page shows first, so it reads no distribution and draws no resample: a million answers
about thousands of classes are counted in a second.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from analysis.confusion import Confusion, Words, by_noun, by_verb, confusion
from analysis.ordering import order_by_confusion
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
from core.prediction_files import prediction_path, read_decisions
from core.run_card import RunCard
from core.types import LabelledVideo, Split
from storage import statistics, training_data

KIND = "confusion"
_SETTINGS = {"version": 1, "pairs": 20}
"""Part of the key; a changed formula or form of the result gets a new version."""


@dataclass(frozen=True, slots=True)
class Part:
    """A result as JSON, what it is, its key, and whether it was found in the database."""

    kind: str
    key: str
    value: dict[str, Any]
    found: bool


@dataclass(frozen=True)
class Counted:
    """What runs were asked, and what they answered: read only where a result is not kept."""

    compared: ComparedRuns

    @cached_property
    def answers(self) -> Mapping[str, RunAnswers]:
        """What was answered, by run.

        Raises:
            InvalidData: The runs were not asked about the same times.
        """
        cards = self.compared.cards.items()
        found = {name: answers_of(card, self.compared.videos) for name, card in cards}
        check_same_rows(found)
        return found

    def tables(self) -> list[Confusion]:
        """Return the confusion of the rows of each run."""
        return [_table(each.rows, self.compared.classes) for each in self.answers.values()]


def confusions(
    studio: Studio, project: str | int, names: Sequence[str | int], split: Split
) -> dict[str, Any]:
    """Return the confusion of rows and segments of runs, and keep it.

    Only the process that may write calls this.

    Raises:
        InvalidData: The runs were not asked the same questions.
        MissingArtifact: There is no video that all of them have predicted.
    """
    found = Counted(compared_runs(studio, project, names, split))
    part = confusion_part(studio, found)
    keep(studio, part)
    return {**about(found.compared), **part.value}


def keep(studio: Studio, part: Part) -> None:
    """Store a result that was not found."""
    if not part.found:
        statistics.put(studio.database, part.key, part.kind, part.value)


def about(compared: ComparedRuns) -> dict[str, Any]:
    """Return on what runs are looked at; `left_out` names videos that only some have predicted."""
    return {
        "split": compared.split,
        "videos": len(compared.videos),
        "left_out": list(compared.left_out),
        "task": compared.card.task.name,
        "dense": compared.card.task.dense,
    }


def confusion_part(studio: Studio, found: Counted) -> Part:
    """Return the kept confusions, or count them without keeping them."""
    key = statistics.key_of(KIND, _inputs(found))
    value = statistics.get(studio.database, key)
    return Part(KIND, key, value or _computed(found), value is not None)


def _inputs(found: Counted) -> dict[str, Any]:
    compared = found.compared
    return {
        "runs": [[run.id, run.name] for run in compared.runs.values()],
        "answers": answers_hash(compared),
        "labels": training_data.data_hash(compared.videos, compared.classes),
        "words": {name: list(pair) for name, pair in compared.words.items()},
        "settings": _SETTINGS,
    }


def answers_hash(compared: ComparedRuns) -> list[str]:
    """Return of every run the hash of what it decided for, and where."""
    return [_digest(card, compared.videos) for card in compared.cards.values()]


def _digest(card: RunCard, videos: Sequence[LabelledVideo]) -> str:
    found = hashlib.sha256()
    for video in videos:
        decided = read_decisions(prediction_path(card.folder, video.content_hash))
        for part in (decided.predicted, decided.time_us, decided.span_us, decided.kind):
            found.update(b"none" if part is None else f"{part.shape} ".encode() + part.tobytes())
    return found.hexdigest()


def _computed(found: Counted) -> dict[str, Any]:
    compared, tables = found.compared, found.tables()
    words, dense, classes = compared.words, compared.card.task.dense, compared.classes
    runs = zip(found.answers.items(), tables, strict=True)
    return {
        "runs": [
            {
                "run": name,
                "id": compared.runs[name].id,
                "confusion": _confusion(table, words),
                "segments": _confusion(_table(each.segments, classes), words) if dense else None,
            }
            for (name, each), table in runs
        ],
        "orders": {
            "class": order_by_confusion(tables),
            "verb": order_by_confusion([by_verb(table, words) for table in tables]),
            "noun": order_by_confusion([by_noun(table, words) for table in tables]),
        },
    }


def _table(answered: Answered, classes: tuple[str, ...]) -> Confusion:
    truth, said = laid_end_to_end(answered.truth), laid_end_to_end(answered.predicted)
    return confusion(truth, said, classes)


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
