"""Which runs are compared: written down before the first of them starts.

A study holds conditions of one task in equal steps and batches. Runs are listed seed by seed, so
that whatever was done when the time is over is a balanced comparison. The learning rate of each
family of conditions is the best of one common grid on validation, with a seed of its own.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.reproduction.worlds import Pixels, World

NATIVE = World()
"""The kitchen's recipes under their native names."""
GRID = (7e-4, 2e-3, 5e-3)
"""Learning rates that every family is offered."""
TUNING_SEED = 1000
"""Seed of the runs that choose learning rates; no compared run has it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to classify, in one world.

    `settings` are those of a run, `family` names the conditions that share a learning rate.
    `decoders` are asked on the test videos, the run's own if there are none. With `first`, half
    of the steps train a run of those settings, whose frozen weights the other half builds on.
    `untuned` ones are not trained at all.
    """

    name: str
    settings: Mapping[str, Any]
    family: str
    world: World = NATIVE
    decoders: tuple[str, ...] = ()
    first: Mapping[str, Any] | None = None
    untuned: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """Conditions that are compared: one task, equal optimiser steps, equal batches.

    `test` bounds the number of test videos.
    """

    name: str
    task: str
    steps: int
    batch: int
    conditions: tuple[Condition, ...]
    test: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One training with its predictions. `lr` None is the family's chosen one."""

    study: Study
    condition: Condition
    seed: int
    lr: float | None = None

    @property
    def key(self) -> str:
        """The unit's name, which is also that of its file."""
        rate = "" if self.lr is None else f" lr {self.lr:g}"
        return f"{self.study.name} {self.condition.name} {self.seed}{rate}".replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Plan:
    """All runs of a reproduction. `rates` are learning rates that are not chosen again."""

    name: str
    studies: tuple[Study, ...]
    seeds: int
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A hash of everything that is written down here: another plan has another folder."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]

    def pixels(self) -> list[Pixels]:
        """Return every world that must be rendered, each once."""
        worlds = (c.world.pixels for study in self.studies for c in study.conditions)
        return list(dict.fromkeys(worlds))

    def tuning(self) -> Iterator[Unit]:
        """Yield the runs that choose learning rates: each family's first condition, each rate."""
        asked = set(self.rates)
        for study in self.studies:
            for condition in study.conditions:
                if condition.family in asked or condition.untuned:
                    continue
                asked.add(condition.family)
                for lr in GRID:
                    yield Unit(study, condition, TUNING_SEED, lr)

    def units(self) -> Iterator[Unit]:
        """Yield the runs that are compared, seed by seed."""
        for seed in range(self.seeds):
            for study in self.studies:
                for condition in study.conditions:
                    yield Unit(study, condition, seed)


def _generative(codec: str, **more: Any) -> dict[str, Any]:
    # `trie` validates: it nearly always names what `exact` does, and costs a third.
    return {"classifier": "generative", "codec": codec, "decoder": "trie", **more}


def _gad(context: str, **more: Any) -> dict[str, Any]:
    return {"classifier": "gad", "context": context, **more}


_DISC: dict[str, Any] = {"classifier": "discriminative"}
_PERMUTED = World(alignment="permuted")

_UNTUNED = Condition(
    "untuned", _generative("text", prompt="The action in the video is"), "none",
    decoders=("exact",), untuned=True,
)  # fmt: skip
"""The zero-shot baseline: the backbone as it is."""

_CORE = (
    _UNTUNED,
    Condition("discriminative", _DISC, "discriminative"),
    Condition("gad goal", _gad("task_goal"), "gad"),
    Condition("text", _generative("text"), "text", decoders=("exact", "greedy", "trie")),
    Condition("random", _generative("random"), "text", decoders=("exact",)),
    Condition("desync", _generative("desync"), "apart", decoders=("exact",)),
    Condition("extend", _generative("extend"), "apart", decoders=("exact",)),
    Condition("text permuted", _generative("text"), "text", _PERMUTED, ("exact",)),
    Condition("random permuted", _generative("random"), "text", _PERMUTED, ("exact",)),
)
"""Step recognition: the eight conditions of the short form, and the untuned backbone."""

_MORE = (
    Condition("gad previous", _gad("previous_action"), "gad"),
    Condition("gad nothing", _gad("none"), "gad"),
    Condition("text capped", _generative("text", vocabulary="labels"), "text", decoders=("exact",)),
    Condition(
        "extend capped", _generative("extend", vocabulary="labels"), "apart", decoders=("exact",)
    ),
)

_ONLINE = (
    replace(_UNTUNED, decoders=()),
    Condition("discriminative", _DISC, "discriminative"),
    Condition("gad previous", _gad("previous_action"), "gad"),
    Condition("gad next", _gad("next_action"), "gad"),
    Condition("gad current", _gad("current_label"), "gad"),
    Condition("gad shuffled", _gad("shuffled"), "gad"),
    Condition("gad head", _gad("previous_action", assist="head"), "gad"),
    Condition("gad without cls", _gad("previous_action", read_at="frame"), "gad"),
    Condition("two stages", _DISC, "discriminative", first=_generative("text")),
    Condition("text", _generative("text"), "text"),
    Condition("desync", _generative("desync"), "apart"),
)

_MORE_ONLINE = (
    Condition("gad parallel", _gad("previous_action", strategy="parallel"), "gad"),
    Condition("gad text first", _gad("previous_action", strategy="generation_first"), "gad"),
    Condition("gad auto", _gad("auto"), "gad"),
)
"""Trained like those of the study `online`, but listed last: `auto` costs twice as much."""

_NEXT = (
    _UNTUNED,
    Condition("discriminative", _DISC, "discriminative"),
    Condition("gad previous", _gad("previous_action"), "gad"),
    Condition("text", _generative("text"), "text"),
)


def _map() -> Iterator[Condition]:
    """Yield the map: at each point the discriminative and the generative classifier."""
    base = Pixels(free=True, train=72, val=12, test=40)
    points = {
        "base": World(base),
        "low overlap": World(replace(base, overlap="low")),
        "high overlap": World(replace(base, overlap="high")),
        "24 classes": World(replace(base, classes=24)),
        "96 classes": World(replace(base, classes=96)),
        "half the examples": World(base, examples=0.5),
        "hard to see": World(replace(base, difficulty=0.9)),
        "variants by thing": World(replace(base, fixed_variants=True)),
    }
    yield replace(_UNTUNED, name="untuned, base", world=World(base))
    for name, world in points.items():
        yield Condition(f"discriminative, {name}", _DISC, "discriminative", world)
        yield Condition(f"text, {name}", _generative("text"), "text", world)
    for alignment in ("permuted", "unlike_verbs", "synonyms"):
        world = World(base, alignment)
        yield Condition(f"text, {alignment}", _generative("text"), "text", world)
    yield Condition("text, long names", _generative("text"), "text", World(base, long=True))


_CHOSEN = {"discriminative": 2e-3, "gad": 2e-3, "text": 2e-3, "apart": 5e-3}
"""What the full form chose on validation: docs/reproduction/learning_rates.json."""

_SMALL = Pixels(train=60, val=12, test=40)

QUICK = Plan(
    "quick",
    (
        Study(
            "steps", "step_recognition", 80, 24,
            tuple(replace(c, world=replace(c.world, pixels=_SMALL)) for c in _CORE),
        ),
    ),
    seeds=3,
    rates=_CHOSEN,
)  # fmt: skip
"""Minutes on two cores."""

MEDIUM = Plan(
    "medium",
    (
        Study("steps", "step_recognition", 150, 32, _CORE + _MORE, test=32),
        Study("online", "online_detection", 90, 4, _ONLINE, test=20),
        Study("next", "next_step", 100, 32, _NEXT, test=32),
        Study("map", "step_recognition", 80, 32, tuple(_map()), test=20),
        Study("online", "online_detection", 90, 4, _MORE_ONLINE, test=20),
    ),
    seeds=3,
    rates=_CHOSEN,
)
"""Two hours on two cores."""

FULL = Plan(
    "full",
    (
        Study("steps", "step_recognition", 240, 32, _CORE + _MORE),
        Study("online", "online_detection", 150, 4, _ONLINE, test=32),
        Study("next", "next_step", 200, 32, _NEXT),
        Study("map", "step_recognition", 140, 32, tuple(_map())),
        Study("online", "online_detection", 150, 4, _MORE_ONLINE, test=32),
    ),
    seeds=5,
)

PLANS = {plan.name: plan for plan in (QUICK, MEDIUM, FULL)}
