"""What is known of a video file, found out by a process that may crash or hang."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from logging import getLogger
from pathlib import Path
from typing import IO, Any

from core.errors import DecoderFailed, UnreadableVideo
from core.video.files import regular_file, shown_name
from core.video.info import DEFAULT_LIMITS, Limits, VideoInfo

_log = getLogger(__name__)
_CONVERT = "If it plays elsewhere, convert it to mp4."
_BYTES_PER_SECOND = 20_000_000  # of a slow disk, read twice
_ROOT = Path(__file__).resolve().parents[2]  # where the child finds the package `core`


def probe(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Return what is known of a video file; reading it happens in a limited child process.

    Raises:
        UnreadableVideo: there is nothing in the file that can be shown, or reading it broke the
            decoder, took too long or needed too much memory.
    """
    return VideoInfo.from_json(_asked(path, limits)["video"])


def look(path: Path, *, width: int, limits: Limits = DEFAULT_LIMITS) -> tuple[VideoInfo, bytes]:
    """Return what `probe` does, and a JPEG of the middle; empty where that does not decode.

    Raises:
        UnreadableVideo: As `probe`.
    """
    found = _asked(path, limits, str(width))
    return VideoInfo.from_json(found["video"]), base64.b64decode(found["picture"])


def _asked(path: Path, limits: Limits, *more: str) -> dict[str, Any]:
    """Return what a child process says of a file."""
    seconds = limits.seconds + regular_file(path) / _BYTES_PER_SECOND
    command = [sys.executable, "-m", "core.video.inspect", str(path.absolute())]
    limited = json.dumps(replace(limits, seconds=seconds).as_json())
    answer = ask([*command, limited, *more], seconds)
    if answer is None:
        raise UnreadableVideo(
            f"Reading a video may take at most {seconds:.0f} s", shown_name(path), _CONVERT
        )
    return read_answer(path, answer)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child process left behind; a negative `code` is the signal that ended it."""

    code: int
    output: bytes
    errors: str


def read_answer(path: Path, answer: Answer) -> dict[str, Any]:
    """Return what the child found, or raise what it said; silence means that it broke down."""
    try:
        found = json.loads(answer.output)
    except ValueError:
        _log.warning("reading %s ended with %d: %s", path, answer.code, answer.errors[-2000:])
        raise broke_down(path) from None
    if "error" in found:
        error = found["error"]
        raise UnreadableVideo(error["rule"], error["value"], error["next"])
    return found


def broke_down(path: Path) -> DecoderFailed:
    """Return what is said of a file on which a decoder crashed."""
    return DecoderFailed("The decoder broke down on this file", shown_name(path), _CONVERT)


def ask(command: Sequence[str], seconds: float) -> Answer | None:
    """Run a command in a session of its own; None if it had to be ended after `seconds`."""
    process = child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:  # closes its pipes also where it ended right after its time
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end(process)
    return Answer(process.returncode, output, errors.decode(errors="replace"))


def child(
    command: Sequence[str], *, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=_ROOT,
        # Matrix threads and pools of memory would only take address space from the limit.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill what still runs, a stopped process too, and let nothing linger."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.communicate()
