"""What a decoder's config asks for beyond a mask and a product: kernel, local windows, logits."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from core.attention.bands import Bands
from core.attention.kernel import KERNEL, Mask
from core.errors import InvalidFile

_ATTENTION = {"full_attention", "sliding_attention"}
_NO_ATTENTION = ("state_size", "mamba_d_state", "layers_block_type", "attention_hidden_size")
"""Settings that only decoders with recurrent layers have."""


def check_attention(config: Any, where: object) -> None:
    """Refuse decoders that cannot hide one token from another.

    Raises:
        InvalidFile: Some layers are linear attention, recurrent, convolutions or chunked.
    """
    kinds = set(getattr(config, "layer_types", None) or ()) - _ATTENTION
    if not kinds and any(getattr(config, name, None) for name in _NO_ATTENTION):
        kinds = {"recurrent"}
    if kinds:
        raise InvalidFile(
            "Every layer of a decoder must be attention that takes a mask, for readouts are hidden "
            f"by it; but '{config.model_type}' has {', '.join(sorted(kinds))} layers",
            str(where),
            next_step="Take a decoder with full or sliding attention, such as Qwen3 or Llama.",
        )


def local_window(config: Any) -> int | None:
    """Return how many positions back the decoder's local layers see, None where all see all."""
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and "sliding_attention" not in kinds:
        return None
    return getattr(config, "sliding_window", None)


def choose_kernel(decoder: Any) -> None:
    """Give a decoder the attention that takes our mask in every form, if all its layers can.

    Layers with a window of their own need the dense mask, and so does an attention that is not
    handed what the decoder is given.
    """
    config, model = decoder.config.get_text_config(), decoder.get_decoder()
    handed_over = model._supports_attention_backend and config._attn_implementation == "sdpa"
    if handed_over and local_window(config) is None:
        model.set_attn_implementation(KERNEL)


def mask_arguments(config: Any, mask: Mask, position: Tensor) -> dict[str, Any]:
    """Return the arguments by which a decoder is given a mask in any form."""
    if isinstance(mask, Bands):
        return {"attention_mask": mask.mask, "bands": mask}
    if isinstance(mask, BlockMask):
        return {"attention_mask": mask}
    return {"attention_mask": decoder_masks(config, mask, position)}


def decoder_masks(config: Any, mask: Tensor, position: Tensor) -> Tensor | dict[str, Tensor]:
    """Turn the one mask into what the decoder takes: local layers see their own window of it.

    Args:
        config: The decoder's text config.
        mask: bool [B, 1, N, past + N], True where attention is allowed.
        position: int [B, N] of the new tokens. Cached tokens stand one after another right before
            the first of them; the first cached one is `[start]`, at 0.
    """
    window = local_window(config)
    if window is None:
        return _as_taken(config, mask)
    near = mask & _within(position, mask.shape[-1] - position.shape[-1], window)
    kinds = getattr(config, "layer_types", None) or ("sliding_attention",)
    if "full_attention" not in kinds:
        return _as_taken(config, near)
    return {
        "full_attention": _as_taken(config, mask),
        "sliding_attention": _as_taken(config, near),
    }


def _within(position: Tensor, past: int, window: int) -> Tensor:
    """Say which tokens stand less than `window` behind. Shape: [B, 1, N, past + N]."""
    before = position[:, :1] - past + torch.arange(past, device=position.device)
    before[:, :1] = 0  # [start]
    keys = torch.cat([before, position], dim=1)
    return (position[:, None, :, None] - keys[:, None, None, :]) < window


def _as_taken(config: Any, mask: Tensor) -> Tensor:
    """Eager attention adds its mask to the scores; the others take True and False."""
    if config._attn_implementation != "eager":
        return mask
    return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, torch.finfo().min)


def finished_logits(config: Any, logits: Tensor) -> Tensor:
    """Do what the decoder does to its logits behind the output matrix."""
    cap = getattr(config, "final_logit_softcapping", None)  # Gemma 2
    divided = getattr(config, "logits_scaling", None)  # Granite
    times = getattr(config, "logit_scale", None)  # Cohere
    if divided:
        logits = logits / divided
    if times:
        logits = logits * times
    return torch.tanh(logits / cap) * cap if cap else logits
