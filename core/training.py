"""Fine-tuning: `train(config, data, folder)`, without app or database.

Progress goes out through a callback, which may answer "stop"; a stopped run keeps what it has
learned.
"""

import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from core.attention.blocks import BLOCK
from core.checkpoints import find_checkpoint
from core.classifiers.base import Classifier
from core.config import RunConfig
from core.context_choice import ShortRun, choose_context
from core.dataset import Collator, Drawing, TrainingSet
from core.errors import Stopped
from core.run_folder import (
    Recipe,
    build_classifier,
    freeze_from,
    load_weights,
    recipe_of,
    write_run,
)
from core.tasks import load_task
from core.trainer import StudioTrainer
from core.training_data import TrainingData, check_data
from core.types import Progress, Report, nobody_listens
from core.validation import Validation


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
    config: RunConfig, data: TrainingData, folder: Path, *, report: Report = nobody_listens
) -> Trained:
    """Fine-tune a classifier and write its run folder.

    Training continues from the newest whole checkpoint under `folder/checkpoints`, if there is one.

    Args:
        config: What to train.
        data: Videos with features, and the label set.
        folder: Becomes the run folder.
        report: Hears of every step, on a GPU twice a second: `values` holds losses and validation
            figures. Returning True stops after the current step; what was learned is kept.

    Raises:
        InvalidData: The data cannot train anything.
        StudioError: A loss became infinite or NaN; the last good checkpoint is kept.
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
    trainer = _trainer(classifier, config, data, folder / "checkpoints")
    trainer.report_to(report, config.training.checkpoint_every_s)
    trainer.train(resume_from_checkpoint=find_checkpoint(folder / "checkpoints"))
    steps, kept = trainer.state.global_step, _choose(classifier, folder / "checkpoints")
    more |= {"steps": steps, "epoch_steps": trainer.epoch_steps, "kept": kept}
    write_run(classifier, config, data.labels, folder, more | {"seconds": trainer.seconds})
    stopped = steps < config.training.steps
    if not stopped:  # a stopped training may be resumed
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return Trained(folder, steps, config.training.steps, kept, stopped)


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
        per_device_train_batch_size=training.batch,
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
