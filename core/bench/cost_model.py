"""What a path must compute and read at least: FLOP and bytes, and the time that they take.

A token costs two FLOP a weight of the blocks' linear layers, and four FLOP a channel, layer and key
that it sees. A call reads every weight once, and the keys and values that its tokens see. The bound
of a call is the larger of FLOP / rate and bytes / bandwidth, at rates measured on the same machine
(`core/bench/hardware.py`); no kernel reaches both.
"""

from dataclasses import dataclass

import torch
from torch import nn

from core.backbones.base import Backbone
from core.bench.hardware import Roofline


@dataclass(frozen=True, slots=True)
class Work:
    """What a call computes and reads."""

    flops: float
    bytes: float

    def seconds(self, machine: Roofline, dtype: torch.dtype) -> float:
        """Return the least time that it takes."""
        rate = machine.flops[str(dtype).removeprefix("torch.")]
        return max(self.flops / rate, self.bytes / machine.bandwidth)


@dataclass(frozen=True, slots=True)
class Decoder:
    """The sizes of a decoder that decide what it costs.

    `weights` are those of the blocks' linear layers; `channels` is heads times head size, over all
    layers; `cached` the numbers of one token's keys and values, over all layers; `size` bytes each.
    """

    weights: int
    channels: int
    cached: int
    size: int

    @classmethod
    def of(cls, base: Backbone) -> "Decoder":
        """Read the sizes of a Llama-shaped decoder."""
        config = base.text_config
        linear = [m for m in base.causal.get_decoder().modules() if isinstance(m, nn.Linear)]
        head = config.hidden_size // config.num_attention_heads
        layers = config.num_hidden_layers
        return cls(
            sum(m.weight.numel() for m in linear),
            layers * config.num_attention_heads * head,
            2 * layers * config.num_key_value_heads * head,
            base.dtype.itemsize,
        )

    def call(self, tokens: float, keys: float, rows: int = 1) -> Work:
        """Return the work of one call: new tokens a row, keys that each sees on average, rows."""
        flops = rows * tokens * (2 * self.weights + 4 * self.channels * keys)
        return Work(flops, self.size * (self.weights + rows * self.cached * (keys + tokens)))
