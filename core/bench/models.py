"""The classifiers that benchmarks run: nano, and larger shapes with random weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from core.backbones import load_backbone
from core.backbones.base import Backbone, Connector
from core.classifiers import classifier_class
from core.classifiers.base import Classifier
from core.labels import make_codec
from core.labels.base import Vocabulary

SHAPES: dict[str, dict[str, Any]] = {
    "135M": {
        "vocab_size": 49_152, "hidden_size": 576, "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": True,
    },
    "1B": {
        "vocab_size": 128_256, "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
        "tie_word_embeddings": True,
    },
    "8B": {
        "vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
}  # fmt: skip
"""SmolLM2-135M's, Llama 3.2 1B's and Llama 3.1 8B's decoders. A benchmark needs no weights."""

WINDOW = 148
"""Frames of a window: the paper's on EPIC-KITCHENS-100."""


def backbone(shape: str, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Backbone:
    """Return `nano`, or a decoder of a named shape with random weights and nano's tokenizer."""
    nano = load_backbone("nano")
    if shape == "nano":
        return nano.to(device, dtype)
    config = LlamaConfig(**SHAPES[shape], max_position_embeddings=131_072)
    with torch.device(device):
        torch.manual_seed(0)
        decoder: Any = LlamaForCausalLM(config)
        decoder = decoder.to(dtype)
        connector = Connector(nano.card.feature_width, config.hidden_size).to(dtype)
    card = replace(nano.card, name=shape, max_position=131_072)
    return Backbone(card, connector, decoder, nano.tokenizer).eval()


def classifier(
    kind: str, base: Backbone, classes: tuple[str, ...], codec: str = "text"
) -> Classifier:
    """Return an untrained classifier without adapter: what a merged run computes."""
    words = Vocabulary(base.tokenizer, base.vocabulary, 0)
    built = classifier_class(kind)(base, make_codec(codec, classes, words))
    return built.to(next(base.parameters()).device, base.dtype).eval()


def frames(base: Backbone, count: int, seed: int = 0) -> torch.Tensor:
    """Return random features of a video. Shape: [T, k, d], half precision."""
    card = base.card
    drawn = np.random.default_rng(seed).standard_normal(
        (count, card.tokens_per_frame, card.feature_width), np.float32
    )
    return torch.from_numpy(drawn.astype(np.float16))
