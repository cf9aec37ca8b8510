"""Before a training begins: two real steps of its largest batch, and what they say of the whole.

The steps are undone and consume nothing of the random order: a run with a preflight ends exactly
where one without ends. Later the forecast is corrected by the steps that are done.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.classifiers.base import Classifier
from core.errors import StudioError
from core.ladder import Plan
from core.memory import Memory, watched
from core.trainer import StudioTrainer
from core.types import Progress, Report

_STEPS = 2  # the first one makes buffers and kernels; the second is timed
_TELL_EVERY_S = 2.0
_SCARCE = 0.05  # of the machine's memory
_STATES = 3  # of a weight in a checkpoint: itself and two moments
_COPIES = 3  # checkpoints at a time: two are kept, one is being written
_WEIGHTS = 3  # copies of weights alone: best, the next best, the run
_BESIDE = 1 << 20  # bytes of everything that is no weight


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a training checked, measured and expects.

    `step_s` is a step's time in seconds, `left_s` that of all that are left; `memory_bytes` the
    most that was taken of `memory_total_bytes` of `memory_of` (cpu or gpu:N). `steps_down` says
    what was given up because memory was short, `fell_back` that a GPU is missing.
    """

    checks: tuple[str, ...]
    step_s: float
    left_s: float
    memory_bytes: int
    memory_total_bytes: int
    memory_of: str
    disk_needed_bytes: int
    disk_free_bytes: int
    plan: Plan
    steps_down: tuple[str, ...] = ()
    fell_back: str | None = None


class Preflight(TrainerCallback):
    """Measures at the start of a training and tells a corrected forecast as it goes on."""

    def __init__(
        self,
        trainer: StudioTrainer,
        report: Report,
        told: Callable[[Forecast], None],
        *,
        checks: Sequence[str],
        fell_back: str | None,
    ) -> None:
        self.trainer, self.report, self.told = trainer, report, told
        self.checks, self.fell_back = tuple(checks), fell_back
        self.forecast: Forecast | None = None
        self._begun, self._since, self._last = 0.0, 0, 0.0
        trainer.on_step_down = self._stepped_down

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Measure two steps and forecast the rest."""
        message = "measuring two steps of the largest batch"
        self.report(Progress(state.global_step, state.max_steps, message))
        step_s, memory = measure(self.trainer)
        needed, free = disk_room(self.trainer.classifier, self.trainer.folder)
        checks = self.checks
        if memory.free < _SCARCE * memory.total:
            left, total = _size(memory.free), _size(memory.total)
            checks += (f"The largest batch leaves {left} of {total} free: close other programs.",)
        left_s = step_s * (state.max_steps - state.global_step)
        self._tell(Forecast(
            checks, step_s, left_s, memory.used, memory.total, memory.of, needed, free,
            self.trainer.plan, tuple(self.trainer.steps_down), self.fell_back,
        ))  # fmt: skip
        self._begin(state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Correct the forecast by the steps done, with all that happens between them."""
        now, done = time.monotonic(), state.global_step - self._since
        left = state.max_steps - state.global_step
        if self.forecast and (now - self._last > _TELL_EVERY_S or not left):
            step_s = (now - self._begun) / done
            self._tell(replace(self.forecast, step_s=step_s, left_s=step_s * left))

    def _stepped_down(self) -> None:
        if self.forecast:  # not while it is measured
            said = tuple(self.trainer.steps_down)
            self._tell(replace(self.forecast, plan=self.trainer.plan, steps_down=said))
            self._begin(self.trainer.state.global_step)

    def _begin(self, step: int) -> None:
        self._begun, self._since = time.monotonic(), step

    def _tell(self, forecast: Forecast) -> None:
        self.forecast, self._last = forecast, time.monotonic()
        self.told(forecast)


def measure(trainer: StudioTrainer) -> tuple[float, Memory]:
    """Take two steps of the largest batch, undo them, and return the second's seconds and memory.

    Where they do not fit, the trainer follows a cheaper plan from here on.
    """
    size = trainer.args.per_device_train_batch_size
    model: Any = trainer.model_wrapped
    optimizer: Any = trainer.optimizer

    def largest() -> Any:
        return trainer.examples.largest(size)

    seconds = 0.0
    trainer.current_gradient_accumulation_steps = 1
    with trainer.undone(), watched(trainer.classifier) as memory:
        for _ in range(_STEPS):
            batch = trainer.collate(largest())["batch"]
            started = time.perf_counter()
            trainer.step_on(model, batch, largest)
            trainer.accelerator.clip_grad_norm_(model.parameters(), trainer.args.max_grad_norm)
            optimizer.step()
            model.zero_grad()
            if memory.of != "cpu":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - started
    return seconds, memory


def disk_room(classifier: Classifier, checkpoints: Path) -> tuple[int, int]:
    """Return the bytes that checkpoints will take at most, and those there are for them."""
    learned = sum(p.numel() * p.element_size() for p in classifier.parameters() if p.requires_grad)
    taken = sum(path.stat().st_size for path in checkpoints.rglob("*") if path.is_file())
    needed = learned * (_STATES * _COPIES + _WEIGHTS) + _BESIDE
    return needed, shutil.disk_usage(checkpoints).free + taken


def check_disk(classifier: Classifier, checkpoints: Path) -> None:
    """See that there is room for checkpoints.

    Raises:
        StudioError: There is too little.
    """
    needed, free = disk_room(classifier, checkpoints)
    if free < needed:
        raise StudioError(
            "Training needs room for its checkpoints",
            f"{_size(needed)} are needed in '{checkpoints}', {_size(free)} are free",
            "Free some space, then press Resume.",
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
