"""The frames of a window as keys and values: readouts are asked against them and dropped.

Frames enter block by block; each block may carry one root token a frame (`[CLS]` or `[TEXT]`),
answered in the same masked pass. Afterwards the roots' keys are dropped, and the frames that no
later frame can see. A block of one frame is streaming; a block of a whole video is the dense pass;
both give the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from core.attention import Tokens, may_attend
from core.classifiers.base import Classifier
from core.sequence import Kind


@dataclass(frozen=True, slots=True)
class Moments:
    """Several frames' views of the past, one a batch row, ready for forests to be asked.

    `layers` holds keys and values [rows, heads, S, head size] of every layer; `visible` [rows, S]
    says what exists; `time` [rows] is the frame asked after; `depth` readouts were asked already.
    """

    layers: list[tuple[Tensor, Tensor]]
    visible: Tensor
    time: Tensor
    tokens_per_frame: int
    depth: int = 0

    def __len__(self) -> int:
        return len(self.time)

    def cache(self) -> DynamicCache:
        """Return a fresh cache that a decoder may grow."""
        cache = DynamicCache()
        for i, (keys, values) in enumerate(self.layers):
            cache.update(keys, values, i)
        return cache

    def rows(self, index: Sequence[int] | slice) -> "Moments":
        """Return some of the rows."""
        layers = [(keys[index], values[index]) for keys, values in self.layers]
        return replace(self, layers=layers, visible=self.visible[index], time=self.time[index])

    def position(self, depth: Tensor) -> Tensor:
        """Return the positions of readouts of some depths. [n] or [rows, n] -> [rows, n]."""
        return 1 + (self.time.unsqueeze(1) + 1) * self.tokens_per_frame + self.depth + depth

    def after(self, classifier: Classifier, tokens: Sequence[int]) -> "Moments":
        """Return the same moments with a chain of tokens asked at each and kept."""
        if not tokens:
            return self
        count, device = len(tokens), self.time.device
        cache: Any = self.cache()
        ids = torch.tensor([list(tokens)], device=device)
        causal = torch.ones((count, count), dtype=torch.bool, device=device).tril()
        shape = (len(self), count, -1)
        mask = torch.cat([self.visible.unsqueeze(1).expand(shape), causal.expand(shape)], dim=2)
        embeds = classifier.embed_tokens(ids).expand(len(self), -1, -1)
        position = self.position(torch.arange(count, device=device))
        classifier.backbone.hidden(embeds, mask.unsqueeze(1), position, cache)
        layers = [(layer.keys, layer.values) for layer in cache.layers]
        visible = torch.cat([self.visible, torch.ones_like(mask[:, 0, :count])], dim=1)
        return replace(self, layers=layers, visible=visible, depth=self.depth + count)


class FrameCache:
    """Keys and values of the start and of the frames that the next frame can still see."""

    def __init__(self, classifier: Classifier, window: int, tokens_per_frame: int) -> None:
        self.classifier, self.window, self.k = classifier, window, tokens_per_frame
        self.device = classifier.tokens.weight.device
        self.cache: Any = DynamicCache()
        self.frames = 0
        self._kept = 0  # frames in the cache
        start = torch.full((1, 1), classifier.backbone.start, device=self.device)
        alone = torch.ones((1, 1, 1, 1), dtype=torch.bool, device=self.device)
        embeds = classifier.backbone.embed(start)
        classifier.backbone.hidden(embeds, alone, torch.zeros_like(start), self.cache)

    def push(
        self,
        features: Tensor,
        roots: int | Sequence[int] | None,
        asked: Sequence[int] | None = None,
    ) -> Tensor:
        """Let frames enter. Frames that nothing later sees are dropped by `forget`.

        Args:
            features: [T, k, d], the next T frames.
            roots: The readouts asked in the same pass, one a question or the same for all; None
                reads the frame's last token.
            asked: After which of these frames, ascending; all of them by default.

        Returns:
            The hidden states at the roots. Shape: [asked, H].
        """
        count, k = len(features), self.k
        first = self.frames
        after = torch.tensor(range(count) if asked is None else list(asked), dtype=torch.long)
        after = after.to(self.device)
        at = after if roots is not None else after[:0]
        tokens = self._block(count, at)
        past = self._past()
        both = Tokens(
            *(torch.cat([a, b]) for a, b in zip(_parts(past), _parts(tokens), strict=True))
        )
        mask = may_attend(tokens.as_queries(), both.as_keys(), self.window)[None, None]
        embeds = self.classifier.embed_frames(features.unsqueeze(0).to(self.device))
        position = 1 + first * k + torch.arange(count * k, device=self.device)
        if roots is not None:
            tokens_asked = torch.as_tensor(roots, dtype=torch.long, device=self.device)
            tokens_asked = tokens_asked.expand(1, len(at))
            embeds = torch.cat([embeds, self.classifier.embed_tokens(tokens_asked)], dim=1)
            position = torch.cat([position, 1 + (first + at + 1) * k])
        hidden = self.classifier.backbone.hidden(embeds, mask, position.unsqueeze(0), self.cache)
        self.frames += count
        self._kept += count
        self._keep(torch.arange(1 + self._kept * k, device=self.device))
        return hidden[0, count * k :] if roots is not None else hidden[0, (after + 1) * k - 1]

    def forget(self) -> None:
        """Drop the frames that no later frame can see."""
        surplus = self._kept - (self.window - 1)
        if surplus > 0:
            frames = torch.arange(1 + surplus * self.k, 1 + self._kept * self.k, device=self.device)
            self._keep(torch.cat([frames.new_zeros(1), frames]))
            self._kept -= surplus

    def moments(self, count: int) -> Moments:
        """Return the last `count` frames' views; call it before `forget`."""
        k, span = self.k, min(self.window, self._kept) * self.k
        time = torch.arange(self.frames - count, self.frames, device=self.device)
        place = self._kept - count + torch.arange(count, device=self.device)  # in the cache
        columns = (place.unsqueeze(1) + 1) * k - span + torch.arange(span, device=self.device)
        start = torch.zeros((count, 1), dtype=torch.long, device=self.device)
        index = torch.cat([start, 1 + columns.clamp(min=0)], dim=1)
        visible = torch.cat([torch.ones_like(start, dtype=torch.bool), columns >= 0], dim=1)
        layers = [
            (layer.keys[0][:, index].transpose(0, 1), layer.values[0][:, index].transpose(0, 1))
            for layer in self.cache.layers
        ]
        return Moments(layers, visible, time, k)

    def blank(self) -> Moments:
        """Return one view that holds the start alone: what is said without any frame."""
        layers = [(layer.keys[:, :, :1], layer.values[:, :, :1]) for layer in self.cache.layers]
        visible = torch.ones((1, 1), dtype=torch.bool, device=self.device)
        return Moments(layers, visible, torch.full((1,), -1, device=self.device), self.k)

    def _past(self) -> Tokens:
        frames = torch.arange(self.frames - self._kept, self.frames, device=self.device)
        return _tokens(Kind.FRAME, frames.repeat_interleave(self.k), 1, start=True)

    def _block(self, count: int, asked: Tensor) -> Tokens:
        frames = torch.arange(self.frames, self.frames + count, device=self.device)
        base = 1 + self._kept * self.k
        inside = _tokens(Kind.FRAME, frames.repeat_interleave(self.k), base)
        roots = _tokens(Kind.READOUT, frames[asked], base + count * self.k)
        return Tokens(
            *(torch.cat([a, b]) for a, b in zip(_parts(inside), _parts(roots), strict=True))
        )

    def _keep(self, index: Tensor) -> None:
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[:, :, index], layer.values[:, :, index]


def _parts(tokens: Tokens) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return tokens.kind, tokens.time, tokens.index, tokens.end


def _tokens(kind: Kind, time: Tensor, base: int, *, start: bool = False) -> Tokens:
    """Return tokens of one kind at consecutive places; each readout is a tree of its own."""
    kinds = torch.full_like(time, int(kind))
    index = base + torch.arange(len(time), device=time.device)
    if start:
        zero = time.new_zeros(1)
        kinds, time = torch.cat([zero + int(Kind.START), kinds]), torch.cat([zero, time])
        index = torch.cat([zero, index])
    return Tokens(kinds, time, index, index + 1)
