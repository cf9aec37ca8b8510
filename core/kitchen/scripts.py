"""Who does what and when: scripts of kitchen videos, equal for a seed on any machine.

Only `random.Random` seeded by a string is used (its streams are fixed by the language), so labels
never depend on the versions of numpy or Pillow; pixels do.
"""

from dataclasses import dataclass
from random import Random

from core.kitchen.recipes import Task
from core.kitchen.world import (
    ACTIONS,
    HELD_OUT_THINGS,
    VARIANTS,
    Action,
    Motion,
    is_held_out,
)
from core.types import LabelSet, Segment

_MS = 1_000
_TYPICAL_S: dict[Motion, tuple[float, float]] = {
    Motion.TAKE: (2.2, 3.2), Motion.PUT_AWAY: (2.2, 3.2), Motion.DROP: (2.4, 3.4),
    Motion.STIR: (3.0, 4.6), Motion.WHISK: (3.0, 4.6), Motion.SLICE: (3.2, 4.8),
    Motion.CHOP: (3.0, 4.6), Motion.PEEL: (3.2, 4.6), Motion.KNEAD: (3.4, 5.0),
    Motion.SPREAD: (3.0, 4.4),
}  # fmt: skip
_USUAL_S = (2.6, 3.8)


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How hard the pictures are; every dial runs from 0 (clean) to 1."""

    clutter: float = 0.5
    lookalikes: float = 0.5
    jitter: float = 0.4
    colour: float = 0.4
    noise: float = 0.3
    distraction: float = 0.4


@dataclass(frozen=True, slots=True)
class TimedAction:
    """An action in a video, with the variant of its motion."""

    action: Action
    variant: int
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that decides a video: what happens, when, and how hard it is to see."""

    name: str
    task: Task
    seed: str
    difficulty: Difficulty
    duration_us: int
    steps: tuple[TimedAction, ...]
    hidden: frozenset[str] = frozenset()
    """Things that are nowhere to be seen, not even as clutter."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The exact labels, with native names."""
        return tuple(Segment(s.start_us, s.end_us, s.action.name) for s in self.steps)


def write_script(
    task: Task,
    seed: str,
    *,
    name: str = "",
    difficulty: Difficulty | None = None,
    length_s: tuple[float, float] = (30.0, 45.0),
    held_out: bool = False,
) -> Script:
    """Draw one video's script.

    Args:
        task: Whose steps are drawn: alternatives, options, and sometimes two neighbours swapped.
        seed: Any text; the same text gives the same script.
        name: Name of the video.
        difficulty: Difficulty of the pictures; the default is medium.
        length_s: The tempo is stretched or pressed until the video's length lies inside.
        held_out: Leave out what pre-training must not see: actions, and things in sight.
    """
    rng = Random(f"script/{seed}")
    actions: list[Action] = []
    for step in task.steps:
        choices = [a for a in step.choices if not (held_out and is_held_out(a))]
        if choices and rng.random() < step.chance:
            actions.append(rng.choice(choices))
    if len(actions) > 3 and rng.random() < 0.15:
        i = rng.randrange(1, len(actions) - 1)
        actions[i], actions[i + 1] = actions[i + 1], actions[i]

    spans: list[tuple[float, float]] = []
    clock = rng.uniform(0.6, 1.8)
    for action in actions:
        lasts = rng.uniform(*_TYPICAL_S.get(action.motion, _USUAL_S))
        spans.append((clock, clock + lasts))
        clock += lasts + (rng.uniform(0.3, 1.5) if rng.random() < 0.85 else 0.0)
    length = clock + rng.uniform(0.6, 1.6)
    tempo = min(max(length, length_s[0]), length_s[1]) / length
    steps = tuple(
        TimedAction(
            action,
            rng.randrange(VARIANTS),
            round(a * tempo * 1000) * _MS,
            round(b * tempo * 1000) * _MS,
        )
        for action, (a, b) in zip(actions, spans, strict=True)
    )
    return Script(
        name or f"{task.name.replace(' ', '_')}_{seed}",
        task,
        seed,
        difficulty or Difficulty(),
        round(length * tempo * 1000) * _MS,
        steps,
        HELD_OUT_THINGS if held_out else frozenset(),
    )


def draw_difficulty(seed: str) -> Difficulty:
    """Draw a difficulty from the whole range, as pre-training does."""
    rng = Random(f"difficulty/{seed}")
    return Difficulty(*(rng.random() for _ in range(6)))


def native_labels(tasks: dict[str, Task]) -> LabelSet:
    """Return the label set of all actions that `tasks` may hold, sorted by name."""
    return LabelSet(tuple(sorted({a.name for task in tasks.values() for a in task.actions})))


def all_labels() -> LabelSet:
    """Return the label set of the large world."""
    return LabelSet(tuple(sorted(action.name for action in ACTIONS.values())))
