"""What makes a training step cheap leaves what it learns as it was."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import TrainingArguments

from core.classifiers import base
from core.conducting import Conductor
from core.config import TrainingConfig
from core.dataset import Collator
from core.sequence import IGNORE, Example, Kind, collate
from core.trainer import StudioTrainer
from tests.core.conftest import random_features
from tests.core.test_classifiers import batch_of, build, questions


@pytest.mark.parametrize("rows", [1, 4, 7])
def test_a_text_loss_in_chunks_is_the_whole_one_with_its_gradients(rows, monkeypatch):
    generative = build("generative", adapter=True)
    batch, found, sizes = batch_of(generative, questions()), [], []
    head = generative.backbone.causal.get_output_embeddings()
    head.register_forward_hook(lambda _, given, out: sizes.append(len(given[0])))
    for held in (base.LOGITS, rows * generative.backbone.vocabulary):
        monkeypatch.setattr(base, "LOGITS", held)
        generative.zero_grad()
        generative(batch)["loss"].backward()
        grads = [p.grad.clone() for p in generative.parameters() if p.grad is not None]
        found.append([generative(batch)["loss"].detach(), *grads])
    taught = int((batch.text_target != IGNORE).sum())
    assert sizes[0] == taught > 7
    assert max(sizes[2:]) == rows  # the first two calls were whole
    for whole, chunked in zip(*found, strict=True):
        torch.testing.assert_close(chunked, whole, atol=1e-12, rtol=1e-9)


def test_a_batch_of_padded_length_learns_the_same():
    gad, asked = build("gad"), questions()
    example = Example(random_features(6), gad.readout(asked), questions=6.0)
    plain, padded = collate([example], 4), collate([example], 4, multiple=128)
    assert padded.kind.shape[1] == 128
    assert (padded.kind != Kind.PAD).sum() == plain.kind.shape[1]
    for name, loss in gad(plain).items():
        torch.testing.assert_close(gad(padded)[name], loss, atol=1e-12, rtol=0)


def test_losses_read_now_and_then_are_means_over_the_steps_between(tmp_path):
    gad = build("gad", adapter=True).float()
    examples: Any = [
        Example(random_features(6, seed=i), gad.readout(questions()), questions=6.0)
        for i in range(8)
    ]
    arguments = TrainingArguments(
        str(tmp_path), max_steps=8, per_device_train_batch_size=1, use_cpu=True, learning_rate=1e-9,
        logging_strategy="no", save_strategy="no", remove_unused_columns=False, report_to=[],
        disable_tqdm=True, label_names=[], dataloader_pin_memory=False,
    )  # fmt: skip
    with torch.no_grad():
        truth = np.mean([float(gad(collate([e], 4))["loss"]) for e in examples])
    heard = []
    trainer = StudioTrainer(gad, arguments, examples, Collator(4))
    settings = TrainingConfig(checkpoint_every_s=1e9)
    trainer.add_callback(Conductor(trainer, heard.append, settings))
    trainer.train()
    heard = [progress for progress in heard if "loss" in progress.values]  # the last is a summary
    done = np.diff([0, *(progress.done for progress in heard)])
    losses = np.array([progress.values["loss"] for progress in heard])
    parts = np.array([progress.values["cls"] + progress.values["gen"] for progress in heard])
    assert done.sum() == 8
    np.testing.assert_allclose(parts, losses, rtol=1e-5)
    assert (losses * done).sum() / 8 == pytest.approx(truth, rel=1e-4)
