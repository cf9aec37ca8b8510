"""The demo project: 36 short kitchen videos, 24 actions that share verbs and nouns.

Scripts are chosen so that every action has at least six training segments; videos are split 22 for
training, 4 for validation, 10 for test.
"""

from collections import Counter
from pathlib import Path

from core.kitchen.recipes import DEMO_TASKS
from core.kitchen.scripts import Script, native_labels, write_script
from core.types import LabelSet, Split

FPS = 12
SPLIT_SIZES: dict[Split, int] = {"train": 22, "val": 4, "test": 10}
MIN_SEGMENTS = 6
"""Training segments that every action has at least."""

_CANDIDATES = 12


def demo_labels() -> LabelSet:
    """Return the demo's label set, sorted by name."""
    return native_labels(DEMO_TASKS)


def demo_scripts() -> list[tuple[Script, Split]]:
    """Return the demo's scripts with their splits; the same on every machine.

    Of several candidates for a place the one whose actions are rarest so far is taken.
    """
    plan: list[tuple[Script, Split]] = []
    tasks = sorted(DEMO_TASKS)
    number: Counter[str] = Counter()
    for split, size in SPLIT_SIZES.items():
        counts: Counter[str] = Counter()
        for place in range(size):
            task = DEMO_TASKS[tasks[place % len(tasks)]]
            number[task.name] += 1
            name = f"{task.name.replace(' ', '_')}_{number[task.name]:02d}.mp4"
            candidates = [
                write_script(task, f"demo/{split}/{place}/{i}", name=name)
                for i in range(_CANDIDATES)
            ]
            best = max(candidates, key=lambda s: _rarity(s, counts))
            counts.update(s.label for s in best.segments)
            plan.append((best, split))
    return plan


def _rarity(script: Script, counts: Counter[str]) -> float:
    return sum(1 / (1 + counts[s.label]) ** 2 for s in script.segments)


def demo_path(folder: Path, script: Script) -> Path:
    """Return where a demo video is rendered to."""
    return folder / script.name
