import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import cohen_kappa_score

from analysis.agreement import agreement
from analysis.significance import Bootstrap, mcnemar
from core.errors import InvalidData

FEW = Bootstrap(resamples=50, seed=2)
ROW = st.tuples(st.sampled_from([-100, 0, 1, 2]), *[st.sampled_from([-1, 0, 1, 2])] * 3)
VIDEOS = st.lists(st.lists(ROW, max_size=6), max_size=4)


def runs_of(videos):
    """Return truth and three runs from rows (true, said, said, said) of some videos."""
    tables = {f"v{i}": np.array(rows, int).reshape(-1, 4) for i, rows in enumerate(videos)}
    truth = {name: table[:, 0] for name, table in tables.items()}
    said = {f"r{k}": {n: table[:, k + 1] for n, table in tables.items()} for k in range(3)}
    return truth, said


def slow_pair(rows):
    """Return the four figures of rows (true, one, other); None where undefined."""
    if not rows:
        return [None] * 4
    n, same = len(rows), sum(a == b for _, a, b in rows)
    both = sum(a == t == b for t, a, b in rows)
    neither = sum(a != t != b for t, a, b in rows)
    first = sum(a == t != b for t, a, b in rows)
    second = sum(a != t == b for t, a, b in rows)
    whole = both * neither + first * second
    q = (both * neither - first * second) / whole if whole else None
    answers = {a for _, a, _ in rows} | {b for _, _, b in rows}
    chance = sum(sum(a == c for _, a, _ in rows) * sum(b == c for _, _, b in rows) for c in answers)
    kappa = (same * n - chance) / (n * n - chance) if n * n != chance else None
    return [100 * same / n, 100 * neither / n, q, kappa]


@given(VIDEOS)
def test_figures_equal_counting_row_by_row(videos):
    found = agreement(*runs_of(videos), FEW)
    rows = [row for video in videos for row in video if row[0] != -100]
    assert found.counted == len(rows)
    for pair, (i, j) in zip(found.pairs, [(1, 2), (1, 3), (2, 3)], strict=True):
        figures = [one.value for one in (pair.same, pair.double_fault, pair.q, pair.kappa)]
        expected = slow_pair([(row[0], row[i], row[j]) for row in rows])
        assert figures == [None if e is None else pytest.approx(e) for e in expected]
    right = [row for row in rows if row[0] in row[1:]]
    assert found.oracle.value == (pytest.approx(100 * len(right) / len(rows)) if rows else None)


@given(VIDEOS)
def test_what_only_one_run_has_right_is_a_mask_over_all_rows(videos):
    found = agreement(*runs_of(videos), FEW)
    for number, video in enumerate(videos):
        mask = found.only_right[f"v{number}"]
        assert mask.shape == (3, len(video))
        for at, (true, *said) in enumerate(video):
            alone = [a == true and said.count(true) == 1 for a in said]
            assert mask[:, at].tolist() == alone
    counts = [sum(int(m[k].sum()) for m in found.only_right.values()) for k in range(3)]
    assert list(found.only_right_counts.values()) == counts


def random_runs(videos=6, rows=40, wrong=(0.2, 0.4)):
    random = np.random.default_rng(0)
    truth = {f"v{i}": random.integers(0, 5, rows) for i in range(videos)}
    said = {
        f"r{k}": {n: np.where(random.random(rows) < w, random.integers(0, 5, rows), t)
                  for n, t in truth.items()}
        for k, w in enumerate(wrong)
    }  # fmt: skip
    return truth, said


def test_kappa_is_that_of_scikit_learn():
    truth, said = random_runs()
    (pair,) = agreement(truth, said).pairs
    one, other = (np.concatenate(list(run.values())) for run in said.values())
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(one, other))


def test_intervals_equal_drawing_videos_one_by_one():
    truth, said = random_runs()
    found = agreement(truth, said, FEW)
    (pair,), random = found.pairs, np.random.default_rng(FEW.seed)
    tables = [list(zip(truth[n], said["r0"][n], said["r1"][n], strict=True)) for n in sorted(truth)]
    drawn = [
        slow_pair([row for video in videos for row in tables[video]])
        for videos in random.integers(6, size=(50, 6))
    ]
    for figure, values in zip((pair.same, pair.double_fault, pair.q, pair.kappa),
                              zip(*drawn, strict=True), strict=True):  # fmt: skip
        assert (figure.low, figure.high) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))
        assert figure.low <= figure.value <= figure.high


def test_equal_runs_agree_fully_and_opposite_ones_never():
    truth = {"a": np.array([0, 1, 0, 1]), "b": np.array([1, 1, 0, 0])}
    half = {"a": np.array([0, 1, 1, 0]), "b": np.array([1, 1, 1, 1])}
    other = {name: 1 - row for name, row in half.items()}
    (same,) = agreement(truth, {"x": half, "y": half}).pairs
    assert (same.same.value, same.q.value, same.kappa.value) == (100, 1, 1)
    found = agreement(truth, {"x": half, "y": other})
    (pair,) = found.pairs
    assert (pair.same.value, pair.double_fault.value, pair.q.value) == (0, 0, -1)
    assert found.oracle.value == 100
    assert sum(found.only_right_counts.values()) == 8


def test_only_right_is_what_mcnemar_counts():
    truth, said = random_runs()
    found = agreement(truth, said, FEW)
    hits = [np.concatenate([said[run][n] == truth[n] for n in truth]) for run in said]
    split = mcnemar(*hits)
    assert found.only_right_counts == {"r0": split.only_first, "r1": split.only_second}


def test_runs_that_always_say_one_class_have_no_kappa_and_one_video_no_interval():
    truth = {"a": np.array([0, 1])}
    (pair,) = agreement(truth, {"x": {"a": np.zeros(2, int)}, "y": {"a": np.zeros(2, int)}}).pairs
    assert (pair.kappa.value, pair.kappa.low) == (None, None)
    assert (pair.same.value, pair.same.low, pair.same.high) == (100, None, None)


def test_one_run_has_no_pair_and_its_accuracy_as_ceiling():
    truth = {"a": np.array([0, 1, 1, -100])}
    found = agreement(truth, {"x": {"a": np.array([0, 1, 0, 0])}})
    assert (found.pairs, found.counted) == ((), 3)
    assert found.oracle.value == pytest.approx(200 / 3)


def test_runs_on_other_rows_are_refused():
    truth = {"a": np.array([0, 1])}
    with pytest.raises(InvalidData, match="at least one run"):
        agreement(truth, {})
    with pytest.raises(InvalidData, match="same videos: 'b'"):
        agreement(truth, {"x": {"a": np.array([0, 1]), "b": np.array([0])}})
    with pytest.raises(InvalidData, match="equally long"):
        agreement(truth, {"x": {"a": np.array([0, 1])}, "y": {"a": np.array([0])}})
