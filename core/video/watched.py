"""Files made from a video by a process that may crash or hang, and is watched while it works."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from logging import getLogger
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, Literal

from core.errors import DecoderFailed, Stopped, UnreadableVideo
from core.types import Progress, Report, nobody_listens
from core.video.files import regular_file, replacing, shown_name
from core.video.probe import broke_down, child, end

Task = Literal["proxy", "strip", "cuts"]

SILENCE_S = 120.0
"""How long such a process may say nothing; it reports every few pictures."""

_log = getLogger(__name__)


def make(
    task: Task,
    source: Path,
    target: Path,
    options: Mapping[str, Any] | None = None,
    *,
    report: Report = nobody_listens,
    silence_s: float = SILENCE_S,
) -> None:
    """Make a file from a video, all or nothing, in a limited child process.

    Args:
        task: A playable copy, a filmstrip, shot cuts.
        source: The video.
        target: The new file.
        options: What the task takes besides.
        report: Hears how far it is; returning True stops.
        silence_s: Seconds without a report after which the process is ended.

    Raises:
        Stopped: `report` asked for it; nothing is left behind.
        UnreadableVideo: The video cannot be read.
        DecoderFailed: Reading it crashed the decoder, or stood still.
    """
    regular_file(source)
    with (
        replacing(target) as beside,
        TemporaryDirectory(dir=target.parent, prefix=".making-") as place,
        TemporaryFile() as errors,
    ):
        made = Path(place) / target.name
        command = [sys.executable, "-m", "core.video.making", task, str(source.absolute())]
        command += [str(made.absolute()), json.dumps(dict(options or {}))]
        with _running(command, errors) as process:
            _follow(process, source, report, silence_s)
            code = process.wait()
        if code or not made.is_file():
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2000:]
            _log.warning("reading %s ended with %d: %s", source, code, said)
            raise broke_down(source)
        made.replace(beside)


@contextmanager
def _running(command: list[str], errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = child(command, stdout=subprocess.PIPE, stderr=errors)
    with process:
        try:
            yield process
        finally:
            end(process)


def _follow(
    process: subprocess.Popen[bytes], source: Path, report: Report, silence_s: float
) -> None:
    """Pass on what a process says until it says no more."""
    assert process.stdout is not None
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=silence_s)
        except queue.Empty:
            raise DecoderFailed(
                f"Reading a video may stand still for at most {silence_s:.0f} s",
                shown_name(source), "If it plays elsewhere, convert it to mp4.",
            ) from None  # fmt: skip
        if not line:
            return
        said = json.loads(line)
        if error := said.get("error"):
            raise UnreadableVideo(error["rule"], error["value"], error["next"])
        if report(Progress(said["done"], said["total"], said["message"])):
            raise Stopped(said["message"] or "The work")


def _read(stream: IO[bytes], lines: "queue.Queue[bytes]") -> None:
    with suppress(ValueError):  # closed by who waited long enough
        for line in stream:
            lines.put(line)
    lines.put(b"")
