"""A trained run is a folder that peft alone can read: adapter, heads, labels, what decided it.

`adapter/` is a PEFT adapter of the decoder, `heads.safetensors` holds connector, heads and learned
tokens, `labels.json` the label set, `run.json` config, base, versions and data. Loading refuses a
missing or an unexpected key, which peft only warns about.
"""

import importlib.metadata
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from core.backbones import load_backbone
from core.backbones.adapters import (
    Adapter,
    adapted_layers,
    adapter_tensors,
    merge as merge_adapter,
)
from core.backbones.base import Backbone, BackboneCard
from core.backbones.weights import check_is_tensors
from core.classifiers import classifier_class
from core.classifiers.base import Classifier
from core.classifiers.discriminative import DiscriminativeClassifier
from core.classifiers.generation_assisted import GenerationAssistedClassifier
from core.classifiers.generative import GenerativeClassifier
from core.config import RunConfig
from core.errors import InvalidFile, MissingArtifact
from core.labels import make_codec
from core.labels.base import Vocabulary
from core.prediction import Predictor
from core.run_card import RunCard, read_run_card
from core.tasks import BACKGROUND, Task, load_task
from core.types import LabelSet

_ADAPTER = "adapter"
ADAPTER_WEIGHTS = f"{_ADAPTER}/adapter_model.safetensors"
HEADS = "heads.safetensors"
_CONNECTOR = "connector."
_VERSIONED = ("torch", "transformers", "peft", "gad-studio")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A config with the backbone's own values filled in. `window` is in frames."""

    rate: float
    window: int
    stretch: int
    rank: int
    alpha: int
    lr: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run in memory: the classifier and everything that decides its answers."""

    classifier: Classifier
    config: RunConfig
    labels: LabelSet
    task: Task
    recipe: Recipe
    about: dict[str, Any]

    def predictor(self, decoder: str | None = None) -> Predictor:
        """Return a predictor with the run's own decoder, or another."""
        return Predictor(
            self.classifier, self.task, self.labels,
            window=self.recipe.window, decoder=decoder or self.config.decoder,
            scoring=self.config.scoring if decoder in (None, self.config.decoder) else "sum",
        )  # fmt: skip


def recipe_of(config: RunConfig, card: BackboneCard) -> Recipe:
    """Fill in what a config leaves to its backbone."""
    training = config.training
    rate = config.rate or card.rate
    window = max(1, round((config.window_s or card.window_s) * rate))
    stretch = max(1, round(training.stretch_s * rate))
    return Recipe(
        rate,
        window,
        stretch,
        training.rank or card.rank,
        training.alpha or card.alpha,
        training.lr or card.lr,
    )


def build_classifier(config: RunConfig, labels: LabelSet) -> Classifier:
    """Build an untrained classifier with a fresh adapter; random values come from the seed."""
    torch.manual_seed(config.training.seed)
    backbone = load_backbone(config.backbone)
    recipe = recipe_of(config, backbone.card)
    backbone.add_adapter(
        rank=recipe.rank,
        alpha=recipe.alpha,
        dropout=config.training.dropout,
        output=_adapts_output(config),
    )
    return assemble(config, labels, backbone)


def _adapts_output(config: RunConfig) -> bool:
    """Say whether a text loss reaches the output matrix."""
    return classifier_class(config.classifier).writes_text and config.assist == "text"


def assemble(config: RunConfig, labels: LabelSet, backbone: Backbone) -> Classifier:
    """Put a run's codec, learned tokens and heads on a backbone."""
    kind, task = classifier_class(config.classifier), load_task(config.task)
    words = Vocabulary(backbone.tokenizer, backbone.vocabulary, config.training.seed)
    codec = make_codec(config.codec, task.classes(labels), words)
    classifier = kind(backbone, codec, task.choices(labels))
    if isinstance(classifier, DiscriminativeClassifier):
        classifier.reads_frames = config.read_at == "frame"
    if isinstance(classifier, GenerationAssistedClassifier):
        classifier.gen_weight, classifier.strategy = config.gen_weight, config.strategy
        if config.assist == "head":
            classifier.name_contexts(("", BACKGROUND, *labels.classes))
    if isinstance(classifier, GenerativeClassifier):
        classifier.words = words.spell(config.prompt) if config.prompt else ()
        if config.vocabulary == "labels":
            classifier.cap_vocabulary()
    return classifier


def save_weights(classifier: Classifier, folder: Path) -> None:
    """Write adapter and heads."""
    folder.mkdir(parents=True, exist_ok=True)
    decoder = classifier.backbone.decoder
    assert isinstance(decoder, PeftModel)
    decoder.save_pretrained(str(folder / _ADAPTER), save_embedding_layers=False)
    (folder / _ADAPTER / "README.md").unlink(missing_ok=True)  # peft's empty model card
    heads = {name: tensor.contiguous() for name, tensor in classifier.trainable().items()}
    save_file(heads, folder / HEADS)


def load_weights(classifier: Classifier, folder: Path) -> None:
    """Read adapter and heads into a classifier of the same build.

    Raises:
        MissingArtifact: A file is not there.
        InvalidFile: A file is damaged, or holds other tensors than the classifier has.
    """
    decoder = classifier.backbone.decoder
    assert isinstance(decoder, PeftModel)
    expected = get_peft_model_state_dict(decoder, save_embedding_layers=False)
    set_peft_model_state_dict(decoder, _read(folder / ADAPTER_WEIGHTS, expected))
    _load_heads(classifier, folder)


def _load_heads(classifier: Classifier, folder: Path) -> None:
    heads = _read(folder / HEADS, classifier.trainable())
    own = {k: v for k, v in heads.items() if not k.startswith(_CONNECTOR)}
    connector = {k.removeprefix(_CONNECTOR): v for k, v in heads.items() if k not in own}
    classifier.backbone.connector.load_state_dict(connector)
    classifier.load_state_dict(own, strict=False)  # names were compared; the rest is the backbone


def freeze_from(classifier: Classifier, folder: Path) -> None:
    """Take adapter and connector of a run and freeze them; learned tokens and heads still learn.

    Raises:
        MissingArtifact: A file is not there.
        InvalidFile: The run has another adapter or connector.
    """
    backbone = classifier.backbone
    expected = get_peft_model_state_dict(backbone.decoder, save_embedding_layers=False)
    adapter = _read(folder / ADAPTER_WEIGHTS, expected, more=True)
    set_peft_model_state_dict(backbone.decoder, adapter)
    own = {k: v for k, v in classifier.trainable().items() if k.startswith(_CONNECTOR)}
    heads = _read(folder / HEADS, own, more=True)
    backbone.connector.load_state_dict({k.removeprefix(_CONNECTOR): v for k, v in heads.items()})
    backbone.requires_grad_(False)


def _read(
    path: Path, expected: dict[str, torch.Tensor], *, more: bool = False
) -> dict[str, torch.Tensor]:
    """Read the tensors that are expected; others are a fault, unless there may be `more`."""
    if not path.is_file():
        raise MissingArtifact("A run's folder must hold all its files", f"'{path}' is missing")
    check_is_tensors(path)
    try:
        tensors = {k: v for k, v in load_file(path).items() if k in expected or not more}
    except SafetensorError as error:
        raise InvalidFile(f"A run's weights must be whole safetensors ({error})", path) from None
    wanted = {name: tuple(t.shape) for name, t in expected.items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    if wanted != found:
        odd = sorted(set(wanted.items()) ^ set(found.items()))[:4]
        raise InvalidFile(
            f"A run's weights must be exactly those of its classifier, but these differ: {odd}",
            path,
            next_step="It was made for another backbone or label set, or the file was changed.",
        )  # fmt: skip
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise InvalidFile(f"A run's weights must be finite, but {broken[0]} is not", path)
    return tensors


def write_run(
    classifier: Classifier, config: RunConfig, labels: LabelSet, folder: Path, about: dict[str, Any]
) -> None:
    """Write a whole run folder; `run.json` comes last, so that a folder with it is complete."""
    save_weights(classifier, folder)
    (folder / "labels.json").write_text(json.dumps(asdict(labels), indent=1))
    card = classifier.backbone.card
    run = {
        "config": config.model_dump(),
        "recipe": asdict(recipe_of(config, card)),
        "base": {"name": config.backbone, "revision": card.revision},
        "versions": {name: _version(name) for name in _VERSIONED},
        "trainable_parameters": sum(p.numel() for p in classifier.parameters() if p.requires_grad),
        **about,
    }
    beside = folder / "run.json.tmp"
    beside.write_text(json.dumps(run, indent=1))
    beside.replace(folder / "run.json")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _check_base(said: RunCard, card: BackboneCard) -> None:
    wanted = said.about["base"]["revision"]
    if wanted != card.revision:
        raise InvalidFile(
            f"A run needs the base it was trained on, revision {wanted}, but "
            f"'{said.config.backbone}' is revision {card.revision}",
            said.folder, next_step="Train it again.",
        )  # fmt: skip


def load_onto(base: Backbone, said: RunCard) -> tuple[Run, Adapter]:
    """Load what is a run's own; `base` stays as it is, and may be the base of several runs.

    Returns:
        The run on the bare decoder of `base`, and the adapter that must be merged into it before
        the run is asked anything.

    Raises:
        MissingArtifact: A file is not there.
        InvalidFile: A file is damaged, holds other tensors than the run needs, or the base is not
            the one that the run was trained on.
    """
    _check_base(said, base.card)
    classifier = assemble(said.config, said.labels, base.with_own_connector())
    _load_heads(classifier, said.folder)
    run = _run(said, classifier)
    layers = adapted_layers(base.decoder, output=_adapts_output(said.config))
    tensors = _read(said.folder / ADAPTER_WEIGHTS, adapter_tensors(layers, run.recipe.rank))
    on_device = {name: tensor.to(_device()) for name, tensor in tensors.items()}
    return run, Adapter.of(on_device, layers, run.recipe.alpha / run.recipe.rank)


def load_run(folder: Path, *, merge: bool = False) -> Run:
    """Load a run by itself; `core.loaded_runs` keeps several on one base.

    Args:
        folder: What `write_run` wrote.
        merge: Merge the adapter into the decoder: the same answers, faster.

    Raises:
        MissingArtifact: The folder is not a run, or a file is missing.
        InvalidFile: Weights are damaged, or belong to another base.
    """
    said = read_run_card(folder)
    if merge:
        run, adapter = load_onto(load_backbone(said.config.backbone), said)
        merge_adapter(run.classifier.backbone.decoder, adapter)
        return run
    classifier = build_classifier(said.config, said.labels)
    _check_base(said, classifier.backbone.card)
    load_weights(classifier, folder)
    return _run(said, classifier)


def _run(said: RunCard, classifier: Classifier) -> Run:
    recipe = Recipe(**said.about["recipe"])
    classifier.to(_device())
    return Run(classifier.eval(), said.config, said.labels, said.task, recipe, said.about)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
