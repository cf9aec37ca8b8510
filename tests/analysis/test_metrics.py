import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from analysis.metrics import evaluate_clips, evaluate_frames
from analysis.segments import F1, IGNORED, edit_score, frame_accuracy, segment_f1
from core.errors import InvalidData

CLASSES = ("background", "pour", "stir", "chop")
KEYS = [
    "frame_accuracy", "foreground_accuracy", "segment_f1@10", "segment_f1@25", "segment_f1@50",
    "point_f1_start@1s", "point_f1_start@2s", "point_f1_mid@1s", "edit", "macro_recall",
]  # fmt: skip


def frames(truth, prediction, fps=2.0):
    return evaluate_frames(
        {name: np.array(row, int) for name, row in truth.items()},
        {name: np.array(row, int) for name, row in prediction.items()},
        fps=fps,
        classes=CLASSES,
    )


@st.composite
def dense_runs(draw):
    truth, prediction = {}, {}
    for video in range(draw(st.integers(1, 4))):
        length = draw(st.integers(1, 30))
        there, said = st.sampled_from([0, 1, 2, 3, IGNORED]), st.integers(0, 3)
        for rows, label in [(truth, there), (prediction, said)]:
            row = draw(st.lists(label, min_size=length, max_size=length))
            rows[f"v{video}"] = np.array(row)
    return truth, prediction


def test_a_hand_made_video_has_known_figures():
    truth = {"tea": [0, 1, 1, 1, 1, 0, 2, 2, 0, 0]}
    said = {"tea": [0, 1, 1, 0, 1, 0, 3, 3, 0, 0]}
    figures = frames(truth, said).metrics
    assert list(figures) == KEYS
    assert figures["frame_accuracy"] == 70
    assert figures["foreground_accuracy"] == 50
    assert figures["macro_recall"] == pytest.approx((75 + 0) / 2)  # pour 3 of 4, stir 0 of 2
    # pour is hit by frames 1-2 (IoU 1/2); frame 4 hits nothing new; chop is wrong; stir is missed
    assert figures["segment_f1@10"] == pytest.approx(100 * 2 / (2 + 2 + 1))
    assert figures["edit"] == pytest.approx(100 / 3)  # pour stir -> pour pour chop: two edits of 3


def test_point_figures_turn_seconds_into_frames():
    truth, said = {"tea": [0, 0, 1, 1, 1, 0, 0, 0]}, {"tea": [0, 0, 0, 0, 0, 1, 1, 0]}
    figures = frames(truth, said, fps=2.0).metrics  # three frames late, 1.5 s
    assert (figures["point_f1_start@1s"], figures["point_f1_start@2s"]) == (0, 100)
    assert frames(truth, said, fps=3.0).metrics["point_f1_start@1s"] == 100


def test_a_video_without_actions_counts_its_false_alarms():
    report = frames({"a": [1, 1, 0], "b": [0, 0, 0]}, {"a": [1, 1, 0], "b": [0, 2, 0]})
    assert report.f1["segment_f1@10"] == F1(1, 1, 0)
    assert report.metrics["edit"] == 50


def test_a_video_without_actions_and_predictions_is_right():
    report = frames({"a": [0, 0]}, {"a": [0, 0]})
    assert report.metrics["frame_accuracy"] == report.metrics["edit"] == 100
    assert report.metrics["segment_f1@10"] is None


def test_ignored_frames_enter_no_figure_and_are_counted():
    report = frames({"a": [1, IGNORED, IGNORED, 0]}, {"a": [1, 2, 2, 0]})
    assert report.ignored == 2
    assert report.counted.tolist() == [2]
    assert all(value == 100 for value in report.metrics.values())


def test_macro_recall_weighs_rare_actions_like_frequent_ones():
    report = frames({"a": [1] * 8 + [2] * 2}, {"a": [1] * 8 + [1] * 2})
    assert report.metrics["foreground_accuracy"] == 80
    assert report.metrics["macro_recall"] == 50


def test_class_figures_hold_recall_and_precision():
    report = frames({"a": [1, 1, 2, 0]}, {"a": [1, 2, 2, 0]})
    pour, stir, chop = report.per_class[1:]
    assert (pour.recall, pour.precision) == (50, 100)
    assert (stir.recall, stir.precision) == (100, 50)
    assert (chop.name, chop.recall, chop.precision) == ("chop", None, None)


@given(dense_runs())
def test_a_report_is_the_sum_of_its_videos(run):
    truth, prediction = run
    report = evaluate_frames(truth, prediction, fps=4, classes=CLASSES)
    total = sum((segment_f1(truth[v], prediction[v], threshold=0.25) for v in truth), start=F1())
    assert report.f1["segment_f1@25"] == total
    assert report.metrics["segment_f1@25"] == pytest.approx(total.f1)
    edits = [edit_score(truth[v], prediction[v]) for v in truth]
    assert report.metrics["edit"] == pytest.approx(np.mean(edits))


@given(dense_runs())
def test_frame_figures_equal_those_of_all_videos_in_a_row(run):
    truth, prediction = run
    report = evaluate_frames(truth, prediction, fps=4, classes=CLASSES)
    there, said = np.concatenate(list(truth.values())), np.concatenate(list(prediction.values()))
    assert report.metrics["frame_accuracy"] == pytest.approx(frame_accuracy(there, said))
    action = there > 0
    expected = 100 * (there == said)[action].mean() if action.any() else None
    assert report.metrics["foreground_accuracy"] == pytest.approx(expected)


@given(dense_runs())
def test_figures_are_valid_json_between_0_and_100(run):
    figures = evaluate_frames(*run, fps=4, classes=CLASSES).metrics
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert all(value is None or 0 <= value <= 100.000001 for value in figures.values())


def test_the_order_of_the_videos_does_not_matter():
    truth, said = {"a": [1, 0], "b": [2, 2]}, {"b": [2, 0], "a": [1, 1]}
    assert frames(truth, said).videos == frames(dict(reversed(truth.items())), said).videos


def test_no_videos_give_no_figures():
    assert set(frames({}, {}).metrics.values()) == {None}


def test_a_missing_prediction_is_named():
    with pytest.raises(InvalidData, match="same videos: 'tea'"):
        frames({"tea": [0]}, {})


def test_sequences_of_different_length_are_refused():
    with pytest.raises(InvalidData, match="'tea' has 2 and 1 rows"):
        frames({"tea": [0, 1]}, {"tea": [0]})


@pytest.mark.parametrize("row", [[0, 4], [0, -1]])
def test_an_index_outside_the_label_set_is_refused(row):
    with pytest.raises(InvalidData, match="between 0 and 3"):
        frames({"tea": [0, 1]}, {"tea": row})


def clips(truth, scores, classes="abcdefg"):
    scores = {
        name: np.array(rows, float).reshape(-1, len(classes)) for name, rows in scores.items()
    }
    return evaluate_clips(
        {name: np.array(row, int) for name, row in truth.items()}, scores, classes=classes
    )


def test_top_1_and_top_5_of_known_ranks():
    falling = [7, 6, 5, 4, 3, 2, 1]
    report = clips({"v": [0, 4, 5, 6]}, {"v": [falling] * 4})
    assert report.metrics == {"top1": 25, "top5": 50, "macro_recall": 25}


@given(st.lists(st.tuples(st.integers(0, 6), st.lists(st.integers(0, 3), min_size=7, max_size=7))))
def test_clip_figures_equal_a_stable_sort(rows):
    report = clips({"v": [label for label, _ in rows]}, {"v": [scores for _, scores in rows]})
    ranked = [(label, np.argsort(-np.array(scores), kind="stable")) for label, scores in rows]
    for key, k in [("top1", 1), ("top5", 5)]:
        hits = [label in order[:k] for label, order in ranked]
        assert report.metrics[key] == (pytest.approx(100 * np.mean(hits)) if hits else None)


@pytest.mark.parametrize("missing", [-np.inf, np.nan])
def test_a_class_without_a_score_is_never_named(missing):
    report = clips({"v": [0, 1]}, {"v": [[missing] * 7, [0.0] + [missing] * 6]})
    assert report.metrics == {"top1": 0, "top5": 0, "macro_recall": 0}
    assert [one.predicted for one in report.per_class[:2]] == [1, 0]


def test_ignored_clips_are_left_out():
    report = clips({"v": [IGNORED, 1]}, {"v": [[1] + [0] * 6, [0, 1] + [0] * 5]})
    assert report.counted.tolist() == [1]
    assert report.metrics["top1"] == 100


def test_scores_of_another_label_set_are_refused():
    with pytest.raises(InvalidData, match="each of the 7 classes: 'v'"):
        evaluate_clips({"v": np.array([0])}, {"v": np.zeros((1, 6))}, classes="abcdefg")
