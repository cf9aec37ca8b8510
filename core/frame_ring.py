"""Streams: frames enter one by one, each into the place of the frame that left the window.

Keys and values lie in buffers that are allocated once, for every stream:
`[start] [window · k frame tokens] [readouts]`. A step writes the new frame over the oldest one and
the readouts over those of the last step, so nothing grows, nothing moves, and every step costs the
same. The rule of attention is that of `core/attention/rule.py`; answers are those of the dense
pass.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

from core.attention import Tokens, may_attend
from core.backbones.turning import turn_of
from core.classifiers.base import ReadoutModel
from core.cuda_graphs import CapturedStep
from core.frame_cache import Moments
from core.positions import Positions
from core.sequence import Kind

_NEVER = -(1 << 40)  # time of a place that holds no frame
_BEHIND = 1 << 40  # index of the readouts: behind every frame


class _RingLayer(CacheLayerMixin):
    """One layer's buffers, written where the ring says that the tokens of a step go."""

    keys: Any
    values: Any

    def __init__(self, ring: "FrameRing") -> None:
        super().__init__()
        self.ring = ring

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        rows, heads, _, width = key_states.shape
        self.keys = key_states.new_zeros(rows, heads, self.ring.size, width)
        self.values = value_states.new_zeros(rows, heads, self.ring.size, value_states.shape[-1])
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys.index_copy_(2, self.ring.places, key_states)
        self.values.index_copy_(2, self.ring.places, value_states)
        return self.keys, self.values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.ring.size, 0

    def get_seq_length(self) -> int:
        return self.ring.size

    def get_max_length(self) -> int:
        return self.ring.size


class FrameRing:
    """The windows of several streams that run in step.

    Args:
        model: Reads the frames.
        window: Frames that a frame or readout sees, itself included.
        tokens_per_frame: k.
        streams: Number of streams, B.
        readouts: Number of readouts asked after every frame, R.
    """

    def __init__(
        self,
        model: ReadoutModel,
        window: int,
        tokens_per_frame: int,
        *,
        streams: int = 1,
        readouts: int = 1,
    ) -> None:
        self.model, self.window, self.k = model, window, tokens_per_frame
        self.streams, self.device = streams, model.tokens.weight.device
        limit = model.backbone.card.max_position
        self.positions = Positions.of(tokens_per_frame, limit, window)
        self.clock = [0] * streams  # frames that each stream has seen
        self._step, self._frames_end = 0, 1 + window * tokens_per_frame
        self.size = self._frames_end + readouts
        self.places = torch.zeros(1, dtype=torch.long, device=self.device)
        layers = model.backbone.text_config.num_hidden_layers
        self._layers = [_RingLayer(self) for _ in range(layers)]
        self._cache = Cache(layers=[*self._layers])
        self._keys = self._empty()
        self._start()
        on_gpu = self.device.type == "cuda"
        self._run = CapturedStep(self._hidden) if on_gpu else self._hidden

    def reset(self, stream: int) -> None:
        """Let a stream begin anew; the others go on."""
        self.clock[stream] = 0
        self._keys.time[stream, 1 : self._frames_end] = _NEVER

    def push(self, features: Tensor, asked: Tensor) -> Tensor:
        """Let the next frame of every stream enter, and ask readouts right after it.

        Args:
            features: [B, k, d].
            asked: Embeddings of the readouts, the same for all streams. [R, H]

        Returns:
            The hidden states at the frame's last token and at the readouts. Shape: [B, 1 + R, H].
        """
        k, end = self.k, self._frames_end
        self._turn_back()
        slot = 1 + self._step % self.window * k
        self.places.copy_(torch.tensor([*range(slot, slot + k), *range(end, self.size)]))
        clock = torch.tensor(self.clock, device=self.device).unsqueeze(1)
        behind = [self.positions.behind(frame) for frame in self.clock]
        position = 1 + clock * k - torch.tensor(behind, device=self.device).unsqueeze(1)
        inside = torch.arange(k, device=self.device)
        keys = self._keys
        keys.time[:, slot : slot + k] = clock
        keys.index[:, slot : slot + k] = 1 + clock * k + inside
        keys.time[:, end:] = clock
        queries = keys.each(lambda t: t[:, self.places])
        mask = may_attend(queries.as_queries(), keys.as_keys(), self.window).unsqueeze(1)
        frame = self.model.embed_frames(features.unsqueeze(1).to(self.device))
        embeds = torch.cat([frame, asked.expand(self.streams, -1, -1)], dim=1)
        at = torch.cat([position + inside, (position + k).expand(-1, len(asked))], dim=1)
        hidden = self._run(embeds, mask, at)
        self._step += 1
        self.clock = [frame + 1 for frame in self.clock]
        return hidden[:, k - 1 :]

    def moments(self) -> Moments:
        """Return the views after the frames pushed last, for forests to be asked."""
        end = self._frames_end
        time = torch.tensor(self.clock, device=self.device) - 1
        behind = [self.positions.behind(frame - 1) for frame in self.clock]
        visible = self._keys.time[:, :end] > (time - self.window).unsqueeze(1)
        visible[:, 0] = True
        layers: Any = [(x.keys[:, :, :end], x.values[:, :, :end]) for x in self._layers]
        return Moments(
            layers, visible, time, self.k, behind=torch.tensor(behind, device=self.device)
        )

    def _start(self) -> None:
        """Write the start's keys, once for all."""
        backbone = self.model.backbone
        ids = torch.full((self.streams, 1), backbone.start, device=self.device)
        mask = torch.zeros((1, 1, 1, self.size), dtype=torch.bool)
        mask[..., 0] = True
        self._hidden(backbone.embed(ids), mask.to(self.device), torch.zeros_like(ids))
        self.places = self.places.new_zeros(self.k + self.size - self._frames_end)

    def _hidden(self, embeds: Tensor, mask: Tensor, position: Tensor) -> Tensor:
        return self.model.backbone.hidden(embeds, mask, position, self._cache)

    def _empty(self) -> Tokens:
        """Return what the rule knows of the places while no frame is there. Shape: [B, size]."""
        kind = torch.full((self.streams, self.size), int(Kind.FRAME), device=self.device)
        kind[:, 0], kind[:, self._frames_end :] = int(Kind.START), int(Kind.READOUT)
        time = torch.full_like(kind, _NEVER)
        index = torch.zeros_like(kind)
        readouts = torch.arange(self.size - self._frames_end, device=self.device)
        index[:, self._frames_end :] = _BEHIND + readouts
        return Tokens(kind, time, index, index + 1)

    def _turn_back(self) -> None:
        rows = [i for i, frame in enumerate(self.clock) if self.positions.turns_at(frame)]
        if not rows:
            return
        turn = turn_of(self.model.backbone)
        if turn is None:
            self.positions = Positions(self.k)  # they only grow
            return
        for layer in self._layers:
            frames: Any = layer.keys[rows, :, 1 : self._frames_end]
            layer.keys[rows, :, 1 : self._frames_end] = turn(frames, self.positions.step * self.k)
