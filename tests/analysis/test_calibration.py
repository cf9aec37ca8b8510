from math import exp, log

import numpy as np
import pytest
from hypothesis import given, strategies as st

from analysis.calibration import calibration, calibration_of, judged
from core.errors import InvalidData
from core.scores import Scores

EIGHTHS = st.integers(-72, 0).map(lambda n: n / 8)  # exact, so that equal scores stay equal
TABLES = st.lists(st.tuples(st.sampled_from([-100, 0, 1, 2]), *[EIGHTHS] * 3), max_size=12)


def arrays(table):
    values = np.array(table, float).reshape(-1, 4)
    return values[:, 1:], values[:, 0].astype(int)


def slow(table, bins):
    """Return (ECE, Brier, NLL) over equal-width bins, row by row."""
    held, brier, nll = [[] for _ in range(bins)], [], []
    for true, *scores in table:
        if true == -100:
            continue
        p = [exp(score) / sum(exp(each) for each in scores) for score in scores]
        brier.append(sum((p[c] - (c == true)) ** 2 for c in range(3)))
        nll.append(-log(p[true]))
        inside = [b for b in range(bins) if b / bins < max(p) <= (b + 1) / bins]
        held[inside[0] if inside else bins - 1].append((max(p), p.index(max(p)) == true))
    if not brier:
        return None, None, None
    ece = sum(abs(sum(hit for _, hit in one) - sum(sure for sure, _ in one)) for one in held if one)
    return 100 * ece / len(brier), sum(brier) / len(brier), sum(nll) / len(nll)


@given(TABLES, st.sampled_from([1, 4, 7]))
def test_scores_equal_their_formulas_row_by_row(table, bins):
    # Confidences on the very edge of a bin are decided by the last bit of a float.
    log_p, truth = arrays(table)
    p = np.exp(log_p) / np.exp(log_p).sum(axis=1, keepdims=True)
    edge = np.abs(p.max(axis=1, initial=0)[:, None] - np.linspace(0, 1, bins + 1)) < 1e-9
    found = calibration(log_p, truth, bins)
    ece, brier, nll = slow(table, bins)
    assert found.brier == (None if brier is None else pytest.approx(brier))
    assert found.nll == (None if nll is None else pytest.approx(nll))
    if not edge.any():
        assert found.ece == (None if ece is None else pytest.approx(ece))


@given(TABLES, EIGHTHS)
def test_what_is_no_label_is_normalised_away(table, rest):
    log_p, truth = arrays(table)
    one, other = calibration(log_p, truth, 1), calibration(log_p + rest, truth, 1)
    assert (one.rows, one.unscored) == (other.rows, other.unscored)
    if one.rows:
        assert (other.ece, other.brier, other.nll) == pytest.approx((one.ece, one.brier, one.nll))


def test_bins_of_equal_mass_hold_equally_many_rows():
    random = np.random.default_rng(0)
    found = calibration(np.log(random.dirichlet([1] * 4, 1000)), random.integers(4, size=1000), 10)
    assert [one.rows for one in found.equal_mass] == [100] * 10
    assert sum(one.rows for one in found.equal_width) == 1000
    for curve in (found.equal_width, found.equal_mass):
        for one in curve:
            assert one.low - 1e-9 <= one.confidence <= one.high + 1e-9


def test_answers_drawn_from_the_probabilities_are_calibrated_and_bolder_ones_are_not():
    random = np.random.default_rng(0)
    p = random.dirichlet([0.7] * 5, 20_000)
    truth = (p.cumsum(axis=1) < random.random((20_000, 1))).sum(axis=1).clip(max=4)
    honest, bold = calibration(np.log(p), truth), calibration(3 * np.log(p), truth)
    assert honest.ece < 1 < 10 < bold.ece
    assert honest.ece_equal_mass < 1 < 10 < bold.ece_equal_mass
    assert honest.brier < bold.brier
    assert honest.nll < bold.nll


def test_an_even_guess_among_c_classes_has_its_closed_forms():
    found = calibration(np.zeros((8, 4)), np.repeat(np.arange(4), 2))
    assert (found.brier, found.nll) == pytest.approx((1 - 1 / 4, log(4)))
    assert found.ece == pytest.approx(0)  # a quarter of the rows is right, and that sure it is
    assert [(one.rows, one.confidence, one.accuracy) for one in found.equal_width] == [(8, 25, 25)]


def test_the_order_of_rows_and_how_videos_are_cut_do_not_matter():
    random = np.random.default_rng(3)
    log_p = np.log(np.round(random.dirichlet([1] * 3, 60), 1) + 0.05)  # many equal ones
    truth, order = random.integers(3, size=60), random.permutation(60)
    whole, other = calibration(log_p, truth), calibration(log_p[order], truth[order])
    parts = (slice(10), slice(10, None))
    cut = calibration_of([judged(Scores(log_p[each]), truth[each], 3) for each in parts])
    assert cut == whole
    assert (other.ece, other.ece_equal_mass) == pytest.approx((whole.ece, whole.ece_equal_mass))


def test_a_row_without_a_distribution_is_left_out_and_counted():
    none, nan = -np.inf, np.nan
    log_p = np.array([[none] * 3, [none, -0.1, none], [nan, -1, -1], [0, 0, 0]])
    found = calibration(log_p, np.array([0, 1, 2, 1]))
    assert (found.rows, found.unscored, found.nll) == (1, 3, pytest.approx(log(3)))


def test_a_probability_too_small_for_a_float_keeps_its_likelihood():
    assert calibration(np.array([[0.0, -2000.0]]), np.array([1])).nll == pytest.approx(2000)


@pytest.mark.parametrize("truth", [[], [-100, -100]])
def test_without_rows_nothing_is_known(truth):
    found = calibration(np.zeros((len(truth), 3)), np.array(truth, int))
    assert (found.rows, found.equal_width, found.equal_mass) == (0, (), ())
    assert (found.ece, found.ece_equal_mass, found.brier, found.nll) == (None,) * 4
    assert calibration_of([]) == found


def test_one_class_is_always_sure_and_right():
    found = calibration(np.array([[-3.0], [-0.1]]), np.array([0, 0]))
    assert (found.rows, found.ece, found.brier, found.nll) == (2, 0, 0, 0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidData, match="equally long"):
        calibration(np.zeros((2, 3)), np.array([0]))
    with pytest.raises(InvalidData, match="between 0 and 2"):
        calibration(np.zeros((1, 3)), np.array([3]))
    with pytest.raises(InvalidData, match="at least one bin"):
        calibration(np.zeros((1, 3)), np.array([0]), bins=0)
