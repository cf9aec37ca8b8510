import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import spearmanr

from analysis import label_effects
from analysis.confusion import confusion
from analysis.label_effects import asked, likeness, mixed_shares, of_pairs, of_recall, spearman
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
        tables.append(confusion(truth, said, tuple("abcde"[:classes])))
        pairs.append(list(zip(truth.tolist(), said.tolist(), strict=True)))
    return tables, pairs


def slow_mixed(pairs, chosen):
    rows = Counter(true for video in pairs for true, _ in video)
    cells = Counter(pair for video in pairs for pair in video)
    return [
        100 * (cells[a, b] + cells[b, a]) / (rows[a] + rows[b])
        for a, b in itertools.combinations(chosen, 2)
    ]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100))
def test_how_mixed_pairs_are_equals_counting(seed):
    tables, pairs = made_up(seed=seed)
    run = asked(tables, np.array([1, 2, 4]))
    assert mixed_shares(run) == pytest.approx(slow_mixed(pairs, (1, 2, 4)))
    twice = mixed_shares(run, np.array([2.0, 0, 1, 0, 0, 3]))
    drawn = [pairs[0]] * 2 + [pairs[2]] + [pairs[5]] * 3
    assert twice == pytest.approx(slow_mixed(drawn, (1, 2, 4)))


def test_correlations_are_those_of_scipy_and_lie_in_their_intervals():
    tables, pairs = made_up()
    run = asked(tables, np.arange(5))
    alike = likeness(["ab", "ac", "xy", "b", "bc"], [[1, 2], [1, 3], [4], [2], [2, 3]])
    found = of_pairs(run, alike, HOW)
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


def test_many_classes_get_no_interval_but_the_same_value(monkeypatch):
    tables, _ = made_up()
    run, alike = asked(tables, np.arange(5)), likeness(list("abcde"), [[1], [1, 2], [2], [3], [1]])
    few = of_pairs(run, alike, HOW)
    monkeypatch.setattr(label_effects, "MOST_RESAMPLED", 4)
    many = of_pairs(run, alike, HOW)
    assert many["tokens"].value == pytest.approx(few["tokens"].value)
    assert (many["tokens"].low, many["tokens"].high) == (None, None)


def test_what_does_not_vary_has_no_correlation():
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert np.isnan(spearman(np.arange(2.0), np.arange(2.0)))
