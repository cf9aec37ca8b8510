"""Shot cuts in films that were cut on purpose: found where they are, and nowhere else."""

import numpy as np
import pytest

from core.errors import Stopped
from core.video import write_mp4
from core.video.cuts import find_cuts, shot_cuts
from tests.core.video.shots import FPS, HEIGHT, WIDTH, film

STEP_US = 1_000_000 // FPS
RNG = np.random.default_rng(0)
ROOM, STREET = (RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(2))


def cuts(pictures) -> list[int]:
    """The numbers of the pictures with which a new shot begins."""
    found = find_cuts((number * STEP_US, picture) for number, picture in enumerate(pictures))
    return [int(time) // STEP_US for time in found]


def test_cuts_of_random_films_are_found():
    """Moving cameras and things, noise, flashes, dimmed light, fades: in 12 films, seeds 0-11."""
    right = found = there = 0
    for seed in range(12):
        made = film(seed)
        seen = set(find_cuts(made.pictures).tolist())
        right += len(seen & set(made.cuts))
        found, there = found + len(seen), there + len(made.cuts)
    assert right / found > 0.92
    assert right / there > 0.97


def test_a_cut_is_at_the_first_picture_of_the_new_shot():
    assert cuts([ROOM] * 9 + [STREET] * 14 + [ROOM] * 8) == [9, 23]


@pytest.mark.parametrize("lasts", [1, 3, 5])
def test_a_flash_is_no_cut(lasts):
    flash = (ROOM * 0.3 + 178).astype(np.uint8)
    assert cuts([ROOM] * 12 + [flash] * lasts + [ROOM] * 12) == []


def test_light_that_is_dimmed_is_no_cut():
    assert cuts([ROOM] * 12 + [(ROOM * 0.5).astype(np.uint8)] * 12) == []


@pytest.mark.parametrize("lasts", [12, 25])
def test_a_dissolve_is_no_cut(lasts):
    parts = (step / lasts for step in range(1, lasts))
    fade = [(ROOM * (1 - part) + STREET * part).astype(np.uint8) for part in parts]
    assert cuts([ROOM] * 20 + fade + [STREET] * 20) == []


def test_a_moving_camera_makes_no_cut():
    world = np.kron(RNG.integers(0, 256, (9, 40, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    assert cuts(world[:HEIGHT, at : at + WIDTH] for at in range(100)) == []


def test_noise_is_no_cut():
    noisy = (ROOM * 0.5 + 60 + RNG.normal(0, 12, (40, *ROOM.shape))).clip(0, 255)
    assert cuts(noisy.astype(np.uint8)) == []


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_film_of_few_pictures_has_no_cut(count):
    assert cuts([ROOM] * count) == []


def test_pictures_of_one_pixel_are_compared_too():
    dark, bright = (np.full((1, 1, 3), level, np.uint8) for level in (10, 240))
    assert cuts([dark] * 9 + [bright] * 9) in ([], [9])


def test_the_cuts_of_a_file_are_those_of_its_frames_at_their_times(tmp_path):
    pictures = [np.kron(scene, np.ones((4, 4, 1), np.uint8)) for scene in (ROOM, STREET)]
    frames = [pictures[0]] * 20 + [pictures[1]] * 15 + [pictures[0]] * 10
    write_mp4(tmp_path / "film.mp4", frames, 10)
    heard = []
    found = shot_cuts(tmp_path / "film.mp4", 4_500_000, report=lambda p: bool(heard.append(p)))
    assert found.tolist() == [2_000_000, 3_500_000]
    assert heard[0].total == 4_500_000
    with pytest.raises(Stopped):
        shot_cuts(tmp_path / "film.mp4", report=lambda _: True)
