"""Who sees whom.

A frame sees the start and the frames of the last `window` frames up to itself; a readout sees the
start, the frames of the window up to its time, its ancestors and itself; nothing sees a readout
that is not its ancestor.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.sequence import Batch, Kind

PAD, START, FRAME, READOUT = (
    int(kind) for kind in (Kind.PAD, Kind.START, Kind.FRAME, Kind.READOUT)
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the rule must know of tokens. All tensors have one shape, [..., n].

    `index` is the place in the sequence, `end` one past the last descendant of a readout.
    """

    kind: Tensor
    time: Tensor
    index: Tensor
    end: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> "Tokens":
        """Do the same to every tensor."""
        return Tokens(*map(change, (self.kind, self.time, self.index, self.end)))

    def as_queries(self) -> "Tokens":
        """Give every tensor a last axis to broadcast over keys."""
        return self.each(lambda t: t.unsqueeze(-1))

    def as_keys(self) -> "Tokens":
        """Give every tensor a second-to-last axis to broadcast over queries."""
        return self.each(lambda t: t.unsqueeze(-2))


def may_attend(q: Tokens, k: Tokens, window: int | Tensor) -> Tensor:
    """Say, pair by pair, whether query `q` sees key `k`; the rule in one expression.

    A padded query sees itself only, so that no row of a softmax is empty. Nothing is written in
    place, so that FlexAttention can compile the same lines.
    """
    start = (k.kind == START) & (q.kind != PAD)
    asks = (q.kind == READOUT) | ((q.kind == FRAME) & (k.index <= q.index))
    frame = (k.kind == FRAME) & asks & (k.time <= q.time) & (k.time > q.time - window)
    below = (k.index <= q.index) & (q.index < k.end)
    ancestor = (k.kind == READOUT) & (q.kind == READOUT) & below
    alone = (q.kind == PAD) & (k.index == q.index)
    return start | frame | ancestor | alone


def tokens_of(batch: Batch) -> Tokens:
    """Return the rule's view of a batch. Shape: [B, N]."""
    index = torch.arange(batch.kind.shape[1], device=batch.kind.device).expand_as(batch.kind)
    return Tokens(batch.kind, batch.time, index, batch.end)


def dense_mask(batch: Batch) -> Tensor:
    """Return the mask of a batch for SDPA, True where attention is allowed. Shape: [B, 1, N, N]."""
    tokens = tokens_of(batch)
    return may_attend(tokens.as_queries(), tokens.as_keys(), batch.window).unsqueeze(1)
