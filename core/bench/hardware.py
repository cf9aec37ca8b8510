"""The machine: its name, and the rates that bound what a program can do on it."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

_SIZE = 1536  # of the matrices
_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Roofline:
    """What was measured: FLOP/s of matrix products by type, and bytes/s read and written."""

    flops: dict[str, float]
    bandwidth: float


def describe() -> dict[str, Any]:
    """Return what a figure must be read beside."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")


def roofline(device: str = "cpu") -> Roofline:
    """Measure the machine: a product of square matrices in each type, and a copy."""
    flops = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(_SIZE, _SIZE, device=device).to(dtype) for _ in range(2))
        flops[str(dtype).removeprefix("torch.")] = 2 * _SIZE**3 / _seconds(lambda: a @ b, device)  # noqa: B023
    source = torch.zeros(_BYTES // 4, device=device)
    target = torch.empty_like(source)
    return Roofline(flops, 2 * _BYTES / _seconds(lambda: target.copy_(source), device))


def _seconds(call: Callable[[], object], device: str) -> float:
    times = []
    for _ in range(7):
        started = time.perf_counter()
        call()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return median(times[2:])
