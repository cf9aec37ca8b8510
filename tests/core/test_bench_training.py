"""The baseline of the training benchmark learns what ours learns, and the benchmark runs."""

import pytest
import torch

from core.bench import benchmark
from core.bench.label_names import names_of_length
from core.bench.measuring import Settings
from core.bench.models import backbone, classifier
from core.bench.training import window_batch, window_loss
from core.classifiers import CLASSIFIERS


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_plain_causal_windows_have_the_loss_of_our_mask(name):
    base = backbone("nano")
    model = classifier(name, base, names_of_length(base.tokenizer, 105, 3))
    batch = window_batch(model, 3)
    assert batch.questions == 3
    with torch.inference_mode():
        torch.testing.assert_close(window_loss(model, batch), model(batch)["loss"])


def test_the_benchmark_runs_and_counts_the_texts_of_writers_alone():
    report = benchmark("training")(Settings(quick=True))
    units = {row.figure: row.unit for row in report.rows}
    assert units["training, discriminative, nano"] == "supervised frames/s"
    assert units["training, generative, nano"] == "texts/s"
    ours = next(row.ours for row in report.rows if row.figure == "training, gad, nano, its texts")
    assert 0 < ours.work < 64  # frames of a short stretch
