"""The mask cut into bands along time, so that attention costs frames times window.

A band of frames [a, b) holds as queries its frames and the readouts asked after them, and as keys
the start, the frames from a - window + 1 to b, and the same readouts: all that any of its queries
sees, for all tokens of a tree have one time. A dense mask of a chunk has the whole chunk as keys.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from core.attention.rule import READOUT, Tokens, may_attend, tokens_of
from core.sequence import Batch

_NARROWEST = 16  # frames; narrower bands repeat more of the window than they leave out
_SPARED = 300  # keys: if a query is spared fewer, looking rows up costs more than that saves


@dataclass(frozen=True, slots=True)
class Bands:
    """Which tokens of a batch [B, N] stand in which band; M bands of Q queries and K keys a row.

    Attributes:
        query: Places in the flattened batch [B·N] of every band's queries. Shape: [B·M, Q].
        key: The same of its keys. Shape: [B·M, K].
        mask: bool, True where attention is allowed. Shape: [B·M, 1, Q, K].
        back: Where each token of the batch stands among all queries [B·M·Q]. Shape: [B, N].
    """

    query: Tensor
    key: Tensor
    mask: Tensor
    back: Tensor


def band_width(batch: Batch) -> int | None:
    """Return how many frames a band should have, None where bands save nothing."""
    frames, k = batch.features.shape[1:3]
    width = max(_NARROWEST, batch.window // 4)
    asked = batch.token.shape[1] * width // max(1, frames)
    keys = 1 + (batch.window - 1 + width) * k + asked
    return width if batch.kind.shape[1] - keys > _SPARED else None


def cut_into_bands(batch: Batch, width: int) -> Bands:
    """Cut the mask of a batch into bands of `width` frames.

    The start stands in front of the queries and of the keys of every band. A band that is short of
    queries has it again in the free places; one that is short of keys hides them.
    """
    frames, k = batch.features.shape[1:3]
    rows, count = batch.kind.shape
    number, device = -(-frames // width), batch.kind.device
    before = min(batch.window - 1, frames) * k
    token = torch.arange(-before, width * k, device=device)  # counted from a band's first
    token = token + torch.arange(number, device=device).unsqueeze(1) * width * k
    inside = ((token >= 0) & (token < frames * k)).expand(rows, -1, -1)
    place = (1 + token.clamp(0, frames * k - 1)).expand(rows, -1, -1)
    asked, exists = _readouts_of(batch, width, number)
    start = place.new_zeros((rows, number, 1))
    key = torch.cat([start, place, asked], dim=2)
    hidden = ~torch.cat([start == 0, inside, exists], dim=2)
    own = [0, *range(1 + before, key.shape[2])]  # of the keys, those that also ask
    query = key.masked_fill(hidden, 0)[..., own]
    tokens = tokens_of(batch)
    seen = may_attend(_at(tokens, query).as_queries(), _at(tokens, key).as_keys(), batch.window)
    seen &= ~hidden.unsqueeze(2)
    row = torch.arange(rows, device=device)
    slots = torch.arange(number * query.shape[2], device=device).expand(rows, -1)
    home = torch.zeros((rows, count), dtype=torch.long, device=device)
    home = home.scatter(1, query.flatten(1), slots)  # padding is left at the first start
    return Bands(
        query=(query + row.view(-1, 1, 1) * count).flatten(0, 1),
        key=(key + row.view(-1, 1, 1) * count).flatten(0, 1),
        mask=seen.flatten(0, 1).unsqueeze(1),
        back=home + row.unsqueeze(1) * slots.shape[1],
    )


def _readouts_of(batch: Batch, width: int, number: int) -> tuple[Tensor, Tensor]:
    """Return the places of every band's readouts, and which of them exist. Shapes: [B, M, most]."""
    head, asked = batch.head, batch.token.shape[1]
    after = batch.time[:, head:] - batch.time[:, 1:2]  # the first frame
    band = after.div(width, rounding_mode="floor").clamp(0, number - 1)
    band = band.masked_fill(batch.kind[:, head:] != READOUT, number)
    order = band.argsort(dim=1, stable=True)
    size = F.one_hot(band, number + 1).sum(1)[:, :number]
    slot = torch.arange(int(size.max()) if asked else 0, device=band.device)
    place = (size.cumsum(1) - size).unsqueeze(2) + slot
    place = order.gather(1, place.clamp(max=max(0, asked - 1)).flatten(1)).view_as(place)
    return head + place, slot < size.unsqueeze(2)


def _at(tokens: Tokens, place: Tensor) -> Tokens:
    """Return the tokens at some places of each row. [B, M, n]."""
    flat = place.flatten(1)
    return tokens.each(lambda part: part.gather(1, flat).view_as(place))


def attend_in_bands(
    module: nn.Module, states: tuple[Tensor, Tensor, Tensor], bands: Bands, **options: Any
) -> Tensor:
    """Answer every token within its band.

    Args:
        module: The decoder's attention layer.
        states: Queries, keys and values. [B, heads, N, size]
        bands: Who stands where.
        options: What transformers' SDPA takes besides.

    Returns:
        The answers. Shape: [B, N, heads, size].
    """
    query, key, value = states
    parts = _gathered(query, bands.query), _gathered(key, bands.key), _gathered(value, bands.key)
    out, _ = sdpa_attention_forward(module, *parts, bands.mask, **options)  # [B·M, Q, heads, size]
    heads, size = out.shape[2:]
    return F.embedding(bands.back, out.flatten(2).flatten(0, 1)).unflatten(2, (heads, size))


def _gathered(states: Tensor, place: Tensor) -> Tensor:
    """Return the states at some places. [B, heads, N, size] -> [B·M, heads, n, size].

    A look-up in a table, because its gradient is much faster than that of indexing.
    """
    rows = states.transpose(1, 2).flatten(2).flatten(0, 1)
    return F.embedding(place, rows).unflatten(2, (states.shape[1], states.shape[3])).transpose(1, 2)
