"""The context `auto`: which text GAD should learn is asked of the validation videos.

Short runs with successive halving: every candidate is trained for an eighth of the steps, the best
three for a quarter with two seeds. The test videos are never looked at.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from core.config import RunConfig
from core.errors import InvalidData
from core.training_data import TrainingData

CANDIDATES = (
    "previous_action", "previous_three", "next_action", "current_label", "task_goal", "none",
)  # fmt: skip
"""Contexts that are tried; `task_goal` only where videos say theirs."""
_FINALISTS = 3

ShortRun = Callable[[RunConfig, Path], float]
"""Trains a run in a folder and returns its best validation accuracy, in percent."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One short run: validation accuracy in percent."""

    context: str
    seed: int
    steps: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen context, and everything that was tried for it."""

    context: str
    tried: tuple[Trial, ...]


def choose_context(
    config: RunConfig, data: TrainingData, folder: Path, short_run: ShortRun
) -> Choice:
    """Try the candidates and return the best; finished trials in `folder` are not run again.

    Raises:
        InvalidData: There is no validation video to choose by.
    """
    if not data.val:
        raise InvalidData(
            "The context 'auto' is chosen on validation videos", "there is none",
            "Set the split of some labelled videos to 'val', or choose a context.",
        )  # fmt: skip
    goals = any(video.goal for video, _ in data.train)
    candidates = [name for name in CANDIDATES if goals or name != "task_goal"]
    steps, seed = config.training.steps, config.training.seed
    book = _Trials(config, folder, short_run)
    first = [book.trial(name, seed, max(1, steps // 8)) for name in candidates]
    finalists = [t.context for t in sorted(first, key=lambda t: -t.accuracy)[:_FINALISTS]]
    last = [
        book.trial(name, its_seed, max(1, steps // 4))
        for name in finalists
        for its_seed in (seed, seed + 1)
    ]
    best = max(finalists, key=lambda name: _mean(last, name))
    return Choice(best, (*first, *last))


def _mean(trials: Sequence[Trial], context: str) -> float:
    found = [trial.accuracy for trial in trials if trial.context == context]
    return sum(found) / len(found)


class _Trials:
    """Short runs of one choice, kept one by one."""

    def __init__(self, config: RunConfig, folder: Path, short_run: ShortRun) -> None:
        self.config, self.folder, self.short_run = config, folder, short_run

    def trial(self, context: str, seed: int, steps: int) -> Trial:
        """Run a trial, unless it was run."""
        path = self.folder / f"{context}-{seed}-{steps}.json"
        if path.is_file():
            return Trial(**json.loads(path.read_text()))
        training = self.config.training.model_copy(update={"seed": seed, "steps": steps})
        config = self.config.model_copy(update={"context": context, "training": training})
        accuracy = self.short_run(config, path.with_suffix(""))
        found = Trial(context, seed, steps, accuracy)
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps(asdict(found)))
        beside.replace(path)
        return found
