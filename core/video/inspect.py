"""The child process of `probe`: read one file within limits, print what was found as JSON.

Started as `python -m core.video.inspect PATH LIMITS`. It needs PyAV, NumPy and the standard
library only, and holds nothing that a crash could harm.
"""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import UnreadableVideo
from core.video.facts import examine
from core.video.files import shown_name
from core.video.info import Limits

try:
    import resource
except ImportError:  # Windows has no such limits; the wall time of `probe` remains
    resource = None


def main(arguments: Sequence[str]) -> int:
    """Print `{"video": ...}` or `{"error": ...}`; return the exit code."""
    path, limits = Path(arguments[0]), Limits(**json.loads(arguments[1]))
    _restrain(limits)
    try:
        answer = {"video": examine(path, limits).as_json()}
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


def _restrain(limits: Limits) -> None:
    """Bound what the decoder can take: memory, processor time, files written, a core dump."""
    if resource is None:
        return
    wanted = {
        "RLIMIT_AS": limits.memory_bytes,
        "RLIMIT_CPU": math.ceil(limits.seconds),
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
    }
    for name, limit in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, highest = resource.getrlimit(kind)
        if highest != resource.RLIM_INFINITY:
            limit = min(limit, highest)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
