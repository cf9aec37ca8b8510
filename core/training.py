"""Fine-tuning: `train(config, data, folder)`, without app or database.

Progress goes out through a callback, which may answer "stop"; a stopped run keeps what it has
learned.
"""

import logging
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from core.attention.blocks import BLOCK
from core.classifiers.base import Classifier
from core.conducting import Conductor
from core.config import RunConfig
from core.context_choice import ShortRun, choose_context
from core.data_checks import data_checks
from core.dataset import Collator, Drawing, TrainingSet
from core.errors import Stopped, StudioError
from core.ladder import is_out_of_memory
from core.preflight import Forecast, Preflight, check_disk
from core.resuming import last_good, resume_from
from core.run_folder import (
    Recipe,
    build_classifier,
    freeze_from,
    load_weights,
    recipe_of,
    write_run,
)
from core.tasks import load_task
from core.together import is_first, said_by_first, share_of
from core.trainer import StudioTrainer
from core.training_data import TrainingData, check_data
from core.types import Progress, Report, nobody_listens
from core.validation import Validation

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended.

    `steps` were done of `max_steps`; `kept` says which weights are in the folder: 'best' (of
    validation) or 'last'.
    """

    folder: Path
    steps: int
    max_steps: int
    kept: str
    stopped: bool


def train(
    config: RunConfig,
    data: TrainingData,
    folder: Path,
    *,
    report: Report = nobody_listens,
    forecast: Callable[[Forecast], None] | None = None,
) -> Trained:
    """Fine-tune a classifier and write its run folder.

    Training continues from the newest good checkpoint under `folder/checkpoints`, if there is one.
    A step that does not fit into memory is done again more cheaply (`core.ladder`).

    Args:
        config: What to train.
        data: Videos with features, and the label set.
        folder: Becomes the run folder.
        report: Hears of every step, on a GPU twice a second: `values` holds losses and validation
            figures. Returning True stops after the current step; what was learned is kept.
        forecast: Hears what two steps of the largest batch took and what is left, again and again;
            without it they are not measured.

    Raises:
        InvalidData: The data cannot train anything.
        StudioError: A loss became infinite or NaN, the disk is full, or not even the cheapest step
            fits into memory; the last good checkpoint is kept and named.
        Stopped: `report` asked to stop while a context was chosen; finished trials are kept.
    """
    warnings = check_data(
        data.labels, [v for v, _ in data.train], load_task(config.task), validated=bool(data.val)
    )
    more: dict[str, Any] = {"data": data.about, "warnings": warnings}
    if config.context == "auto" and config.classifier == "gad":  # nobody else writes one
        choice = choose_context(config, data, folder / "contexts", _short_run(data, report))
        more["context_choice"] = asdict(choice)
        config = config.model_copy(update={"context": choice.context})
    classifier = build_classifier(config, data.labels)
    if config.frozen_from:
        freeze_from(classifier, Path(config.frozen_from))
    if not config.training.steps:
        write_run(classifier, config, data.labels, folder, {"steps": 0, **more})
        return Trained(folder, 0, 0, "untuned", stopped=False)
    checkpoints = folder / "checkpoints"
    trainer = _trainer(classifier, config, data, checkpoints)
    checkpoints.mkdir(parents=True, exist_ok=True)  # every process looks at its disk
    check_disk(classifier, checkpoints)
    newest, notes = said_by_first(resume_from(checkpoints) if is_first() else (None, []))
    fell_back = _fell_back(config)
    warnings += notes + ([fell_back] if fell_back else [])
    trainer.add_callback(Conductor(trainer, report, config.training))
    if forecast:
        warnings += _data_checks(classifier, data)
        trainer.add_callback(
            Preflight(trainer, report, forecast, checks=warnings, fell_back=fell_back)
        )
    _run(trainer, newest)
    steps = trainer.state.global_step
    stopped = steps < config.training.steps
    if not is_first():  # which writes the run
        return Trained(folder, steps, config.training.steps, "last", stopped)
    kept = _choose(classifier, checkpoints)
    more |= {"steps": steps, "epoch_steps": trainer.epoch_steps, "kept": kept}
    more |= {"plan": asdict(trainer.plan), "steps_down": trainer.steps_down}
    config = _as_trained(config, trainer)
    write_run(classifier, config, data.labels, folder, more | {"seconds": trainer.seconds})
    if not stopped:  # a stopped training may be resumed
        shutil.rmtree(checkpoints, ignore_errors=True)
    return Trained(folder, steps, config.training.steps, kept, stopped)


def _run(trainer: StudioTrainer, newest: Path | None) -> None:
    """Train to the end; what the machine cannot do becomes a sentence."""
    try:
        trainer.train(resume_from_checkpoint=newest and str(newest))
    except (RuntimeError, MemoryError) as error:
        kept = last_good(trainer.folder)
        if is_out_of_memory(error):
            raise StudioError(
                "Training must fit into memory", str(error).splitlines()[0] if str(error) else "",
                f"Free memory or choose a smaller backbone, then press Resume; {kept}.",
            ) from error  # fmt: skip
        if "CUDA error" in str(error):
            raise StudioError(
                "The GPU must answer", str(error).splitlines()[0],
                f"Press Resume: training goes on where it was, on the CPU if need be; {kept}.",
            ) from error  # fmt: skip
        raise


def _as_trained(config: RunConfig, trainer: StudioTrainer) -> RunConfig:
    """Return the config with the window that was left of it when memory was short."""
    card, window = trainer.classifier.backbone.card, trainer.plan.window
    recipe = recipe_of(config, card)
    if window is None or window == recipe.window:
        return config
    return config.model_copy(update={"window_s": window / recipe.rate})


def _data_checks(classifier: Classifier, data: TrainingData) -> list[str]:
    written = data.labels.classes if classifier.writes_text else ()
    tokens = {name: len(classifier.codec.write(name)) for name in written}
    return data_checks({"train": data.train, "val": data.val, "test": data.test}, tokens)


def _fell_back(config: RunConfig) -> str | None:
    """Say that a GPU was asked for, or given to this process, which does not answer."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    asked = config.training.device == "cuda" or (config.training.device == "auto" and given)
    if not asked or torch.cuda.is_available():
        return None
    sentence = "The GPU does not answer (removed, hidden, or another driver): the CPU is used."
    log.warning(sentence)
    return sentence


def _short_run(data: TrainingData, report: Report) -> ShortRun:
    """Return how a context is tried: train, and tell the best validation accuracy."""

    def run(config: RunConfig, folder: Path) -> float:
        best = 0.0

        def listen(progress: Progress) -> bool | None:
            nonlocal best
            best = max(best, progress.values.get("val_accuracy", 0.0))
            message = f"trying the context {config.context}"
            return report(Progress(progress.done, progress.total, message))

        if train(config, data, folder, report=listen).stopped:
            raise Stopped("The choice of a context")
        shutil.rmtree(folder)
        return best

    return run


def _trainer(
    classifier: Classifier, config: RunConfig, data: TrainingData, checkpoints: Path
) -> StudioTrainer:
    task = load_task(config.task)
    recipe = recipe_of(config, classifier.backbone.card)
    drawing = _drawing(config, recipe, classifier)
    examples = TrainingSet(data.train, task, classifier, data.labels, drawing)
    on_cpu = _on_cpu(config)
    collator = Collator(recipe.window if task.dense else None, 1 if on_cpu else BLOCK)
    epoch_steps = max(1, math.ceil(examples.per_epoch / config.training.batch))
    arguments = _arguments(config, recipe, checkpoints, epoch_steps, validated=bool(data.val))
    trainer = StudioTrainer(classifier, arguments, examples, collator)
    trainer.epoch_steps = epoch_steps
    if data.val:
        held_out = TrainingSet(data.val, task, classifier, data.labels, drawing)
        trainer.validation = Validation(classifier, held_out, collator, decoder=config.decoder)
    return trainer


def _drawing(config: RunConfig, recipe: Recipe, classifier: Classifier) -> Drawing:
    training = config.training
    return Drawing(
        window=recipe.window,
        stretch=recipe.stretch,
        text_share=training.text_share,
        background_weight=config.background_weight,
        context=config.context if config.classifier == "gad" else "none",
        max_position=classifier.backbone.card.max_position,
        seed=training.seed,
        examples=training.steps * training.batch,
    )


def _arguments(
    config: RunConfig, recipe: Recipe, folder: Path, epoch_steps: int, *, validated: bool
) -> TrainingArguments:
    training, on_cpu = config.training, _on_cpu(config)
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=training.steps,
        per_device_train_batch_size=share_of(training.batch),
        learning_rate=recipe.lr,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(training.warmup * training.steps)),
        weight_decay=training.weight_decay,
        max_grad_norm=training.clip,
        seed=training.seed,
        use_cpu=on_cpu,
        bf16=not on_cpu,
        # Reading a loss makes the host wait for the GPU; there the trainer reads now and then.
        logging_strategy="steps" if on_cpu else "no",
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen
        eval_strategy="steps" if validated else "no",
        eval_steps=epoch_steps,
        save_strategy="no",  # the trainer saves by time
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=not on_cpu,
        accelerator_config={"non_blocking": not on_cpu},
        report_to=[],
        disable_tqdm=True,
        label_names=[],
    )


def _on_cpu(config: RunConfig) -> bool:
    return config.training.device == "cpu" or not torch.cuda.is_available()


def _choose(classifier: Classifier, checkpoints: Path) -> str:
    """Leave the best weights of validation in the classifier; without them it keeps the last."""
    best = checkpoints / "best"
    if best.is_dir():
        load_weights(classifier, best)
        return "best"
    return "last"
