"""What can be said about a moment in the kitchen: the texts of nano's pre-training.

Four kinds of question, each a special token of the tokenizer: what happens now, what happened
before, what stands about, and what the goal is.
"""

from random import Random

from core.kitchen.recipes import TASKS
from core.kitchen.render import Glimpse
from core.kitchen.world import NOUNS, VERBS, Action, Motion

QUESTIONS = ("<now>", "<before>", "<scene>", "<goal>")

_PRESENT: dict[Motion, tuple[str, ...]] = {
    Motion.SPRINKLE: ("adds", "sprinkles"), Motion.DROP: ("adds", "drops in"),
    Motion.POUR: ("pours",), Motion.STIR: ("stirs",), Motion.WHISK: ("mixes", "whisks"),
    Motion.SLICE: ("cuts", "slices"), Motion.CHOP: ("chops",), Motion.PEEL: ("peels",),
    Motion.GRATE: ("grates",), Motion.WASH: ("washes",), Motion.OPEN: ("opens",),
    Motion.CLOSE: ("closes",), Motion.TAKE: ("takes",), Motion.PUT_AWAY: ("puts away",),
    Motion.SPREAD: ("spreads",), Motion.KNEAD: ("kneads",), Motion.SHAKE: ("shakes",),
    Motion.WIPE: ("wipes",), Motion.TASTE: ("tastes",),
}  # fmt: skip


def _does(action: Action, rng: Random) -> str:
    return f"{rng.choice(_PRESENT[action.motion])} the {NOUNS[action.thing]}"


def caption(question: str, seen: Glimpse, rng: Random) -> str:
    """Answer one kind of question about a frame."""
    if question == "<now>":
        if seen.action is None:
            return "nothing happens"
        return f"{rng.choice(('a hand', 'the person', 'someone'))} {_does(seen.action, rng)}"
    if question == "<before>":
        return f"before, the person {_does(seen.last, rng)}" if seen.last else "nothing before"
    if question == "<scene>":
        things = sorted(NOUNS[thing] for thing in seen.present)
        shown = rng.sample(things, min(3, len(things)))
        return (
            f"there is {', '.join(shown[:-1])} and {shown[-1]}"
            if len(shown) > 1
            else "there is little"
        )
    return f"the goal is to {seen.goal}"


def corpus() -> list[str]:
    """Return every phrase that a tokenizer should know: all names and every form of a sentence.

    Words of held-out things and motions are among them, as they are in any real tokenizer; the
    decoder itself never reads or writes them in pre-training.
    """
    verbs = sorted({word for forms in _PRESENT.values() for word in forms} | set(VERBS.values()))
    nouns = sorted(NOUNS.values())
    phrases = [f" {verb} the {noun}" for verb in verbs for noun in nouns]
    phrases += [f" {verb} {noun}" for verb in sorted(set(VERBS.values())) for noun in nouns]
    phrases += [f" the goal is to {name}" for name in TASKS] * 4
    phrases += [" a hand", " the person", " someone", " nothing happens", " nothing before"] * 4
    phrases += [" before, the person", " there is", " there is little", " and"] * 4
    return phrases + [" background"] * 1000  # one token, as in large tokenizers
