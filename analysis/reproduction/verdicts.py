"""Paired comparisons of conditions over seeds and videos, and what they say about a claim.

Runs of one seed answer the same questions about the same videos. Seeds and videos are resampled
together; both runs of a pair always see the same draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from analysis.metrics import evaluate_frames
from analysis.reports import Counts, Tally
from analysis.reproduction.claims import EQUAL, Claim, Comparison, Figure
from analysis.segments import IGNORED

Outcome = Mapping[str, Any]
Verdict = Literal["reproduced", "not reproduced", "undecided"]

RESAMPLES = 10_000
_DIVERSITY_RESAMPLES = 1_000
_LEVEL = 95.0
_ALPHA = 0.05
_SHOWN_FIRST = ("exact", "head", "trie", "greedy")


@dataclass(frozen=True, slots=True)
class Difference:
    """`first` − `second` with its interval (95 %), its p-value (from Holm on, corrected) and n."""

    comparison: Comparison
    value: float
    low: float
    high: float
    p: float
    seeds: int
    videos: int


def answers(outcome: Outcome, decoder: str | None = None) -> Mapping[str, Sequence[int]]:
    """Return a run's answers by a decoder; what counts is the fullest that was asked."""
    asked = outcome["predicted"]
    return asked[decoder or next(name for name in _SHOWN_FIRST if name in asked)]


def tally(outcome: Outcome, figure: Figure, decoder: str | None = None) -> Tally:
    """Count a figure of one run, video by video."""
    videos = sorted(outcome["truth"])
    truth = [np.array(outcome["truth"][v], np.int64) for v in videos]
    said = [np.array(answers(outcome, decoder)[v], np.int64) for v in videos]
    if figure == "accuracy":
        asked = [t != IGNORED for t in truth]
        right = [float(((t == s) & a).sum()) for t, s, a in zip(truth, said, asked, strict=True)]
        return Tally(np.array(right)[:, None], np.array([[float(a.sum())] for a in asked]))
    report = evaluate_frames(
        dict(zip(videos, truth, strict=True)),
        dict(zip(videos, said, strict=True)),
        fps=outcome["rate"],
        classes=[str(i) for i in range(outcome["classes"])],
    )
    return report.tallies[figure]


def compare(
    first: Sequence[Outcome], second: Sequence[Outcome], comparison: Comparison
) -> Difference | None:
    """Compare the runs that two conditions have of the same seeds; None where nothing compares."""
    pairs = _paired(first, second)
    if not pairs:
        return None
    seeds, videos = len(pairs), len(pairs[0][0]["truth"])
    if comparison.figure == "diversity":
        value, drawn = _diversity_difference(pairs)
        if np.isnan(value):
            return None  # no class has mistakes on both sides
        drawn = drawn[~np.isnan(drawn)]
    else:
        tallies = [tuple(tally(run, comparison.figure) for run in pair) for pair in pairs]
        value = float(np.mean([_value(a) - _value(b) for a, b in tallies]))
        drawn = _differences(tallies)
    low, high = np.percentile(drawn, [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    tail = min((drawn <= 0).mean(), (drawn >= 0).mean())
    p = min(1.0, 2 * max(float(tail), 1 / len(drawn)))
    return Difference(comparison, value, float(low), float(high), p, seeds, videos)


def spread(
    runs: Sequence[Outcome], figure: Figure, decoder: str | None = None
) -> tuple[float, float, float]:
    """Return the mean over a condition's seeds with its interval over seeds and videos."""
    tallies = [tally(run, figure, decoder) for run in runs]
    weights = _weights(len(tallies), len(tallies[0].part), RESAMPLES)
    drawn = _mean([t.percent(weights[1]) for t in tallies], weights[0])
    low, high = np.percentile(drawn, [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    return float(np.mean([_value(t) for t in tallies])), float(low), float(high)


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences with p-values corrected for their number (Holm 1979)."""
    order = sorted(range(len(differences)), key=lambda i: differences[i].p)
    corrected, worst = list(differences), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, differences[i].p * (len(differences) - rank)))
        corrected[i] = replace(differences[i], p=worst)
    return corrected


def judge(claim: Claim, found: Difference) -> Verdict:
    """Say what one difference means for a claim.

    Greater: the interval lies above 0 and p (Holm) is below 0.05; it fails where the interval lies
    below 0 or within ± EQUAL. Equal: the interval lies within ± EQUAL; it fails where the interval
    leaves 0 out and the difference is larger than EQUAL.
    """
    points = found.comparison.figure != "diversity"
    within = points and found.low > -EQUAL and found.high < EQUAL
    apart = not found.low <= 0 <= found.high
    if claim.expected == "equal":
        if within:
            return "reproduced"
        return "not reproduced" if apart and abs(found.value) > EQUAL else "undecided"
    if found.low > 0 and found.p < _ALPHA:
        return "reproduced"
    return "not reproduced" if found.high < 0 or within else "undecided"


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what several verdicts say together: one that fails decides, else all must hold."""
    if "not reproduced" in verdicts:
        return "not reproduced"
    return "reproduced" if verdicts and set(verdicts) == {"reproduced"} else "undecided"


def _paired(first: Sequence[Outcome], second: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    others = {run["seed"]: run for run in second}
    return [(run, others[run["seed"]]) for run in first if run["seed"] in others]


def _weights(seeds: int, videos: int, resamples: int) -> tuple[Counts, Counts]:
    """Draw how often each seed and each video counts. Shapes: [resamples, n] each."""
    rng = np.random.default_rng(0)
    drawn = [rng.multinomial(n, np.full(n, 1 / n), resamples) for n in (seeds, videos)]
    return drawn[0].astype(float), drawn[1].astype(float)


def _value(tally: Tally) -> float:
    return float(tally.percent(np.ones((1, len(tally.part))))[0])


def _mean(per_seed: Sequence[Counts], weights: Counts) -> Counts:
    """Average figures [seeds][resamples] over the drawn seeds."""
    return (np.stack(per_seed, axis=1) * weights).sum(axis=1) / weights.sum(axis=1)


def _differences(pairs: Sequence[tuple[Tally, ...]]) -> Counts:
    seeds, videos = _weights(len(pairs), len(pairs[0][0].part), RESAMPLES)
    return _mean([a.percent(videos) - b.percent(videos) for a, b in pairs], seeds)


def _diversity_difference(pairs: Sequence[tuple[Outcome, Outcome]]) -> tuple[float, Counts]:
    """Return the size-matched diversity of the first runs minus that of the second.

    Mistakes of all seeds are pooled; in every class as many are drawn from either side as the side
    with fewer has (see `analysis.diversity.size_matched`).
    """
    first, second = ([_mistakes(pair[i]) for pair in pairs] for i in (0, 1))
    videos, rng = len(pairs[0][0]["truth"]), np.random.default_rng(1)
    seed_weights, video_weights = _weights(len(pairs), videos, _DIVERSITY_RESAMPLES)
    classes = pairs[0][0]["classes"]

    def once(by_seed: Counts, by_video: Counts) -> float:
        tables = [_pooled(side, classes, by_seed, by_video) for side in (first, second)]
        sizes = np.minimum(*(t.sum(axis=1) for t in tables)).astype(int)
        rows = np.flatnonzero(sizes)
        if not len(rows):
            return np.nan
        scores = [
            np.mean([
                entr(rng.multinomial(sizes[c], t[c] / t[c].sum()) / sizes[c]).sum() for c in rows
            ])
            for t in tables
        ]  # fmt: skip
        return float(scores[0] - scores[1])

    drawn = [once(s, v) for s, v in zip(seed_weights, video_weights, strict=True)]
    whole = [once(np.ones(len(pairs)), np.ones(videos)) for _ in range(100)]
    return float(np.mean(whole)), np.array(drawn)


def _mistakes(outcome: Outcome) -> NDArray[np.int64]:
    """Return (video, true class, wrong class) of every mistake. Shape: [mistakes, 3]."""
    found = [
        (place, true, said)
        for place, name in enumerate(sorted(outcome["truth"]))
        for true, said in zip(outcome["truth"][name], answers(outcome)[name], strict=True)
        if true not in (IGNORED, said)
    ]
    return np.array(found, np.int64).reshape(len(found), 3)


def _pooled(
    side: Sequence[NDArray[np.int64]], classes: int, by_seed: Counts, by_video: Counts
) -> Counts:
    table = np.zeros((classes, classes))
    for weight, found in zip(by_seed, side, strict=True):
        if weight:
            np.add.at(table, (found[:, 1], found[:, 2]), weight * by_video[found[:, 0]])
    return table
