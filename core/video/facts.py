"""What is known of a video file, found out by reading it in this process.

`core.video.probe` does the same in a child process, where a broken decoder harms nobody.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableVideo
from core.types import SECOND
from core.video.browser import why_not_playable
from core.video.decoding import Decoded, decode
from core.video.files import content_hash, regular_file, shown_name
from core.video.info import Limits, Timing, VideoInfo
from core.video.packets import Packets, read_packets
from core.video.picture import square_pixels, turn_of
from core.video.source import Source, ticks_to_us, video_streams
from core.video.stepping import why_not_exact

_ROUNDING_US = 1_500  # Matroska and FLV count whole milliseconds


def examine(path: Path, limits: Limits) -> VideoInfo:
    """Return what is known of a video file.

    Raises:
        UnreadableVideo: it has no picture that can be shown, or goes beyond `limits`.
    """
    size_bytes = regular_file(path)
    with Source(path, max_pixels=limits.max_pixels) as source:
        _check_size(source, limits)
        digest = content_hash(path)
        packets = read_packets(source)
        _check_duration(source, packets, limits)
    with Source(path, max_pixels=limits.max_pixels) as source:
        decoded = decode(source, packets, limits.whole_pixels)
        if decoded is None:
            raise UnreadableVideo(
                "A video must have a frame that decodes",
                shown_name(path),
                "Copy it again from where it came.",
            )
        return _gather(source, packets, decoded, digest, size_bytes)


def _gather(
    source: Source, packets: Packets, decoded: Decoded, digest: str, size: int
) -> VideoInfo:
    stream, frame, times = source.stream, decoded.first, decoded.times_us
    container, codec = _container(source), stream.codec_context.codec.canonical_name
    shown = square_pixels((frame.width, frame.height), stream.sample_aspect_ratio)
    width, height = shown[::-1] if turn_of(frame) % 180 else shown
    duration_us = _end_us(source, packets, decoded)
    reason, usable_us = _damage(source, packets, decoded, duration_us)
    why_not = why_not_playable(container, codec, frame.format.name)
    if not why_not and reason:
        why_not = "Browsers stop where a file is damaged."
    if not why_not and video_streams(source.container)[0] is not stream:
        why_not = "The file has several video tracks, and browsers show another one."
    why_not = why_not or why_not_exact(source, packets)
    return VideoInfo(
        content_hash=digest,
        size_bytes=size,
        container=container,
        codec=codec,
        pixel_format=frame.format.name,
        width=width,
        height=height,
        rotation=turn_of(frame),
        duration_us=duration_us,
        offset_us=_offset_us(source, decoded),
        frame_count=len(times),
        pts_us=times,
        fps=round(len(times) * SECOND / duration_us, 4),
        timing=_timing(times),
        has_audio=bool(source.container.streams.audio),
        health="damaged" if reason else "good",
        health_reason=reason,
        usable_us=usable_us,
        playable=not why_not,
        why_not=why_not,
    )


def _check_size(source: Source, limits: Limits) -> None:
    width, height = source.stream.width, source.stream.height
    if width * height > limits.max_pixels:
        raise UnreadableVideo(
            f"A picture may have at most {limits.max_pixels / 1e6:g} million pixels",
            f"{shown_name(source.path)} has {width} x {height}",
            "Convert it to a smaller size.",
        )


def _check_duration(source: Source, packets: Packets, limits: Limits) -> None:
    span = packets.ticks[-1] - packets.ticks[0] if len(packets.ticks) else 0
    span_us = ticks_to_us(int(span), source.time_base)
    if span_us > limits.max_duration_us:
        raise UnreadableVideo(
            f"A video may last at most {limits.max_duration_us / SECOND:g} s",
            f"{shown_name(source.path)} lasts {span_us / SECOND:.1f} s",
            "Cut it into parts.",
        )


def _container(source: Source) -> str:
    name = source.container.format.name
    if name.startswith("mov"):
        return "mov" if source.container.metadata.get("major_brand", "").strip() == "qt" else "mp4"
    if name.startswith("matroska"):
        with source.path.open("rb") as file:
            return "webm" if b"webm" in file.read(64) else "matroska"
    return name


def _offset_us(source: Source, decoded: Decoded) -> int:
    """Return the player's time of the first shown frame, as measured in Chromium.

    A player's clock is the file's own: it starts before the first frame where the file does. Only
    a file that starts below zero is moved to zero.
    """
    started_us = min(0, source.container.start_time or 0)
    return ticks_to_us(decoded.origin, source.time_base) - started_us


def _end_us(source: Source, packets: Packets, decoded: Decoded) -> int:
    """Return when the last frame ends."""
    times = decoded.times_us
    last_us = int(times[-1])
    place = int(np.searchsorted(decoded.promised_us, last_us))
    # AVI counts its rate in packets that need not exist; its durations are not worth a look.
    if source.timed and place < len(packets.ticks) and packets.duration[place] > 0:
        end = packets.ticks[place] + packets.duration[place] - decoded.origin
        return max(last_us + 1, ticks_to_us(int(end), source.time_base))
    if len(times) > 1:
        return last_us + int(np.median(np.diff(times)))
    rate = source.stream.guessed_rate
    return last_us + (int(SECOND / rate) if rate else SECOND // 25)


def _timing(times_us: NDArray[np.int64]) -> Timing:
    """Tell whether every frame is shown for the same time, but for the container's rounding."""
    if len(times_us) < 3:
        return "constant"
    gaps = np.diff(times_us)
    usual = np.median(gaps)
    even = np.all(np.abs(gaps - usual) <= max(_ROUNDING_US, usual / 20))
    return "constant" if even else "variable"


def _damage(
    source: Source, packets: Packets, decoded: Decoded, duration_us: int
) -> tuple[str, int]:
    """Return in sentences what is wrong, empty if nothing is, and the span before it."""
    reasons: list[str] = []
    usable_us = duration_us
    if packets.announced > packets.count:
        reasons.append(
            f"The file ends early: {packets.count} of {packets.announced} frames are there."
        )
    elif packets.missing_us:
        reasons.append(f"The file ends early: {packets.missing_us / SECOND:.1f} s are missing.")
    if len(decoded.harmed_us):
        count, first_us = len(decoded.harmed_us), int(decoded.harmed_us[0])
        usable_us = min(usable_us, first_us)
        whole = {*decoded.times_us.tolist(), *decoded.harmed_us.tolist()}
        reasons.append(
            f"{count} of {len(whole)} frames cannot be decoded whole, "
            f"the first at {first_us / SECOND:.2f} s."
        )
    last_us = int(decoded.times_us[-1])
    breaks_us = [ticks_to_us(t - decoded.origin, source.time_base) for t in packets.broken]
    inside_us = [time_us for time_us in breaks_us if time_us < last_us]
    if inside_us:
        broken_us = max(0, inside_us[0])
        usable_us = min(usable_us, broken_us)
        reasons.append(f"Data is damaged at {broken_us / SECOND:.2f} s.")
    elif breaks_us and not reasons:
        reasons.append("The file breaks off at its end.")
    return " ".join(reasons), usable_us
