"""A backbone in a folder: any vision encoder, a connector, any causal decoder, `backbone.json`.

    tower/  decoder/  connector.safetensors  backbone.json

Tower and decoder are ordinary Hugging Face folders; `backbone.json` may name others as "encoder"
and "decoder". Without `connector.safetensors` the connector is fresh: it is trained with every run.
The embedded `nano` is one of these. Only safetensors are read, no code of a checkpoint is run, and
a missing, unexpected or mismatched weight refuses to load.
"""

from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModel

from core.backbones.base import Backbone, BackboneCard, Connector, VisionTower
from core.backbones.cards import make_card
from core.backbones.decoders import load_decoder
from core.backbones.encoders import PatchTower, feature_width
from core.backbones.pixels import letterbox
from core.backbones.places import Place
from core.backbones.weights import (
    check_weights,
    count_parameters,
    load_config,
    load_pretrained,
    load_tokenizer,
    revision,
    weights_of,
)
from core.errors import InvalidFile


class Composed:
    """A folder that holds or names an encoder and a decoder; nothing is loaded before its time."""

    def __init__(self, place: Place) -> None:
        self.place, self.folder = place, place.folder
        self.settings = place.settings
        self.encoder = self.folder / self.settings.get("encoder", "tower")
        self.decoder = self.folder / self.settings.get("decoder", "decoder")
        for part in (self.encoder, self.decoder):
            check_weights(part)

    @cached_property
    def card(self) -> BackboneCard:
        """What is known without loading weights."""
        encoder, text = load_config(self.encoder), load_config(self.decoder).get_text_config()
        return make_card(
            self.place,
            revision=self._revision(),
            width=feature_width(encoder, self.encoder),
            config=text,
            parameters=count_parameters(self.decoder),
            tokens=1,
        )

    @property
    def in_cells(self) -> bool:
        """Whether the encoder's map becomes one token of concatenated cells, as in nano."""
        return "grid" in self.settings.get("input", {})

    def _revision(self) -> str:
        files = weights_of(self.folder)
        files |= weights_of(self.encoder, "tower/") | weights_of(self.decoder, "decoder/")
        if self.in_cells:
            return revision(files)
        tokens = self.settings.get("card", {}).get("tokens_per_frame", 1)
        return revision(files, [f"tokens {tokens}", f" input {self.settings.get('input')}"])

    def backbone(self) -> Backbone:
        """Load connector, decoder and tokenizer."""
        decoder = load_decoder(self.decoder)
        connector = Connector(self.card.feature_width, decoder.config.get_text_config().hidden_size)
        if (self.folder / "connector.safetensors").is_file():
            _fill(connector, self.folder / "connector.safetensors")
        return Backbone(self.card, connector, decoder, load_tokenizer(self.decoder))

    def tower(self) -> VisionTower:
        """Load the frozen tower."""
        if self.in_cells:
            return GridTower(self)
        return PatchTower(self.card, self.encoder, self.settings.get("input"))


def _fill(connector: Connector, path: Path) -> None:
    try:
        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        connector.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise InvalidFile(f"A connector must fit its encoder and decoder ({said})", path) from None


class GridTower(VisionTower):
    """A Hugging Face vision model whose map is averaged into a grid of cells: one token a frame."""

    def __init__(self, source: Composed) -> None:
        super().__init__()
        self.card = source.card
        settings = source.settings["input"]
        self.width, self.height = settings["width"], settings["height"]
        self.grid = tuple(settings["grid"])
        self.model = load_pretrained(AutoModel, source.encoder).requires_grad_(False)
        self.eval()

    def prepare(self, frame: NDArray) -> NDArray:
        """Letterbox a picture to the tower's size."""
        return letterbox(frame, self.width, self.height)

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """Encode prepared pictures, uint8 [B, h, w, 3] -> [B, 1, rows * columns * channels]."""
        pixels = normalised(pictures).to(memory_format=torch.channels_last)
        return pool_grid(self.model(pixels).last_hidden_state, self.grid).unsqueeze(1)


def normalised(pictures: Tensor) -> Tensor:
    """Scale uint8 [B, h, w, 3] to float [B, 3, h, w] in -1 .. 1."""
    return pictures.permute(0, 3, 1, 2).float().div(127.5).sub(1.0)


def pool_grid(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    """Average a map into cells and concatenate them. [B, C, h, w] -> [B, rows*columns*C]."""
    return F.adaptive_avg_pool2d(maps, grid).flatten(2).transpose(1, 2).flatten(1)
