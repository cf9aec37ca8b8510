"""Does a browser that is sent to the middle of a frame show that frame?

Measured in Chromium 156, which reads files with FFmpeg as we do. It shows a later frame where
FFmpeg's seek lands behind the frame (reordered frames of uneven length; fragments), an earlier one
where a VP8 or VP9 frame is shorter than Chromium takes it to be, and the last frame that the header
knows of where that is not the last one.
"""

import numpy as np
from av.error import FFmpegError

from core.video.packets import Packets
from core.video.source import Source, ticks_to_us

_TRIALS = 8
_GUESSING = {"vp8", "vp9"}  # codecs whose frames Chromium takes to last as long as others did


def why_not_exact(source: Source, packets: Packets) -> str:
    """Return why a browser would show another frame than it is asked for; empty if it would not."""
    if _ends_early(source, packets):
        return "The file says that it is shorter than it is, and browsers believe that."
    if source.stream.codec_context.codec.canonical_name in _GUESSING and _guesses(packets):
        return "Browsers guess how long frames of this codec last, and are wrong about this file."
    if _jumps_over(source, packets):
        return "Browsers cannot be sent to the last frames before some key frames of this file."
    return ""


def _ends_early(source: Source, packets: Packets) -> bool:
    """Say whether the last frame begins behind the end that the header tells."""
    announced_us = source.container.duration
    if not announced_us or not len(packets.ticks):
        return False
    begins_us = ticks_to_us(int(packets.ticks[-1]), source.time_base)
    return begins_us - min(0, source.container.start_time or 0) > announced_us


def _guesses(packets: Packets) -> bool:
    """Say whether the middle of a frame lies within the one before, were all of usual length."""
    gaps = np.diff(packets.ticks)
    if len(gaps) < 2:
        return False
    usual = max(packets.duration.mean(), gaps.mean())  # MP4 files do not tell the former of VP9
    return bool(np.any(gaps[:-1] + gaps[1:] / 2 <= usual))


def _jumps_over(source: Source, packets: Packets) -> bool:
    """Say whether seeking to a frame before a key frame finds that key frame.

    FFmpeg looks for it by decoding times, moved by what the first frame's is early. So those key
    frames tell that are decoded the longest before they are due, and some others.
    """
    places = np.searchsorted(packets.ticks, packets.keys[:, 0])
    keys, places = packets.keys[places > 0], places[places > 0]
    before = packets.ticks[places - 1]
    early = keys[:, 1] - (keys[:, 0] - before) / 2
    some = np.linspace(0, len(keys) - 1, min(len(keys), _TRIALS)).astype(int)
    return not all(
        _reaches(source, int(before[k]), int(before[k] + keys[k, 0]) // 2)
        for k in {*np.argsort(-early)[:_TRIALS].tolist(), *some.tolist()}
    )


def _reaches(source: Source, frame: int, sought: int) -> bool:
    """Say whether a seek to a time leads to a packet that is not behind a frame."""
    container, stream = source.container, source.stream
    try:
        container.seek(sought, stream=stream, backward=True)
        landed = next(packet.pts for packet in container.demux(stream) if packet.pts is not None)
    except (FFmpegError, StopIteration):
        return False
    return landed <= frame
