"""Scripts are fixed things: equal for a seed, inside their video, free of what is held out."""

import hashlib

import pytest

from core.kitchen.demo import DEMO_TASKS, FPS, MIN_SEGMENTS, SPLIT_SIZES, demo_labels, demo_scripts
from core.kitchen.recipes import TASKS, _task
from core.kitchen.scripts import all_labels, draw_difficulty, native_labels, write_script
from core.kitchen.world import (
    ACTIONS,
    APPEARANCES,
    HELD_OUT_MOTIONS,
    HELD_OUT_THINGS,
    LOOKALIKES,
    Motion,
    is_held_out,
)


def test_the_large_world_has_more_than_a_hundred_actions_that_share_words():
    labels = all_labels().classes
    assert len(labels) > 100
    assert len({name.split()[0] for name in labels}) < 25  # verbs
    assert {a for task in TASKS.values() for a in task.actions} == set(ACTIONS.values())


def test_a_seed_gives_the_same_script_on_every_machine():
    text = "".join(
        f"{script.name}|{script.duration_us}|{split}|{script.segments}"
        for script, split in demo_scripts()
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "d0d10caafb1dda56236f8e4b39c6941facce51905e56d8842336d04e3aace4c0"


def test_segments_lie_in_their_video_in_order_and_do_not_overlap():
    for name in TASKS:
        script = write_script(TASKS[name], f"seed {name}")
        ends = [0, *(s.end_us for s in script.segments)]
        starts = [*(s.start_us for s in script.segments), script.duration_us]
        assert all(end <= start for end, start in zip(ends, starts, strict=True))
        assert 30e6 <= script.duration_us <= 45e6


def test_another_seed_gives_another_script():
    first, second = (write_script(TASKS["make soup"], seed) for seed in ("a", "b"))
    assert first.segments != second.segments


def test_pre_training_never_meets_what_is_held_out():
    for number in range(60):
        for task in TASKS.values():
            script = write_script(task, f"{number}", held_out=True)
            assert not any(is_held_out(step.action) for step in script.steps)
            assert script.hidden == HELD_OUT_THINGS


def test_the_demo_holds_out_verbs_and_nouns_that_its_labels_use():
    actions = {a for task in DEMO_TASKS.values() for a in task.actions}
    assert {a.thing for a in actions} >= HELD_OUT_THINGS
    assert {a.motion for a in actions} >= HELD_OUT_MOTIONS
    seen = {a for task in TASKS.values() for a in task.actions if not is_held_out(a)}
    assert {a.motion for a in seen} == set(Motion) - HELD_OUT_MOTIONS


def test_the_demo_has_24_actions_that_share_verbs_and_nouns():
    labels = demo_labels().classes
    assert len(labels) == 24
    verbs, nouns = zip(*(name.rsplit(" ", 1) for name in labels), strict=True)
    assert sum(verbs.count(v) > 1 for v in set(verbs)) >= 5
    assert sum(nouns.count(n) > 1 for n in set(nouns)) >= 5


def test_the_demo_has_36_videos_and_enough_segments_of_every_action():
    plan = demo_scripts()
    assert {s: sum(split == s for _, split in plan) for s in SPLIT_SIZES} == SPLIT_SIZES
    assert len({script.name for script, _ in plan}) == 36
    assert 12 <= FPS <= 15
    counts = dict.fromkeys(demo_labels().classes, 0)
    for script, split in plan:
        assert 30e6 <= script.duration_us <= 45e6
        for segment in script.segments:
            counts[segment.label] += split == "train"
    assert min(counts.values()) >= MIN_SEGMENTS


def test_lookalikes_share_a_shape_and_differ_in_colour():
    for key, other in LOOKALIKES.items():
        assert APPEARANCES[key].body != APPEARANCES[other].body
    same = [APPEARANCES[k].shape == APPEARANCES[o].shape for k, o in LOOKALIKES.items()]
    assert sum(same) / len(same) > 0.75


def test_difficulty_covers_the_whole_range():
    drawn = [draw_difficulty(f"{i}") for i in range(200)]
    for dial in ("clutter", "lookalikes", "jitter", "colour", "noise", "distraction"):
        values = [getattr(d, dial) for d in drawn]
        assert min(values) < 0.1
        assert max(values) > 0.9


def test_a_script_asks_for_known_actions_only():
    with pytest.raises(KeyError):
        _task("fly", "bowl", "fly:bowl")


def test_names_are_only_strings():
    assert native_labels(DEMO_TASKS) == demo_labels()
    add = [a for a in ACTIONS.values() if a.name.startswith("add ")]
    assert {a.motion for a in add} == {Motion.SPRINKLE, Motion.DROP}  # one word, unlike motions
