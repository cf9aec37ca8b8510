"""What this machine has for training: its GPUs, else its memory. torch is not asked."""

import subprocess

import psutil


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


def compute_slots() -> list[str]:
    """Return the slots that training may use: every GPU, else the CPU."""
    return [f"gpu:{i}" for i in range(len(gpu_memory_gb()))] or ["cpu"]
