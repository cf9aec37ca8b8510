"""Several runs on one base: each answers as if it were loaded alone, whoever answered before."""

import gc
import json
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.classifiers import CLASSIFIERS
from core.config import RunConfig
from core.errors import InvalidFile
from core.kitchen import DEMO_RUNS
from core.loaded_runs import LoadedRuns
from core.prediction import Cost
from core.run_folder import Run, build_classifier, load_run, write_run
from core.types import FrameFeatures, LabelledVideo, grid_us
from tests.core.conftest import toy_video
from tests.core.test_contracts import LABELS, disturb

FREE = Cost(0, 0, 0)
RUNS = {
    "generative": {"classifier": "generative"},
    "discriminative": {"classifier": "discriminative", "training": {"rank": 2, "alpha": 7}},
    "gad": {"strategy": "parallel", "task": "clip_tasks", "training": {"rank": 8, "alpha": 8}},
    "named context": {"assist": "head", "window_s": 1.0},
    "extend": {"classifier": "generative", "codec": "extend", "decoder": "trie"},
    "capped": {"classifier": "generative", "codec": "random", "vocabulary": "labels"},
}


def write(folder: Path, backbone: Path, values: dict, seed: int = 0) -> Path:
    """Write a run whose weights were moved, but never trained."""
    training = {"device": "cpu", "seed": seed, **values.get("training", {})}
    config = RunConfig.read({"backbone": str(backbone), **values, "training": training})
    classifier = disturb(build_classifier(config, LABELS))
    write_run(classifier, config, LABELS, folder, {"steps": 1, "number": seed})
    return folder


@pytest.fixture(scope="module")
def runs(tiny_folder, tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    return {
        n: write(root / n, tiny_folder, values, at) for at, (n, values) in enumerate(RUNS.items())
    }


def answers(run: Run) -> np.ndarray:
    video, features = toy_video("test.mp4", frames=30, seed=5)
    return run.predictor().predict(video, features, FREE).log_p


def test_each_run_answers_as_if_it_were_loaded_alone(runs):
    alone = {name: answers(load_run(folder, merge=True)) for name, folder in runs.items()}
    loaded = LoadedRuns()
    for name in [*runs, *reversed(runs), *runs]:
        with loaded.using(runs[name]) as run:
            np.testing.assert_array_equal(answers(run), alone[name], err_msg=name)
    for name, folder in runs.items():
        unmerged = answers(load_run(folder))
        np.testing.assert_allclose(alone[name], unmerged, atol=1e-4, rtol=1e-5, err_msg=name)


def test_the_shipped_runs_answer_as_if_they_were_loaded_alone():
    time_us = grid_us(30_000_000, 4.0)
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((len(time_us), 1, 768)).astype(np.float16)
    asked = (LabelledVideo("a.mp4", Path("a.mp4"), "", 30_000_000),
             FrameFeatures(frames, time_us, time_us), FREE)  # fmt: skip
    loaded, decoders = LoadedRuns(), []
    for name in [*CLASSIFIERS, *CLASSIFIERS]:
        alone = load_run(DEMO_RUNS / name, merge=True)
        with loaded.using(DEMO_RUNS / name) as run:
            found, expected = (r.predictor().predict(*asked) for r in (run, alone))
            decoders.append(run.classifier.backbone.decoder)
        np.testing.assert_array_equal(found.log_p, expected.log_p)
        np.testing.assert_array_equal(found.embedding, expected.embedding)
        assert found.texts == expected.texts
    assert len({id(decoder) for decoder in decoders}) == 1


def size(module: torch.nn.Module) -> int:
    """Return the bytes of a module's weights, shared storage counted once."""
    held = {
        p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in module.parameters()
    }
    return sum(held.values())


def test_runs_cost_one_base_and_their_own_small_weights(runs):
    loaded, decoders, classifiers = LoadedRuns(), set(), []
    for folder in runs.values():
        with loaded.using(folder) as run:
            decoders.add(run.classifier.backbone.decoder)
            classifiers.append(run.classifier)
    (base,) = decoders
    own = sum(size(classifier) for classifier in classifiers)  # at rest: without a decoder
    files = sum((folder / "heads.safetensors").stat().st_size for folder in runs.values())
    assert 0 < own <= files
    together = size(torch.nn.ModuleList([base, *classifiers]))
    assert together == size(base) + own
    plain = load_run(runs["discriminative"], merge=True).classifier.backbone.decoder
    assert size(base) == size(plain)  # nothing is left of the adapters that were merged


def test_a_run_does_not_answer_outside_its_turn(runs):
    loaded = LoadedRuns()
    with loaded.using(runs["gad"]) as run:
        pass
    with loaded.using(runs["generative"]), pytest.raises(AttributeError):
        answers(run)


def test_a_base_in_use_is_not_lent_again_to_the_same_thread(runs):
    loaded, alone = LoadedRuns(), answers(load_run(runs["gad"], merge=True))
    with loaded.using(runs["gad"]) as run:
        for name in ("gad", "generative"):
            with pytest.raises(AssertionError, match="merged already"), loaded.using(runs[name]):
                pass
        np.testing.assert_array_equal(answers(run), alone)


def test_another_thread_waits_for_its_turn(runs):
    loaded, entered = LoadedRuns(), Event()

    def other() -> None:
        with loaded.using(runs["generative"]):
            entered.set()

    thread = Thread(target=other)
    with loaded.using(runs["gad"]):
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(60)
    thread.join()


def test_threads_that_ask_at_once_get_the_answers_of_their_own_runs(runs):
    loaded = LoadedRuns(limit=3)  # so that runs are dropped and loaded again meanwhile
    alone = {name: answers(load_run(folder, merge=True)) for name, folder in runs.items()}

    def ask(name: str) -> tuple[str, np.ndarray]:
        with loaded.using(runs[name]) as run:
            return name, answers(run)

    with ThreadPoolExecutor(4) as pool:
        for name, found in pool.map(ask, [*runs] * 3):
            np.testing.assert_array_equal(found, alone[name], err_msg=name)


def test_a_failure_inside_a_turn_leaves_the_base_to_the_next(runs):
    loaded, alone = LoadedRuns(), answers(load_run(runs["discriminative"], merge=True))
    with pytest.raises(ZeroDivisionError), loaded.using(runs["gad"]):
        raise ZeroDivisionError
    with loaded.using(runs["discriminative"]) as run:
        np.testing.assert_array_equal(answers(run), alone)


def test_the_least_recently_used_run_is_dropped_and_a_base_with_its_last(
    runs, tiny_folder, tmp_path
):
    shutil.copytree(tiny_folder, tmp_path / "other")
    (tmp_path / "other" / "connector.safetensors").unlink()  # so it has another revision
    elsewhere = write(tmp_path / "elsewhere", tmp_path / "other", RUNS["gad"])
    loaded, seen, bases = LoadedRuns(limit=2), {}, {}
    for name in ("gad", "generative", "gad", "discriminative"):
        with loaded.using(runs[name]) as run:
            seen[name] = weakref.ref(run.classifier)
            bases["tiny"] = weakref.ref(run.classifier.backbone.decoder)
        del run
    gc.collect()
    assert [name for name, classifier in seen.items() if classifier() is None] == ["generative"]
    with loaded.using(elsewhere) as run:
        assert run.classifier.backbone.decoder is not bases["tiny"]()
    loaded.limit = 1
    with loaded.using(elsewhere):
        pass
    gc.collect()
    assert bases["tiny"]() is None


def test_a_run_that_was_trained_again_is_loaded_again(tiny_folder, tmp_path):
    loaded, found = LoadedRuns(), []
    for seed in (1, 2):
        write(tmp_path, tiny_folder, RUNS["gad"], seed)
        with loaded.using(tmp_path) as run:
            found.append(answers(run))
            assert run.about["number"] == seed
    first, second = (np.nan_to_num(log_p, neginf=0.0) for log_p in found)
    assert np.abs(first - second).max() > 0.01


def damage_revision(folder: Path) -> None:
    about = json.loads((folder / "run.json").read_text())
    about["base"]["revision"] = "another"
    (folder / "run.json").write_text(json.dumps(about))


def damage_adapter(folder: Path) -> None:
    path = folder / "adapter" / "adapter_model.safetensors"
    weights = load_file(path)
    weights.pop(sorted(weights)[0])
    save_file(weights, path)


@pytest.mark.parametrize(
    ("damage", "rule"),
    [(damage_revision, "needs the base it was trained on"), (damage_adapter, "must be exactly")],
)
@pytest.mark.fault
def test_a_run_of_another_base_or_with_a_missing_weight_is_refused(damage, rule, runs, tmp_path):
    folder = shutil.copytree(runs["gad"], tmp_path / "run")
    damage(folder)
    loaded = LoadedRuns()
    for _ in range(2):
        with pytest.raises(InvalidFile, match=rule), loaded.using(folder):
            pass
    with loaded.using(runs["gad"]) as run:
        assert np.isfinite(answers(run).max(axis=1)).all()
