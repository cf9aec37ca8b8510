"""Tiny random checkpoints of every family, saved as real ones are: weights, tokenizer, pictures.

Widths differ on purpose wherever an architecture lets them, and initial values are large, so that a
wrong mask or a forgotten scale shows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as t
from transformers import AutoModelForImageTextToText

from tests.core.conftest import tiny_tokenizer

WIDE = {"initializer_range": 0.2}
TEXT = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, **WIDE,
}  # fmt: skip
VISION = {
    "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 32, "patch_size": 8, **WIDE,
}  # fmt: skip
SCALED = {"head_dim": 8, "query_pre_attn_scalar": 16}


def llava() -> Any:
    vision = t.CLIPVisionConfig(**VISION, projection_dim=16)
    return t.LlavaConfig(
        vision_config=vision, text_config=t.LlamaConfig(**TEXT), image_token_index=299
    )


def llava_next() -> Any:
    vision = t.CLIPVisionConfig(**VISION, projection_dim=16)
    pins = [[32, 64], [64, 32]]
    text = t.MistralConfig(**TEXT, sliding_window=None)
    return t.LlavaNextConfig(
        vision_config=vision, text_config=text, image_token_index=299, image_grid_pinpoints=pins
    )


def llava_onevision() -> Any:
    vision = t.SiglipVisionConfig(**VISION, vision_use_head=False)
    pins = [[32, 32], [32, 64]]
    text = t.Qwen2Config(**TEXT)
    return t.LlavaOnevisionConfig(
        vision_config=vision, text_config=text, image_token_index=299, video_token_index=298,
        image_grid_pinpoints=pins,
        vision_feature_layer=-1, vision_feature_select_strategy="full", tie_word_embeddings=True,
    )  # fmt: skip


def idefics3() -> Any:
    vision = t.Idefics3VisionConfig(**VISION).to_dict()
    text = t.LlamaConfig(**TEXT).to_dict()
    return t.Idefics3Config(
        vision_config=vision, text_config=text, scale_factor=2, image_token_id=299, pad_token_id=1
    )


def smolvlm() -> Any:
    vision = t.SmolVLMVisionConfig(**VISION).to_dict()
    text = t.LlamaConfig(**TEXT).to_dict()
    return t.SmolVLMConfig(
        vision_config=vision, text_config=text, scale_factor=2, image_token_id=299, pad_token_id=1
    )


def internvl() -> Any:
    vision = VISION | {"image_size": [32, 32], "patch_size": [8, 8]}
    text = t.Qwen3Config(**TEXT, head_dim=8)
    return t.InternVLConfig(
        vision_config=t.InternVLVisionConfig(**vision), text_config=text, image_token_id=299
    )


def qwen25vl() -> Any:
    vision = {
        "depth": 2, "hidden_size": 24, "intermediate_size": 40, "num_heads": 2, "patch_size": 8,
        "spatial_merge_size": 2, "out_hidden_size": 32, "fullatt_block_indexes": [1],
        "window_size": 32, **WIDE,
    }  # fmt: skip
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    text = TEXT | {"rope_parameters": rope}
    return t.Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=299, video_token_id=298,
        vision_start_token_id=297, vision_end_token_id=296,
    )  # fmt: skip


def qwen3vl() -> Any:
    vision = {
        "depth": 2, "hidden_size": 24, "intermediate_size": 40, "num_heads": 2, "patch_size": 8,
        "spatial_merge_size": 2, "out_hidden_size": 32, "deepstack_visual_indexes": [0],
        "num_position_embeddings": 64, **WIDE,
    }  # fmt: skip
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0}
    text = TEXT | {"rope_parameters": rope, "head_dim": 8}
    return t.Qwen3VLConfig(
        text_config=text, vision_config=vision, image_token_id=299, video_token_id=298,
        vision_start_token_id=297, vision_end_token_id=296, tie_word_embeddings=True,
    )  # fmt: skip


def gemma3() -> Any:
    text = t.Gemma3TextConfig(
        **TEXT, **SCALED, sliding_window=6,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    )  # fmt: skip
    vision = t.SiglipVisionConfig(**VISION, vision_use_head=False)
    return t.Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=299
    )


def paligemma() -> Any:
    text = t.GemmaConfig(**TEXT, head_dim=8)
    vision = t.SiglipVisionConfig(**VISION, projection_dim=32, vision_use_head=False)
    return t.PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=299, projection_dim=32
    )


def paligemma2() -> Any:
    """Its decoder is Gemma 2: soft caps on scores and logits, and a local window."""
    text = t.Gemma2Config(
        **TEXT, **SCALED, sliding_window=6, attn_logit_softcapping=5.0, final_logit_softcapping=3.0,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    )  # fmt: skip
    vision = t.SiglipVisionConfig(**VISION, projection_dim=32, vision_use_head=False)
    return t.PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=299, projection_dim=32
    )


SQUARE = {"height": 32, "width": 32}
EDGE = {"longest_edge": 32}
FAMILIES: dict[str, tuple[Callable[[], Any], str, dict[str, Any]]] = {
    "llava": (llava, "CLIPImageProcessor", {"size": SQUARE, "crop_size": SQUARE}),
    "llava_next": (llava_next, "LlavaNextImageProcessor", {"size": SQUARE, "crop_size": SQUARE}),
    "llava_onevision": (llava_onevision, "LlavaOnevisionImageProcessor", {"size": SQUARE}),
    "idefics3": (idefics3, "Idefics3ImageProcessor", {"size": EDGE, "max_image_size": EDGE}),
    "smolvlm": (smolvlm, "SmolVLMImageProcessor", {"size": EDGE, "max_image_size": EDGE}),
    "internvl": (internvl, "GotOcr2ImageProcessor", {"size": SQUARE}),
    "qwen2_5_vl": (qwen25vl, "Qwen2VLImageProcessor", {"patch_size": 8, "merge_size": 2}),
    "qwen3_vl": (qwen3vl, "Qwen2VLImageProcessor", {"patch_size": 8, "merge_size": 2}),
    "gemma3": (gemma3, "Gemma3ImageProcessor", {"size": SQUARE}),
    "paligemma": (paligemma, "SiglipImageProcessor", {"size": SQUARE}),
    "paligemma2": (paligemma2, "SiglipImageProcessor", {"size": SQUARE}),
}
"""family -> its config, the image processor that its checkpoints name, and that one's settings."""


def pil_class(name: str) -> Any:
    """Return an image processor that works without torchvision."""
    return getattr(t, f"{name}Pil", None) or getattr(t, name)


def write_checkpoint(family: str, folder: Path) -> Path:
    """Save a random checkpoint of a family as the Hub has them."""
    config, processor, settings = FAMILIES[family]
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(config())
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() < 2 or float(parameter.abs().max()) == 0:
                parameter.add_(torch.randn_like(parameter) * 0.1)  # norms and biases, too
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    pil_class(processor)(**settings).save_pretrained(folder)
    return folder
