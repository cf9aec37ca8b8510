"""A backbone cut out of a vision-language checkpoint: its tower and projector frozen, its decoder.

A frame's feature is what the checkpoint's own projector gives for it as one tile, averaged to k
tokens. Behind it stands a residual connector that is the identity at first.
"""

from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText
from transformers.models.llava.modeling_llava import LlavaModel

from core.backbones.base import Backbone, BackboneCard, ResidualConnector, VisionTower
from core.backbones.cards import make_card
from core.backbones.decoders import check_decoder, text_decoder
from core.backbones.pictures import Pictures, own_size, pool_tokens
from core.backbones.places import Place
from core.backbones.rules import check_attention
from core.backbones.weights import (
    check_weights,
    count_parameters,
    load_config,
    load_pretrained,
    load_processor,
    load_tokenizer,
    revision,
    weights_of,
)
from core.errors import InvalidConfig, InvalidFile

_TOKENS = 4
_OF_TILES = ("llava_next", "llava_onevision")
_OF_SAMPLES = ("idefics2", "idefics3", "smolvlm")
_CELLS_16_9 = (16, 9)
"""Columns and rows of visual tokens where an encoder takes pictures of any size."""


class VisionLanguage:
    """A Hugging Face folder of an image-text-to-text model; nothing is loaded before it is asked.

    The folder's `backbone.json`, if it has one, may name another `checkpoint` folder, the `input`
    size of encoders that take any, and values of the card.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = place.folder / place.settings.get("checkpoint", ".")
        check_weights(self.folder)

    @cached_property
    def config(self) -> Any:
        """The checkpoint's config."""
        return load_config(self.folder)

    @cached_property
    def card(self) -> BackboneCard:
        """What is known without loading weights."""
        settings, text = self.place.settings, self.config.get_text_config()
        tokens = settings.get("card", {}).get("tokens_per_frame", _TOKENS)
        shaping = [f"tokens {tokens}", f" input {settings.get('input')}"]
        return make_card(
            self.place,
            revision=revision(weights_of(self.folder), shaping),
            width=text.hidden_size,
            config=text,
            parameters=count_parameters(self.folder, decoder_only=True),
            tokens=tokens,
        )

    def backbone(self) -> Backbone:
        """Load decoder and tokenizer, with a fresh connector."""
        check_attention(self.config.get_text_config(), self.folder)
        decoder = text_decoder(load_pretrained(AutoModelForImageTextToText, self.folder))
        check_decoder(decoder, self.folder)
        connector = ResidualConnector(self.card.feature_width)
        return Backbone(self.card, connector, decoder, load_tokenizer(self.folder))

    def tower(self) -> VisionTower:
        """Load tower and projector."""
        return ProjectedTower(self)


class ProjectedTower(VisionTower):
    """A checkpoint's frozen encoder and projector: one tile a frame, averaged to k tokens."""

    def __init__(self, source: VisionLanguage) -> None:
        super().__init__()
        self.card = source.card
        model = load_pretrained(AutoModelForImageTextToText, source.folder)
        self.type = model.config.model_type
        _drop_decoder(model)
        self.model = model.requires_grad_(False)
        processor = load_processor(source.folder)
        vision = model.config.vision_config
        free = _free_size(vision)
        size = source.place.settings.get("input")
        chosen = (size["width"], size["height"]) if size else free or own_size(processor, vision)
        if chosen is None:
            raise InvalidFile(
                "A checkpoint must say the size of its pictures", source.folder,
                next_step='Write it into backbone.json: {"input": {"width": ..., "height": ...}}.',
            )  # fmt: skip
        if free and not callable(processor):
            raise InvalidFile(
                "A checkpoint that takes patches needs its image processor, one that works "
                "without torchvision", source.folder,
                next_step="Fetch its preprocessor_config.json, or update transformers.",
            )  # fmt: skip
        self.pictures = Pictures(processor, chosen, in_patches=bool(free))
        self.eval()

    def prepare(self, frame: NDArray) -> NDArray:
        """Stretch a picture to the tower's size."""
        return self.pictures.prepare(frame)

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """Encode prepared pictures, uint8 [B, h, w, 3] -> [B, k, d]."""
        inputs = self.pictures(pictures)
        return pool_tokens(self.projected(inputs), self.card.tokens_per_frame, self._grid(inputs))

    def projected(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return what the checkpoint's own projector gives, one tile a picture. [B, T, d]."""
        try:
            out = self._own_features(self.model.model, inputs)
        except (TypeError, ValueError, AttributeError) as error:  # a family that nobody tried
            raise InvalidFile(
                f"A checkpoint must give features of single pictures, but '{self.type}' does not "
                f"({str(error).strip().split(chr(10))[0]})",
                self.card.name,
                next_step="Take a family that docs/backbones.md lists.",
            ) from None
        tokens = out.pooler_output if hasattr(out, "pooler_output") else out
        return tokens if isinstance(tokens, Tensor) else torch.stack(list(tokens))

    def _own_features(self, model: Any, inputs: dict[str, Tensor]) -> Any:
        if self.type in _OF_TILES:
            # They cut a picture into tiles and add line ends; one tile is LLaVA's own path.
            return LlavaModel.get_image_features(model, inputs["pixel_values"])
        if self.type in _OF_SAMPLES:  # [samples, pictures in a sample, 3, h, w]
            return model.get_image_features(inputs["pixel_values"].unsqueeze(1))
        return model.get_image_features(**inputs)

    def _grid(self, inputs: dict[str, Tensor]) -> tuple[int, int] | None:
        if "image_grid_thw" not in inputs:
            return None
        merged = self.model.config.vision_config.spatial_merge_size
        _, rows, columns = (inputs["image_grid_thw"][0] // merged).tolist()
        return rows, columns


def _free_size(vision: Any) -> tuple[int, int] | None:
    """Return a 16:9 size for encoders that take pictures of any size (Qwen-VL), else None."""
    merged = getattr(vision, "spatial_merge_size", None)
    if merged is None:
        return None
    side = vision.patch_size * merged
    return _CELLS_16_9[0] * side, _CELLS_16_9[1] * side


def _drop_decoder(model: Any) -> None:
    """Free the memory of the parts that features do not need."""
    language = model.get_decoder()
    if language is model:
        raise InvalidConfig(
            "A vision-language model must have a text part", model.config.model_type
        )
    for name, child in model.model.named_children():
        if child is language:
            setattr(model.model, name, nn.Identity())
    model.lm_head = nn.Identity()
