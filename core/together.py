"""Processes that train one model together, one a GPU: what all must agree on, and who writes.

`accelerate launch` starts them. A process by itself agrees with itself.
"""

import os
from typing import TypeVar

import torch
import torch.distributed as dist

from core.errors import InvalidConfig

_T = TypeVar("_T")


def processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Say whether this process is the one that writes files."""
    return not dist.is_initialized() or dist.get_rank() == 0


def said_by_first(value: _T) -> _T:
    """Return what the first process says; all must ask at the same place."""
    if not dist.is_initialized():
        return value
    said = [value]
    dist.broadcast_object_list(said, device=_device())
    return said[0]


def mean_of_all(value: float) -> float:
    """Return the mean over the processes; all must ask at the same place."""
    if not dist.is_initialized():
        return value
    total = torch.tensor(value, dtype=torch.float64, device=_device())
    dist.all_reduce(total)
    return float(total) / dist.get_world_size()


def meet() -> None:
    """Wait until every process is here."""
    if dist.is_initialized():
        dist.barrier()


def share_of(batch: int) -> int:
    """Return how much of a batch each process computes.

    Raises:
        InvalidConfig: It cannot be cut into equal parts.
    """
    if batch % processes():
        raise InvalidConfig(
            f"A batch is cut into equal parts for {processes()} processes", f"it is {batch}",
            f"Choose a batch that {processes()} divides.",
        )  # fmt: skip
    return batch // processes()


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
