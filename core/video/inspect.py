"""The child process of `probe`: read one file within limits, print what was found as JSON.

Started as `python -m core.video.inspect PATH LIMITS [WIDTH]`; with a width it makes a thumbnail of
the middle too. It needs PyAV, NumPy and the standard
library only, and holds nothing that a crash could harm.
"""

import base64
import json
import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import UnreadableVideo
from core.video.facts import examine
from core.video.files import shown_name
from core.video.frames import thumbnail
from core.video.info import Limits, VideoInfo

try:
    import resource
except ImportError:  # Windows has no such limits; the wall time of `probe` remains
    resource = None


def main(arguments: Sequence[str]) -> int:
    """Print `{"video": ...}` or `{"error": ...}`; return the exit code."""
    path, limits = Path(arguments[0]), Limits(**json.loads(arguments[1]))
    restrain(
        RLIMIT_AS=limits.memory_bytes, RLIMIT_CPU=math.ceil(limits.seconds),
        RLIMIT_FSIZE=0, RLIMIT_CORE=0,
    )  # fmt: skip
    try:
        info = examine(path, limits)
        answer: dict[str, Any] = {"video": info.as_json()}
        if arguments[2:]:
            answer["picture"] = _picture(path, info, int(arguments[2]))
    except UnreadableVideo as error:
        answer = error.as_json()
    except OSError as problem:
        answer = UnreadableVideo(
            "A video must be a file that can be read",
            shown_name(path),
            f"{problem.strerror or problem}.",
        ).as_json()
    except MemoryError:
        answer = UnreadableVideo(
            f"Reading a video may take at most {limits.memory_bytes >> 20} MB of memory",
            shown_name(path),
            "Convert it to a smaller size.",
        ).as_json()
    sys.stdout.write(json.dumps(answer))
    return 1 if "error" in answer else 0


def _picture(path: Path, info: VideoInfo, width: int) -> str:
    """Return a JPEG of the middle in base 64, nothing where that does not decode."""
    with suppress(UnreadableVideo):
        return base64.b64encode(thumbnail(path, info.usable_us // 2, width)).decode("ascii")
    return ""


def restrain(**limits: int) -> None:
    """Bound what this process can take: memory, processor time, files written, a core dump."""
    if resource is None:
        return
    for name, limit in limits.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, highest = resource.getrlimit(kind)
        if highest != resource.RLIM_INFINITY:
            limit = min(limit, highest)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
