"""Vision encoders of transformers, one picture at a time, their patches averaged to k tokens."""

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModel

from core.backbones.base import BackboneCard, VisionTower
from core.backbones.pictures import Pictures, own_size, pool_map, pool_tokens
from core.backbones.weights import load_pretrained, load_processor
from core.errors import InvalidFile

_USUAL_SIZE = 224
_HEADS = ("classifier", "cls_classifier", "distillation_classifier", "pooler")
"""Modules behind the tokens; a classifier's checkpoint has some of them and lacks others."""
_OF_CLIPS = ("tubelet_size", "frames_per_clip", "num_frames")
"""Settings that only encoders of clips have."""


class PatchTower(VisionTower):
    """A Hugging Face vision encoder: patch tokens or a map, averaged to k tokens a frame.

    Args:
        card: Says k.
        folder: The encoder's folder; of a two-tower model (CLIP, SigLIP) the vision tower is used.
        size: `{"width": .., "height": ..}`, where it shall not be the encoder's own.
    """

    def __init__(self, card: BackboneCard, folder: Path, size: dict[str, int] | None) -> None:
        super().__init__()
        self.card = card
        whole = load_pretrained(AutoModel, folder, unused=_HEADS)
        check_encoder(whole.config, folder)
        self.model = getattr(whole, "vision_model", whole).requires_grad_(False)
        processor, config = load_processor(folder), vision_config(whole.config)
        usual = own_size(processor, config) or (_USUAL_SIZE, _USUAL_SIZE)
        self.pictures = Pictures(processor, (size["width"], size["height"]) if size else usual)
        patch = getattr(config, "patch_size", None)
        self.patch = patch if isinstance(patch, int) else None
        self.eval()

    def prepare(self, frame: NDArray) -> NDArray:
        """Stretch a picture to the tower's size."""
        return self.pictures.prepare(frame)

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """Encode prepared pictures, uint8 [B, h, w, 3] -> [B, k, d]."""
        out = self.model(self.pictures(pictures)["pixel_values"]).last_hidden_state
        if out.dim() == 4:
            return pool_map(out, self.card.tokens_per_frame)
        height, width = pictures.shape[1:3]
        grid = (height // self.patch, width // self.patch) if self.patch else None
        if grid and grid[0] * grid[1] > out.shape[1]:
            grid = None  # it merges patches on the way
        return pool_tokens(out, self.card.tokens_per_frame, grid)


def vision_config(config: Any) -> Any:
    """Return the vision part of a two-tower model's config, or the config itself."""
    return getattr(config, "vision_config", None) or config


def feature_width(config: Any, where: Path) -> int:
    """Return the width d of an encoder's tokens, from its config.

    Raises:
        InvalidFile: As `check_encoder`, or the config does not say it.
    """
    check_encoder(config, where)
    part = vision_config(config)
    for name in ("hidden_sizes", "hidden_size", "num_features"):
        value = getattr(part, name, None)
        if value:
            return int(value[-1] if isinstance(value, (list, tuple)) else value)
    raise InvalidFile(
        f"A vision encoder's config must say its width, but '{config.model_type}' does not", where,
        next_step='Write it into backbone.json: {"card": {"feature_width": ...}}.',
    )  # fmt: skip


def check_encoder(config: Any, where: Path) -> None:
    """Refuse what does not encode single pictures.

    Raises:
        InvalidFile: It encodes clips, patches of any number, or no pictures at all.
    """
    part = vision_config(config)
    if any(getattr(part, name, None) for name in _OF_CLIPS):
        raise InvalidFile(
            f"An encoder must take single pictures, but '{part.model_type}' takes clips of several "
            "frames",
            where,
            next_step="Encode with it elsewhere and use the arrays as a backbone of kind "
            "'features', or take SigLIP, DINOv2, ViT, CLIP, ResNet or ConvNeXt.",
        )
    if getattr(part, "num_patches", None) and not getattr(part, "image_size", None):
        raise InvalidFile(
            f"An encoder must take pictures of a fixed size, but '{part.model_type}' takes lists "
            "of patches",
            where,
            next_step="Take its fixed-size version, such as siglip2-base-patch16-384.",
        )
    if not hasattr(part, "num_channels"):
        raise InvalidFile(
            f"An encoder must take pictures, but '{config.model_type}' does not", where,
            next_step="Name a vision model, such as SigLIP, DINOv2, ViT, CLIP or ResNet.",
        )  # fmt: skip
