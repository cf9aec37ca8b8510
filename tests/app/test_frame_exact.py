"""The frame that a browser shows is the frame that was asked for: in originals and in proxies."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.jobs.runner import Runner
from app.services import library, media, open_studio
from core.video import frame_at, probe
from storage import library as videos
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import finish
from tests.app.numbered import as_blob, clock_of, middles, numbers_shown, write_even
from tests.core.video.clips import Clip, number_of, show_only
from tests.core.video.layouts import REALTIME

pytestmark = [pytest.mark.browser]

ASKED = 60
_gaps = np.random.default_rng(5).choice([20, 33, 34, 40, 100, 250], 179)
UNEVEN = (0, *np.cumsum(_gaps).tolist())
EVEN = tuple(range(0, 7200, 40))
LATE = tuple(range(1000, 8200, 40))
NO_B, TWO_B, THREE_B = ({"g": "10" if b == 3 else "30", "bf": str(b)} for b in (0, 2, 3))
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
VP9 = Clip(UNEVEN, codec="libvpx-vp9", options=REALTIME)

# name: clip, and whether the original is played
CLIPS = {
    "even.mp4": (Clip(EVEN, options=TWO_B), True),
    "even fragments.mp4": (Clip(EVEN, options=NO_B, muxing=FRAGMENTS), True),
    "reordered fragments.mp4": (Clip(EVEN, options=TWO_B, muxing=FRAGMENTS), False),
    "uneven.mp4": (Clip(UNEVEN, options=NO_B), True),
    "uneven reordered.mp4": (Clip(UNEVEN, options=THREE_B), False),
    "uneven turned.mov": (Clip(UNEVEN, options=NO_B, rotation=90), True),
    "turned.mov": (Clip(EVEN, options=TWO_B, rotation=90), True),
    "upside down.mp4": (Clip(UNEVEN, options=THREE_B, rotation=180), False),
    "late with sound.mp4": (Clip(LATE, options=TWO_B, sound_from_ms=0), True),
    "late.mp4": (Clip(LATE, options=TWO_B), False),
    "transport.ts": (Clip(EVEN, options=TWO_B), False),
    "even.webm": (replace(VP9, times_ms=EVEN), True),
    "uneven.webm": (VP9, False),
    "uneven vp9.mp4": (VP9, False),
    "wrong rate.webm": (replace(VP9, times_ms=(0, *range(21, 3601, 20)), header_rate=25), False),
    "uneven av1.mp4": (
        Clip(UNEVEN, codec="libsvtav1", options={"preset": "8", "crf": "20"}), True,
    ),
}  # fmt: skip
RATES = {"29.97.mp4": Fraction(30000, 1001), "59.94.mp4": Fraction(60000, 1001)}
NAMES = [*CLIPS, *RATES, "cut.mp4"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A studio with every kind of file, and a copy of those that browsers do not show exactly."""
    folder = tmp_path_factory.mktemp("kinds")
    for name, (clip, _) in CLIPS.items():
        clip.write(folder / name)
    for name, rate in RATES.items():
        write_even(folder / name, rate, 180, **TWO_B)
    show_only(Clip(EVEN, options=TWO_B).write(folder / "cut.mp4"), 500, 6500)
    with open_studio(tmp_path_factory.mktemp("site") / "data") as studio:
        runner = Runner(studio, ["cpu"])
        project = library.new_project(studio, "kinds")
        library.add_folder(studio, project, folder)
        finish(runner)
        rows = {Path(row.path).name: row for row in videos.list_videos(studio.database, project)}
        for row in rows.values():
            media.want_proxy(studio, row.id)
        finish(runner)
        with serving(studio) as base:
            yield rows, base


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site[1]) as opened:
        opened.page.goto(opened.base + "/")
        yield opened


def some_frames(count: int) -> list[int]:
    """Random frames, the last one first: no browser knows yet how far the file really goes."""
    order = np.random.default_rng(count).permutation(count - 1)[: ASKED - 1].tolist()
    return [count - 1, *order]


@pytest.mark.parametrize("name", NAMES)
def test_the_frame_shown_is_the_frame_asked_for(site, visit, name):
    row = site[0][name]
    times, offset = clock_of(visit.page, row.id)
    assert len(times) == (150 if name == "cut.mp4" else 180) + 1
    frames, centre = some_frames(len(times) - 1), middles(times)
    first = number_of(frame_at(Path(row.path), 0)[1])
    shown = numbers_shown(visit.page, f"/media/{row.id}", [centre[n] for n in frames], offset)
    wrong = [(n, it) for n, it in zip(frames, shown, strict=True) if it != first + n]
    assert wrong == []


@pytest.mark.parametrize("name", CLIPS)
def test_only_files_that_are_shown_exactly_are_played_themselves(site, visit, name):
    """The rest needs its proxy: Chromium does show another frame of the original."""
    row = site[0][name]
    plays = CLIPS[name][1]
    assert row.playable is plays
    if not plays and not name.endswith(".ts"):  # which browsers do not open
        info = probe(Path(row.path))
        centre = middles([*info.pts_us.tolist(), info.duration_us])
        frames = [len(centre) - 1, *range(len(centre) - 1)]
        address = as_blob(visit.page, Path(row.path))
        asked = [centre[n] for n in frames]
        assert numbers_shown(visit.page, address, asked, info.offset_us) != frames


@pytest.mark.parametrize("seed", range(6))
def test_what_is_said_of_a_random_file_is_what_the_browser_does(visit, tmp_path, seed):
    rng = np.random.default_rng(seed)
    gaps = rng.choice([25, 33, 40, 200], 119) if seed % 2 else rng.normal(33, 5, 119).astype(int)
    options = {"g": str(rng.choice([8, 24])), "bf": str(rng.choice([1, 2, 3]))}
    path = Clip((0, *np.cumsum(gaps).tolist()), options=options).write(tmp_path / "clip.mp4")
    info = probe(path)
    centre = middles([*info.pts_us.tolist(), info.duration_us])
    frames = [119, *rng.permutation(119).tolist()]
    address = as_blob(visit.page, path)
    shown = numbers_shown(visit.page, address, [centre[n] for n in frames], info.offset_us)
    assert (shown == frames) is info.playable is (not info.why_not)
