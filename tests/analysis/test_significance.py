import numpy as np
import pytest
from hypothesis import given, strategies as st

from analysis.metrics import evaluate_clips, evaluate_frames
from analysis.reports import Tally
from analysis.significance import Bootstrap, compare, difference, interval, intervals, mcnemar
from core.errors import InvalidData

CLASSES = ("background", "pour", "stir")


def tally(part, whole):
    """Return a figure with one column."""
    return Tally(
        np.reshape(np.array(part, float), (-1, 1)), np.reshape(np.array(whole, float), (-1, 1))
    )


def report(seed, videos=6, wrong=0.3):
    random = np.random.default_rng(seed)
    truth = {f"v{i}": np.repeat(random.integers(0, 3, 8), 5) for i in range(videos)}
    noise = np.random.default_rng(seed + int(100 * wrong))
    said = {v: np.where(noise.random(40) < wrong, 0, row) for v, row in truth.items()}
    return evaluate_frames(truth, said, fps=4, classes=CLASSES)


def slow_interval(part, whole, how):
    """Draw the videos one by one and divide the sums."""
    random = np.random.default_rng(how.seed)
    videos, figures = len(part), []
    for drawn in random.integers(videos, size=(how.resamples, videos)):
        total = sum(whole[i] for i in drawn)
        if total:
            figures.append(100 * sum(part[i] for i in drawn) / total)
    tail = 50 * (1 - how.level)
    return np.percentile(figures, [tail, 100 - tail])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=2, max_size=6))
def test_an_interval_equals_drawing_videos_one_by_one(counts):
    part, whole = [min(a, b) for a, b in counts], [b for _, b in counts]
    how = Bootstrap(resamples=100, seed=3)
    found = interval(tally(part, whole), how)
    assert (found.low, found.high) == pytest.approx(tuple(slow_interval(part, whole, how)))


def test_more_resamples_than_a_block_continue_the_same_stream():
    part, whole = [1, 2, 3], [4, 4, 4]
    how = Bootstrap(resamples=700, seed=1, level=0.8)
    found = interval(tally(part, whole), how)
    assert (found.low, found.high) == pytest.approx(tuple(slow_interval(part, whole, how)))


def test_the_interval_of_a_mean_is_near_its_normal_approximation():
    random = np.random.default_rng(0)
    scores = random.random(200)
    found = interval(tally(scores, np.ones(200)), Bootstrap(seed=5))
    half = 100 * 1.96 * scores.std() / np.sqrt(200)
    assert found.low == pytest.approx(found.value - half, abs=0.15 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.15 * half)


def test_the_value_of_an_interval_is_the_reported_figure():
    measured = report(0)
    found = intervals(measured, Bootstrap(resamples=50))
    assert {key: one.value for key, one in found.items()} == measured.metrics
    assert all(one.low <= one.high for one in found.values())


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    one = tally([1, 5, 2, 9], [10, 10, 10, 10])
    assert interval(one, Bootstrap(seed=1)) == interval(one, Bootstrap(seed=1))
    fine = Bootstrap(resamples=50, seed=1), Bootstrap(resamples=50, seed=2)
    assert interval(one, fine[0]) != interval(one, fine[1])


@pytest.mark.parametrize("videos", [0, 1])
def test_fewer_than_two_videos_give_no_interval(videos):
    found = interval(tally([[1]] * videos, [[2]] * videos))
    assert (found.low, found.high, found.videos) == (None, None, videos)
    assert found.value == (50 if videos else None)
    assert not found.excludes_zero


def test_resamples_without_a_denominator_are_left_out():
    found = interval(tally([1, 0, 0], [2, 0, 0]), Bootstrap(resamples=200))
    assert (found.value, found.low, found.high) == (50, 50, 50)


def test_a_figure_that_is_undefined_has_no_interval():
    found = interval(tally([0, 0], [0, 0]))
    assert (found.value, found.low, found.high) == (None, None, None)


def test_a_constant_gain_is_seen_however_much_the_videos_differ():
    whole = [100] * 6
    better, worse = tally([15, 35, 55, 75, 90, 99], whole), tally([14, 34, 54, 74, 89, 98], whole)
    gain = difference(better, worse)
    assert (gain.low, gain.value, gain.high) == pytest.approx((1, 1, 1))
    assert gain.excludes_zero
    assert interval(better).low < interval(worse).high


def test_a_run_does_not_differ_from_itself():
    same = compare(report(1), report(1), Bootstrap(resamples=50))
    assert all((one.value, one.low, one.high) == (0, 0, 0) for one in same.values())
    assert not any(one.excludes_zero for one in same.values())


def test_a_much_better_run_is_told_apart():
    better, worse = report(2, videos=20, wrong=0.05), report(2, videos=20, wrong=0.6)
    gain = compare(better, worse)["frame_accuracy"]
    assert gain.excludes_zero
    assert gain.value == better.metrics["frame_accuracy"] - worse.metrics["frame_accuracy"]


def test_exchanging_the_runs_turns_the_difference_round():
    one, other = report(3, wrong=0.2), report(3, wrong=0.5)
    there, back = compare(one, other)["edit"], compare(other, one)["edit"]
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_runs_on_other_videos_are_not_compared():
    with pytest.raises(InvalidData, match="same videos: 'v5' only in one"):
        compare(report(0, videos=6), report(0, videos=5))


def test_runs_on_other_clips_are_not_compared():
    first = evaluate_clips({"v": np.array([0, 1])}, {"v": np.eye(2)}, classes="ab")
    second = evaluate_clips({"v": np.array([0])}, {"v": np.eye(2)[:1]}, classes="ab")
    with pytest.raises(InvalidData, match="'v' has 2 and 1"):
        compare(first, second)


def test_mcnemar_of_a_textbook_split():
    """1 against 9 of ten: two tails of (1 + 10) / 1024."""
    first = np.array([True] * 1 + [False] * 9 + [True] * 5)
    second = np.array([False] * 1 + [True] * 9 + [True] * 5)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (1, 9)
    assert found.p == pytest.approx(2 * 11 / 1024)


def test_mcnemar_of_runs_that_never_disagree_is_one():
    right = np.array([True, False, True])
    assert mcnemar(right, right).p == 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_mcnemar_does_not_depend_on_the_order_of_the_runs(pairs):
    first, second = np.array(pairs, bool).reshape(-1, 2).T
    assert mcnemar(first, second).p == pytest.approx(mcnemar(second, first).p)


def test_mcnemar_needs_the_same_clips():
    with pytest.raises(InvalidData, match="3 and 2 clips"):
        mcnemar(np.ones(3, bool), np.ones(2, bool))
