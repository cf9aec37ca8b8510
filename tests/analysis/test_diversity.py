from math import log

import numpy as np
import pytest
from hypothesis import given, strategies as st

from analysis.confusion import confusion
from analysis.diversity import diversity, size_matched
from analysis.significance import Bootstrap
from core.errors import InvalidData

COUNTS = st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=4, max_size=4)
FEW = Bootstrap(resamples=200)


def of_counts(counts):
    """Return the confusion with these counts; the last of C + 1 columns is no answer."""
    classes = len(counts)
    rows = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    truth, said = np.array(rows, int).reshape(-1, 2).T
    names = [f"class {i}" for i in range(classes)]
    return confusion(truth, np.where(said == classes, -1, said), names)


def slow_entropies(counts, side, without):
    """Return class index -> entropy, by the formula."""
    found, classes = {}, [i for i in range(len(counts)) if i != without]
    for c in classes:
        wrong = [counts[c][j] if side == "true" else counts[j][c] for j in classes if j != c]
        if sum(wrong):
            shares = [n / sum(wrong) for n in wrong if n]
            found[c] = -sum(q * log(q) for q in shares)
    return found


@given(COUNTS, st.sampled_from(["true", "predicted"]), st.sampled_from([None, 0]))
def test_diversity_equals_its_formula(counts, side, without):
    found = diversity(of_counts(counts), side, without=without)
    expected = slow_entropies(counts, side, without)
    assert [one.name for one in found.per_class] == [f"class {c}" for c in expected]
    assert [one.entropy for one in found.per_class] == pytest.approx(list(expected.values()))
    if expected:
        assert found.score == pytest.approx(sum(expected.values()) / len(expected))
    else:
        assert found.score is None


@pytest.mark.parametrize("wrong", [1, 2, 5])
def test_even_mistakes_over_m_classes_have_the_entropy_ln_m(wrong):
    counts = [[7] + [3] * wrong + [0]] + [[0] * (wrong + 2) for _ in range(wrong)]
    rows = diversity(of_counts(counts))
    assert rows.score == pytest.approx(log(wrong))
    assert rows.mistakes == 3 * wrong
    columns = diversity(of_counts(counts), "predicted")
    assert (columns.score, len(columns.per_class)) == (0, wrong)  # each is taken for one class


def test_a_class_without_a_mistake_does_not_enter_the_mean():
    counts = [[5, 0, 0, 0], [1, 5, 1, 0], [0, 0, 9, 0]]
    assert diversity(of_counts(counts)).score == pytest.approx(log(2))


@pytest.mark.parametrize("counts", [[[3, 0]], [[3, 2]], [[2, 0, 1], [0, 4, 1]], []])
def test_without_mistakes_there_is_no_score(counts):
    table = of_counts(counts)  # no answer is no wrong class
    assert diversity(table).score is None
    (matched,) = size_matched([table], how=FEW)
    assert (matched.mean, matched.low, matched.high, matched.classes) == (None, None, None, 0)


def slow_matched_mean(several, resamples):
    """Draw mistakes one by one."""
    random = np.random.default_rng(7)
    classes = range(len(several[0]))
    wrong = [
        {c: [j for j in classes if j != c for _ in range(counts[c][j])] for c in classes}
        for counts in several
    ]
    sizes = {c: min(len(run[c]) for run in wrong) for c in classes}
    used = [c for c in sizes if sizes[c]]
    means = []
    for run in wrong:
        scores = []
        for _ in range(resamples):
            total = 0.0
            for c in used:
                drawn = random.choice(run[c], sizes[c]).tolist()
                shares = [drawn.count(j) / len(drawn) for j in set(drawn)]
                total -= sum(q * log(q) for q in shares)
            scores.append(total / len(used))
        means.append(np.mean(scores))
    return means, len(used), sum(sizes.values())


def test_a_size_matched_mean_equals_drawing_mistakes_one_by_one():
    first = [[0, 6, 3, 1, 0], [2, 5, 2, 2, 1], [1, 0, 0, 0, 0], [0, 0, 0, 9, 0]]
    second = [[0, 2, 1, 0, 0], [9, 5, 1, 0, 0], [5, 5, 0, 5, 0], [1, 1, 0, 9, 0]]
    means, classes, mistakes = slow_matched_mean([first, second], 4000)
    found = size_matched([of_counts(first), of_counts(second)], how=Bootstrap(resamples=4000))
    assert [one.mean for one in found] == pytest.approx(means, abs=0.02)
    for one in found:
        assert (one.classes, one.mistakes) == (classes, mistakes)
        assert one.low <= one.mean <= one.high


def test_runs_that_differ_only_in_how_often_they_err_come_out_equal():
    """Plain scores of few mistakes are too low; matched ones are not."""
    random = np.random.default_rng(1)
    many, few = (
        [[0, *random.multinomial(n, [1 / 6] * 6), 0]] + [[0] * 8 for _ in range(6)]
        for n in (600, 6)
    )
    tables = [of_counts(many), of_counts(few)]
    plain = [diversity(table).score for table in tables]
    matched = [one.mean for one in size_matched(tables, how=FEW)]
    assert abs(matched[0] - matched[1]) < abs(plain[0] - plain[1])


def test_a_seed_decides_and_the_order_of_runs_does_not():
    tables = [of_counts([[0, 4, 4, 0], [3, 0, 3, 0], [1, 1, 0, 0]]),
              of_counts([[0, 9, 1, 0], [2, 0, 2, 0], [3, 1, 0, 0]])]  # fmt: skip
    found = size_matched(tables, how=FEW)
    assert size_matched(tables, how=FEW) == found
    assert size_matched(tables[::-1], how=FEW) == found[::-1]
    assert size_matched(tables, how=Bootstrap(resamples=200, seed=1)) != found


def test_runs_of_other_classes_are_not_matched():
    with pytest.raises(InvalidData, match="same classes"):
        size_matched([of_counts([[1, 0]]), of_counts([[1, 0, 0], [0, 1, 0]])])
    assert size_matched([]) == ()
