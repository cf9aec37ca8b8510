"""What a reproduction says of its runs: differences, intervals, verdicts and the page."""

from typing import Any

import numpy as np
import pytest

from analysis.metrics import evaluate_frames
from analysis.reproduction.claims import CLAIMS, EQUAL, Claim, Comparison, Figure
from analysis.reproduction.report import render
from analysis.reproduction.summary import summarise
from analysis.reproduction.verdicts import (
    Difference,
    answers,
    compare,
    holm,
    judge,
    overall,
    spread,
)
from core.reproduction.plan import FULL, QUICK
from core.tasks import IGNORED

CLIPS = {"v1": 12, "v2": 7, "v3": 9, "v4": 15, "v5": 3}
STEPS = Comparison("steps", "discriminative", "text")


def outcome(
    condition: str, seed: int, *, right: float = 0.6, decoder: str = "head", study: str = "steps"
) -> dict[str, Any]:
    """A run that is right in a share of its answers, and random beyond."""
    truths = np.random.default_rng(99)  # every run answers the same questions
    rng = np.random.default_rng([seed, *map(ord, condition)])
    truth, said = {}, {}
    for name, count in CLIPS.items():
        true = truths.integers(0, 5, count)
        true[truths.random(count) < 0.15] = IGNORED
        random = rng.integers(0, 5, count)
        truth[name] = true.tolist()
        said[name] = np.where(rng.random(count) < right, true, random).clip(0).tolist()
    cost = {decoder: {"passes": 2.0, "tokens": 9.0, "ms": 4.0}}
    return {
        "study": study, "condition": condition, "seed": seed, "lr": 2e-3, "classes": 5,
        "rate": 4.0, "curve": [[10, 20.0], [20, 55.0]], "epoch_steps": 10, "cost": cost,
        "seconds": 3.0, "cpu_seconds": 2.0, "trainable_parameters": 1234,
        "context": "previous_action", "truth": truth, "predicted": {decoder: said},
    }  # fmt: skip


def runs(condition: str, seeds=(0, 1, 2), **more: Any) -> list[dict[str, Any]]:
    return [outcome(condition, seed, **more) for seed in seeds]


# ---- differences --------------------------------------------------------------------------------


def slow_accuracy(run: dict[str, Any]) -> float:
    right = asked = 0
    for name, true in run["truth"].items():
        for a, b in zip(true, answers(run)[name], strict=True):
            if a != IGNORED:
                asked += 1
                right += a == b
    return 100 * right / asked


def test_a_difference_is_the_mean_over_the_seeds_that_both_have():
    first, second = runs("discriminative", (0, 1, 2, 3)), runs("text", (5, 3, 1, 0), right=0.4)
    found = compare(first, second, STEPS)
    mine, theirs = ({run["seed"]: slow_accuracy(run) for run in side} for side in (first, second))
    slow = np.mean([mine[seed] - theirs[seed] for seed in (0, 1, 3)])
    assert found is not None
    assert found.value == pytest.approx(slow)
    assert (found.seeds, found.videos) == (3, len(CLIPS))
    assert found.low < found.value < found.high
    back = compare(second[::-1], first, STEPS)
    assert back is not None
    assert (back.value, back.low, back.high) == pytest.approx((-slow, -found.high, -found.low))


def test_an_interval_is_that_of_seeds_and_videos_drawn_again_together():
    first, second = runs("discriminative"), runs("text", right=0.4)
    found, rng = compare(first, second, STEPS), np.random.default_rng(5)
    assert found is not None

    def counts(run, name) -> tuple[int, int]:
        pairs = list(zip(run["truth"][name], answers(run)[name], strict=True))
        return sum(a == b for a, b in pairs), sum(a != IGNORED for a, _ in pairs)

    drawn, names = [], list(CLIPS)
    pairs = zip(first, second, strict=True)
    table = [[[counts(run, name) for name in names] for run in pair] for pair in pairs]
    for _ in range(3000):
        videos, seeds = rng.integers(0, 5, 5), rng.integers(0, 3, 3)
        each = []
        for seed in seeds:
            shares = []
            for side in table[seed]:
                right, asked = (sum(side[v][i] for v in videos) for i in (0, 1))
                shares.append(100 * right / asked)
            each.append(shares[0] - shares[1])
        drawn.append(np.mean(each))
    slow = np.percentile(drawn, [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(slow, abs=1.5)


def test_equal_runs_differ_by_nothing_and_runs_without_a_partner_are_not_compared():
    found = compare(runs("text"), runs("text"), STEPS)
    assert found is not None
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert compare(runs("text", (0, 1)), runs("text", (2, 3)), STEPS) is None
    assert compare([], runs("text"), STEPS) is None


def test_a_run_that_is_always_better_has_the_smallest_p():
    found = compare(runs("discriminative", right=1.0), runs("text", right=0.1), STEPS)
    assert found is not None
    assert found.low > 0
    assert found.p == pytest.approx(2 / 10_000)


def test_a_dense_figure_is_that_of_the_evaluation():
    comparison = Comparison("online", "discriminative", "text", "segment_f1@10")
    first, second = runs("discriminative", (0,)), runs("text", (0,), right=0.3)
    found = compare(first, second, comparison)
    each = [
        evaluate_frames(
            {name: np.array(t) for name, t in run["truth"].items()},
            {name: np.array(s) for name, s in answers(run).items()},
            fps=4.0, classes=list("abcde"),
        ).metrics["segment_f1@10"]
        for run in (first[0], second[0])
    ]  # fmt: skip
    assert found is not None
    assert each[0] is not None
    assert each[1] is not None
    assert found.value == pytest.approx(each[0] - each[1])
    assert abs(found.value) > 1


def test_the_fullest_decoder_counts_unless_another_is_asked():
    run = outcome("text", 0)
    run["predicted"] = {"greedy": {"v1": [1]}, "trie": {"v1": [2]}, "exact": {"v1": [3]}}
    assert answers(run)["v1"] == [3]
    assert answers(run, "greedy")["v1"] == [1]
    value, low, high = spread(runs("text"), "accuracy")
    assert value == pytest.approx(np.mean([slow_accuracy(run) for run in runs("text")]))
    assert low < value < high


# ---- diversity ----------------------------------------------------------------------------------


def wrong(spread_out: bool, seed: int) -> dict[str, Any]:
    """A run whose mistakes go to one class, or to all, at the same places."""
    run, rng = outcome("text", seed), np.random.default_rng([seed, 4])
    for name, true in run["truth"].items():
        run["predicted"]["head"][name] = [
            0 if t == IGNORED else (t + int(rng.integers(1, 5) if spread_out else 1)) % 5
            for t in true
        ]
    return run


DIVERSITY = Comparison("steps", "text", "discriminative", "diversity")


def test_diversity_is_equal_between_equal_runs():
    for spread_out in (False, True):
        same = [wrong(spread_out, seed) for seed in range(3)]
        found = compare(same, same, DIVERSITY)
        assert found is not None
        assert found.value == pytest.approx(0, abs=0.05 if spread_out else 1e-12)
        assert found.low <= 0 <= found.high
        assert found.p > 0.5


def test_mistakes_that_are_more_spread_are_more_diverse():
    many, one = ([wrong(value, seed) for seed in range(3)] for value in (True, False))
    found, back = compare(many, one, DIVERSITY), compare(one, many, DIVERSITY)
    assert found is not None
    assert back is not None
    assert 0 < found.low < found.value < np.log(4)  # four wrong classes at most
    assert found.value > 0.8
    assert back.value == pytest.approx(-found.value, abs=0.05)


# ---- verdicts -----------------------------------------------------------------------------------


def difference(
    value: float, low: float, high: float, p: float, figure: Figure = "accuracy"
) -> Difference:
    return Difference(Comparison("steps", "a", "b", figure), value, low, high, p, 5, 64)


def test_holm_by_hand():
    """0.005·4, 0.01·3, 0.03·2, and 0.04·1 raised to what stands before it."""
    found = [difference(1, 0, 2, p) for p in (0.01, 0.04, 0.03, 0.005)]
    assert [d.p for d in holm(found)] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [d.p for d in holm([difference(1, 0, 2, 0.6)] * 2)] == [1, 1]
    assert holm([]) == []


GREATER = Claim("g", "", "greater", ())
SAME = Claim("e", "", "equal", ())


@pytest.mark.parametrize(
    ("claim", "found", "expected"),
    [
        (GREATER, difference(4, 2, 6, 0.01), "reproduced"),
        (GREATER, difference(4, 2, 6, 0.06), "undecided"),  # not after Holm
        (GREATER, difference(4, -1, 6, 0.01), "undecided"),
        (GREATER, difference(-4, -6, -2, 0.01), "not reproduced"),
        (GREATER, difference(0.1, -1, 1, 0.8), "not reproduced"),  # equal, so not greater
        (GREATER, difference(0.5, 0.2, 1, 0.01), "reproduced"),
        (GREATER, difference(0.1, -1, 1, 0.8, "diversity"), "undecided"),  # nats, not points
        (SAME, difference(0.1, -1, 1, 0.8), "reproduced"),
        (SAME, difference(0.5, 0.2, 1, 0.01), "reproduced"),
        (SAME, difference(0.1, -EQUAL, 1, 0.8), "undecided"),
        (SAME, difference(1, -1, 3, 0.4), "undecided"),
        (SAME, difference(1.2, 0.3, 2, 0.01), "undecided"),  # apart, by less than EQUAL
        (SAME, difference(4, 2, 6, 0.01), "not reproduced"),
        (SAME, difference(-4, -6, -2, 0.01), "not reproduced"),
    ],
)
def test_a_verdict_by_hand(claim, found, expected):
    assert judge(claim, found) == expected


def test_a_claim_holds_where_all_its_comparisons_do_and_fails_with_one():
    assert overall(["reproduced", "reproduced"]) == "reproduced"
    assert overall(["reproduced", "undecided"]) == "undecided"
    assert overall(["reproduced", "not reproduced", "undecided"]) == "not reproduced"
    assert overall([]) == "undecided"


# ---- claims and the plan ------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_every_comparison_names_conditions_of_the_full_plan(claim: Claim):
    there = {(s.name, c.name) for s in FULL.studies for c in s.conditions}
    for comparison in claim.comparisons:
        assert (comparison.study, comparison.first) in there
        assert (comparison.study, comparison.second) in there
        assert comparison.first != comparison.second
    assert claim.comparisons


def test_claims_have_names_of_their_own_and_the_quick_plan_decides_some():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    there = {(s.name, c.name) for s in QUICK.studies for c in s.conditions}
    decided = {
        claim.name
        for claim in CLAIMS
        if all({(c.study, c.first), (c.study, c.second)} <= there for c in claim.comparisons)
    }
    assert {"gen-random", "overlap-free", "diversity", "alignment", "permuted"} <= decided


# ---- the page -----------------------------------------------------------------------------------


def test_a_summary_holds_what_ran_and_claims_only_what_can_be_compared():
    told = summarise(
        [*runs("discriminative"), *runs("text", decoder="exact", right=0.3)], {"plan": "quick"}
    )
    assert told["runs"] == 6
    assert [c["condition"] for c in told["conditions"]] == ["discriminative", "text"]
    assert {claim["name"] for claim in told["claims"]} == {"disc-gen", "diversity"}
    (one,) = told["claims"][0]["comparisons"]
    assert one["p"] >= 2 * 2 / 10_000  # Holm over two comparisons
    assert [row["asked"] for row in told["speed"]] == ["discriminative", "text, exact"]


def test_the_page_escapes_every_name():
    bad = "<script>alert('x')</script>&"
    told = summarise(
        [*runs("discriminative"), *runs("text", decoder="exact")],
        {"plan": bad, bad: [bad], "machine": {bad: bad}},
    )
    for row in told["conditions"]:
        row["condition"] += bad
    for row in told["speed"]:
        row["asked"] += bad
    for claim in told["claims"]:
        claim["sentence"] += bad
        for one in claim["comparisons"]:
            one["comparison"] = {**one["comparison"], "first": bad, "second": bad}
    page = render(told)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 12
    assert "http" not in page  # nothing is loaded from elsewhere
    assert render(summarise([], {})).count("No run of it yet.") == 1
