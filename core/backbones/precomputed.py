"""A backbone whose features are there already: arrays, a fresh connector, a causal decoder.

Nothing is decoded and there is no tower; `core.features` reads the arrays. The connector is the
paper's Linear-GELU-Linear from the raw width, and learns from scratch. `backbone.json` is written
by `core.backbones.feature_settings`; its "card" may set any field of the recipe itself.
"""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from core.backbones.base import Backbone, BackboneCard, Connector
from core.backbones.cards import make_card
from core.backbones.decoders import load_decoder
from core.backbones.feature_settings import features_of
from core.backbones.places import Place, find
from core.backbones.weights import (
    count_parameters,
    load_config,
    load_tokenizer,
    revision,
    weights_of,
)
from core.errors import InvalidConfig

_FRAMES = 148
"""Frames of the paper's window."""


class Precomputed:
    """Features of a folder, with the decoder that its `backbone.json` names."""

    def __init__(self, place: Place) -> None:
        self.place, self.features = place, features_of(place)
        decoder = place.settings.get("decoder", "nano")
        self._nano = find("nano") if decoder == "nano" else None
        self._decoder = self._nano.folder / "decoder" if self._nano else Path(decoder)

    @cached_property
    def card(self) -> BackboneCard:
        """What is known without loading weights; windows are counted in frames, not in seconds."""
        # Nano's decoder brings its own recipe, and the window that it was pre-trained with.
        recipe = dict(self._nano.settings["card"]) if self._nano else {}
        frames = recipe["window_s"] * recipe["rate"] if recipe else _FRAMES
        usual = {**recipe, "name": self.place.folder.resolve().name}
        usual["window_s"] = frames / self.features.rate
        said = usual | self.place.settings["card"]
        features = self.features
        return make_card(
            replace(self.place, settings={**self.place.settings, "card": said}),
            revision=revision(
                weights_of(self._decoder),
                [f"{said['name']} {features.rate:g} {features.tokens} {features.width}"],
            ),
            width=features.width,
            config=load_config(self._decoder).get_text_config(),
            parameters=count_parameters(self._decoder),
            tokens=features.tokens,
        )

    def backbone(self) -> Backbone:
        """Load decoder and tokenizer; the connector is new."""
        decoder = load_decoder(self._decoder)
        connector = Connector(self.features.width, decoder.config.get_text_config().hidden_size)
        return Backbone(self.card, connector, decoder, load_tokenizer(self._decoder))

    def tower(self) -> NoReturn:
        """Refuse: these features were made elsewhere."""
        raise InvalidConfig(
            "A backbone of features looks at no pictures",
            f"'{self.place.name}' has arrays and no vision tower",
            "Choose a backbone with a tower for video files.",
        )
