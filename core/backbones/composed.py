"""A backbone in a folder: `tower/`, `connector.safetensors`, `decoder/` and `backbone.json`.

Tower and decoder are ordinary Hugging Face folders. The embedded `nano` is one of these. Only
safetensors are read, no code of a checkpoint is run, and a missing, unexpected or mismatched
weight refuses to load.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from core.backbones import default_rate, settings_file
from core.backbones.base import Backbone, BackboneCard, Connector, VisionTower
from core.backbones.pixels import letterbox
from core.errors import InvalidFile, MissingArtifact


class Composed:
    """A folder that holds a backbone; nothing is loaded before it is asked for."""

    def __init__(self, name: str) -> None:
        default_rate(name)  # refuses what is no backbone
        self.folder = settings_file(name).parent

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The content of `backbone.json`."""
        return json.loads((self.folder / "backbone.json").read_text())

    @cached_property
    def card(self) -> BackboneCard:
        """What is known without loading weights."""
        return BackboneCard(revision=self._revision(), **self.settings["card"])

    def _revision(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*.safetensors")):
            digest.update(path.relative_to(self.folder).as_posix().encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def backbone(self) -> Backbone:
        """Load connector, decoder and tokenizer."""
        decoder = load_pretrained(AutoModelForCausalLM, self.folder / "decoder")
        tokenizer = AutoTokenizer.from_pretrained(self.folder / "decoder", local_files_only=True)
        connector = Connector(self.card.feature_width, decoder.config.get_text_config().hidden_size)
        connector.load_state_dict(
            {k: v.float() for k, v in load_file(self.folder / "connector.safetensors").items()}
        )
        return Backbone(self.card, connector, decoder, tokenizer)

    def tower(self) -> VisionTower:
        """Load the frozen tower."""
        return GridTower(self)


class GridTower(VisionTower):
    """A Hugging Face vision model whose map is averaged into a grid of cells: one token a frame."""

    def __init__(self, source: Composed) -> None:
        super().__init__()
        self.card = source.card
        settings = source.settings["input"]
        self.width, self.height = settings["width"], settings["height"]
        self.grid = tuple(settings["grid"])
        self.model = load_pretrained(AutoModel, source.folder / "tower").requires_grad_(False)
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


def load_pretrained(kind: Any, folder: Path) -> Any:
    """Load a Hugging Face folder strictly: safetensors, no remote code, every weight there."""
    if not list(folder.glob("*.safetensors")):
        raise MissingArtifact(
            "Weights are read from safetensors only",
            f"'{folder}' holds none",
            "Convert them first.",
        )
    try:
        model, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="sdpa" if kind is AutoModelForCausalLM else None,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below
        )
    except SafetensorError as error:
        raise InvalidFile(f"Weights must be whole safetensors ({error})", folder) from None
    wrong = {
        what: sorted(map(str, info.get(what, ())))
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")
        if info.get(what)
    }
    if wrong:
        raise InvalidFile(
            f"Every weight must be there and fit, but there are {wrong}", folder,
            next_step="Download or export the checkpoint again.",
        )  # fmt: skip
    return model
