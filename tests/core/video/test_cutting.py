"""A clip has exactly the frames that begin within its interval, as far apart as they were."""

import random

import numpy as np
import pytest

from core.errors import Stopped, UnreadableVideo
from core.video import frame_at
from core.video.cutting import Cut, cut_clips
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from core.video.source import Source
from tests.core.video.clips import VARIABLE, Clip, number_of


@pytest.fixture
def cut(tmp_path):
    """Cut intervals in microseconds out of a file; return each clip as times and frame numbers."""

    def cutting(path, spans):
        cuts = [Cut(start, end, tmp_path / f"{i}.mp4") for i, (start, end) in enumerate(spans)]
        cut_clips(path, cuts)
        return [shown(one.target) for one in cuts]

    return cutting


def shown(path):
    with Source(path) as video:
        return [(us, number_of(f.to_ndarray(format="rgb24"))) for us, f in video.frames()]


def within(times, span):
    """What a clip must hold; the frame on show where none begins in the interval."""
    inside = [(us, i) for i, us in enumerate(times) if span[0] <= us < span[1]]
    inside = inside or [max((us, i) for i, us in enumerate(times) if us <= span[0])]
    return [(us - inside[0][0], number) for us, number in inside]


def test_clips_of_every_kind_of_file_have_their_frames(written, layout, cut):
    times, rng = layout.clip.times_us, random.Random(layout.name)
    spans = [sorted(rng.sample(range(times[-1]), 2)) for _ in range(4)]
    on_frames = rng.sample(range(len(times)), 2)
    spans += [sorted(times[i] for i in on_frames), (0, times[-1] + 10**6)]
    assert cut(written(layout), spans) == [within(times, span) for span in spans]


def test_intervals_may_touch_overlap_and_be_the_same(tmp_path, cut):
    path, times = VARIABLE.write(tmp_path / "a.mp4"), VARIABLE.times_us
    spans = [(0, 80_000), (80_000, 440_000), (40_000, 1_500_000), (40_000, 1_500_000)]
    assert cut(path, spans) == [within(times, span) for span in spans]


def test_an_interval_between_two_frames_has_the_one_on_show(tmp_path, cut):
    path = VARIABLE.write(tmp_path / "a.mp4")
    long_one, short, late = cut(
        path, [(100_000, 410_000), (110_000, 120_000), (2_100_000, 2_200_000)]
    )
    assert (long_one, short, late) == ([(0, 3)], [(0, 2)], [(0, 10)])


def test_a_clip_is_as_long_as_its_interval_from_its_first_frame(tmp_path):
    path = VARIABLE.write(tmp_path / "a.mp4")
    cut_clips(path, [Cut(400_000, 1_200_000, tmp_path / "clip.mp4")])
    info = examine(tmp_path / "clip.mp4", DEFAULT_LIMITS)
    assert (info.duration_us, info.offset_us, info.playable) == (800_000, 0, True)
    assert (info.width, info.height) == (160, 96)


def test_a_clip_looks_like_the_original(tmp_path):
    path = Clip(rotation=90).write(tmp_path / "a.mp4")
    cut_clips(path, [Cut(400_000, 800_000, tmp_path / "clip.mp4")])
    (_, original), (_, copy) = frame_at(path, 400_000), frame_at(tmp_path / "clip.mp4", 0)
    assert np.abs(copy.astype(int) - original).mean() < 5


def test_a_stop_leaves_finished_clips_and_nothing_half_done(tmp_path):
    path = Clip().write(tmp_path / "a.mp4")
    cuts = [Cut(0, 200_000, tmp_path / "1.mp4"), Cut(0, 900_000, tmp_path / "2.mp4")]
    heard = []
    with pytest.raises(Stopped):
        cut_clips(path, cuts, report=lambda progress: heard.append(progress) or True)
    assert [(one.done, one.total) for one in heard] == [(1, 2)]
    assert {file.name for file in tmp_path.iterdir()} == {"a.mp4", "1.mp4"}


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(UnreadableVideo):
        cut_clips(tmp_path / "a.mp4", [Cut(0, 1, tmp_path / "1.mp4")])
    assert {file.name for file in tmp_path.iterdir()} == {"a.mp4"}
