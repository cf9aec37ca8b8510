"""WebVTT, what players show as subtitles: one file for each video, a cue for each segment.

The text of a cue is its label; identifiers, settings, notes, styles and regions say nothing about
actions. The name of the file says the video: `tea.vtt` is of `tea.mp4`.
"""

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.said import said, spoken
from core.formats.source import content, encoding_of, quoted, text_of
from core.formats.values import time_us
from core.formats.writing import ids_of, write_folder

LAYOUT = "WebVTT subtitles, <video>.vtt, whose cues are labels"

SUFFIXES = (".vtt",)

LOSSES = Losses(
    tracks=True, hierarchy=True, points=True, confidence=True, notes=True, grid_us=1000,
    sentence="Goals and splits are not kept.",
)  # fmt: skip

_FIRST = re.compile(r"WEBVTT(?:[ \t].*)?")
_TIMES = re.compile(r"[ \t]*([0-9:.]+)[ \t]+-->[ \t]+([0-9:.]+)(?:[ \t].*)?")
_CLOCK = re.compile(r"(?:[0-9]{2,}:)?[0-5][0-9]:[0-5][0-9]\.[0-9]{3}")
_SILENT = re.compile(r"NOTE(?:[ \t].*)?|STYLE[ \t]*|REGION[ \t]*")
_TAG = re.compile(r"<[^<>]*>")


def recognises(head: bytes) -> bool:
    """Return whether the first line says that it is WebVTT."""
    text = head.decode(encoding_of(head), errors="replace")
    return bool(_FIRST.fullmatch(re.split(r"[\r\n]", text, maxsplit=1)[0]))


def read(path: Path) -> Reading:
    """Read one file; a cue that breaks a rule is a fault at the line of its block."""
    lines = re.split(r"\r\n|\n|\r", text_of(content(path), path))
    if not _FIRST.fullmatch(lines[0]):
        raise InvalidFile(
            "A WebVTT file must begin with WEBVTT", path, 1, "Write it in the first line."
        )
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, block in _blocks(lines):
        try:
            rows.append(Row(path, line, path.stem, False, _cue(block)))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    if not rows and not faults:
        rows.append(Row(path, 1, path.stem, False))
    return Reading(tuple(rows), tuple(faults))


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the blocks that can be cues, each with the number of its first line."""
    block: list[str] = []
    header = True
    for number, line in enumerate([*lines[1:], ""], start=2):
        if line.strip(" \t"):
            block.append(line)
            continue
        silent = block and (header or _SILENT.fullmatch(block[0]))
        if block and not (silent and not any("-->" in one for one in block)):
            yield number - len(block), block
        header, block = False, []


def _cue(block: Sequence[str]) -> tuple[Mark, ...]:
    at = next((index for index, line in enumerate(block) if "-->" in line), None)
    times = None if at is None else _TIMES.fullmatch(block[at])
    if at is None or at > 1 or times is None:
        raise InvalidData(
            "A cue begins with its times, or a name and its times",
            quoted(block[0]),
            "Write '00:00:02.000 --> 00:00:05.000' above the text.",
        )
    if any("-->" in line for line in block[at + 1 :]):
        raise InvalidData(
            "A blank line must stand between cues", quoted(block[at]), "Write one below this cue."
        )
    start, end = (_time(text) for text in times.groups())
    return said(start, end, html.unescape(_TAG.sub("", " ".join(block[at + 1 :]))))


def _time(text: str) -> int:
    if not _CLOCK.fullmatch(text):
        raise InvalidData(
            "A time in WebVTT is written as HH:MM:SS.mmm", quoted(text), "Correct the time."
        )
    return time_us(text if text.count(":") == 2 else f"00:{text}")


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder with a file for each video."""
    names = ids_of(videos, flat=True)
    write_folder(
        target,
        {f"{name}.vtt": _written(video) for name, video in zip(names, videos, strict=True)},
    )


def _written(video: MarkedVideo) -> str:
    cues = [
        f"{_clock(mark.start_us)} --> {_clock(mark.end_us)}\n"
        f"{html.escape(spoken(mark), quote=False)}\n"
        for mark in kept(video.marks, LOSSES)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _clock(us: int) -> str:
    seconds, ms = divmod(us // 1000, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{ms:03}"
