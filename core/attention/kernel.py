"""The attention function of our decoders: it takes the mask dense, in bands or in blocks.

It is registered with transformers by name, so it serves every family whose attention layers hand
over what they are given.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.flex_attention import flex_attention_forward
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from core.attention.bands import Bands, attend_in_bands, band_width, cut_into_bands
from core.attention.blocks import block_mask, takes_blocks
from core.attention.rule import dense_mask
from core.sequence import Batch

KERNEL = "readout"
"""The name of `attend` in a decoder's config; without a mask of ours it is `sdpa`."""

_FEW = 8  # queries; with more of them repeating the keys costs little beside the products

Mask = Tensor | Bands | BlockMask


def mask_for(batch: Batch, decoder: Any) -> Mask:
    """Return the mask of a batch in the form that is fastest for a decoder."""
    if decoder.config.get_text_config()._attn_implementation != KERNEL:
        return dense_mask(batch)
    if batch.kind.is_cuda and takes_blocks(decoder):
        return block_mask(batch)
    width = band_width(batch)
    return cut_into_bands(batch, width) if width else dense_mask(batch)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | BlockMask | None,
    *,
    bands: Bands | None = None,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as transformers asks for it. [B, heads, N, size] -> [B, N, heads, size]."""
    if bands is not None:
        return attend_in_bands(module, (query, key, value), bands, **options), None
    if isinstance(attention_mask, BlockMask):
        # Rotary positions leave float32 under autocast; FlexAttention wants one type.
        query, key = query.to(value.dtype), key.to(value.dtype)
        return flex_attention_forward(module, query, key, value, attention_mask, **options)
    if attention_mask is not None and _few_share_keys(query, key, attention_mask):
        return _attend_in_groups(query, key, value, attention_mask, **options), None
    return sdpa_attention_forward(module, query, key, value, attention_mask, **options)


def _few_share_keys(query: Tensor, key: Tensor, mask: Tensor) -> bool:
    return query.shape[1] > key.shape[1] and query.shape[2] <= _FEW and mask.shape[1] == 1


def _attend_in_groups(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> Tensor:
    """Let the heads that share keys be further queries, instead of repeating the keys for them."""
    rows, heads, count, size = query.shape
    groups = heads // key.shape[1]
    out = F.scaled_dot_product_attention(
        query.reshape(rows, key.shape[1], groups * count, size),
        key,
        value,
        attn_mask=mask.repeat(1, 1, groups, 1),
        dropout_p=dropout,
        scale=scaling,
    )
    return out.reshape(rows, heads, count, size).transpose(1, 2).contiguous()


AttentionInterface.register(KERNEL, attend)
AttentionMaskInterface.register(KERNEL, sdpa_mask)
