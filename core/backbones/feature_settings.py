"""How a backbone of features describes itself; free of torch, as the server reads and writes it."""

import json
import os
from pathlib import Path

from core.backbones.places import Place, find, is_folder
from core.errors import InvalidFile
from core.feature_files import FeatureFolder

LICENCE = "that of the features"
"""What is said where nobody knows more."""


def write_feature_backbone(
    folder: Path,
    features: FeatureFolder,
    *,
    name: str,
    decoder: str = "nano",
    licence: str = LICENCE,
) -> Path:
    """Make a folder a backbone whose frames are read from arrays.

    Args:
        folder: Where `backbone.json` is written; it is made, or replaced.
        features: Its arrays, which stay where they are; rate, tokens and width are read from them.
        name: What the backbone is called in runs.
        decoder: "nano", or the Hugging Face folder of a causal decoder with its tokenizer.
        licence: Terms of the features.
    """
    settings = {
        "kind": "features",
        "card": {
            "name": name,
            "licence": licence,
            "rate": features.rate,
            "tokens_per_frame": features.tokens,
            "feature_width": features.width,
        },
        "features": str(features.root.absolute()),
        "decoder": decoder,
    }
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"backbone.{os.getpid()}.tmp"
    beside.write_text(json.dumps(settings, indent=1))
    beside.replace(folder / "backbone.json")
    return folder


def features_of(place: Place) -> FeatureFolder:
    """Return the arrays that a backbone of features names.

    Raises:
        InvalidFile: `backbone.json` says too little.
    """
    try:
        card = place.settings["card"]
        return FeatureFolder(
            Path(place.settings["features"]), float(card["rate"]),
            int(card["tokens_per_frame"]), int(card["feature_width"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFile(
            "A backbone of features says where they are, and their rate, tokens_per_frame and "
            f"feature_width ({error!r})", place.folder / "backbone.json",
            next_step="Write it with core.backbones.feature_settings, or import the folder again.",
        ) from None  # fmt: skip


def feature_folder(backbone: str) -> FeatureFolder | None:
    """Return the arrays that a backbone brings, None where it looks at pictures itself.

    Raises:
        MissingArtifact: The path is no backbone.
        InvalidFile: As `features_of`.
    """
    if not is_folder(backbone):
        return None
    place = find(backbone)
    return features_of(place) if place.kind == "features" else None
