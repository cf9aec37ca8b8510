"""Fine-tuning: `train(config, data, folder)`, without app or database.

Progress goes out through a callback, which may answer "stop"; a stopped run keeps what it has
learned.
"""

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import TrainingArguments

from core.checkpoints import find_checkpoint
from core.classifiers.base import Classifier
from core.config import RunConfig
from core.dataset import Collator, Drawing, TrainingSet
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
from core.types import Report, nobody_listens
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
        report: Hears of every step: `values` holds losses and validation figures. Returning True
            stops after the current step; what was learned is kept.

    Raises:
        InvalidData: The data cannot train anything.
        StudioError: A loss became infinite or NaN; the last good checkpoint is kept.
    """
    task = load_task(config.task)
    train_videos = [video for video, _ in data.train]
    warnings = check_data(data.labels, train_videos, task, validated=bool(data.val))
    classifier = build_classifier(config, data.labels)
    if config.frozen_from:
        freeze_from(classifier, Path(config.frozen_from))
    recipe = recipe_of(config, classifier.backbone.card)
    drawing = _drawing(config, recipe, classifier)
    examples = TrainingSet(data.train, task, classifier, data.labels, drawing)
    collator = Collator(recipe.window if task.dense else None)
    checkpoints = folder / "checkpoints"
    epoch_steps = max(1, math.ceil(examples.per_epoch / config.training.batch))
    arguments = _arguments(config, recipe, checkpoints, epoch_steps, validated=bool(data.val))
    trainer = StudioTrainer(classifier, arguments, examples, collator)
    trainer.report_to(report, config.training.checkpoint_every_s)
    if data.val:
        held_out = TrainingSet(data.val, task, classifier, data.labels, drawing)
        trainer.validation = Validation(classifier, held_out, collator, decoder=config.decoder)
    trainer.train(resume_from_checkpoint=find_checkpoint(checkpoints))
    steps = trainer.state.global_step
    kept = _choose(classifier, checkpoints)
    about = {
        "steps": steps, "epoch_steps": epoch_steps, "kept": kept,
        "warnings": warnings, "data": data.about, "seconds": trainer.seconds,
    }  # fmt: skip
    write_run(classifier, config, data.labels, folder, about)
    stopped = steps < config.training.steps
    if not stopped:  # a stopped training may be resumed
        shutil.rmtree(checkpoints, ignore_errors=True)
    return Trained(folder, steps, config.training.steps, kept, stopped)


def _drawing(config: RunConfig, recipe: Recipe, classifier: Classifier) -> Drawing:
    training = config.training
    return Drawing(
        window=recipe.window,
        stretch=recipe.stretch,
        text_share=training.text_share,
        background_weight=config.background_weight,
        context=config.context,
        max_position=classifier.backbone.card.max_position,
        seed=training.seed,
        examples=training.steps * training.batch,
    )


def _arguments(
    config: RunConfig, recipe: Recipe, folder: Path, epoch_steps: int, *, validated: bool
) -> TrainingArguments:
    training = config.training
    on_cpu = training.device == "cpu" or not torch.cuda.is_available()
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
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen
        eval_strategy="steps" if validated else "no",
        eval_steps=epoch_steps,
        save_strategy="no",  # the trainer saves by time
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        report_to=[],
        disable_tqdm=True,
        label_names=[],
    )


def _choose(classifier: Classifier, checkpoints: Path) -> str:
    """Leave the best weights of validation in the classifier; without them it keeps the last."""
    best = checkpoints / "best"
    if best.is_dir():
        load_weights(classifier, best)
        return "best"
    return "last"
