"""The subclass of `transformers.Trainer`: two logged losses, whole checkpoints, stop on request."""

import math
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from core.checkpoints import seal
from core.classifiers.base import Classifier
from core.dataset import Collator, TrainingSet
from core.errors import StudioError
from core.run_folder import load_weights, save_weights
from core.types import Progress, Report
from core.validation import Validation

_READ_EVERY_S = 0.5  # how often a GPU's losses are read


class StudioTrainer(Trainer):
    """Two logged losses, whole checkpoints in our format, validation by real predictions."""

    def __init__(
        self,
        classifier: Classifier,
        args: TrainingArguments,
        examples: TrainingSet,
        collator: Collator,
    ) -> None:
        super().__init__(
            model=classifier,
            args=args,
            train_dataset=examples,  # pyright: ignore[reportArgumentType]
            eval_dataset=examples,  # pyright: ignore[reportArgumentType]  # asked for, never used
            data_collator=collator,  # pyright: ignore[reportArgumentType]
        )
        self.classifier = classifier
        self.validation: Validation | None = None
        self.loss_is_scaled_for_ga = False  # losses are means over their batch
        self.seconds, self.epoch_steps = 0.0, 1
        self.remove_callback(PrinterCallback)  # stdout belongs to the caller
        self._sums: dict[str, torch.Tensor] = {}
        self._summed = 0

    def report_to(self, report: Report, save_every_s: float) -> None:
        """Tell of every step, and save a checkpoint every so many seconds."""
        self.add_callback(_Conductor(self, report, save_every_s))

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        examples: Any = train_dataset or self.train_dataset
        return SequentialSampler(examples)  # examples are drawn by index

    def compute_loss(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any
    ) -> Any:
        """Sum the parts on the device; they are read when a step is logged."""
        out = model(**inputs)
        for name, value in out.items():
            if name != "loss":
                self._sums[name] = self._sums.get(name, 0) + value.detach()
        self._summed += 1
        return (out["loss"], out) if return_outputs else out["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the parts of the loss to a step's log."""
        if "loss" in logs and self._summed:
            logs |= {name: float(total) / self._summed for name, total in self._sums.items()}
            self._sums, self._summed = {}, 0
        super().log(logs, start_time)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Validate by answering questions; without validation videos there is nothing to say."""
        metrics = self.validation() if self.validation else {}
        if metrics:
            self.log(dict(metrics))
            if metrics["val_accuracy"] >= (self.state.best_metric or -1.0):
                self.state.best_metric = metrics["val_accuracy"]
                best = Path(str(self.args.output_dir)) / "best"
                seal(best, lambda folder: save_weights(self.classifier, folder))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        target = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"

        def write(folder: Path) -> None:
            save_weights(self.classifier, folder)
            self._save_optimizer_and_scheduler(str(folder))
            self._save_rng_state(str(folder))
            self.state.save_to_json(str(folder / "trainer_state.json"))

        seal(target, write)
        for old in sorted(target.parent.glob("checkpoint-*"), key=_step_of)[:-2]:
            shutil.rmtree(old, ignore_errors=True)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_weights(self.classifier, Path(resume_from_checkpoint))


def _step_of(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


class _Conductor(TrainerCallback):
    """Reports what is logged, saves by time, stops on request and on a loss that is no number."""

    def __init__(self, trainer: StudioTrainer, report: Report, save_every_s: float) -> None:
        self.trainer, self.report, self.save_every_s = trainer, report, save_every_s
        self.started = self.saved = self.read = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        now, last = time.monotonic(), state.global_step >= state.max_steps
        if now - self.saved > self.save_every_s:
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
        values = {k: float(v) for k, v in kwargs["logs"].items() if isinstance(v, int | float)}
        loss = values.get("loss", 0.0)
        if not math.isfinite(loss) or not math.isfinite(values.get("grad_norm", 0.0)):
            raise StudioError(
                "The loss must stay a finite number", f"it is {loss} at step {state.global_step}",
                "Lower the learning rate; the last good checkpoint is kept in the job's folder.",
            )  # fmt: skip
        self.trainer.seconds = time.monotonic() - self.started
        progress = Progress(state.global_step, state.max_steps, "training", values)
        if self.report(progress):
            control.should_training_stop = control.should_save = True
