"""Shared values keep their rules."""

import pytest
from hypothesis import given, strategies as st

from core.errors import Conflict, InvalidData, InvalidFile, StudioError
from core.types import LabelSet, Segment, grid_us, runs_of_equal


@given(st.integers(1, 40_000_000), st.sampled_from([0.5, 1, 4, 7.5, 12, 29.97]))
def test_the_grid_is_the_samples_below_the_duration(duration_us: int, rate: float):
    times = grid_us(duration_us, rate)
    expected = [k * 1_000_000 // rate for k in range(len(times) + 2)]
    assert times.tolist() == [t for t in expected if t < duration_us]


def test_an_empty_video_has_one_sample():
    assert grid_us(0, 4).tolist() in ([], [0])


@given(st.lists(st.integers(0, 3)))
def test_runs_of_equal_rebuild_the_values(values: list[int]):
    runs = runs_of_equal(values)
    assert [v for a, b, v in runs for _ in range(b - a)] == values
    assert all(runs[i][2] != runs[i + 1][2] for i in range(len(runs) - 1))


def test_a_segment_must_end_after_it_starts():
    with pytest.raises(InvalidData, match="must end after it starts"):
        Segment(2_000_000, 2_000_000, "stir tea")
    with pytest.raises(InvalidData, match="before the video"):
        Segment(-1, 5, "stir tea")


def test_class_names_must_differ():
    with pytest.raises(InvalidData, match="stir tea"):
        LabelSet(("stir tea", "cut", "stir tea"))


def test_an_error_states_rule_value_and_next_step():
    error = Conflict("The port must be free", "7860", "Choose another.")
    assert str(error) == "The port must be free: 7860. Choose another."
    assert error.as_json() == {
        "error": {"rule": "The port must be free", "value": "7860", "next": "Choose another."}
    }
    assert (
        str(InvalidFile("Rows must be right", "a.csv", 3)) == "Rows must be right: 'a.csv', line 3."
    )
    assert isinstance(error, StudioError)
