"""Training on toy features with a real, random, tiny decoder: it learns, stops, resumes, loads."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from core.classifiers import CLASSIFIERS
from core.config import RunConfig
from core.errors import (
    InvalidConfig,
    InvalidData,
    InvalidFile,
    MissingArtifact,
    StudioError,
    UnknownName,
)
from core.run_folder import load_run
from core.tasks.online_detection import frame_targets
from core.training import train
from core.training_data import TrainingData
from core.types import LabelSet
from tests.core.conftest import toy_video

LABELS = LabelSet(("add salt", "stir tea"))


def config(folder, **values) -> RunConfig:
    training = {"steps": 30, "batch": 2, "lr": 1e-2, "device": "cpu"} | values.pop("training", {})
    return RunConfig.read({"backbone": str(folder), "training": training, **values})


def data(val: bool = True) -> TrainingData:
    videos = [toy_video(f"train{i}.mp4", seed=i) for i in range(4)]
    held = [toy_video("val.mp4", seed=9, split="val")] if val else []
    return TrainingData(LABELS, videos, held)


def accuracy(run, video, features) -> float:
    predictor = run.predictor()
    prediction = predictor.predict(video, features, predictor.measure(features, 1))
    return float((prediction.predicted == frame_targets(video, features.time_us, LABELS)).mean())


@pytest.mark.training
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_classifier_learns_what_is_plainly_visible(name, tiny_folder, tmp_path):
    steps = 200 if name == "generative" else 90  # its decoder is random and must learn to write
    settings = config(tiny_folder, classifier=name, training={"steps": steps})
    train(settings, data(), tmp_path / "run")
    assert accuracy(load_run(tmp_path / "run"), *toy_video("test.mp4", seed=20)) > 0.8


@pytest.mark.training
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_step_recognition_learns_too(name, tiny_folder, tmp_path):
    settings = config(tiny_folder, classifier=name, task="step_recognition", training={"steps": 60})
    train(settings, data(), tmp_path / "run")
    run = load_run(tmp_path / "run")
    video, features = toy_video("test.mp4", seed=21)
    predictor = run.predictor()
    found = predictor.predict(video, features, predictor.measure(features, 1))
    truth = [LABELS.index(s.label) for s in video.segments]
    assert found.span_us.tolist() == [[s.start_us, s.end_us] for s in video.segments]
    assert (found.predicted == truth).mean() > 0.8


@pytest.mark.training
def test_a_saved_run_predicts_as_before_and_merged_alike(tiny_folder, tmp_path):
    train(config(tiny_folder, classifier="generative"), data(), tmp_path / "run")
    video, features = toy_video("test.mp4", seed=22)
    found = []
    for merge in (False, True):
        predictor = load_run(tmp_path / "run", merge=merge).predictor()
        found.append(predictor.predict(video, features, predictor.measure(features, 1)).log_p)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


@pytest.mark.training
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_peft_alone_loads_the_adapter(name, tiny_folder, tmp_path):
    train(config(tiny_folder, classifier=name, training={"steps": 5}), data(), tmp_path / "run")
    said = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert said["base_model_name_or_path"] == "tiny"  # no path of this machine
    ours = load_run(tmp_path / "run").classifier.backbone.causal
    plain = AutoModelForCausalLM.from_pretrained(tiny_folder / "decoder", dtype=torch.float32)
    theirs = PeftModel.from_pretrained(plain, tmp_path / "run" / "adapter").eval()
    ids = torch.arange(2, 12).unsqueeze(0)
    with torch.inference_mode():
        torch.testing.assert_close(theirs(ids).logits, ours(ids).logits, atol=1e-5, rtol=0)


VARIANTS = {
    "extend": {"classifier": "generative", "codec": "extend"},
    "capped": {"classifier": "generative", "vocabulary": "labels", "decoder": "beam"},
    "parallel": {"strategy": "parallel", "context": "current_and_previous"},
    "text first": {"strategy": "generation_first", "codec": "random"},
    "named context": {"assist": "head"},
    "no [CLS]": {"read_at": "frame"},
    "discriminative, no [CLS]": {"classifier": "discriminative", "read_at": "frame"},
}


@pytest.mark.training
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_variants_train_and_come_back_as_they_were(values, tiny_folder, tmp_path):
    train(config(tiny_folder, training={"steps": 4}, **values), data(), tmp_path)
    run = load_run(tmp_path)
    assert {name: getattr(run.config, name) for name in values} == values
    if "strategy" in values:
        assert run.classifier.strategy == values["strategy"]
    if "vocabulary" in values:
        assert 0 < int(run.classifier.competing.sum()) < run.classifier.backbone.vocabulary
    video, features = toy_video("test.mp4", seed=23)
    found = run.predictor().predict(video, features, run.predictor().measure(features, 1))
    assert len(found.predicted) == len(features)
    assert np.isfinite(found.log_p.max(axis=1)).all()


def joint_data() -> TrainingData:
    """Videos of two goals: one adds salt more often, the other stirs."""

    def about(name: str, seed: int, split: str = "train"):
        video, features = toy_video(name, seed=seed, split=split)
        stirs = sum(s.label == "stir tea" for s in video.segments) * 2 > len(video.segments)
        return replace(video, goal="make tea" if stirs else "make soup"), features

    labels = LabelSet(LABELS.classes, ("make soup", "make tea"))
    return TrainingData(labels, [about(f"t{i}.mp4", i) for i in range(6)], [about("v.mp4", 9)])


@pytest.mark.training
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_three_questions_are_learned_together_and_answered_among_their_own_classes(
    name, tiny_folder, tmp_path
):
    values = {"classifier": name, "task": "clip_tasks"}
    settings = config(tiny_folder, **values, training={"steps": 60, "batch": 8})
    train(settings, joint_data(), tmp_path)
    run, (video, features) = (
        load_run(tmp_path),
        toy_video("test.mp4", frames=150, seed=21),
    )  # two blocks
    found = run.predictor().predict(video, features, run.predictor().measure(features, 1))
    steps = len(video.segments)
    assert sorted(found.kind.tolist()) == [0] * steps + [1] * steps + [2]
    goals = found.kind == 2
    assert set(found.predicted[~goals].tolist()) <= {0, 1}
    assert set(found.predicted[goals].tolist()) <= {2, 3}
    assert np.isneginf(found.log_p[goals][:, :2]).all()
    assert np.isneginf(found.log_p[~goals][:, 2:]).all()
    assert (np.exp(found.log_p[~goals]).sum(axis=1) <= 1 + 1e-3).all()
    truth = [LABELS.index(s.label) for s in sorted(video.segments)]
    assert (found.predicted[found.kind == 0] == truth).mean() > 0.8


@pytest.mark.training
def test_the_untuned_backbone_is_a_run_like_others(tiny_folder, tmp_path):
    values = {"classifier": "generative", "prompt": "add", "scoring": "prior"}
    ended = train(config(tiny_folder, **values, training={"steps": 0}), data(), tmp_path)
    assert (ended.steps, ended.kept, ended.stopped) == (0, "untuned", False)
    run, (video, features) = load_run(tmp_path), toy_video("test.mp4", seed=21)
    found = run.predictor().predict(video, features, run.predictor().measure(features, 1))
    assert found.decoder == "exact, prior"
    assert len(found.predicted) == len(features)
    with pytest.raises(InvalidConfig, match="needs a prompt"):
        config(tiny_folder, classifier="generative", training={"steps": 0})


@pytest.mark.training
@pytest.mark.slow
def test_auto_tries_contexts_on_validation_and_says_what_it_found(tiny_folder, tmp_path):
    settings = config(tiny_folder, context="auto", training={"steps": 16})
    train(settings, data(), tmp_path)
    about = load_run(tmp_path).about
    tried = about["context_choice"]["tried"]
    assert len({t["context"] for t in tried if t["steps"] == 2}) == 5  # no goal in these videos
    last = [t for t in tried if t["steps"] == 4]
    assert len(last) == 6
    assert {t["seed"] for t in last} == {0, 1}
    assert about["config"]["context"] == about["context_choice"]["context"] != "auto"
    means = {c: np.mean([t["accuracy"] for t in last if t["context"] == c])
             for c in {t["context"] for t in last}}  # fmt: skip
    assert means[about["config"]["context"]] == max(means.values())
    alone = config(tiny_folder, classifier="discriminative", context="auto", training={"steps": 1})
    train(alone, data(), tmp_path / "alone")  # it writes no context, so there is nothing to choose
    assert "context_choice" not in load_run(tmp_path / "alone").about
    with pytest.raises(InvalidData, match="chosen on validation videos"):
        train(settings, data(val=False), tmp_path / "none")


@pytest.mark.training
def test_a_head_on_frozen_weights_leaves_them_as_they_were(tiny_folder, tmp_path):
    first = config(tiny_folder, classifier="generative", training={"steps": 4})
    train(first, data(), tmp_path / "first")
    values = {"classifier": "discriminative", "frozen_from": str(tmp_path / "first")}
    train(config(tiny_folder, training={"steps": 4}, **values), data(), tmp_path / "second")
    one, two = (load_run(tmp_path / name).classifier.trainable() for name in ("first", "second"))
    for name in (n for n in two if n.startswith("connector.")):
        torch.testing.assert_close(one[name], two[name], atol=0, rtol=0)
    adapters = [load_file(p) for p in sorted(tmp_path.rglob("adapter_model.safetensors"))]
    assert adapters[1].keys() < adapters[0].keys()  # no output matrix
    for name, tensor in adapters[1].items():
        torch.testing.assert_close(adapters[0][name], tensor, atol=0, rtol=0)


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(InvalidConfig, match="a head names one label"):
        RunConfig.read({"assist": "head", "context": "task_goal"})
    with pytest.raises(InvalidConfig, match="behind a written text"):
        RunConfig.read({"strategy": "generation_first", "read_at": "frame"})


@pytest.mark.training
def test_progress_tells_both_losses_and_a_validation_point_every_epoch(tiny_folder, tmp_path):
    heard = []
    train(config(tiny_folder, training={"steps": 6}), data(), tmp_path, report=heard.append)
    steps = [p for p in heard if "loss" in p.values]
    assert [p.done for p in steps] == [1, 2, 3, 4, 5, 6]
    for p in steps:
        assert p.values["loss"] == pytest.approx(p.values["cls"] + p.values["gen"], rel=1e-4)
    assert [p.done for p in heard if "val_accuracy" in p.values] == [2, 4, 6]  # 4 videos, batch 2


@pytest.mark.training
def test_stopping_keeps_a_run_and_its_checkpoint(tiny_folder, tmp_path):
    ended = train(config(tiny_folder), data(), tmp_path, report=lambda p: p.done >= 3)
    assert ended.stopped
    assert ended.steps == 3
    assert load_run(tmp_path).about["steps"] == 3
    assert (tmp_path / "checkpoints" / "checkpoint-3" / "MANIFEST.json").is_file()


@pytest.mark.training
@pytest.mark.fault
def test_a_resumed_training_ends_where_the_uninterrupted_one_does(tiny_folder, tmp_path):
    settings = config(tiny_folder, training={"steps": 8})
    whole, parts = [], []
    train(settings, data(), tmp_path / "a", report=lambda p: whole.append(p.values.get("loss")))
    train(
        settings,
        data(),
        tmp_path / "b",
        report=lambda p: parts.append(p.values.get("loss")) or p.done >= 3,
    )
    train(settings, data(), tmp_path / "b", report=lambda p: parts.append(p.values.get("loss")))
    losses = [[v for v in values if v is not None] for values in (whole, parts)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


@pytest.mark.training
@pytest.mark.fault
def test_without_validation_the_last_weights_are_kept(tiny_folder, tmp_path):
    ended = train(config(tiny_folder, training={"steps": 3}), data(val=False), tmp_path)
    assert ended.kept == "last"
    assert any("No validation video" in w for w in load_run(tmp_path).about["warnings"])


@pytest.mark.training
@pytest.mark.fault
def test_classes_without_an_example_are_named(tiny_folder, tmp_path):
    known = TrainingData(LabelSet(("add salt", "eat", "stir tea")), data().train)
    train(config(tiny_folder, training={"steps": 2}), known, tmp_path)
    assert "No training example: eat." in load_run(tmp_path).about["warnings"]


@pytest.mark.fault
def test_data_that_cannot_train_is_refused_with_a_sentence(tiny_folder, tmp_path):
    video, features = toy_video("a.mp4")
    bare = type(video)(video.name, video.path, video.content_hash, video.duration_us)
    with pytest.raises(InvalidData, match="at least one labelled video"):
        train(config(tiny_folder), TrainingData(LABELS, [(bare, features)]), tmp_path / "x")
    with pytest.raises(InvalidData, match="at least two classes"):
        train(
            config(tiny_folder),
            TrainingData(LabelSet(("add salt",)), [(video, features)]),
            tmp_path / "x",
        )
    with pytest.raises(InvalidData, match=r"must be in the label set: stir tea\."):
        train(
            config(tiny_folder),
            TrainingData(LabelSet(("add salt", "eat")), [(video, features)]),
            tmp_path / "x",
        )
    assert not (tmp_path / "x").exists()


@pytest.mark.training
@pytest.mark.fault
def test_a_loss_that_is_no_number_stops_the_run(tiny_folder, tmp_path):
    video, features = toy_video("a.mp4")
    features.features[3] = np.inf
    with pytest.raises(StudioError, match="must stay a finite number"):
        train(config(tiny_folder), TrainingData(LABELS, [(video, features)]), tmp_path)


@pytest.mark.training
@pytest.mark.fault
def test_a_damaged_or_foreign_run_folder_is_refused(tiny_folder, tmp_path):
    train(config(tiny_folder, training={"steps": 2}), data(), tmp_path)
    heads = tmp_path / "heads.safetensors"
    whole = heads.read_bytes()
    heads.write_bytes(whole[:200])
    with pytest.raises(InvalidFile, match="whole safetensors"):
        load_run(tmp_path)
    heads.write_bytes(whole)
    (tmp_path / "labels.json").write_text(json.dumps({"classes": ["add salt", "eat", "stir tea"]}))
    with pytest.raises(InvalidFile, match="exactly those of its classifier"):
        load_run(tmp_path)
    heads.unlink()
    with pytest.raises(MissingArtifact, match="must hold all its files"):
        load_run(tmp_path)


def test_settings_are_checked_and_named():
    with pytest.raises(UnknownName, match="Did you mean 'discriminative'"):
        RunConfig.read({"classifier": "discrimnative"})
    with pytest.raises(InvalidConfig, match=r"training\.steps"):
        RunConfig.read({"training": {"steps": -1}})
    with pytest.raises(InvalidConfig, match="colour"):
        RunConfig.read({"colour": "red"})
