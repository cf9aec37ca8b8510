"""Figures of one video: hand-made values, and slow loops that say the definitions word by word."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from analysis.segments import (
    F1,
    IGNORED,
    edit_score,
    frame_accuracy,
    point_f1,
    segment_f1,
    segments_of,
)


def array(text):
    """Read `"..aab"` as class indices: a dot is background, x is ignored."""
    return np.array([IGNORED if c == "x" else 0 if c == "." else ord(c) - 96 for c in text], int)


@st.composite
def runs(draw, length):
    """Frame labels in runs, as a classifier gives them."""
    labels = []
    while len(labels) < length:
        labels += [draw(st.integers(0, 3))] * draw(st.integers(1, 6))
    return labels[:length]


@st.composite
def videos(draw):
    length = draw(st.integers(0, 40))
    truth, prediction = draw(runs(length)), draw(runs(length))
    hidden = draw(st.sets(st.integers(0, max(length - 1, 0)), max_size=6))
    truth = [IGNORED if frame in hidden else label for frame, label in enumerate(truth)]
    return np.array(truth, int), np.array(prediction, int)


def slow_segments(labels):
    found, last = [], None
    for frame, label in enumerate(labels):
        if label == last and label != 0:
            found[-1][1] = frame + 1
        elif label != 0:
            found.append([frame, frame + 1, label])
        last = label
    return found


def slow_kept(truth, prediction):
    kept = [
        (a, b) for a, b in zip(truth.tolist(), prediction.tolist(), strict=True) if a != IGNORED
    ]
    return slow_segments([a for a, _ in kept]), slow_segments([b for _, b in kept])


def slow_segment_f1(truth, prediction, threshold):
    there, said = slow_kept(truth, prediction)
    tp, hit = 0, [False] * len(there)
    for start, end, label in said:
        best, chosen = 0.0, None
        for index, (a, b, name) in enumerate(there):
            shared = max(0, min(end, b) - max(start, a))
            iou = shared / ((end - start) + (b - a) - shared)
            if name == label and iou > best:
                best, chosen = iou, index
        if chosen is not None and best >= threshold and not hit[chosen]:
            tp, hit[chosen] = tp + 1, True
    return F1(tp, len(said) - tp, hit.count(False))


def slow_point_f1(truth, prediction, tolerance, anchor):
    there, said = slow_kept(truth, prediction)
    point = {"start": lambda s: s[0], "mid": lambda s: (s[0] + s[1]) / 2}[anchor]
    tp, hit = 0, [False] * len(there)
    for segment in said:
        if not there:
            continue
        away = [abs(point(segment) - point(other)) for other in there]
        nearest = away.index(min(away))
        right = there[nearest][2] == segment[2] and min(away) <= tolerance
        if right and not hit[nearest]:
            tp, hit[nearest] = tp + 1, True
    return F1(tp, len(said) - tp, hit.count(False))


def slow_distance(one, other):
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return slow_distance(one[1:], other[1:])
    return 1 + min(
        slow_distance(one[1:], other),
        slow_distance(one, other[1:]),
        slow_distance(one[1:], other[1:]),
    )


def test_segments_are_maximal_runs_of_actions_with_an_exclusive_end():
    assert segments_of(array(".aab..a")).tolist() == [[1, 3, 1], [3, 4, 2], [6, 7, 1]]


@pytest.mark.parametrize("labels", ["", "....", "."])
def test_a_video_without_actions_has_no_segments(labels):
    assert segments_of(array(labels)).shape == (0, 3)


def test_the_background_index_is_a_parameter():
    assert segments_of(np.array([0, 0, 3, 3]), background=3).tolist() == [[0, 2, 0]]


@given(videos(), st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_segment_f1_equals_the_slow_loop(video, threshold):
    assert segment_f1(*video, threshold=threshold) == slow_segment_f1(*video, threshold)


@given(videos(), st.sampled_from([0.0, 1.0, 2.5, 8.0]), st.sampled_from(["start", "mid"]))
def test_point_f1_equals_the_slow_loop(video, tolerance, anchor):
    fast = point_f1(*video, tolerance=tolerance, anchor=anchor)
    assert fast == slow_point_f1(*video, tolerance, anchor)


@given(st.lists(st.integers(1, 3), max_size=6), st.lists(st.integers(1, 3), max_size=6))
def test_edit_score_equals_the_recursive_distance(there, said):
    # A background frame after every action keeps equal neighbours apart.
    truth, prediction = np.zeros(12, int), np.zeros(12, int)
    truth[: 2 * len(there) : 2], prediction[: 2 * len(said) : 2] = there, said
    longest = max(len(there), len(said), 1)
    expected = 100 * (1 - slow_distance(there, said) / longest)
    assert edit_score(truth, prediction) == pytest.approx(expected)


@given(videos())
def test_a_perfect_prediction_has_no_faults(video):
    truth = video[0]
    said = np.where(truth == IGNORED, 0, truth)
    count = segment_f1(truth, said, threshold=1.0)
    assert (count.fp, count.fn) == (0, 0)
    assert edit_score(truth, said) == 100


@given(videos())
def test_what_is_predicted_at_ignored_frames_changes_nothing(video):
    truth, prediction = video
    other = np.where(truth == IGNORED, 3 - prediction, prediction)
    assert segment_f1(truth, prediction) == segment_f1(truth, other)
    assert frame_accuracy(truth, prediction) == frame_accuracy(truth, other)


def test_an_overlap_of_exactly_the_threshold_is_a_hit():
    truth, prediction = array("a" * 10 + ".."), array("." * 9 + "a" + "..")
    assert segment_f1(truth, prediction, threshold=0.1) == F1(1, 0, 0)
    assert segment_f1(truth, prediction, threshold=0.11) == F1(0, 1, 1)


def test_a_segment_is_hit_once_and_its_second_half_is_a_false_alarm():
    assert segment_f1(array("aaaaaa"), array("aa.aaa")) == F1(1, 1, 0)


def test_a_prediction_does_not_fall_back_to_its_second_best_segment():
    # Both predictions overlap the long true segment most; the short one stays missed.
    truth, prediction = array("aaaaaaaa.a"), array("aaaa.aaaaa")
    assert segment_f1(truth, prediction) == F1(1, 1, 1)


def test_of_two_equal_overlaps_the_earlier_segment_is_hit():
    # The first prediction shares two frames with both; the second is left the later segment.
    truth, prediction = array("aaaa.aaaa"), array("..aaaaa.a")
    assert segment_f1(truth, prediction) == F1(2, 0, 0)


def test_removed_frames_close_the_gap_between_two_parts_of_an_action():
    assert segment_f1(array("aaxxaa"), array("aaaaaa"), threshold=1.0) == F1(1, 0, 0)


def test_a_right_class_is_missed_when_another_class_starts_nearer():
    truth, prediction = array("....abbb"), array(".....aaa")
    assert point_f1(truth, prediction, tolerance=4) == F1(0, 1, 2)


def test_of_two_starts_equally_near_the_earlier_is_taken():
    truth, prediction = array(".a.b...."), array("..aa....")
    assert point_f1(truth, prediction, tolerance=1) == F1(1, 0, 1)


def test_a_start_exactly_at_the_tolerance_is_a_hit():
    truth, prediction = array("a......."), array("....a...")
    assert point_f1(truth, prediction, tolerance=4) == F1(1, 0, 0)
    assert point_f1(truth, prediction, tolerance=3.9) == F1(0, 1, 1)


def test_midpoints_forgive_a_late_start():
    truth, prediction = array("aaaaaaaa"), array("...aa...")
    assert point_f1(truth, prediction, tolerance=0, anchor="mid") == F1(1, 0, 0)
    assert point_f1(truth, prediction, tolerance=0) == F1(0, 1, 1)


def test_edit_score_ignores_times_and_counts_order():
    assert edit_score(array("aabbcc"), array("abbccc")) == 100
    assert edit_score(array("aabbcc"), array("aacc..")) == pytest.approx(100 * 2 / 3)


@pytest.mark.parametrize(
    ("truth", "prediction", "score"), [("...", "...", 100), ("...", "a..", 0), ("a..", "...", 0)]
)
def test_the_edit_score_of_empty_sequences(truth, prediction, score):
    assert edit_score(array(truth), array(prediction)) == score


def test_frame_accuracy_counts_background_and_leaves_ignored_frames_out():
    assert frame_accuracy(array("..aaxx"), array(".aaabb")) == 75


def test_counts_add_up_and_give_percentages():
    total = F1(3, 1, 0) + F1(0, 0, 2)
    assert (total.precision, total.recall) == (75, 60)
    assert total.f1 == pytest.approx(100 * 6 / 9)


def test_figures_without_a_denominator_are_none():
    nothing = F1()
    assert (nothing.f1, nothing.precision, nothing.recall) == (None, None, None)
    assert frame_accuracy(array("xx"), array("ab")) is None
