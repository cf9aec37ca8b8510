"""The subclass of `transformers.Trainer`: two logged losses, whole checkpoints, steps that fit."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils.memory import clear_device_cache
from safetensors import SafetensorError
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainingArguments

from core.checkpoints import numbered, seal
from core.classifiers.base import Classifier
from core.dataset import Collator, TrainingSet
from core.errors import StudioError
from core.ladder import Plan, is_out_of_memory, step_down
from core.resuming import STATE, last_good
from core.run_folder import load_weights, save_weights
from core.sequence import Batch, Example
from core.together import is_first, mean_of_all, meet, processes
from core.validation import Validation

_PLAN = "plan.json"
_KEPT = 2  # checkpoints


class StudioTrainer(Trainer):
    """Two logged losses, whole checkpoints in our format, validation by real predictions.

    A step that does not fit into memory is done again as a cheaper plan says; nothing is lost.
    """

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
        self.classifier, self.examples, self.collate = classifier, examples, collator
        self.validation: Validation | None = None
        self.loss_is_scaled_for_ga = False  # losses of parts add up to that of the step
        self.seconds, self.epoch_steps = 0.0, 1
        self.plan = Plan(args.per_device_train_batch_size, window=collator.window)
        self.steps_down: list[str] = []
        self.on_step_down: Callable[[], None] = lambda: None
        self.remove_callback(PrinterCallback)  # stdout belongs to the caller
        self._sums: dict[str, Tensor] = {}
        self._summed = 0

    @property
    def folder(self) -> Path:
        """Where checkpoints are."""
        return Path(str(self.args.output_dir))

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        examples: Any = train_dataset or self.train_dataset
        return SequentialSampler(examples)  # examples are drawn by index

    # ---- one step --------------------------------------------------------------------------------

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Compute the gradients of a step in parts; where memory is short, in smaller ones."""
        return self.step_on(model, inputs["batch"], self._examples_now)

    def step_on(self, model: Any, batch: Batch, examples: Callable[[], list[Example]]) -> Tensor:
        """Compute the gradients of a batch.

        Args:
            model: The classifier, as it is prepared for training.
            batch: What was laid out ahead.
            examples: Draws the batch again, after the window was shortened.

        Raises:
            StudioError: Even the cheapest plan does not fit into memory.
        """
        while True:
            if self.plan.window is not None and self.plan.window < batch.window:
                batch = self.collate(examples())["batch"]
            states = random_states()
            try:
                return self._in_parts(model, batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.args.world_size > 1:
                    raise
                model.zero_grad()
            # Here, where no traceback holds what was computed, memory is free again.
            clear_device_cache(garbage_collection=True)
            set_random_states(states)
            self._step_down()

    def _in_parts(self, model: Any, batch: Batch) -> Tensor:
        count, size = len(batch.token), self.plan.batch
        # Gradients become the mean over processes: so each question weighs the same.
        batch = replace(batch, questions=mean_of_all(batch.questions))
        losses, sums = [], dict[str, Tensor]()
        for first in range(0, count, size):
            part = {"batch": batch.rows(first, first + size) if size < count else batch}
            losses.append(super().training_step(model, part))
            for name, value in self._parts.items():
                sums[name] = sums.get(name, 0) + value
        for name, value in sums.items():
            self._sums[name] = self._sums.get(name, 0) + value
        self._summed += 1
        return torch.stack(losses).sum()

    def _examples_now(self) -> list[Example]:
        size = self.args.per_device_train_batch_size
        first = self.state.global_step * size
        return [self.examples[i] for i in range(first, min(first + size, len(self.examples)))]

    def compute_loss(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any
    ) -> Any:
        """Keep the parts of the loss on the device; they are read when a step is logged."""
        out = model(**inputs)
        self._parts = {name: value.detach() for name, value in out.items() if name != "loss"}
        return (out["loss"], out) if return_outputs else out["loss"]

    # ---- what is given up when memory is short ---------------------------------------------------

    def _step_down(self) -> None:
        size = self.args.per_device_train_batch_size
        causal = self.classifier.backbone.causal
        can_checkpoint = bool(getattr(causal, "supports_gradient_checkpointing", False))
        cheaper = step_down(self.plan, size=size, can_checkpoint=can_checkpoint)
        if cheaper is None:
            raise StudioError(
                "A step of training must fit into memory",
                f"one sequence alone does not, in training step {self.state.global_step + 1}",
                "Choose a smaller backbone or a smaller stretch_s, or free memory; "
                f"{last_good(self.folder)}.",
            )  # fmt: skip
        plan, sentence = cheaper
        self.steps_down.append(
            f"Memory was short at training step {self.state.global_step + 1}: {sentence}."
        )
        self.follow(plan)
        self.on_step_down()

    def follow(self, plan: Plan) -> None:
        """Compute steps as a plan says from now on."""
        if plan.checkpointing and not self.plan.checkpointing:
            causal = self.classifier.backbone.causal
            enable = getattr(causal, "activation_checkpointing_enable", None)
            (enable or causal.gradient_checkpointing_enable)({"use_reentrant": False})
        if plan.window is not None and plan.window != self.plan.window:
            self.examples.shorten(plan.window)
            self.collate.window = plan.window
            if self.validation is not None:
                self.validation.shorten(plan.window)
        self.plan = plan

    # ---- what is told and kept -------------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the parts of the loss to a step's log."""
        if "loss" in logs and self._summed:
            logs |= {
                name: mean_of_all(float(total) / self._summed) for name, total in self._sums.items()
            }
            self._sums, self._summed = {}, 0
        super().log(logs, start_time)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Validate by answering questions; without validation videos there is nothing to say."""
        metrics = self.validation() if self.validation else {}
        if metrics:
            self.log(dict(metrics))
            if metrics["val_accuracy"] >= (self.state.best_metric or -1.0):
                self.state.best_metric = metrics["val_accuracy"]
                self._keep("best", lambda folder: save_weights(self.classifier, folder))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        beside = self.folder / "random"
        if processes() > 1:
            self._save_rng_state(str(beside))  # every process has its own
            meet()

        def write(folder: Path) -> None:
            save_weights(self.classifier, folder)
            self._save_optimizer_and_scheduler(str(folder))
            self._save_rng_state(str(folder))
            if processes() > 1:
                shutil.copytree(beside, folder, dirs_exist_ok=True)
                shutil.copy(beside / "rng_state_0.pth", folder / "rng_state.pth")
            self.state.save_to_json(str(folder / STATE))
            plan = {"plan": asdict(self.plan), "steps_down": self.steps_down}
            (folder / _PLAN).write_text(json.dumps(plan, indent=1))

        self._keep(f"checkpoint-{self.state.global_step}", write)
        if is_first():
            for old in numbered(self.folder)[:-_KEPT]:
                shutil.rmtree(old, ignore_errors=True)

    def _keep(self, name: str, write: Callable[[Path], None]) -> None:
        if not is_first():
            return
        try:
            seal(self.folder / name, write)
        except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors have own
            raise StudioError(
                f"A checkpoint must be written whole ({error})", f"'{self.folder / name}' was not",
                "If the disk is full, free some space; then press Resume: "
                f"{last_good(self.folder)}.",
            ) from error  # fmt: skip

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        load_weights(self.classifier, folder)
        if (folder / _PLAN).is_file():  # earlier versions wrote none
            said = json.loads((folder / _PLAN).read_text())
            self.steps_down = said["steps_down"]
            self.follow(Plan(**said["plan"]))

    # ---- steps that did not happen ---------------------------------------------------------------

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo whatever steps are taken inside: weights, optimizer, random numbers, sums."""
        optimizer: Any = self.optimizer
        learned = [p for p in self.classifier.parameters() if p.requires_grad]
        # On the host: the device's memory is being measured.
        weights = [p.detach().to("cpu", copy=True) for p in learned]
        state, states = _on_host(optimizer.state_dict()), random_states()
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(learned, weights, strict=True):
                    parameter.copy_(value)
            optimizer.load_state_dict(state)
            self.classifier.zero_grad()
            set_random_states(states)
            self._sums, self._summed = {}, 0


def random_states() -> tuple[Any, ...]:
    """Return the states of every random number generator that training uses."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda


def set_random_states(states: tuple[Any, ...]) -> None:
    """Put back what `random_states` returned."""
    python, numpy, cpu, cuda = states
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state(cuda)


def _on_host(value: Any) -> Any:
    """Copy nested tensors to the host's memory."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _on_host(each) for key, each in value.items()}
    return [_on_host(each) for each in value] if isinstance(value, list) else value
