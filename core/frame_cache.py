"""The frames of a window as keys and values: readouts are asked against them and dropped.

Frames enter block by block; each block may carry one root token a frame (`[CLS]` or `[TEXT]`),
answered in the same masked pass. Afterwards the roots' keys are dropped, and the frames that no
later frame can see. A block of a whole video is the dense pass, a block of one frame is streaming
(which `core/streaming.py` does faster); all give the same numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from core.attention import Tokens, may_attend
from core.backbones.turning import turn_of
from core.classifiers.base import Classifier
from core.positions import Positions
from core.sequence import Kind


@dataclass(frozen=True, slots=True)
class Moments:
    """Several frames' views of the past, one a batch row, ready for forests to be asked.

    `layers` holds keys and values [rows, heads, S, head size] of every layer; `visible` [rows, S]
    says what exists; `time` [rows] is the frame asked after; `behind` how much smaller positions
    are than that says; `depth` readouts were asked already.
    """

    layers: list[tuple[Tensor, Tensor]]
    visible: Tensor
    time: Tensor
    tokens_per_frame: int
    depth: int = 0
    behind: int | Tensor = 0

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
        behind = self.behind if isinstance(self.behind, int) else self.behind[index]
        return replace(
            self, layers=layers, visible=self.visible[index], time=self.time[index], behind=behind
        )

    def position(self, depth: Tensor) -> Tensor:
        """Return the positions of readouts of some depths. [n] or [rows, n] -> [rows, n]."""
        first = 1 + (self.time + 1) * self.tokens_per_frame - self.behind
        return first.unsqueeze(1) + self.depth + depth

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
    """Keys and values of the start and of the frames that the next frame can still see.

    Args:
        classifier: Reads the frames.
        window: Frames that a frame or readout sees, itself included.
        tokens_per_frame: k.
    """

    def __init__(self, classifier: Classifier, window: int, tokens_per_frame: int) -> None:
        self.classifier, self.window, self.k = classifier, window, tokens_per_frame
        self.device = classifier.tokens.weight.device
        self.cache: Any = DynamicCache()
        self.frames = 0
        limit = classifier.backbone.card.max_position
        self.positions = Positions.of(tokens_per_frame, limit, window)
        self._kept = 0  # frames in the cache
        self._started = 0  # whether [start] is in the cache

    def blocks(self, count: int, size: int) -> Iterator[tuple[int, int]]:
        """Cut the next `count` frames into blocks of at most `size`, for `push`."""
        return self.positions.blocks(self.frames, count, size)

    def push(
        self,
        features: Tensor,
        roots: int | Sequence[int] | None,
        asked: Sequence[int] | None = None,
    ) -> Tensor:
        """Let frames enter. Frames that nothing later sees are dropped by `forget`.

        Args:
            features: [T, k, d], the next T frames: all of them, or a block of `blocks`.
            roots: The readouts asked in the same pass, one a question or the same for all; None
                reads the frame's last token.
            asked: After which of these frames, ascending; all of them by default.

        Returns:
            The hidden states at the roots. Shape: [asked, H].
        """
        if self.positions.turns_at(self.frames):
            self._turn_back()
        count, k, start = len(features), self.k, 1 - self._started
        first = self.frames - self.positions.behind(self.frames) // k
        after = torch.tensor(range(count) if asked is None else list(asked), dtype=torch.long)
        after = after.to(self.device)
        at = after if roots is not None else after[:0]
        keys = self._tokens(count, at)
        queries = keys.each(lambda t: t[self._past :])
        mask = may_attend(queries.as_queries(), keys.as_keys(), self.window)[None, None]
        embeds = [self.classifier.embed_frames(features.unsqueeze(0).to(self.device))]
        position = [1 + first * k + torch.arange(count * k, device=self.device)]
        if start:
            ids = torch.full((1, 1), self.classifier.backbone.start, device=self.device)
            embeds, position = (
                [self.classifier.backbone.embed(ids), *embeds],
                [ids[0] * 0, *position],
            )
        if roots is not None:
            tokens_asked = torch.as_tensor(roots, dtype=torch.long, device=self.device)
            embeds.append(self.classifier.embed_tokens(tokens_asked.expand(1, len(at))))
            position.append(1 + (first + at + 1) * k)
        hidden = self.classifier.backbone.hidden(
            torch.cat(embeds, dim=1), mask, torch.cat(position).unsqueeze(0), self.cache
        )[0, start:]
        self._started = 1
        self.frames += count
        self._kept += count
        if len(at):
            self._keep_first(1 + self._kept * k)
        return hidden[count * k :] if roots is not None else hidden[(after + 1) * k - 1]

    def forget(self) -> None:
        """Drop the frames that no later frame can see."""
        surplus = self._kept - (self.window - 1)
        if surplus > 0:
            for layer in self.cache.layers:
                layer.keys, layer.values = (
                    torch.cat([x[:, :, :1], x[:, :, 1 + surplus * self.k :]], dim=2)
                    for x in (layer.keys, layer.values)
                )
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
        behind = self.positions.behind(self.frames - 1) if count else 0
        return Moments(layers, visible, time, k, behind=behind)

    def blank(self) -> Moments:
        """Return one view that holds the start alone: what is said without any frame."""
        if not self._started:
            width = self.classifier.backbone.card.feature_width
            self.push(torch.zeros((0, self.k, width), device=self.device), None)
        layers = [(layer.keys[:, :, :1], layer.values[:, :, :1]) for layer in self.cache.layers]
        visible = torch.ones((1, 1), dtype=torch.bool, device=self.device)
        return Moments(layers, visible, torch.full((1,), -1, device=self.device), self.k)

    @property
    def _past(self) -> int:
        return self._started * (1 + self._kept * self.k)

    def _tokens(self, count: int, asked: Tensor) -> Tokens:
        """Return everything that is seen: the start, kept and new frames, the readouts."""
        first, last = self.frames - self._kept, self.frames + count
        frames = torch.arange(first, last, device=self.device)
        time = torch.cat([frames[:0].new_zeros(1), frames.repeat_interleave(self.k)])
        kind = torch.full_like(time, int(Kind.FRAME))
        kind[0] = int(Kind.START)
        asked = asked + self.frames
        time = torch.cat([time, asked])
        kind = torch.cat([kind, torch.full_like(asked, int(Kind.READOUT))])
        index = torch.arange(len(time), device=self.device)
        return Tokens(kind, time, index, index + 1)

    def _turn_back(self) -> None:
        turn = turn_of(self.classifier.backbone)
        if turn is None:
            self.positions = Positions(self.k)  # they only grow
            return
        for layer in self.cache.layers:
            turned = turn(layer.keys[:, :, 1:], self.positions.step * self.k)
            layer.keys = torch.cat([layer.keys[:, :, :1], turned], dim=2)

    def _keep_first(self, count: int) -> None:
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[:, :, :count], layer.values[:, :, :count]
