"""Pictures show what the script says, and keep traces of what happened before."""

from itertools import islice

import numpy as np
import pytest

from core.kitchen.motion import pose
from core.kitchen.recipes import DEMO_TASKS, TASKS
from core.kitchen.render import HEIGHT, WIDTH, Scene, render
from core.kitchen.scripts import Difficulty, write_script
from core.kitchen.world import VARIANTS, Motion

CLEAN = Difficulty(clutter=0.3, lookalikes=0, jitter=0, colour=0, noise=0, distraction=0)


def frames_at(script, times):
    scene = Scene(script)
    return [scene.frame(int(t))[0].astype(int) for t in times]


def test_a_frame_is_rgb_of_the_nominal_size():
    script = write_script(TASKS["make tea"], "a")
    frames = list(islice(render(script, fps=4), 4))
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    assert frames[0].dtype == np.uint8


def test_the_same_script_gives_the_same_pixels():
    script = write_script(TASKS["make soup"], "a")
    times = [2_000_000, 9_000_000]
    for first, second in zip(frames_at(script, times), frames_at(script, times), strict=True):
        np.testing.assert_array_equal(first, second)


def test_skipping_ahead_shows_the_traces_of_what_was_skipped():
    script = write_script(DEMO_TASKS["make pancakes"], "traces", difficulty=CLEAN)
    at = script.duration_us - 100_000
    watched, skipped = Scene(script), Scene(script)
    for t in range(0, at, 500_000):
        watched.frame(t)
    np.testing.assert_array_equal(watched.frame(at)[0], skipped.frame(at)[0])


@pytest.mark.parametrize("task", sorted(DEMO_TASKS))
def test_what_happened_leaves_visible_traces(task: str):
    script = write_script(DEMO_TASKS[task], "before and after", difficulty=CLEAN)
    before, after = frames_at(script, [100_000, script.duration_us - 100_000])
    assert (np.abs(before - after).max(axis=2) > 40).sum() > 400  # pixels


@pytest.mark.parametrize("motion", list(Motion))
def test_every_motion_has_variants_that_move_differently(motion: Motion):
    def path(variant):
        found = [pose(motion, variant, u, 3 * u) for u in np.linspace(0, 1, 30)]
        return np.array([(p.dx, p.dy, p.tilt / 2, p.other) for p in found])

    paths = [path(v) for v in range(VARIANTS)]
    for i in range(VARIANTS):
        for j in range(i):
            assert np.abs(paths[i] - paths[j]).max() > 3


def test_motions_are_slow_enough_to_be_seen_at_four_frames_a_second():
    for motion in Motion:
        for variant in range(VARIANTS):
            t = np.linspace(0, 3, 301)
            y = np.array([pose(motion, variant, s / 3, s).dy for s in t])
            turns = np.flatnonzero(np.diff(np.sign(np.diff(y))) != 0)
            if len(turns) > 2:
                assert np.median(np.diff(t[turns])) >= 0.24  # half a cycle


def test_opening_and_closing_differ_only_in_direction():
    forth = [pose(Motion.OPEN, 0, u, 0).dx for u in (0, 0.5, 1)]
    back = [pose(Motion.CLOSE, 0, u, 0).dx for u in (1, 0.5, 0)]
    np.testing.assert_allclose(forth, back)


def test_a_glimpse_says_what_the_script_says():
    script = write_script(TASKS["make coffee"], "glimpse")
    scene = Scene(script)
    for step in script.steps:
        middle = (step.start_us + step.end_us) // 2
        seen = scene.glimpse(middle)
        assert seen.action == step.action
        assert seen.phase == pytest.approx(0.5, abs=0.01)
    assert scene.glimpse(script.duration_us).action is None


def test_hidden_things_are_nowhere():
    for number in range(20):
        script = write_script(TASKS["make salad"], f"hidden {number}", held_out=True)
        assert not Scene(script).traces.at.keys() & {"jam", "cucumber"}


def test_noise_and_jitter_change_with_their_dials():
    calm = write_script(TASKS["make tea"], "x", difficulty=CLEAN)
    wild = write_script(TASKS["make tea"], "x", difficulty=Difficulty(0.3, 0, 1, 0, 1, 0))
    still = np.abs(np.diff(frames_at(calm, [0, 40_000]), axis=0)).mean()
    moving = np.abs(np.diff(frames_at(wild, [0, 40_000]), axis=0)).mean()
    assert moving > still + 1
