"""Memory is short in real steps of training: a step is done again more cheaply, nothing is lost."""

from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from core.classifiers.base import Classifier
from core.config import RunConfig
from core.errors import StudioError
from core.ladder import Plan, is_out_of_memory, step_down
from core.run_folder import load_run
from core.training import train
from core.training_data import TrainingData
from tests.core.conftest import toy_video
from tests.core.test_training import LABELS

pytestmark = [pytest.mark.training, pytest.mark.fault]

OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
ON_CPU = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ...")


@contextmanager
def memory_is_short(when, error: BaseException = OUT_OF_MEMORY):
    """Let every forward pass of a classifier in training fail for which `when(batch)` is true."""

    def hook(module, _, given: dict[str, Any], out):
        if isinstance(module, Classifier) and module.training and when(module, given["batch"]):
            raise error
        return out

    handle = register_module_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def config(folder, **values) -> RunConfig:
    training = {"steps": 4, "batch": 4, "lr": 1e-2, "device": "cpu", "dropout": 0.0}
    return RunConfig.read({
        "backbone": str(folder), "classifier": "gad", "training": {**training, **values},
    })  # fmt: skip


def data() -> TrainingData:
    return TrainingData(LABELS, [toy_video(f"{i}.mp4", seed=i) for i in range(4)])


def losses(settings, folder, **more) -> list[float]:
    heard = []
    train(settings, data(), folder, report=lambda p: heard.append(p.values.get("loss")), **more)
    return [loss for loss in heard if loss is not None]


def too_many(rows: int):
    return lambda _, batch: len(batch.token) > rows


def kept(module, _) -> bool:
    return not any(getattr(part, "gradient_checkpointing", False) for part in module.modules())


@pytest.mark.parametrize("error", [
    OUT_OF_MEMORY,
    pytest.param(ON_CPU, marks=pytest.mark.slow),
    pytest.param(MemoryError(), marks=pytest.mark.slow),
], ids=["gpu", "cpu", "os"])  # fmt: skip
def test_a_step_in_smaller_parts_is_the_same_step(tiny_folder, tmp_path, error):
    settings = config(tiny_folder, steps=2)
    whole = losses(settings, tmp_path / "whole")
    with memory_is_short(too_many(1), error):
        parts = losses(settings, tmp_path / "parts")
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    about = load_run(tmp_path / "parts").about
    assert (about["plan"]["batch"], about["plan"]["accumulation"]) == (1, 4)
    assert about["steps_down"] == [
        "Memory was short at training step 1: 2 at a time instead of 4, in 2 parts: the steps "
        "stay the same.",
        "Memory was short at training step 1: 1 at a time instead of 2, in 4 parts: the steps "
        "stay the same.",
    ]


def test_activations_computed_again_are_the_same_step_even_with_dropout(tiny_folder, tmp_path):
    settings = config(tiny_folder, batch=1, dropout=0.2)
    with memory_is_short(kept):
        again = losses(settings, tmp_path / "again")
    np.testing.assert_allclose(again, losses(settings, tmp_path / "whole"), rtol=1e-4)
    assert load_run(tmp_path / "again").about["plan"]["checkpointing"]


def test_a_shorter_window_is_the_last_resort_is_said_and_is_the_runs_own(tiny_folder, tmp_path):
    settings = config(tiny_folder, batch=1, steps=3).model_copy(update={"window_s": 6.0})
    with memory_is_short(lambda _, batch: batch.window > 12):
        assert len(losses(settings, tmp_path)) == 3
    run = load_run(tmp_path)
    assert run.about["plan"]["window"] == run.recipe.window == 12
    assert "look less far back" in run.about["steps_down"][-1]


def test_the_end_of_the_ladder_is_a_sentence_that_names_the_last_checkpoint(tiny_folder, tmp_path):
    settings = config(tiny_folder, checkpoint_every=1)
    seen = []
    with (
        memory_is_short(lambda *_: seen.append(1) or len(seen) > 2),
        pytest.raises(StudioError, match=r"fit into memory.*of step 2\.") as found,
    ):
        train(settings, data(), tmp_path)
    assert "training step 3" in found.value.sentence
    assert len(losses(settings, tmp_path)) == 2  # it goes on where it was


def test_a_resumed_run_goes_on_as_the_plan_of_its_checkpoint_says(tiny_folder, tmp_path):
    settings = config(tiny_folder, dropout=0.2)
    with memory_is_short(too_many(2)):
        whole = losses(settings, tmp_path / "whole")
        train(settings, data(), tmp_path / "two", report=lambda p: p.done >= 2)
    rest = losses(settings, tmp_path / "two")  # memory is there again; the plan stays
    np.testing.assert_allclose(rest, whole[2:], rtol=1e-5)
    assert load_run(tmp_path / "two").about["plan"]["batch"] == 2


def test_validation_asks_fewer_at_a_time_when_memory_is_short(tiny_folder, tmp_path):
    videos = [toy_video(f"v{i}.mp4", seed=20 + i, split="val") for i in range(3)]
    given = TrainingData(LABELS, data().train, videos)
    sizes = []

    def hook(module, given, _, out):
        if isinstance(module, Classifier) and not module.training:
            sizes.append(len(given[0].token))
            if sizes[-1] > 2:
                raise OUT_OF_MEMORY
        return out

    handle = register_module_forward_hook(hook, with_kwargs=True)
    try:
        train(config(tiny_folder, steps=1), given, tmp_path)
    finally:
        handle.remove()
    assert sizes == [3, 1, 1, 1]


def test_what_else_goes_wrong_is_not_taken_for_memory(tiny_folder, tmp_path):
    with (
        memory_is_short(lambda *_: True, RuntimeError("shapes do not fit")),
        pytest.raises(RuntimeError, match="shapes"),
    ):
        train(config(tiny_folder), data(), tmp_path)


@pytest.mark.parametrize("error", [
    OUT_OF_MEMORY, ON_CPU, MemoryError(), RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
])  # fmt: skip
def test_short_memory_has_several_names(error):
    assert is_out_of_memory(error)
    assert not is_out_of_memory(OSError("out of memory"))


def test_the_ladder_is_fixed_and_ends():
    plan, said = Plan(5, window=64), []
    while found := step_down(plan, size=5, can_checkpoint=True):
        plan = found[0]
        said.append((plan.batch, plan.accumulation, plan.checkpointing, plan.window))
    assert said == [
        (3, 2, False, 64), (2, 3, False, 64), (1, 5, False, 64), (1, 5, True, 64),
        (1, 5, True, 32), (1, 5, True, 16), (1, 5, True, 8),
    ]  # fmt: skip
    assert step_down(Plan(1, 4), size=4, can_checkpoint=False) is None
