"""What a training gives up when memory is short, in a fixed order, and how short memory is noticed.

First fewer sequences are computed at once, whose gradients are added up: the step stays what it
was. Then activations are computed again instead of kept: the same too, only slower. The last resort
changes what is learned, and is said: a shorter window, and stretches shorter by as much.
"""

from dataclasses import dataclass, replace

import torch
from accelerate.utils.memory import should_reduce_batch_size

_SHORTEST = 8  # frames of a window
_SAID = ("out of memory", "ALLOC_FAILED")  # by CUDA's libraries, which have no class for it


@dataclass(frozen=True, slots=True)
class Plan:
    """How a step is computed: `accumulation` parts of `batch` sequences at most.

    `window` is in frames, None where a task has none.
    """

    batch: int
    accumulation: int = 1
    window: int | None = None
    checkpointing: bool = False


def step_down(plan: Plan, *, size: int, can_checkpoint: bool) -> tuple[Plan, str] | None:
    """Return the next cheaper plan and a sentence about it, None at the end of the ladder.

    Args:
        plan: What did not fit.
        size: Sequences of a whole step.
        can_checkpoint: Whether the decoder can compute its activations again.
    """
    if plan.batch > 1:
        batch = -(-plan.batch // 2)
        parts = -(-size // batch)
        return (
            replace(plan, batch=batch, accumulation=parts),
            f"{batch} at a time instead of {plan.batch}, in {parts} parts: the steps stay the same",
        )
    if not plan.checkpointing and can_checkpoint:
        text = "activations are computed again instead of kept: the same steps, about 40 % slower"
        return replace(plan, checkpointing=True), text
    if plan.window is not None and plan.window // 2 >= _SHORTEST:
        window = plan.window // 2
        text = (
            f"the window is {window} frames instead of {plan.window}, and so are stretches "
            "shorter: from here on the model learns to look less far back"
        )
        return replace(plan, window=window), text
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory was short, on a GPU or on the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return should_reduce_batch_size(error) or any(text in str(error) for text in _SAID)
