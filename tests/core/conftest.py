"""A small random decoder in double precision: masks that are wrong show as 1e-2, not as 1e-12."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
)

from core.backbones.base import Backbone, BackboneCard, Connector
from core.types import FrameFeatures, LabelledVideo, Segment, grid_us

# Models this small are faster on one thread, and do not starve what else the machine does.
torch.set_num_threads(1)

WORDS = ["add sugar", "add salt", "stir tea", "cut tomato", "add", "background", "pour milk in cup"]


def tiny_tokenizer() -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([f" {w}" for w in WORDS], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def tiny_backbone(layers: int = 3, tokens_per_frame: int = 1, width: int = 32) -> Backbone:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300, hidden_size=width, intermediate_size=64, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096,
        bos_token_id=0, eos_token_id=1, tie_word_embeddings=False, initializer_range=0.3,
        attn_implementation="sdpa",
    )  # fmt: skip
    card = BackboneCard("tiny", "0", "Apache-2.0", 4.0, 2.0, tokens_per_frame, 6, 4096, 4, 8, 2e-3)
    return Backbone(card, Connector(6, width), LlamaForCausalLM(config), tiny_tokenizer()).double()


def random_features(frames: int, k: int = 1, d: int = 6, seed: int = 0):
    return np.random.default_rng(seed).standard_normal((frames, k, d)).astype(np.float16)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A composed backbone on disk: a random tower, connector and decoder, in the real layout."""
    folder = tmp_path_factory.mktemp("backbones") / "tiny"
    backbone = tiny_backbone(layers=2).float()
    backbone.causal.save_pretrained(folder / "decoder")
    backbone.tokenizer.save_pretrained(folder / "decoder")
    torch.manual_seed(0)
    tower = ResNetModel(
        ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1], layer_type="basic")
    )
    tower.save_pretrained(folder / "tower")
    save_file(backbone.connector.state_dict(), folder / "connector.safetensors")
    card = {
        f.name: getattr(backbone.card, f.name)
        for f in fields(backbone.card)
        if f.name != "revision"
    }
    settings = {"card": card, "input": {"width": 32, "height": 18, "grid": [1, 1]}}
    (folder / "backbone.json").write_text(json.dumps(settings))
    return folder


def toy_video(name: str, frames: int = 40, seed: int = 0, split: str = "train"):
    """A video whose class is plainly visible in its features, a new one every few frames."""
    rng = np.random.default_rng(seed)
    labels, segments, start = ["add salt", "stir tea"], [], 0
    features = rng.normal(0, 0.1, (frames, 1, 6)).astype(np.float16)
    while start + 6 < frames:
        kind, length = int(rng.integers(0, 2)), int(rng.integers(4, 7))
        features[start : start + length, 0, kind] += 3
        segments.append(Segment(start * 250_000, (start + length) * 250_000, labels[kind]))
        start += length + int(rng.integers(1, 4))
    video = LabelledVideo(
        name, Path(name), f"{seed:064x}", frames * 250_000, tuple(segments), split=split
    )
    time_us = grid_us(video.duration_us, 4.0)
    return video, FrameFeatures(features, time_us, time_us)
