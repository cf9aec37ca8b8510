"""Whether runs mistake what their labels share: recall and confusions against tokens, kept."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from analysis.confusion import Confusion, confusion
from analysis.label_effects import (
    Asked,
    Likeness,
    asked,
    likeness,
    mixed_shares,
    of_pairs,
    of_recall,
    ranked,
)
from analysis.significance import Bootstrap, Interval
from app.services import Studio
from app.services.confusions import answers_hash
from app.services.label_tokens import label_tokens
from app.services.run_answers import (
    Answered,
    ComparedRuns,
    answers_of,
    check_same_rows,
    compared_runs,
)
from core.errors import InvalidData
from core.tasks import BACKGROUND
from core.types import Split
from storage import statistics, training_data

KIND = "label effects"
_DRAWS = Bootstrap(resamples=500)
_PAIRS = 30
_VERSION = 1


def label_effects(
    studio: Studio,
    project: int,
    names: Sequence[str | int],
    split: Split,
    *,
    intervals: bool = True,
) -> dict[str, Any]:
    """Return how recall, and which labels are mixed, go with what labels share as tokens.

    Without `intervals` the figures alone come at once; of thousands of labels the intervals take
    most of a minute.

    Tokens are those of the first run's backbone. `classes` are the labels that occur, with their
    number of tokens and the percentage of them that other labels have too; `pairs` the likeliest
    pairs by common beginning and the pairs that are most mixed by any run.

    Raises:
        InvalidData: Fewer than three labels occur.
        MissingArtifact: As `compared_runs`, or the backbone's tokenizer is not on this machine.
    """
    compared = compared_runs(studio, project, names, split)
    backbone = compared.card.config.backbone
    known = [name for name in compared.classes if name != BACKGROUND]
    spelled = label_tokens(studio, known, backbone)
    written = {name: tuple(token for token, _ in spelled[name]) for name in known}
    how = _DRAWS if intervals else Bootstrap(resamples=0)
    key = statistics.key_of(
        KIND,
        {
            "runs": [[run.id, run.name] for run in compared.runs.values()],
            "answers": answers_hash(compared),
            "labels": training_data.data_hash(compared.videos, compared.classes),
            "tokens": {name: list(tokens) for name, tokens in written.items()},
            "settings": [asdict(how), _PAIRS, _VERSION],
        },
    )
    kept = statistics.get(studio.database, key)
    if kept is None:
        kept = {"backbone": backbone, **_compute(compared, written, how)}
        statistics.put(studio.database, key, KIND, kept)
    return kept


def _compute(
    compared: ComparedRuns, written: dict[str, tuple[int, ...]], how: Bootstrap
) -> dict[str, Any]:
    answers = {name: answers_of(card, compared.videos) for name, card in compared.cards.items()}
    check_same_rows(answers)
    tables = {name: _tables(each.rows, compared.classes) for name, each in answers.items()}
    of_first = next(iter(tables.values()))
    total = np.sum([table.counts.sum(axis=1) for table in of_first], axis=0)
    chosen = np.array(
        [at for at, name in enumerate(compared.classes) if name in written and total[at]], np.int64
    )
    if len(chosen) < 3:
        raise InvalidData(
            "A correlation needs at least three labels that occur", f"{len(chosen)} do",
            "Label more videos of this split.",
        )  # fmt: skip
    names = [compared.classes[at] for at in chosen]
    runs = {name: asked(of_run, chosen) for name, of_run in tables.items()}
    features = {
        "tokens": np.array([float(len(written[name])) for name in names]),
        "shared": _shared(names, written),
    }
    alike = likeness(names, [written[name] for name in names])
    known = ranked(alike)
    rows = next(iter(runs.values())).rows.sum(axis=0)
    return {
        "classes": [
            {"name": name, "rows": int(n), "tokens": int(length), "shared": float(shared)}
            for name, n, length, shared in zip(
                names, rows, features["tokens"], features["shared"], strict=True
            )
        ],
        "runs": [
            {
                "run": name,
                "recall": (100.0 * run.right.sum(axis=0) / rows).tolist(),
                "of_recall": _spreads(of_recall(run, features, how)),
                "of_pairs": _spreads(of_pairs(run, known, how)),
            }
            for name, run in runs.items()
        ],
        "pairs": _pairs(names, alike, runs),
    }


def _tables(answered: Answered, classes: tuple[str, ...]) -> list[Confusion]:
    return [
        confusion(truth, answered.predicted[name], classes)
        for name, truth in answered.truth.items()
    ]


def _shared(names: Sequence[str], written: dict[str, tuple[int, ...]]) -> np.ndarray:
    """Return the percentage of each label's tokens that another label of the set has too."""
    owners: dict[int, int] = {}
    for tokens in written.values():
        for token in set(tokens):
            owners[token] = owners.get(token, 0) + 1
    return np.array(
        [100.0 * np.mean([owners[token] > 1 for token in written[name]]) for name in names]
    )


def _pairs(names: Sequence[str], alike: Likeness, runs: dict[str, Asked]) -> list[dict[str, Any]]:
    """Return the pairs that begin most alike, and those that a run mixes most."""
    mixed = {name: _mixed(run) for name, run in runs.items()}
    shown = dict.fromkeys(_likeliest(alike))
    for of_run in mixed.values():
        shown |= dict.fromkeys(list(of_run)[:_PAIRS])
    return [
        {
            "a": names[a],
            "b": names[b],
            "prefix": float(alike.prefix[a, b]),
            "tokens": float(alike.tokens[a, b]),
            "mixed": [of_run.get((a, b), 0.0) for of_run in mixed.values()],
        }
        for a, b in shown
    ]


def _likeliest(alike: Likeness) -> list[tuple[int, int]]:
    """Return the pairs with the longest common beginning, of equals those with more in common."""
    first, second = np.nonzero(np.triu(alike.prefix, 1) >= max(_worth(alike.prefix), 1e-9))
    order = np.lexsort((-alike.tokens[first, second], -alike.prefix[first, second]))[:_PAIRS]
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _worth(prefix: np.ndarray) -> float:
    """Return what a pair must have to be among those that are shown."""
    last = 2 * _PAIRS + len(prefix)  # every pair stands there twice, and every class with itself
    return float(np.partition(prefix.ravel(), -last)[-last]) if last <= prefix.size else 0.0


def _mixed(run: Asked) -> dict[tuple[int, int], float]:
    """Return how mixed pairs are, the most mixed first."""
    shares = mixed_shares(run)
    order = np.argsort(-shares, kind="stable")
    pairs = zip(run.first[order].tolist(), run.second[order].tolist(), strict=True)
    return dict(zip(pairs, shares[order].tolist(), strict=True))


def _spreads(found: dict[str, Interval]) -> dict[str, dict[str, float | None]]:
    return {key: {"value": i.value, "low": i.low, "high": i.high} for key, i in found.items()}
