"""What is known of a video file, and the limits within which it is found out.

Times are microseconds from the first shown frame. The arrays travel through JSON as compressed
differences: the 432,000 frames of a four-hour video take a few kilobytes.
"""

import base64
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Timing = Literal["constant", "variable"]
Health = Literal["good", "damaged"]

_MEDIA_TYPES = {"mp4": "video/mp4", "mov": "video/mp4", "webm": "video/webm"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading a file may cost before it counts as unreadable."""

    seconds: float = 60.0  # wall time; `probe` adds a second for every 20 MB of the file
    memory_bytes: int = 4 << 30  # address space of the child process, where the platform has it
    max_pixels: int = 36_000_000  # of one picture; 8K has 33 million
    max_duration_us: int = 24 * 3600 * 1_000_000
    whole_pixels: int = (
        400_000_000  # up to this many in all frames together, every frame is decoded
    )

    def as_json(self) -> dict[str, Any]:
        """Return the form that `Limits(**...)` takes back."""
        return asdict(self)


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Everything that the probe found out about a file.

    `width` and `height` are as displayed: rotation and pixel shape applied. `rotation` is what
    turns the stored picture clockwise into the displayed one. `duration_us` reaches from the first
    shown frame to the end of the last one. `usable_us` is the part of it before the first damage.

    `offset_us` is the player's time of the first shown frame when the *original* file is played:
    `currentTime = (our time + offset_us) / 1e6`. Chromium keeps a positive start of the file (an
    empty edit, MPEG-TS at 1.48 s, sound that starts first) and moves a negative one to zero. The
    offset of a proxy is 0.
    """

    content_hash: str
    size_bytes: int
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int
    duration_us: int
    offset_us: int
    frame_count: int
    pts_us: NDArray[np.int64] = field(compare=False, repr=False)
    fps: float
    timing: Timing
    has_audio: bool
    health: Health
    health_reason: str
    usable_us: int
    playable: bool
    why_not: str

    @property
    def media_type(self) -> str:
        """Media type under which a browser plays the original; suffixes of files lie."""
        return _MEDIA_TYPES.get(self.container, "application/octet-stream")

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` gives the same `VideoInfo` back."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"pts_us": packed(self.pts_us)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return what `as_json` wrote."""
        fields: dict[str, Any] = values | {"pts_us": unpacked(values["pts_us"])}
        return cls(**fields)


def packed(times_us: NDArray[np.int64]) -> str:
    """Return ascending times as text: differences, compressed, in base 64."""
    steps = np.diff(times_us, prepend=0).astype("<i8")
    return base64.b64encode(zlib.compress(steps.tobytes())).decode("ascii")


def unpacked(text: str) -> NDArray[np.int64]:
    """Return the times that `packed` wrote."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i8")
    return np.cumsum(steps).astype(np.int64)
