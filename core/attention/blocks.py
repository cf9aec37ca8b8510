"""The mask as FlexAttention's block mask: on a GPU, blocks that nobody sees are left out."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

from core.attention.rule import Tokens, may_attend, tokens_of
from core.sequence import Batch

BLOCK = 128
"""Tokens of a block; sequences are padded to whole ones, so that few shapes are compiled."""


def mask_function(batch: Batch) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Return the rule as FlexAttention asks it: (row, head, query, key) -> bool."""
    tokens = tokens_of(batch)
    kind, time, end = tokens.kind, tokens.time, tokens.end
    # A tensor, because numbers are compiled into the kernel.
    window = torch.full((len(kind),), batch.window, dtype=time.dtype, device=time.device)

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        q = Tokens(kind[row, query], time[row, query], query, end[row, query])
        k = Tokens(kind[row, key], time[row, key], key, end[row, key])
        return may_attend(q, k, window[row])

    return sees


def block_mask(batch: Batch) -> BlockMask:
    """Return the mask of a batch for FlexAttention. Shape: [B, 1, N, N]."""
    rows, count = batch.kind.shape
    return create_block_mask(
        mask_function(batch), rows, None, count, count, device=str(batch.kind.device)
    )


def takes_blocks(decoder: Any) -> bool:
    """Say whether a decoder on a GPU can be computed with FlexAttention."""
    config = decoder.config.get_text_config()
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    dropped = getattr(config, "attention_dropout", 0.0)
    return decoder._supports_flex_attn and size >= 16 and not dropped and _compiles()


@cache
def _compiles() -> bool:
    return find_spec("triton") is not None and torch.cuda.get_device_capability() >= (8, 0)
