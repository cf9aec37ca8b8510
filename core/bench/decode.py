"""Frames at given times of an mp4: ours against ffmpeg reading the same frames into a pipe."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from core.bench.footage import FPS, number_in, write_numbered
from core.bench.measuring import Report, Row, Settings, Way, time_in_turns
from core.types import SECOND, grid_us
from core.video import sample
from core.video.source import Source

_PICTURE = (384, 216)
_AIM = 0.9

Pictures = list[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class _Clip:
    """A video of which frame `n` is shown at n / 30 s, if it has it."""

    name: str
    path: Path
    frames: tuple[int, ...]

    @property
    def duration_us(self) -> int:
        return (self.frames[-1] + 1) * SECOND // FPS

    def due(self, rate: int) -> list[int]:
        """Return the number of the last frame at or before each time of the grid."""
        numbers = np.array(self.frames)
        wanted = np.arange(len(grid_us(self.duration_us, rate))) * FPS / rate
        return numbers[np.searchsorted(numbers, wanted, "right") - 1].tolist()


def run(settings: Settings) -> Report:
    """Measure sampled frames a second at 2 and 4 frames/s, and count which of them are right."""
    report = Report("decode")
    seconds = 3 if settings.quick else 60
    with tempfile.TemporaryDirectory() as folder:
        every = range(seconds * FPS)
        even = _Clip("30 frames/s", Path(folder) / "even.mp4", tuple(every))
        # A third is left out, unevenly, as a phone does in the dark.
        uneven = tuple(
            n for n in every if 3 * n < len(every) and n % 7 not in (2, 3) and n % 11 != 5
        )
        variable = _Clip("a variable rate", Path(folder) / "variable.mp4", uneven)
        for clip, rates in ((even, (2, 4)), (variable, (4,))):
            settings.say(f"writing {clip.duration_us / SECOND:.0f} s of video, {clip.name}")
            write_numbered(clip.path, clip.frames)
            for rate in rates:
                _compare(report, clip, rate, settings)
        _alone(report, even, settings)
    return report


def _compare(report: Report, clip: _Clip, rate: int, settings: Settings) -> None:
    due, program = clip.due(rate), _ffmpeg()
    what = f"decode, {clip.name}, {rate} frames/s"
    calls: dict[str, Callable[[], Pictures]] = {"ours": lambda: _sampled(clip, rate)}
    if program is not None:
        calls[_version(program)] = lambda: _piped(program, clip, rate)
    exact = []
    for name, call in calls.items():
        before = os.times()
        exact.append(f"{name} {_exact(call(), due)}")
        report.figures.append((f"{what}, {name}", _cpu_seconds(before), "s of CPU"))
    ours, *others = time_in_turns([Way(n, len(due), c) for n, c in calls.items()], settings)
    if not others:
        report.figures.append((f"{what}, without an ffmpeg to compare", ours.rate, "frames/s"))
    note = f"exact of {len(due)}: {', '.join(exact)}; bounded by H.264 decoding"
    report.rows += [Row(what, "frames/s", ours, other, _AIM, note=note) for other in others]


def _cpu_seconds(before: os.times_result) -> float:
    """Return what this process and those that it waited for have used since."""
    return sum(now - then for now, then in zip(os.times()[:4], before[:4], strict=True))


def _exact(taken: Pictures, due: list[int]) -> int:
    # ffmpeg may give one more at the end.
    return sum(number_in(a) == b for a, b in zip(taken, due, strict=False))


def _sampled(clip: _Clip, rate: int) -> Pictures:
    times_us = grid_us(clip.duration_us, rate)
    return [picture for _, picture in sample(clip.path, times_us, size=_PICTURE, threads=0)]


def _piped(program: str, clip: _Clip, rate: int) -> Pictures:
    width, height = _PICTURE
    chain = f"fps={rate}:round=up,scale={width}:{height}:flags=area"
    command = [program, "-v", "error", "-i", str(clip.path), "-vf", chain]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    size, found = width * height * 3, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=size) as process:
        assert process.stdout is not None
        while len(data := process.stdout.read(size)) == size:
            found.append(np.frombuffer(data, np.uint8).reshape(height, width, 3))
    return found


def _ffmpeg() -> str | None:
    """Return the program: the system's, or the one that came with moviepy."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return None


def _version(program: str) -> str:
    told = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout
    return f"ffmpeg {told.split()[2].partition('-')[0]}"


def _alone(report: Report, clip: _Clip, settings: Settings) -> None:
    """Tell what bounds it: decoding without making a picture."""
    wanted = grid_us(clip.duration_us, 4).tolist()
    count = len(clip.frames)
    ways = [
        Way("every frame", count, lambda: _drained(clip.path, None)),
        Way("what 4 frames/s need", count, lambda: _drained(clip.path, wanted)),
    ]
    for timed in time_in_turns(ways, replace(settings, repeats=min(3, settings.repeats))):
        what = f"decode, decoding alone, one thread, {timed.name}"
        report.figures.append((what, timed.rate, "source frames/s"))


def _drained(path: Path, wanted_us: list[int] | None) -> int:
    with Source(path, wanted_us=wanted_us) as source:
        return sum(1 for _ in source.frames())
