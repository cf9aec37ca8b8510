"""All of a reproduction as plain values: what is stored, printed with `--json` and reported."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from analysis.reproduction.claims import CLAIMS, EQUAL, Comparison, Figure
from analysis.reproduction.verdicts import (
    Difference,
    Outcome,
    Verdict,
    compare,
    holm,
    judge,
    overall,
    spread,
)

DENSE: tuple[Figure, ...] = ("accuracy", "segment_f1@10", "point_f1_start@1s")
CLIPS: tuple[Figure, ...] = ("accuracy",)


def summarise(outcomes: Sequence[Outcome], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions, claims and speed of whatever runs there are.

    Args:
        outcomes: Finished runs, as `core.reproduction` keeps them.
        about: What to say of the whole: plan, versions, machine.
    """
    by_condition: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        by_condition.setdefault((outcome["study"], outcome["condition"]), []).append(outcome)
    return {
        "about": dict(about),
        "runs": len(outcomes),
        "conditions": [_condition(*key, runs) for key, runs in by_condition.items()],
        "claims": _claims(by_condition),
        "speed": _speed(by_condition),
    }


def _condition(study: str, name: str, runs: Sequence[Outcome]) -> dict[str, Any]:
    figures = DENSE if study == "online" else CLIPS
    trained = [run for run in runs if run["curve"]]
    return {
        "study": study,
        "condition": name,
        "seeds": len(runs),
        "videos": len(runs[0]["truth"]),
        "classes": runs[0]["classes"],
        "figures": {
            figure: dict(zip(("value", "low", "high"), spread(runs, figure), strict=True))
            for figure in figures
        },
        "lr": runs[0]["lr"] if trained else None,
        "trainable_parameters": runs[0]["trainable_parameters"],
        "cpu_seconds_per_epoch": median(
            run["cpu_seconds"] * run["epoch_steps"] / run["curve"][-1][0] for run in trained
        )
        if trained
        else None,
        "curve": runs[0]["curve"],
        "rising": rising(runs),
        "contexts": sorted({run["context"] for run in runs if "context" in run}),
    }


def _claims(by_condition: Mapping[tuple[str, str], Sequence[Outcome]]) -> list[dict[str, Any]]:
    found: dict[Comparison, Difference] = {}
    for comparison in dict.fromkeys(c for claim in CLAIMS for c in claim.comparisons):
        first = by_condition.get((comparison.study, comparison.first), [])
        second = by_condition.get((comparison.study, comparison.second), [])
        if difference := compare(first, second, comparison):
            found[comparison] = difference
    corrected = {d.comparison: d for d in holm(list(found.values()))}
    claims = []
    for claim in CLAIMS:
        there = [corrected[c] for c in claim.comparisons if c in corrected]
        if there:
            each: list[Verdict] = [judge(claim, difference) for difference in there]
            claims.append({
                "name": claim.name, "sentence": claim.sentence, "source": claim.source,
                "expected": claim.expected, "verdict": overall(each),
                "comparisons": [
                    asdict(d) | {"verdict": v, "rising": _rising_of(d.comparison, by_condition)}
                    for d, v in zip(there, each, strict=True)
                ],
            })  # fmt: skip
    return claims


def rising(runs: Sequence[Outcome]) -> bool:
    """Say whether validation accuracy still rose by more than EQUAL points in the last third."""
    gains = []
    for run in runs:
        before = [
            accuracy for step, accuracy in run["curve"] if 3 * step <= 2 * run["curve"][-1][0]
        ]
        gains += [run["curve"][-1][1] - before[-1]] if before else []
    return bool(gains) and sum(gains) / len(gains) > EQUAL


def _rising_of(
    comparison: Comparison, by_condition: Mapping[tuple[str, str], Sequence[Outcome]]
) -> list[str]:
    sides = (comparison.first, comparison.second)
    return [side for side in sides if rising(by_condition[comparison.study, side])]


def _speed(by_condition: Mapping[tuple[str, str], Sequence[Outcome]]) -> list[dict[str, Any]]:
    """Return what one answer costs: the discriminative classifier and each decoder beside it."""
    base = by_condition.get(("steps", "discriminative"), [])
    text = by_condition.get(("steps", "text"), [])
    if not base or not text:
        return []
    asked = [("discriminative", base, "head")]
    asked += [(f"text, {decoder}", text, decoder) for decoder in text[0]["cost"]]
    return [_cost(*each, median(run["cost"]["head"]["ms"] for run in base)) for each in asked]


def _cost(name: str, runs: Sequence[Outcome], decoder: str, base_ms: float) -> dict[str, Any]:
    costs = [run["cost"][decoder] for run in runs]
    ms, (accuracy, low, high) = median(c["ms"] for c in costs), spread(runs, "accuracy", decoder)
    return {
        "asked": name,
        "passes": median(c["passes"] for c in costs),
        "ms": ms,
        "ratio": ms / base_ms,
        "accuracy": {"value": accuracy, "low": low, "high": high},
    }
