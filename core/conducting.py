"""What happens between the steps of a training: report, save by time, stop, see that it is sane."""

import math
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.config import TrainingConfig
from core.errors import StudioError
from core.resuming import last_good
from core.together import said_by_first
from core.trainer import StudioTrainer
from core.types import Progress, Report

_READ_EVERY_S = 0.5  # how often a GPU's losses are read


class Conductor(TrainerCallback):
    """Reports what is logged, saves by time and steps, stops on request and on no number.

    Args:
        trainer: Its seconds are counted.
        report: Hears of every step that is logged; returning True stops after it.
        training: Says how often a checkpoint is kept.
    """

    def __init__(self, trainer: StudioTrainer, report: Report, training: TrainingConfig) -> None:
        self.trainer, self.report = trainer, report
        self.every_s, self.every = training.checkpoint_every_s, training.checkpoint_every
        self.started = self.saved = self.read = said_by_first(time.monotonic())

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Decide what is saved and read after a step."""
        # Processes that train together do the same: their clocks differ, so one clock decides.
        now, last = said_by_first(time.monotonic()), state.global_step >= state.max_steps
        if now - self.saved > self.every_s or (self.every and state.global_step % self.every == 0):
            self.saved = now
            control.should_save = True
        # Nothing is kept before its loss was read, for it might be no number.
        due = last or control.should_save or control.should_evaluate
        if due or now - self.read > _READ_EVERY_S:
            self.read = now
            control.should_log = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Pass on what is logged.

        Raises:
            StudioError: A loss or a gradient is no number.
        """
        values = {k: float(v) for k, v in kwargs["logs"].items() if isinstance(v, int | float)}
        loss = values.get("loss", 0.0)
        if not math.isfinite(loss) or not math.isfinite(values.get("grad_norm", 0.0)):
            raise StudioError(
                "The loss must stay a finite number", f"it is {loss} at step {state.global_step}",
                f"Lower the learning rate; {last_good(self.trainer.folder)}.",
            )  # fmt: skip
        self.trainer.seconds = time.monotonic() - self.started
        progress = Progress(state.global_step, state.max_steps, "training", values)
        if said_by_first(self.report(progress)):
            control.should_training_stop = control.should_save = True
