import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import spearmanr

from analysis import label_effects
from analysis.confusion import confusion
from analysis.label_effects import (
    asked,
    likeness,
    mixed_shares,
    of_pairs,
    of_recall,
    ranked,
    spearman,
)
from analysis.significance import Bootstrap

TOKENS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5), min_size=2, max_size=6)
HOW = Bootstrap(resamples=40)


@given(TOKENS)
def test_common_beginning_and_common_tokens_equal_counting(tokens):
    names = [f"name {number}" for number in range(len(tokens))]
    found = likeness(names, tokens)
    for (i, a), (j, b) in itertools.product(enumerate(tokens), repeat=2):
        prefix = 0
        while prefix < min(len(a), len(b)) and a[prefix] == b[prefix]:
            prefix += 1
        both = len(a) + len(b)
        assert found.prefix[i, j] == pytest.approx(200 * prefix / both)
        common = (Counter(a) & Counter(b)).total()
        assert found.tokens[i, j] == pytest.approx(200 * common / both)


def test_spelling_is_one_minus_the_edit_distance_over_the_longer_name():
    found = likeness(["add salt", "add malt", "cut"], [[1], [2], [3]])
    assert found.spelling[0, 1] == pytest.approx(100 * (1 - 1 / 8))
    assert found.spelling[0, 0] == 100


def made_up(videos=6, classes=5, rows=80, seed=0):
    random = np.random.default_rng(seed)
    tables, pairs = [], []
    for _ in range(videos):
        truth = random.integers(classes, size=rows)
        said = np.where(random.random(rows) < 0.6, truth, random.integers(-1, classes, size=rows))
        tables.append(confusion(truth, said, tuple("abcdefghijklmnopqrstuvwxyz"[:classes])))
        pairs.append(list(zip(truth.tolist(), said.tolist(), strict=True)))
    return tables, pairs


def slow_mixed(pairs, chosen):
    rows = Counter(true for video in pairs for true, _ in video)
    cells = Counter(pair for video in pairs for pair in video)
    return [
        100 * (cells[a, b] + cells[b, a]) / (rows[a] + rows[b])
        for a, b in itertools.combinations(chosen, 2)
    ]


def all_mixed(run, weights=None):
    """Lay the pairs that were ever mixed among all others."""
    size = run.rows.shape[1]
    table = np.zeros((size, size))
    table[run.first, run.second] = mixed_shares(run, weights)
    return table[np.triu_indices(size, 1)]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100))
def test_how_mixed_pairs_are_equals_counting(seed):
    tables, pairs = made_up(seed=seed)
    run = asked(tables, np.array([1, 2, 4]))
    assert all_mixed(run) == pytest.approx(slow_mixed(pairs, (1, 2, 4)))
    twice = all_mixed(run, np.array([2.0, 0, 1, 0, 0, 3]))
    drawn = [pairs[0]] * 2 + [pairs[2]] + [pairs[5]] * 3
    assert twice == pytest.approx(slow_mixed(drawn, (1, 2, 4)))


def test_correlations_are_those_of_scipy_and_lie_in_their_intervals():
    tables, pairs = made_up()
    run = asked(tables, np.arange(5))
    alike = likeness(["ab", "ac", "xy", "b", "bc"], [[1, 2], [1, 3], [4], [2], [2, 3]])
    found = of_pairs(run, ranked(alike), HOW)
    upper, mixed = np.triu_indices(5, 1), slow_mixed(pairs, range(5))
    for key in ("prefix", "tokens", "spelling"):
        expected = spearmanr(mixed, getattr(alike, key)[upper])[0]
        assert found[key].value == pytest.approx(expected)
        assert found[key].low <= found[key].high
    rows = np.bincount([true for video in pairs for true, _ in video])
    assert found["frequency"].value == pytest.approx(
        spearmanr(mixed, rows[upper[0]] * rows[upper[1]])[0]
    )
    feature = np.array([3.0, 1, 4, 1, 5])
    right = [sum(t == s == c for v in pairs for t, s in v) / rows[c] for c in range(5)]
    recall = of_recall(run, {"tokens": feature}, HOW)["tokens"]
    assert recall.value == pytest.approx(spearmanr(right, feature)[0])


def test_in_a_draw_pairs_of_classes_that_do_not_occur_do_not_count():
    tables, _ = made_up(classes=26, rows=40)
    run = asked(tables, np.arange(26))
    alike = likeness([f"{k % 5} {k}" for k in range(26)], [[k % 5, k % 7, k] for k in range(26)])
    upper = np.triu_indices(26, 1)
    for video in range(6):
        weights = np.eye(6)[video]
        rows, mixed = run.rows[video], all_mixed(run, weights)
        some = rows[upper[0]] + rows[upper[1]] > 0
        assert 0 < some.sum() < len(some)
        known = {key: getattr(alike, key)[upper] for key in ("prefix", "tokens", "spelling")}
        known["frequency"] = rows[upper[0]] * rows[upper[1]]
        found = label_effects._correlations(run, ranked(alike), weights)  # pyright: ignore
        assert found == pytest.approx(
            {key: spearmanr(mixed[some], value[some])[0] for key, value in known.items()}
        )


def test_without_draws_there_is_the_same_value_and_no_interval():
    tables, _ = made_up()
    run, alike = asked(tables, np.arange(5)), likeness(list("abcde"), [[1], [1, 2], [2], [3], [1]])
    drawn = of_pairs(run, ranked(alike), HOW)["tokens"]
    alone = of_pairs(run, ranked(alike), Bootstrap(resamples=0))["tokens"]
    assert (alone.value, alone.low, alone.high) == (drawn.value, None, None)
    assert drawn.low is not None


def test_what_does_not_vary_has_no_correlation():
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert np.isnan(spearman(np.arange(2.0), np.arange(2.0)))
