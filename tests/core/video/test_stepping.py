"""Which files browsers do not show frame by frame, as it was measured in one.

`tests/app/test_frame_exact.py` holds these sentences against Chromium.
"""

from dataclasses import replace

import pytest

from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from tests.core.video.clips import VARIABLE, Clip
from tests.core.video.layouts import REALTIME

JUMPS, GUESS, SHORTER = "before some key frames", "guess how long frames", "shorter than it is"
NO_B = {"g": "10", "bf": "0"}
OPEN = {"g": "10", "bf": "1", "preset": "medium", "x264-params": "open-gop=1"}
UNEVEN = (*range(0, 400, 40), *range(1000, 3000, 200), *range(3000, 4000, 40))
VP9 = Clip(codec="libvpx-vp9", options=REALTIME)


@pytest.mark.parametrize(
    ("clip", "suffix", "reason"),
    [
        (Clip(), "mp4", ""),
        (Clip(UNEVEN, options=NO_B), "mp4", ""),
        (Clip(UNEVEN), "mp4", JUMPS),
        (Clip(options=OPEN), "mp4", JUMPS),
        (Clip(muxing={"use_editlist": "0"}), "mp4", SHORTER),
        (Clip(muxing={"movflags": "frag_keyframe+empty_moov"}), "mp4", SHORTER),
        (replace(VARIABLE, options=NO_B), "mp4", ""),
        (Clip(tuple(range(1000, 3000, 40))), "mp4", SHORTER),
        (Clip(tuple(range(1000, 3000, 40)), sound_from_ms=0), "mp4", ""),
        (VP9, "webm", ""),
        (replace(VP9, times_ms=UNEVEN), "webm", GUESS),
        (replace(VP9, times_ms=UNEVEN), "mp4", GUESS),
        (replace(VP9, times_ms=(0, *range(21, 999, 20)), header_rate=25), "webm", GUESS),
    ],
)
def test_what_browsers_do_not_show_exactly_is_not_playable(tmp_path, clip, suffix, reason):
    info = examine(clip.write(tmp_path / f"clip.{suffix}"), DEFAULT_LIMITS)
    assert info.playable is (not reason)
    assert reason in info.why_not
