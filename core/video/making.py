"""The child process of `watched.make`: make one file from a video within limits.

Started as `python -m core.video.making TASK SOURCE TARGET OPTIONS`. It prints progress as lines of
JSON, and an error as its last one; it holds nothing that a crash could harm.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UnreadableVideo
from core.types import Progress, Report
from core.video.cuts import shot_cuts
from core.video.inspect import restrain
from core.video.proxy import make_proxy
from core.video.strip import Grid, filmstrip

_MEMORY_BYTES = 8 << 30  # of addresses: every thread of the encoder takes some


def _proxy(source: Path, target: Path, report: Report) -> None:
    make_proxy(source, target, report=report)


def _strip(
    source: Path, target: Path, report: Report, *, duration_us: int, grid: dict[str, int]
) -> None:
    target.write_bytes(filmstrip(source, duration_us, Grid(**grid), report=report))


def _cuts(source: Path, target: Path, report: Report, *, duration_us: int) -> None:
    found = shot_cuts(source, duration_us, report=report)
    with target.open("wb") as file:
        np.save(file, found, allow_pickle=False)


TASKS: dict[str, Callable[..., None]] = {"proxy": _proxy, "strip": _strip, "cuts": _cuts}


def main(arguments: Sequence[str]) -> int:
    """Make the file; return the exit code."""
    task, source, target, options = arguments
    restrain(RLIMIT_AS=_MEMORY_BYTES, RLIMIT_CORE=0)
    try:
        TASKS[task](Path(source), Path(target), _print, **json.loads(options))
    except UnreadableVideo as error:
        _say(error.as_json())
        return 1
    return 0


def _print(progress: Progress) -> None:
    _say({"done": progress.done, "total": progress.total, "message": progress.message})


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
