"""Targets and contexts against the rules of design section 4."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from core.errors import InvalidData
from core.tasks import IGNORED, context_texts, load_task
from core.tasks.online_detection import contested_frames, frame_targets
from core.training_data import check_data
from core.types import LabelledVideo, LabelSet, Segment, grid_us

LABELS = LabelSet(("a", "b", "c"))


def video(*segments: tuple[int, int, str], ignored=(), seconds: int = 10) -> LabelledVideo:
    parts = tuple(Segment(a * 1_000_000, b * 1_000_000, name) for a, b, name in segments)
    spans = tuple((a * 1_000_000, b * 1_000_000) for a, b in ignored)
    return LabelledVideo("v", Path("v"), "", seconds * 1_000_000, parts, spans)


def slow_target(v: LabelledVideo, t: int) -> int:
    if any(a <= t < b for a, b in v.ignored):
        return IGNORED
    inside = [s for s in v.segments if s.start_us <= t < s.end_us]
    if not inside:
        return 0
    last = max(s.start_us for s in inside)
    started_last = [s for s in inside if s.start_us == last]
    shortest = min(started_last, key=lambda s: (s.end_us - s.start_us, s.label))
    return 1 + LABELS.classes.index(shortest.label)


spans = st.tuples(st.integers(0, 9), st.integers(1, 5), st.sampled_from("abc"))


@given(st.lists(spans, max_size=6, unique_by=lambda s: (s[0], s[1])))
def test_frame_targets_equal_the_slow_rule(found):
    v = video(*((a, min(10, a + n), name) for a, n, name in found), ignored=[(4, 5)])
    times = grid_us(v.duration_us, 4.0)
    expected = [slow_target(v, int(t)) for t in times]
    np.testing.assert_array_equal(frame_targets(v, times, LABELS), expected)


def test_a_class_that_is_not_in_the_label_set_is_ignored():
    v = video((0, 2, "a"), (2, 4, "strange"))
    assert frame_targets(v, grid_us(v.duration_us, 1.0), LABELS)[:5].tolist() == [
        1, 1, IGNORED, IGNORED, 0,
    ]  # fmt: skip
    clips = load_task("step_recognition").clips(v, grid_us(v.duration_us, 1.0), LABELS, "none")
    assert [c.target.tolist() for c in clips] == [[0], [IGNORED]]


def test_segments_are_half_open():
    targets = frame_targets(
        video((0, 1, "a"), (1, 2, "b")), np.array([0, 999_999, 1_000_000]), LABELS
    )
    assert targets.tolist() == [1, 1, 2]


def test_contested_frames_are_counted():
    v = video((0, 4, "a"), (2, 6, "b"))
    assert contested_frames(v, grid_us(v.duration_us, 1.0)) == 2


def test_previous_action_is_the_last_that_ended_whatever_lay_between():
    v = video((0, 2, "a"), (3, 4, "b"), (5, 6, "a"))
    seconds = np.array([0, 1, 2, 3, 4, 5, 6, 9]) * 1_000_000
    assert context_texts("previous_action", v, seconds) == ("", "", "a", "a", "b", "b", "a", "a")


def test_contexts_look_back_ahead_and_at_the_present():
    v = video((0, 2, "a"), (2, 4, "b"), (3, 5, "c"), (6, 8, "a"))
    times = np.array([0, 2, 4, 5, 9]) * 1_000_000

    def of(name):
        return context_texts(name, v, times)

    assert of("previous_three") == ("", "a", "a, b", "a, b, c", "b, c, a")
    assert of("next_action") == ("b", "c", "a", "a", "")
    assert of("current_label") == ("a", "b", "c", "background", "background")
    assert of("current_and_previous") == ("a", "b, a", "c, b", "background, c", "background, a")
    assert of("task_goal") == ("",) * 5


def test_where_segments_overlap_the_current_label_is_the_target():
    v = video((0, 9, "a"), (2, 6, "b"), (2, 4, "c"))
    times = np.arange(0, 10_000_000, 500_000)
    labels = LabelSet(("a", "b", "c"))
    names = ("background", *labels.classes)
    assert context_texts("current_label", v, times) == tuple(
        names[i] for i in frame_targets(v, times, labels)
    )


def test_shuffled_texts_are_the_same_texts_elsewhere():
    v = video((0, 2, "a"), (2, 4, "b"), (4, 6, "c"))
    times = np.arange(0, 10_000_000, 250_000)
    true, drawn = (context_texts(name, v, times) for name in ("previous_action", "shuffled"))
    assert sorted(drawn) == sorted(true)
    assert np.mean([a == b for a, b in zip(true, drawn, strict=True)]) < 0.6
    assert drawn == context_texts("shuffled", v, times)


def test_the_context_none_is_empty():
    assert context_texts("none", video((0, 2, "a")), np.array([0, 5_000_000])) == ("", "")


def test_dense_detection_asks_at_every_frame_over_background_and_classes():
    task, v = load_task("online_detection"), video((1, 3, "b"))
    (clip,) = task.clips(v, grid_us(v.duration_us, 2.0), LABELS, "previous_action")
    assert task.classes(LABELS) == ("background", "a", "b", "c")
    assert clip.asked.tolist() == list(range(20))
    assert (clip.target == 2).sum() == 4


def test_step_recognition_asks_once_after_each_segment():
    task, v = load_task("step_recognition"), video((1, 3, "b"), (4, 6, "a"))
    clips = task.clips(v, grid_us(v.duration_us, 2.0), LABELS, "previous_action")
    assert task.classes(LABELS) == LABELS.classes
    assert [(c.first, c.last, c.asked.tolist(), c.target.tolist()) for c in clips] == [
        (2, 6, [5], [1]), (8, 12, [11], [0]),
    ]  # fmt: skip
    assert [c.context for c in clips] == [("",), ("b",)]


def test_next_step_asks_after_each_segment_what_follows():
    v = video((0, 2, "a"), (3, 5, "b"), (6, 8, "unknown"), (8, 9, "c"))
    times = grid_us(v.duration_us, 2.0)
    now, after = (
        load_task(n).clips(v, times, LABELS, "none") for n in ("step_recognition", "next_step")
    )
    assert [c.target.tolist() for c in now] == [[0], [1], [IGNORED], [2]]
    assert [c.target.tolist() for c in after] == [[1], [IGNORED], [2], [IGNORED]]
    assert [(c.first, c.last, c.span) for c in after] == [(c.first, c.last, c.span) for c in now]


def test_a_segment_between_two_samples_is_judged_by_the_frame_shown_there():
    v = LabelledVideo("v", Path("v"), "", 10_000_000, (Segment(1_100_000, 1_400_000, "a"),))
    (clip,) = load_task("step_recognition").clips(v, grid_us(v.duration_us, 2.0), LABELS, "none")
    assert (clip.first, clip.last) == (2, 3)  # the frame of 1.0 s


def test_a_video_without_segments_is_one_clip_without_a_target():
    v = video()
    (clip,) = load_task("step_recognition").clips(v, grid_us(v.duration_us, 2.0), LABELS, "none")
    assert (clip.first, clip.last, clip.target.tolist()) == (0, 20, [IGNORED])


# ---- what whole videos are about, and three questions in one run ---------------------------------

GOALS = LabelSet(("a", "b", "c"), ("make tea", "make soup"))
TWICE = grid_us(10_000_000, 2.0)  # two frames a second


def about(goal: str, *segments: tuple[int, int, str]) -> LabelledVideo:
    return replace(video(*segments), goal=goal)


def test_task_recognition_asks_once_at_the_end_of_the_whole_video():
    task, v = load_task("task_recognition"), about("make soup", (1, 3, "b"), (4, 6, "a"))
    (clip,) = task.clips(v, TWICE, GOALS, "previous_action")
    assert task.classes(GOALS) == GOALS.goals
    assert task.choices(GOALS) == (range(2),)
    assert (clip.first, clip.last, clip.asked.tolist(), clip.kind.tolist()) == (0, 20, [19], [0])
    assert (clip.target.tolist(), clip.context) == ([1], ("a",))
    assert clip.span == (0, 10_000_000)


@pytest.mark.parametrize("goal", ["", "make pancakes"])
def test_a_goal_that_is_not_in_the_list_has_no_target(goal):
    v = about(goal, (1, 3, "b"))
    for name, kind in (("task_recognition", 0), ("clip_tasks", 2)):
        task = load_task(name)
        clip = task.clips(v, TWICE, GOALS, "task_goal")[-1]
        assert (clip.kind.tolist(), clip.target.tolist()) == ([kind], [IGNORED])
        assert clip.context == (goal,)
        assert task.answers(v, GOALS)[kind, clip.span] == IGNORED


def test_clip_tasks_ask_two_questions_a_segment_and_one_about_the_video():
    task = load_task("clip_tasks")
    v = about("make soup", (1, 3, "b"), (4, 6, "strange"), (6, 8, "c"))
    clips = task.clips(v, TWICE, GOALS, "previous_action")
    assert task.kinds == ("step_recognition", "next_step", "task_recognition")
    assert task.classes(GOALS) == ("a", "b", "c", "make tea", "make soup")
    assert task.choices(GOALS) == (range(3), range(3), range(3, 5))
    assert [(c.first, c.last) for c in clips] == [(2, 6), (8, 12), (12, 16), (0, 20)]
    assert [c.asked.tolist() for c in clips] == [[5, 5], [11, 11], [15, 15], [19]]
    assert [c.kind.tolist() for c in clips] == [[0, 1], [0, 1], [0, 1], [2]]
    assert [c.target.tolist() for c in clips] == [[1, IGNORED], [IGNORED, 2], [2, IGNORED], [4]]
    assert [c.context for c in clips] == [("", ""), ("b", "b"), ("strange",) * 2, ("c",)]


def test_a_video_without_segments_is_asked_as_a_whole():
    v = about("make tea")
    for name, expected in (
        ("task_recognition", [([0], [0])]),
        ("clip_tasks", [([0, 1], [IGNORED] * 2), ([2], [3])]),
    ):
        clips = load_task(name).clips(v, TWICE, GOALS, "none")
        assert [(c.kind.tolist(), c.target.tolist()) for c in clips] == expected
        assert {(c.first, c.last, c.span) for c in clips} == {(0, 20, (0, 10_000_000))}
        assert load_task(name).clips(v, TWICE[:0], GOALS, "none") == []


CLIP_TASKS = ["step_recognition", "next_step", "task_recognition", "clip_tasks"]


@pytest.mark.parametrize("name", CLIP_TASKS)
@given(
    found=st.lists(
        st.tuples(st.integers(0, 8), st.integers(1, 5), st.sampled_from(["a", "b", "c", "odd"])),
        min_size=1, max_size=6, unique_by=lambda s: (s[0], s[1]),
    ),
    goal=st.sampled_from(["", "make tea", "make soup", "odd"]),
)  # fmt: skip
def test_what_a_task_answers_is_what_its_clips_ask(name, found, goal):
    task, v = load_task(name), about(goal, *((a, min(10, a + n), label) for a, n, label in found))
    clips = task.clips(v, TWICE, GOALS, "none")
    asked = {
        (int(kind), clip.span): int(target)
        for clip in clips
        for kind, target in zip(clip.kind, clip.target, strict=True)
    }
    assert asked == task.answers(v, GOALS)
    choices = task.choices(GOALS)
    assert all(target == IGNORED or target in choices[kind] for (kind, _), target in asked.items())
    names = {place: task.classes(GOALS)[t] for place, t in asked.items() if t != IGNORED}
    assert {n for (kind, _), n in names.items() if kind == len(task.kinds) - 1} <= (
        set(GOALS.goals) if "task" in task.kinds[-1] else set(GOALS.classes)
    )


@pytest.mark.parametrize("name", ["task_recognition", "clip_tasks"])
def test_goals_need_training_videos_of_two_of_them(name):
    task, steps = load_task(name), [(0, 2, "a"), (2, 4, "b")]
    one, unknown = about("make tea", *steps), about("make pancakes", *steps)
    with pytest.raises(InvalidData, match="at least two goals: 2 videos there, goals: make tea"):
        check_data(GOALS, [one, unknown], task, validated=True)
    with pytest.raises(InvalidData, match="goals: none"):
        check_data(LabelSet(("a", "b")), [one, about("make soup", *steps)], task, validated=True)
    enough = [one, about("make soup", *steps)]
    assert check_data(LabelSet(("a", "b"), GOALS.goals), enough, task, validated=True) == []
    said = check_data(GOALS, enough, task, validated=False)
    assert said[-1].startswith("No validation video")


def test_only_tasks_that_ask_for_steps_need_segments():
    videos = [about("make tea"), about("make soup")]
    alone = load_task("task_recognition")
    assert check_data(GOALS, videos, alone, validated=True) == []
    assert check_data(LabelSet((), GOALS.goals), videos, alone, validated=True) == []
    with pytest.raises(InvalidData, match="none with a segment"):
        check_data(GOALS, videos, load_task("clip_tasks"), validated=True)
    for name in ("step_recognition", "online_detection"):  # no goals asked, none needed
        steps = [video((0, 2, "a"), (2, 4, "b"), (4, 5, "c"))]
        assert check_data(LABELS, steps, load_task(name), validated=True) == []
