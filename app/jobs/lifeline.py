"""Processes that end with the one that started them, however that one ends.

The parent holds a pipe to the child's standard input; when the parent is gone, the child reads the
end of it. A worker on a machine that the cluster gave up thus never goes on beside its successor.
"""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import BinaryIO

_VARIABLE = "GAD_LIFELINE"


def start_bound(
    command: Sequence[str], environment: Mapping[str, str], output: BinaryIO
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that ends with this one, if it calls `hold`."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**environment, _VARIABLE: "1"},
    )


def hold() -> None:
    """End this process at once when the one that holds its lifeline has ended."""
    if os.environ.pop(_VARIABLE, None):
        threading.Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)
