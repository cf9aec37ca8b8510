"""Worlds for the reproduction: which actions there are, what they look like, how they are called.

A world's *pixels* and its *names* are turned by different dials, so that the same clips can be
asked for under other labels. Class indices follow the actions, never the names: runs in the same
pixels are compared clip by clip.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

from core.kitchen.recipes import TASKS, Step, Task
from core.kitchen.scripts import Difficulty, Script, write_script
from core.kitchen.stage import small_hash
from core.kitchen.world import ACTIONS, NOUNS, VARIANTS, VERBS, Action, Motion
from core.types import LabelledVideo, LabelSet, Segment, Split

Alignment = Literal["native", "permuted", "unlike_verbs", "synonyms"]
"""How names and appearance agree.

`native`        a verb is a motion, a noun a thing: classes that share a word look alike
`permuted`      the same names, dealt to classes at random: sharing a word says nothing
`unlike_verbs`  the noun is right, the verb's word is drawn anew for each thing: one word for unlike
                motions, several words for the same one
`synonyms`      a motion has three words, and the thing decides which: different words for like ones
"""

_SYNONYMS: dict[Motion, tuple[str, str, str]] = {
    Motion.SPRINKLE: ("add", "sprinkle", "scatter"), Motion.DROP: ("add", "drop", "put in"),
    Motion.POUR: ("pour", "tip", "fill in"), Motion.STIR: ("stir", "turn", "swirl"),
    Motion.WHISK: ("mix", "whisk", "beat"), Motion.SLICE: ("cut", "slice", "carve"),
    Motion.CHOP: ("chop", "mince", "dice"), Motion.PEEL: ("peel", "skin", "pare"),
    Motion.GRATE: ("grate", "shred", "rasp"), Motion.WASH: ("wash", "rinse", "clean"),
    Motion.OPEN: ("open", "unscrew", "uncover"), Motion.CLOSE: ("close", "shut", "cover"),
    Motion.TAKE: ("take", "fetch", "grab"), Motion.PUT_AWAY: ("put away", "store", "return"),
    Motion.SPREAD: ("spread", "smear", "coat"), Motion.KNEAD: ("knead", "press", "work"),
    Motion.SHAKE: ("shake", "jiggle", "rock"), Motion.WIPE: ("wipe", "dry", "sweep"),
    Motion.TASTE: ("taste", "try", "sip"),
}  # fmt: skip
_TOOLS = ("with the hand", "with the spoon", "with the knife")
_PLACES = ("in the bowl", "on the board", "in the pot", "on the table", "in the cup")
_VESSELS = ("cup", "bowl", "pot")
_NO_FILE = Path("rendered")
_STEPS = 12
"""Actions in a video of a free world."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """What is seen; `train`, `val` and `test` count videos.

    With `free`, actions come in any order and equally often, `classes` of them, chosen so that they
    share verbs and nouns as little or as much as `overlap` says; otherwise the kitchen's recipes
    decide. `fixed_variants`: a verb's motion has one variant a thing, so that the same verb looks
    different on different things. `difficulty` goes from 0 (clean) to 1.
    """

    free: bool = False
    classes: int = 48
    overlap: Literal["low", "medium", "high"] = "medium"
    fixed_variants: bool = False
    difficulty: float = 0.5
    train: int = 96
    val: int = 20
    test: int = 64

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions of this world in the order of their class indices."""
        if not self.free:
            used = {action.key for task in TASKS.values() for action in task.actions}
            return tuple(ACTIONS[key] for key in sorted(used))
        return choose_actions(self.classes, self.overlap)

    def scripts(self) -> list[tuple[Script, Split]]:
        """Return every video's script with its split; the same on every machine."""
        sizes: dict[Split, int] = {"train": self.train, "val": self.val, "test": self.test}
        found: list[tuple[Script, Split]] = []
        for split, count in sizes.items():
            deck: list[Action] = []
            rng = Random(f"deck/{self.free}/{self.classes}/{self.overlap}/{split}")
            for place in range(count):
                if self.free and len(deck) < _STEPS:
                    deck += rng.sample(self.actions, len(self.actions))
                script = self._script(f"{split}/{place}", deck)
                del deck[:_STEPS]
                found.append((script, split))
        return found

    def _script(self, seed: str, deck: list[Action]) -> Script:
        dials = Difficulty(*(self.difficulty,) * 6)
        if self.free:
            steps = tuple(Step((action,)) for action in deck[:_STEPS])
            task = Task("cook", _VESSELS[small_hash(seed) % 3], steps)
        else:
            tasks = sorted(TASKS)
            task = TASKS[tasks[small_hash(seed) % len(tasks)]]
        script = write_script(task, f"world/{seed}", name=seed, difficulty=dials, length_s=(30, 48))
        if not self.fixed_variants:
            return script
        fixed = (replace(s, variant=small_hash(s.action.thing) % VARIANTS) for s in script.steps)
        return replace(script, steps=tuple(fixed))


@cache
def choose_actions(count: int, overlap: str) -> tuple[Action, ...]:
    """Choose actions that share words as little (`low`) or as much (`high`) as they can.

    One after the other, the action whose verb and noun were used least, or most, so far; `medium`
    draws. Ties are broken at random, with a fixed seed.
    """
    rng = Random(f"actions/{overlap}")
    left = rng.sample(sorted(ACTIONS), len(ACTIONS))
    chosen: list[Action] = []
    for _ in range(count):

        def shared(key: str) -> int:
            action = ACTIONS[key]
            return sum((action.verb == c.verb) + (action.noun == c.noun) for c in chosen)

        best = {"low": min, "high": max}.get(overlap)
        key = best(left, key=shared) if best else left[0]
        left.remove(key)
        chosen.append(ACTIONS[key])
    return tuple(sorted(chosen, key=lambda a: a.key))


RECIPES = Pixels()
"""The kitchen's own tasks, at medium difficulty."""


@dataclass(frozen=True, slots=True)
class World:
    """Pixels, and how their actions are called. `long` names say with what and where, too."""

    pixels: Pixels = RECIPES
    alignment: Alignment = "native"
    long: bool = False
    examples: float = 1.0
    """Share of the training videos that are used."""

    def names(self, seed: int) -> LabelSet:
        """Return the actions' names in the order of their class indices.

        The seed deals the names of `permuted` and `unlike_verbs`.
        """
        actions, rng = self.pixels.actions, Random(f"names/{self.alignment}/{seed}")
        if self.alignment == "permuted":
            names = self._named(actions, [a.verb for a in actions])
            return LabelSet(tuple(rng.sample(names, len(names))))
        if self.alignment == "synonyms":
            verbs = [_SYNONYMS[a.motion][small_hash(a.thing) % 3] for a in actions]
        elif self.alignment == "unlike_verbs":
            verbs = _deal_verbs(actions, rng)
        else:
            verbs = [a.verb for a in actions]
        return LabelSet(tuple(self._named(actions, verbs)))

    def _named(self, actions: tuple[Action, ...], verbs: list[str]) -> list[str]:
        if not self.long:
            return [f"{v} {NOUNS[a.thing]}" for v, a in zip(verbs, actions, strict=True)]
        return [
            f"{verb} the {NOUNS[a.thing]} {_TOOLS[small_hash(a.motion) % 3]} "
            f"{_PLACES[small_hash(a.thing) % 5]}"
            for verb, a in zip(verbs, actions, strict=True)
        ]


def _deal_verbs(actions: tuple[Action, ...], rng: Random) -> list[str]:
    """Draw a verb for each action, never the same twice for one thing."""
    words = sorted(set(VERBS.values()))
    dealt: dict[str, list[str]] = {}
    for thing in sorted({a.thing for a in actions}):
        dealt[thing] = rng.sample(words, len(words))
    return [dealt[a.thing].pop() for a in actions]


def labelled(script: Script, split: Split, world: World, names: LabelSet) -> LabelledVideo:
    """Return a script as a labelled video under a world's names."""
    place = {action: i for i, action in enumerate(world.pixels.actions)}
    segments = tuple(
        Segment(s.start_us, s.end_us, names.classes[place[s.action]]) for s in script.steps
    )
    return LabelledVideo(
        script.name, _NO_FILE / script.name, "", script.duration_us, segments,
        split=split, goal=script.task.name,
    )  # fmt: skip
