"""How much memory training takes, and how much there is: the GPU's, else the host's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import torch
from torch import nn


@dataclass(slots=True)
class Memory:
    """Bytes. `used` is the most that was taken, `free` what was left then; `of` is cpu or gpu:N."""

    used: int
    free: int
    total: int
    of: str


@contextmanager
def watched(model: nn.Module) -> Iterator[Memory]:
    """Measure what is taken while a model works inside; the figures are there afterwards."""
    if next(model.parameters()).is_cuda:
        torch.cuda.reset_peak_memory_stats()
        memory = Memory(0, 0, 0, f"gpu:{_gpu()}")
        yield memory
        memory.used = torch.cuda.max_memory_allocated()
        memory.free, memory.total = torch.cuda.mem_get_info()
        return
    memory = Memory(0, psutil.virtual_memory().available, psutil.virtual_memory().total, "cpu")

    def look(*_: object) -> None:
        # Behind a forward pass, where all activations are kept, a step takes most.
        memory.used = max(memory.used, psutil.Process().memory_info().rss)
        memory.free = min(memory.free, psutil.virtual_memory().available)

    hook = model.register_forward_hook(look)
    try:
        yield memory
        look()
    finally:
        hook.remove()


def _gpu() -> str:
    """Return the machine's number of the current GPU."""
    number = torch.cuda.current_device()
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return visible[number] if number < len(visible) else str(number)
