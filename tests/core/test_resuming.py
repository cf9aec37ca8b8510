"""A training goes on from the newest good checkpoint, whatever was done to those beside it."""

import json
import os
import resource
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.checkpoints import MANIFEST, find_checkpoint, is_whole, numbered, seal, settle_all
from core.errors import StudioError
from core.resuming import fault_of, last_good, resume_from
from core.run_folder import ADAPTER_WEIGHTS, HEADS, load_run
from core.training import train
from tests.core.test_ladder import config, data, losses

pytestmark = [pytest.mark.training, pytest.mark.fault]


@pytest.fixture(scope="module")
def stopped(tiny_folder, tmp_path_factory) -> Path:
    """A run that was stopped after three steps, with two checkpoints."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    train(settings(tiny_folder), data(), folder, report=lambda p: p.done >= 3)
    return folder


@pytest.fixture(scope="module")
def whole(tiny_folder, tmp_path_factory) -> list[float]:
    """The losses of the same run, had nobody stopped it."""
    return losses(settings(tiny_folder), tmp_path_factory.mktemp("whole"))


@pytest.fixture
def run(stopped, tmp_path) -> Path:
    return shutil.copytree(stopped, tmp_path / "run")


def settings(folder, **values):
    return config(folder, steps=5, dropout=0.2, checkpoint_every=1, **values)


def of(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"checkpoint-{step}"


def resealed(checkpoint: Path, harm) -> None:
    """Harm a checkpoint and sign it again, as if it had been written so."""

    def write(folder: Path) -> None:
        shutil.copytree(checkpoint, folder, dirs_exist_ok=True)
        (folder / MANIFEST).unlink()
        harm(folder)

    seal(checkpoint, write)


def cut(name: str, size: int = 40):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def not_finite(folder: Path) -> None:
    tensors = load_file(folder / HEADS)
    next(iter(tensors.values())).flatten()[0] = torch.nan
    save_file(tensors, folder / HEADS)


def another_step(folder: Path) -> None:
    state = json.loads((folder / "trainer_state.json").read_text())
    (folder / "trainer_state.json").write_text(json.dumps({**state, "global_step": 2}))


HARMS: dict[str, tuple[Any, str]] = {
    "no state": (lambda f: (f / "trainer_state.json").unlink(), "trainer_state.json cannot be"),
    "half a state": (cut("trainer_state.json"), "trainer_state.json cannot be read"),
    "another step": (another_step, "it holds step 2"),
    "half an adapter": (cut(ADAPTER_WEIGHTS), f"{ADAPTER_WEIGHTS} is damaged"),
    "an empty adapter": (cut(ADAPTER_WEIGHTS, 0), f"{ADAPTER_WEIGHTS} is damaged"),
    "no heads": (lambda f: (f / HEADS).unlink(), f"{HEADS} is missing"),
    "weights that are not finite": (not_finite, "not finite"),
    "half an optimizer": (cut("optimizer.pt", 2000), "optimizer.pt is damaged"),
    "half the random numbers": (cut("rng_state.pth", 900), "rng_state.pth is damaged"),
    "no optimizer": (lambda f: (f / "optimizer.pt").unlink(), "optimizer.pt is missing"),
    "no scheduler": (lambda f: (f / "scheduler.pt").unlink(), "scheduler.pt is missing"),
    "no random numbers": (lambda f: (f / "rng_state.pth").unlink(), "rng_state.pth is missing"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_checkpoint_that_would_resume_wrongly_is_set_aside_even_when_signed(run, harm):
    harmed, why = HARMS[harm]
    resealed(of(run, 3), harmed)
    assert is_whole(of(run, 3))
    found, notes = resume_from(run / "checkpoints")
    assert found == of(run, 2)
    assert why in notes[0]
    assert (run / "checkpoints" / "broken-checkpoint-3").is_dir()
    assert last_good(run / "checkpoints") == "the last good checkpoint is checkpoint-2, of step 2"


@pytest.mark.parametrize("harm", [
    "empty",
    pytest.param("optimizer.pt", marks=pytest.mark.slow),
    pytest.param("no manifest", marks=pytest.mark.slow),
])  # fmt: skip
def test_training_goes_on_from_the_one_before_and_says_so(tiny_folder, whole, run, harm):
    folder = of(run, 3)
    if harm == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    else:
        (folder / (MANIFEST if harm == "no manifest" else harm)).unlink()
    assert losses(settings(tiny_folder), run) == whole[2:]
    (note,) = [w for w in load_run(run).about["warnings"] if "not used" in w]
    assert note.startswith("checkpoint-3 was not used")


def test_a_checkpoint_that_runs_code_is_never_opened(tiny_folder, run, tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "owned"),))

    torch.save({"state": Evil()}, of(run, 3) / "optimizer.pt")
    resealed(of(run, 3), lambda folder: None)  # signed by whoever changed it
    with pytest.raises(Exception, match=r"(?i)weights_only|unsupported"):
        train(settings(tiny_folder), data(), run)
    assert not (tmp_path / "owned").exists()


# ---- the n-th failure ----------------------------------------------------------------------------


class NthFailure:
    """Let the n-th call of a function fail; `calls` says how many there were."""

    def __init__(self, monkeypatch, owner, name: str, number: int) -> None:
        self.calls, real = 0, getattr(owner, name)

        def call(*given: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls == number:
                raise OSError(28, "No space left on device")
            return real(*given, **more)

        monkeypatch.setattr(owner, name, call)


FAILING = {
    "fsync": (os, "fsync"),
    "rename": (Path, "rename"),
    "write": (Path, "write_text"),
    "mkdir": (Path, "mkdir"),
    "torch.save": (torch, "save"),
}


@pytest.mark.parametrize("what", FAILING)
def test_whatever_fails_while_a_checkpoint_is_replaced_the_old_or_the_new_is_whole(
    run, what, monkeypatch
):
    folder, number = run / "checkpoints", 0
    while True:
        number += 1
        with monkeypatch.context() as patch:
            failure = NthFailure(patch, *FAILING[what], number)
            with suppress(OSError):
                resealed(of(run, 3), lambda f: torch.save({}, f / "more.pt"))
        assert not fault_of(of(run, 3)), f"{what} {number}"
        assert is_whole(of(run, 3))
        assert resume_from(folder) == (of(run, 3), [])
        assert {p.name for p in folder.iterdir()} == {"checkpoint-2", "checkpoint-3"}
        if failure.calls < number:
            break
    assert number > 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", FAILING)
def test_whatever_fails_while_a_training_writes_it_says_so_and_resumes(
    tiny_folder, stopped, whole, tmp_path, what, monkeypatch
):
    number = 0
    while True:
        number += 1
        run = shutil.copytree(stopped, tmp_path / f"{number}")
        with monkeypatch.context() as patch:
            failure = NthFailure(patch, *FAILING[what], number)
            with suppress(StudioError, OSError):
                losses(settings(tiny_folder), run)
        if failure.calls < number:
            break
        rest = losses(settings(tiny_folder), run)
        assert rest == whole[len(whole) - len(rest) :]
        assert load_run(run).about["steps"] == 5
    assert number > 1


def test_a_full_disk_stops_with_a_sentence_and_the_earlier_checkpoint_stays(
    tiny_folder, run, whole
):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = (of(run, 3) / MANIFEST).read_bytes()

    def fill(progress) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, limits[1]))

    try:
        with pytest.raises(StudioError, match=r"written whole.*checkpoint-3, of step 3\.") as found:
            train(settings(tiny_folder), data(), run, report=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "free some space" in found.value.next_step
    assert (of(run, 3) / MANIFEST).read_bytes() == before
    assert not list((run / "checkpoints").glob("*.tmp"))  # what was half written takes no room
    assert losses(settings(tiny_folder), run) == whole[3:]


def test_leftovers_of_a_killed_process_are_settled(run):
    folder = run / "checkpoints"
    shutil.copytree(of(run, 3), folder / "checkpoint-4.tmp")  # whole: only its name was missing
    shutil.copytree(of(run, 3), folder / "best.old")  # killed between the two renames
    shutil.copytree(of(run, 3), folder / "checkpoint-9.tmp")
    (folder / "checkpoint-9.tmp" / HEADS).unlink()
    settle_all(folder)
    assert {p.name for p in folder.iterdir()} == {
        "best", "checkpoint-2", "checkpoint-3", "checkpoint-4"
    }  # fmt: skip
    assert find_checkpoint(folder)[0] == of(run, 4)


# ---- what is kept --------------------------------------------------------------------------------


def test_checkpoints_are_kept_by_steps_and_by_time_the_last_two(tiny_folder, tmp_path):
    seen = set()

    def look(_):
        seen.update(path.name for path in numbered(tmp_path / "checkpoints"))

    by_steps = config(tiny_folder, steps=5, checkpoint_every=2)
    train(by_steps, data(), tmp_path, report=look)
    assert seen == {"checkpoint-2", "checkpoint-4"}
    shutil.rmtree(tmp_path)
    by_time = config(tiny_folder, steps=5, checkpoint_every_s=1e-6)
    train(by_time, data(), tmp_path, report=lambda p: look(p) or p.done >= 4)
    assert [path.name for path in numbered(tmp_path / "checkpoints")] == [
        "checkpoint-3", "checkpoint-4"
    ]  # fmt: skip


def test_a_loss_that_is_no_number_names_the_last_good_checkpoint(tiny_folder, tmp_path):
    given = data()
    settings = config(tiny_folder, batch=1, checkpoint_every=1)

    def harm(progress) -> None:
        if progress.done == 2:
            for _, features in given.train:
                features.features[:] = np.inf

    with pytest.raises(StudioError, match="finite number: it is nan at step 4") as found:
        train(settings, given, tmp_path, report=harm)
    assert "the last good checkpoint is checkpoint-3, of step 3" in found.value.next_step
    assert len(losses(settings, tmp_path)) == 1


def test_a_checkpoint_holds_no_pickle_that_anybody_reads(run):
    names = {p.name for p in of(run, 3).rglob("*") if p.is_file()}
    assert {n for n in names if n.endswith((".bin", ".pkl", ".pickle", ".ckpt"))} == set()
    opened = {n for n in names if n.endswith((".pt", ".pth"))}  # with weights_only
    assert opened == {"optimizer.pt", "scheduler.pt", "rng_state.pth"}


def test_training_has_no_helper_process_that_could_die(tiny_folder, tmp_path):
    seen = []
    before = set(psutil.Process().children(recursive=True))

    def look(_) -> None:
        seen.append(set(psutil.Process().children(recursive=True)) - before)

    train(config(tiny_folder, steps=2), data(), tmp_path, report=look)
    assert not any(seen)


def test_a_run_answers_the_same_twice(stopped):
    video, features = data().train[0]
    answers = []
    for _ in range(2):
        predictor = load_run(stopped, merge=True).predictor()
        cost = predictor.measure(features, 1)
        answers.append(predictor.predict(video, features, cost).log_p)
    np.testing.assert_array_equal(*answers)
