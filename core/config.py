"""What decides a run: read from outside, checked once, frozen with the run."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.backbones import check_backbone
from core.classifiers import CLASSIFIERS, Strategy
from core.decoding import DECODERS, Scoring
from core.errors import InvalidConfig
from core.labels import CODECS
from core.registry import check_name
from core.tasks import CONTEXTS, TASKS

_NAMED_CONTEXTS = ("previous_action", "next_action", "current_label", "shuffled")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingConfig(_Settings):
    """How a run is trained. None means the backbone's own recipe."""

    steps: Annotated[int, Field(ge=0, le=1_000_000)] = 240
    """Optimiser steps; 0 is the untuned backbone."""
    batch: Annotated[int, Field(ge=1, le=1024)] = 4
    """Stretches of video in a step."""
    lr: Annotated[float, Field(gt=0, lt=1)] | None = None
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest gradient norm."""
    rank: Annotated[int, Field(ge=1)] | None = None
    alpha: Annotated[int, Field(ge=1)] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    stretch_s: Annotated[float, Field(gt=0)] = 128.0
    """Longest supervised stretch of a video in one example, in seconds."""
    text_share: Annotated[float, Field(gt=0, le=1)] = 0.125
    """Share of a dense task's frames that carry a text."""
    checkpoint_every_s: Annotated[float, Field(gt=0)] = 30.0
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between checkpoints, beside those by time."""
    seed: int = 0
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""


class RunConfig(_Settings):
    """Everything that decides a run except its data."""

    classifier: str = "gad"
    task: str = "online_detection"
    backbone: str = "nano"
    codec: str = "text"
    vocabulary: Literal["all", "labels"] = "all"
    """What competes in the generative classifier's softmax: every token, or the labels' alone."""
    context: str = "previous_action"
    """What GAD learns to write; `auto` is chosen on validation (`core/context_choice.py`)."""
    strategy: Strategy = "discriminative_first"
    """How GAD's text and `[CLS]` hang together."""
    assist: Literal["text", "head"] = "text"
    """What learns GAD's context: the written text, or (control) a head that names it."""
    read_at: Literal["cls", "frame"] = "cls"
    """Where a head stands: on `[CLS]`, or (ablation) on the frame's own last token."""
    frozen_from: str = ""
    """Folder of a run whose weights are taken and frozen; only `[CLS]` and the head then learn."""
    decoder: str = "exact"
    """How the generative classifier answers."""
    scoring: Scoring = "sum"
    """By what it decides: see `core/decoding/answering.py`."""
    prompt: str = ""
    """Words in the place of the generative classifier's `[TEXT]`, as in the paper's layout."""
    rate: Annotated[float, Field(gt=0, le=120)] | None = None
    """Frames a second; None is the backbone's own."""
    window_s: Annotated[float, Field(gt=0)] | None = None
    """How far back a frame sees, in seconds; None is the backbone's own."""
    background_weight: Annotated[float, Field(gt=0)] = 1.0
    gen_weight: Annotated[float, Field(ge=0)] = 1.0
    """λ of GAD."""
    training: TrainingConfig = TrainingConfig()

    @field_validator("classifier", "task", "codec", "context", "decoder")
    @classmethod
    def _known(cls, value: str, info: object) -> str:
        field = info.field_name  # pyright: ignore[reportAttributeAccessIssue]
        tables = {
            "classifier": CLASSIFIERS,
            "task": TASKS,
            "codec": CODECS,
            "context": CONTEXTS,
            "decoder": DECODERS,
        }
        if (field, value) != ("context", "auto"):
            check_name(field, tables[field], value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "RunConfig":
        written = self.strategy == "generation_first"
        if written and (self.assist == "head" or self.read_at == "frame"):
            raise ValueError("generation_first needs [CLS] behind a written text")
        if self.assist == "head" and self.context not in _NAMED_CONTEXTS:
            raise ValueError(f"a head names one label: context is {' or '.join(_NAMED_CONTEXTS)}")
        if self.frozen_from and self.classifier == "generative":
            raise ValueError("frozen_from trains a head, which the generative classifier has not")
        if not self.training.steps and self.classifier != "generative":
            raise ValueError("only the generative classifier answers untrained: steps is above 0")
        if not self.training.steps and not self.prompt:
            raise ValueError("an untrained [TEXT] says nothing: steps 0 needs a prompt")
        if self.scoring != "sum" and self.decoder != "exact":
            raise ValueError("only the decoder exact scores every label, as mean and prior need")
        return self

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        check_backbone(value)
        return value

    @classmethod
    def read(cls, values: object) -> "RunConfig":
        """Check settings from outside.

        Raises:
            InvalidConfig: Names the setting, the rule and the value.
            UnknownName: A name that no table holds.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the settings"
            raise InvalidConfig(
                f"Setting '{where}': {first['msg']}",
                f"got {first['input']!r}",
                "Correct the setting.",
            ) from None
