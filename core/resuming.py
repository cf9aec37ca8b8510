"""Which checkpoint a training goes on from: one that is whole, complete, finite and of its step.

`transformers` itself resumes from anything: a missing optimizer is silently a fresh one.
"""

import json
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from core.checkpoints import find_checkpoint, numbered, step_of
from core.run_folder import ADAPTER_WEIGHTS, HEADS

STATE = "trainer_state.json"
_ZIPPED = ("optimizer.pt", "scheduler.pt", "rng_state.pth")


def resume_from(folder: Path) -> tuple[Path | None, list[str]]:
    """Return the newest good checkpoint, and a sentence for each newer one that was set aside."""
    return find_checkpoint(folder, fault_of)


def fault_of(checkpoint: Path) -> str:
    """Say what makes a checkpoint useless, "" where it is good."""
    try:
        step = json.loads((checkpoint / STATE).read_text())["global_step"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{STATE} cannot be read"
    if step != step_of(checkpoint):
        return f"it holds step {step}"
    for name in _ZIPPED:
        if fault := _fault_of_zip(checkpoint / name):
            return f"{name} {fault}"
    for name in (ADAPTER_WEIGHTS, HEADS):
        if fault := _fault_of_tensors(checkpoint / name):
            return f"{name} {fault}"
    return ""


def last_good(folder: Path) -> str:
    """Name the newest checkpoint for a sentence."""
    kept = [path for path in numbered(folder) if not fault_of(path)]
    if not kept:
        return "no checkpoint was kept yet"
    return f"the last good checkpoint is {kept[-1].name}, of step {step_of(kept[-1])}"


def _fault_of_zip(path: Path) -> str:
    if not path.is_file():
        return "is missing"
    try:
        with zipfile.ZipFile(path) as file:
            return "is damaged" if file.testzip() else ""
    except (OSError, zipfile.BadZipFile):
        return "is damaged"


def _fault_of_tensors(path: Path) -> str:
    if not path.is_file():
        return "is missing"
    try:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            finite = all(torch.isfinite(file.get_tensor(name)).all() for name in names)
    except (OSError, SafetensorError):
        return "is damaged"
    return "" if finite else "holds numbers that are not finite"
