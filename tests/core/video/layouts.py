"""The layouts in which videos come: one small file of each, and what must be found in it."""

from dataclasses import dataclass, replace
from fractions import Fraction

from tests.core.video.clips import VARIABLE, Clip

EVEN = Clip()
REALTIME = {"g": "10", "deadline": "realtime", "cpu-used": "8"}


@dataclass(frozen=True)
class Layout:
    """A clip, the name of its file, and the facts that differ from a plain mp4."""

    name: str
    clip: Clip
    codec: str = "h264"
    container: str = "mp4"
    playable: bool = True
    offset_us: int = 0


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
LATE = tuple(range(1000, 3000, 40))

VP8 = replace(EVEN, codec="libvpx", options=REALTIME)
VP9 = replace(EVEN, codec="libvpx-vp9", options=REALTIME)
AV1 = replace(EVEN, codec="libsvtav1", options={"preset": "8", "crf": "20"})
HEVC = replace(EVEN, codec="libx265", options={"x265-params": "keyint=10:log-level=none"})
STREAMED = replace(VP9, times_ms=VARIABLE.times_ms, muxing={"live": "1"})

LAYOUTS = [
    Layout("plain.mp4", EVEN),
    Layout("variable.mp4", VARIABLE, playable=False),
    Layout("quick.mov", EVEN, container="mov"),
    Layout("full range.mp4", replace(EVEN, pixels="yuvj420p")),
    Layout("fragments.mp4", replace(EVEN, muxing=FRAGMENTS), playable=False, offset_us=80_000),
    Layout("late.mp4", replace(EVEN, times_ms=LATE, sound_from_ms=0), offset_us=1_000_000),
    Layout("turned 90.mov", replace(EVEN, rotation=90), container="mov"),
    Layout("turned 180.mp4", replace(VARIABLE, rotation=180), playable=False),
    Layout("turned 270.mp4", replace(EVEN, rotation=270)),
    Layout("wide pixels.mp4", replace(EVEN, aspect=Fraction(4, 3))),
    Layout("av1.mp4", AV1, "av1"),
    Layout("vp8.webm", VP8, "vp8", "webm"),
    Layout("vp9.webm", VP9, "vp9", "webm"),
    Layout("no duration.webm", STREAMED, "vp9", "webm", playable=False),
    Layout("hevc.mp4", HEVC, "hevc", playable=False),
    Layout("ten bits.mp4", replace(EVEN, pixels="yuv420p10le"), playable=False),
    Layout("all colours.mp4", replace(VARIABLE, pixels="yuv444p"), playable=False),
    Layout("part 2.mp4", replace(EVEN, codec="mpeg4"), "mpeg4", playable=False),
    Layout("matroska.mkv", EVEN, container="matroska", playable=False),
    Layout("no pts.avi", EVEN, container="avi", playable=False),
    Layout("twice the rate.avi", replace(EVEN, header_rate=50), container="avi", playable=False),
    Layout("part 2.avi", replace(EVEN, codec="mpeg4"), "mpeg4", "avi", playable=False),
    Layout("transport.ts", EVEN, container="mpegts", playable=False, offset_us=80_000),
    Layout("program.mpg", replace(EVEN, codec="mpeg1video"), "mpeg1video", "mpeg", False, 540_000),
    Layout("flash.flv", EVEN, container="flv", playable=False, offset_us=80_000),
    Layout("ogg.mkv", replace(VP8, format="ogg"), "vp8", "ogg", False),
]
