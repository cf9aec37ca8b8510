"""What a backbone's card says where its folder says nothing: from the configs, without weights."""

from typing import Any

from core.backbones import DEFAULT_RATE
from core.backbones.base import BackboneCard
from core.backbones.places import Place

_WINDOW_S = 32.0


def make_card(
    place: Place, *, revision: str, width: int, config: Any, parameters: int, tokens: int
) -> BackboneCard:
    """Fill a card: `backbone.json` first, then the registry, then what follows from the decoder.

    Args:
        place: The backbone's folder.
        revision: Hash of the weights.
        width: The encoder's feature width d.
        config: The decoder's text config.
        parameters: The decoder's parameters; they decide the LoRA recipe.
        tokens: Tokens a frame, where the folder does not say.
    """
    entry = place.entry
    rank, alpha, lr = recipe(parameters)
    usual = {
        "name": place.name if entry else place.folder.resolve().name,
        "licence": entry.licence if entry else "unknown",
        "rate": DEFAULT_RATE,
        "window_s": _WINDOW_S,
        "tokens_per_frame": tokens,
        "feature_width": width,
        "max_position": int(getattr(config, "max_position_embeddings", None) or 4096),
        "rank": rank,
        "alpha": alpha,
        "lr": lr,
    }
    return BackboneCard(revision=revision, **(usual | place.settings.get("card", {})))


def recipe(parameters: int) -> tuple[int, int, float]:
    """Return LoRA rank, alpha and learning rate for a decoder of a size."""
    if parameters < 50_000_000:
        return 32, 64, 2e-3
    if parameters < 800_000_000:
        return 16, 32, 2e-4
    return 128, 256, 1e-4  # the paper's
