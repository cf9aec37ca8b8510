"""How busy this machine is, as the page Train shows it. torch is not asked."""

import shutil
import subprocess
import threading
import time
from typing import Any

import psutil

from app.services import Studio

_FRESH_S = 1.0
"""A reading younger than this is told again, however many pages ask."""

_MEBI = 2**20
_ASKED = "index,name,utilization.gpu,memory.used,memory.total"


class Meter:
    """Reads the machine at most once a second."""

    def __init__(self, studio: Studio) -> None:
        self._root = studio.directory.root
        self._one = threading.Lock()
        self._read: dict[str, Any] = {}
        self._at = 0.0
        self._has_gpus = shutil.which("nvidia-smi") is not None
        self._idle, self._total = _cpu_seconds()

    def read(self) -> dict[str, Any]:
        """Return use of CPU, memory, GPUs and disk: shares in percent, sizes in bytes.

        `gpus` is empty where there is none; a value that a driver does not tell is None.
        """
        with self._one:
            if time.monotonic() - self._at > _FRESH_S:
                self._read, self._at = self._look(), time.monotonic()
            return self._read

    def _look(self) -> dict[str, Any]:
        memory, disk = psutil.virtual_memory(), shutil.disk_usage(self._root)
        return {
            "cpu": {"percent": self._cpu_percent(), "cores": psutil.cpu_count()},
            "memory": {"used": memory.total - memory.available, "total": memory.total},
            "gpus": self._gpus(),
            "disk": {"free": disk.free, "total": disk.total},
        }

    def _cpu_percent(self) -> float:
        """Return the share of all cores since the last look; psutil's own tells it by thread."""
        before, spent = (self._idle, self._total), _cpu_seconds()
        self._idle, self._total = spent
        idle, total = (now - then for now, then in zip(spent, before, strict=True))
        return max(0.0, 100 * (1 - idle / total)) if total > 0 else 0.0

    def _gpus(self) -> list[dict[str, Any]]:
        if not self._has_gpus:
            return []
        command = ["nvidia-smi", f"--query-gpu={_ASKED}", "--format=csv,noheader,nounits"]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        except (OSError, subprocess.SubprocessError):
            return []  # the driver may be away for a moment
        return read_gpus(told.stdout)


def _cpu_seconds() -> tuple[float, float]:
    """Return the seconds that all cores were idle so far, and all their seconds."""
    times = psutil.cpu_times()._asdict()
    guests = times.get("guest", 0.0) + times.get("guest_nice", 0.0)  # counted as user, too
    return times["idle"] + times.get("iowait", 0.0), sum(times.values()) - guests


def read_gpus(told: str) -> list[dict[str, Any]]:
    """Read what nvidia-smi tells, a line a GPU: number, name, use in %, memory in MiB."""
    found = []
    for line in told.splitlines():
        index, name, *numbers = (part.strip() for part in line.split(","))
        percent, used, total = (int(n) if n.isdigit() else None for n in numbers)
        memory = {
            "used": used and used * _MEBI,
            "total": total and total * _MEBI,
        }
        found.append({"slot": f"gpu:{index}", "name": name, "percent": percent, "memory": memory})
    return found
