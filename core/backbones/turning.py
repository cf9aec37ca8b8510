"""Rotating cached keys back, for videos that are longer than a decoder's last position.

With rotary positions a key at p is R(p)·k, so that at p − n is R(−n) times it. Decoders differ in
which of a key's dimensions they pair; each way is tried on the decoder itself, and where none gives
what the decoder computes (several rotations a model, say), nothing is turned.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from core.backbones.base import Backbone

Turn = Callable[[Tensor, int], Tensor]
"""Keys [..., n, head size] and by how many positions they go back."""

_CLOSE = 1e-2  # of the largest value; single precision turns late positions inexactly
_HERE, _BACK = 100, 64


def turn_of(backbone: Backbone) -> Turn | None:
    """Return how a decoder's keys are turned, or None where it cannot be done."""
    rotary = getattr(backbone.causal.get_decoder(), "rotary_emb", None)
    if rotary is None:
        return None
    for swapped in (_halves_swapped, _pairs_swapped):
        turn = _turn(rotary, swapped)
        if _agrees(backbone, turn):
            return turn
    return None


def _turn(rotary: Any, swapped: Callable[[Tensor], Tensor]) -> Turn:
    def turn(keys: Tensor, back: int) -> Tensor:
        at = torch.tensor([[0, back]], device=keys.device)
        cos, sin = (part[0].double() for part in rotary(keys.double(), at))
        scale = cos[0]  # some decoders scale what they rotate
        cos, sin = cos[1] / scale, sin[1] / scale
        if swapped is _pairs_swapped:
            cos, sin = (x[: len(x) // 2].repeat_interleave(2) for x in (cos, sin))
        turned, rest = keys[..., : len(cos)].double(), keys[..., len(cos) :]
        turned = turned * cos - swapped(turned) * sin
        return torch.cat([turned.to(keys.dtype), rest], dim=-1)

    return turn


def _halves_swapped(keys: Tensor) -> Tensor:
    a, b = keys.chunk(2, dim=-1)
    return torch.cat([-b, a], dim=-1)


def _pairs_swapped(keys: Tensor) -> Tensor:
    a, b = keys[..., ::2], keys[..., 1::2]
    return torch.stack([-b, a], dim=-1).flatten(-2)


@torch.inference_mode()
def _agrees(backbone: Backbone, turn: Turn) -> bool:
    """Say whether turned keys are those that every layer computes further in front."""
    near, far = (_keys(backbone, at) for at in (_HERE - _BACK, _HERE))
    try:
        pairs = [(turn(b, _BACK), a) for a, b in zip(near, far, strict=True)]
        return all((b - a).abs().max() <= _CLOSE * a.abs().max() for b, a in pairs)
    except (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError):
        return False


def _keys(backbone: Backbone, at: int) -> list[Tensor]:
    """Return every layer's key of one token that stands alone at a position."""
    cache: Any = DynamicCache()
    ids = torch.full((1, 1), backbone.start, device=next(backbone.parameters()).device)
    alone = torch.ones((1, 1, 1, 1), dtype=torch.bool, device=ids.device)
    backbone.hidden(backbone.embed(ids), alone, torch.full_like(ids, at), cache)
    return [layer.keys for layer in cache.layers]
