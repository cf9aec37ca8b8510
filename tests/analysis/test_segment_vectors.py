"""The vector of a segment: the mean of the rows in it."""

import numpy as np
import pytest

from analysis.segment_vectors import mean_vectors, rows_of_nearest_spans
from analysis.within_segments import rows_within


def test_a_vector_is_the_mean_of_the_rows_whose_time_lies_in_the_segment():
    rng = np.random.default_rng(0)
    times = np.sort(rng.choice(10_000, 80, replace=False))
    embedding = rng.standard_normal((80, 7)).astype(np.float16)
    start = rng.integers(times[0], 9_000, 30)
    end = start + rng.integers(1, 900, 30)
    found = mean_vectors(embedding, rows_within(times, start, end))
    for each, a, b in zip(found, start, end, strict=True):
        inside = (times >= a) & (times < b)
        if not inside.any():
            inside = times == times[times < a].max()  # the row that stands for its start
        assert each == pytest.approx(embedding[inside].astype(float).mean(axis=0), abs=1e-5)


def test_a_clip_that_was_moved_since_takes_the_nearest_one():
    spans = np.array([[0, 10], [20, 30], [24, 26]])
    start, end = np.array([0, 4, 90, 24]), np.array([10, 27, 99, 26])
    rows = rows_of_nearest_spans(spans, start, end)
    assert rows.first.tolist() == [0, 1, 1, 2]
    assert (rows.last - rows.first == 1).all()


def test_no_segment_gives_no_vector():
    none = np.empty(0, np.int64)
    found = mean_vectors(np.ones((4, 3), np.float16), rows_within(np.arange(4), none, none))
    assert found.shape == (0, 3)
