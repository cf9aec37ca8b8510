"""Two real steps before a training say what it takes, and leave no trace in what it learns."""

import shutil
from collections import namedtuple
from dataclasses import asdict

import numpy as np
import psutil
import pytest
import torch

from core.dataset import Collator, Drawing, TrainingSet
from core.errors import StudioError
from core.run_folder import load_run
from core.tasks import load_task
from core.training import train
from core.training_data import TrainingData
from tests.core.conftest import toy_video
from tests.core.test_classifiers import build
from tests.core.test_ladder import (
    LABELS,
    OUT_OF_MEMORY,
    config,
    data,
    losses,
    memory_is_short,
    too_many,
)

pytestmark = pytest.mark.training


def test_a_run_with_a_preflight_ends_exactly_where_one_without_ends(tiny_folder, tmp_path):
    settings, told = config(tiny_folder, dropout=0.3, steps=3), []
    plain = losses(settings, tmp_path / "plain")
    assert losses(settings, tmp_path / "told", forecast=told.append) == plain
    one, two = (load_run(tmp_path / name).classifier.state_dict() for name in ("plain", "told"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=0, rtol=0)
    assert len(told) >= 2


def test_a_resumed_run_is_measured_again_and_goes_on_exactly(tiny_folder, tmp_path):
    settings, told = config(tiny_folder, dropout=0.3, steps=4), []
    plain = losses(settings, tmp_path / "plain")
    train(settings, data(), tmp_path / "two", report=lambda p: p.done >= 2)
    assert losses(settings, tmp_path / "two", forecast=told.append) == plain[2:]
    assert told[0].left_s == pytest.approx(2 * told[0].step_s)


def test_a_forecast_says_time_memory_and_disk_and_is_corrected(tiny_folder, tmp_path):
    told = []
    losses(config(tiny_folder, steps=3), tmp_path, forecast=told.append)
    first, last = told[0], told[-1]
    assert first.left_s == pytest.approx(3 * first.step_s)
    assert last.left_s == 0
    assert last.step_s != first.step_s  # from the steps done
    assert first.memory_of == "cpu"
    assert 50e6 < first.memory_bytes < first.memory_total_bytes == psutil.virtual_memory().total
    assert first.disk_needed_bytes < first.disk_free_bytes
    assert asdict(first)["plan"] == {
        "batch": 4, "accumulation": 1, "window": 8, "checkpointing": False
    }  # fmt: skip


@pytest.mark.fault
def test_memory_that_is_short_is_noticed_before_the_first_step(tiny_folder, tmp_path):
    told = []
    with memory_is_short(too_many(2)):
        losses(config(tiny_folder), tmp_path, forecast=told.append)
    assert told[0].plan.batch == 2
    assert "training step 1" in told[0].steps_down[0]


@pytest.mark.fault
def test_memory_that_gets_short_later_changes_the_forecast(tiny_folder, tmp_path):
    told, seen = [], []
    later = lambda _, batch: len(batch.token) > 2 and (seen.append(1) or len(seen) > 4)  # noqa: E731
    with memory_is_short(later, OUT_OF_MEMORY):
        losses(config(tiny_folder), tmp_path, forecast=told.append)
    assert told[0].steps_down == ()
    assert [found.plan.batch for found in told][-1] == 2
    assert "training step 3" in told[-1].steps_down[0]


@pytest.mark.fault
def test_too_little_room_for_checkpoints_is_refused_before_anything(
    tiny_folder, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 1000))
    with pytest.raises(StudioError, match=r"room for its checkpoints: \d+ MB are needed"):
        train(config(tiny_folder), data(), tmp_path)


def test_the_room_forecast_is_enough_for_what_a_training_writes(tiny_folder, tmp_path):
    most, told = [], []

    def look(_):
        files = [p for p in (tmp_path / "run").rglob("*") if p.is_file()]
        most.append(sum(p.stat().st_size for p in files))

    given = TrainingData(LABELS, data().train, [toy_video("v.mp4", seed=9, split="val")])
    settings = config(tiny_folder, steps=4, checkpoint_every=1)
    train(settings, given, tmp_path / "run", report=look, forecast=told.append)
    assert 0 < max(most) < told[0].disk_needed_bytes


@pytest.mark.fault
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_gone_is_said_and_the_cpu_is_used(tiny_folder, tmp_path, monkeypatch):
    told = []
    losses(config(tiny_folder, steps=1, device="cuda"), tmp_path / "a", forecast=told.append)
    assert "the CPU is used" in told[0].fell_back
    assert told[0].fell_back in load_run(tmp_path / "a").about["warnings"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # as a slot of the queue sets it
    losses(config(tiny_folder, steps=1, device="auto"), tmp_path / "b", forecast=told.append)
    assert told[-1].fell_back


@pytest.mark.parametrize("stretch", [1000, 12])
def test_the_largest_examples_are_as_long_as_any(stretch):
    videos = [toy_video(f"{i}.mp4", frames=20 * i, seed=i) for i in (2, 5, 3)]
    drawing = Drawing(8, stretch, 0.5, 1.0, "none", 4096, 0, 200)
    examples = TrainingSet(videos, load_task("online_detection"), build("gad"), LABELS, drawing)
    longest = max(len(examples[i].features) for i in range(200))
    assert len(examples.largest(5)) == 5
    assert max(len(e.features) for e in examples.largest(5)) >= 0.9 * longest


@pytest.mark.fault
def test_losses_do_not_depend_on_how_a_batch_is_cut(tiny_folder):
    gad = build("gad", adapter=True)
    examples = TrainingSet(
        data().train, load_task("online_detection"), gad, LABELS,
        Drawing(8, 100, 0.5, 1.0, "previous_action", 4096, 0, 8),
    )  # fmt: skip
    batch = Collator(8)([examples[i] for i in range(4)])["batch"]
    whole = gad(batch)
    for size in (1, 2, 3):
        parts = [gad(batch.rows(i, i + size)) for i in range(0, 4, size)]
        for name, loss in whole.items():
            total = torch.stack([part[name] for part in parts]).sum()
            np.testing.assert_allclose(total.detach(), loss.detach(), rtol=1e-9)
