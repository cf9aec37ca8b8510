"""Write a backbone folder that joins any vision encoder and any causal decoder."""

import json
import os
from pathlib import Path
from typing import Any

import torch

from core.backbones import load_backbone, load_tower
from core.errors import Conflict


def compose(
    folder: Path | str,
    *,
    encoder: Path | str,
    decoder: Path | str,
    tokens_per_frame: int = 1,
    **card: Any,
) -> None:
    """Write `backbone.json` into a folder; encoder and decoder stay where they are.

    Both are loaded once and tried, so that what cannot be used is refused here.

    Args:
        folder: Becomes the backbone; its path is what `backbone` is set to.
        encoder: Hugging Face folder of a vision encoder.
        decoder: Hugging Face folder of a causal LM with its tokenizer.
        tokens_per_frame: To how many tokens the patches of a frame are averaged.
        card: Other values of `BackboneCard`: name, licence, rate, window_s, rank, alpha, lr ...

    Raises:
        Conflict: The folder is a backbone already.
        MissingArtifact: Weights, config or tokenizer are not there, or not as safetensors.
        InvalidFile: One of them cannot be used; the message says why.
    """
    path = Path(folder) / "backbone.json"
    if path.exists():
        raise Conflict(
            "A new backbone needs a folder without one", f"'{path}' exists", "Delete it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = {
        "kind": "composed",
        "encoder": _named(Path(encoder), path.parent),
        "decoder": _named(Path(decoder), path.parent),
        "card": {"tokens_per_frame": tokens_per_frame, **card},
    }
    path.write_text(json.dumps(settings, indent=1) + "\n")
    try:
        _try(str(path.parent.resolve()))
    except BaseException:
        path.unlink()
        raise


def _named(part: Path, folder: Path) -> str:
    """Name a part by its way from the folder where it lies inside, else by its full path."""
    part, folder = part.resolve(), folder.resolve()
    return os.path.relpath(part, folder) if part.is_relative_to(folder) else str(part)


def _try(name: str) -> None:
    tower = load_tower(name)
    grey = torch.full((64, 96, 3), 128, dtype=torch.uint8).numpy()
    found = tower(torch.from_numpy(tower.prepare(grey).copy()).unsqueeze(0))
    card = load_backbone(name).card
    assert found.shape == (1, card.tokens_per_frame, card.feature_width), tuple(found.shape)
