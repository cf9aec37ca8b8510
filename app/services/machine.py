"""What this machine has for training: its GPUs, else its memory. torch is not asked."""

import os
import subprocess
from collections.abc import Mapping

import psutil

from core.errors import InvalidConfig


def gpu_memory_gb() -> list[float]:
    """Return the memory of every NVIDIA GPU, in GB; 0 for one that shares the machine's."""
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    mebibytes = [line.strip() for line in listed.stdout.splitlines()]
    return [float(size) * 2**20 / 1e9 if size.isdigit() else 0.0 for size in mebibytes]


def training_memory_gb() -> tuple[float, str]:
    """Return the memory that training uses and its name: the largest GPU's, else the machine's."""
    if largest := max(gpu_memory_gb(), default=0.0):
        return largest, "graphics memory"
    return psutil.virtual_memory().total / 1e9, "memory"


def compute_slots(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the slots that training may use: places in a cluster, else GPUs, else the CPU.

    `GAD_RAY_ADDRESS` names a cluster, which runs `GAD_RAY_JOBS` jobs at a time. Without one, a job
    gets one GPU, or as many as `GAD_GPUS_PER_JOB` says; no GPU is in two slots.

    Raises:
        InvalidConfig: One of the two is no positive number.
    """
    if environment.get("GAD_RAY_ADDRESS"):
        return [f"ray:{i}" for i in range(_count(environment, "GAD_RAY_JOBS"))]
    size = _count(environment, "GAD_GPUS_PER_JOB")
    gpus = [str(i) for i in range(len(gpu_memory_gb()))]
    slots = [gpus[first : first + size] for first in range(0, len(gpus), size)]
    return [f"gpu:{','.join(slot)}" for slot in slots] or ["cpu"]


def _count(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name) or "1"
    if not value.isdigit() or int(value) < 1:
        raise InvalidConfig(f"{name} must be a positive number", f"it is '{value}'")
    return int(value)
