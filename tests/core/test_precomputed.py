"""A backbone of features: arrays instead of a tower, a fresh connector, any decoder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.backbones import backbone_card, default_rate, load_backbone, load_tower
from core.backbones.feature_settings import feature_folder, write_feature_backbone
from core.config import RunConfig
from core.errors import InvalidConfig, InvalidFile, MissingArtifact
from core.feature_files import FeatureFolder
from core.features import FeatureCache
from core.run_folder import load_run
from core.training import train
from core.training_data import TrainingData
from core.types import LabelSet
from tests.core.conftest import toy_video


def make(folder: Path, *, tokens: int = 1, decoder: str = "nano", rate: float = 4.0) -> str:
    """A backbone over the features of four toy videos, written as arrays."""
    arrays = folder / "arrays"
    arrays.mkdir()
    for seed in range(4):
        _, features = toy_video(f"{seed}.mp4", seed=seed)
        np.save(arrays / f"{seed}.npy", np.repeat(features.features, tokens, axis=1))
    found = FeatureFolder.open(arrays, rate)
    return str(write_feature_backbone(folder / "bb", found, name="toy", decoder=decoder))


def videos() -> list:
    return [toy_video(f"{seed}.mp4", seed=seed)[0] for seed in range(4)]


def test_nano_gives_its_decoder_and_recipe_and_counts_windows_in_frames(tmp_path):
    card = backbone_card(make(tmp_path, rate=2.0))
    nano = backbone_card("nano")
    assert (card.name, card.rate, card.feature_width) == ("toy", 2.0, 6)
    assert card.window_s * card.rate == nano.window_s * nano.rate
    assert (card.rank, card.lr, card.max_position) == (nano.rank, nano.lr, nano.max_position)


def test_the_connector_is_fresh_and_follows_the_seed(tmp_path, tiny_folder):
    name = make(tmp_path, decoder=str(tiny_folder / "decoder"))
    torch.manual_seed(1)
    first = load_backbone(name)
    torch.manual_seed(1)
    again = load_backbone(name)
    assert first.connector[0].weight.shape == (32, 6)
    torch.testing.assert_close(first.connector[0].weight, again.connector[0].weight)
    assert backbone_card(name).window_s == 148 / 4  # the paper's


def test_the_revision_belongs_to_decoder_and_features(tmp_path, tiny_folder):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    nano = backbone_card(make(tmp_path / "a"))
    tiny = backbone_card(make(tmp_path / "b", decoder=str(tiny_folder / "decoder")))
    slow = backbone_card(make_again(tmp_path / "a", rate=2.0))
    assert len({nano.revision, tiny.revision, slow.revision}) == 3
    assert backbone_card(make_again(tmp_path / "a", rate=4.0)).revision == nano.revision


def make_again(folder: Path, rate: float) -> str:
    found = FeatureFolder.open(folder / "arrays", rate)
    return str(write_feature_backbone(folder / "bb", found, name="toy"))


def test_the_cache_reads_and_neither_decodes_nor_writes(tmp_path):
    cache = FeatureCache(tmp_path / "cache", make(tmp_path))
    assert cache.missing(videos()) == []
    cache.compute(videos())
    made, features = toy_video("2.mp4", seed=2)
    found = cache.load(made)
    np.testing.assert_array_equal(found.features, features.features)
    np.testing.assert_array_equal(found.time_us, features.time_us)
    assert not (tmp_path / "cache").exists()


def test_what_the_arrays_cannot_give_is_refused_before_anything_starts(tmp_path):
    name = make(tmp_path)
    with pytest.raises(MissingArtifact, match="such as '9'"):
        FeatureCache(tmp_path, name).compute([*videos(), toy_video("9.mp4")[0]])
    with pytest.raises(InvalidConfig, match="1 frames/s were asked of 4"):
        FeatureCache(tmp_path, name, 1.0).compute(videos())
    with pytest.raises(InvalidConfig, match="looks at no pictures"):
        load_tower(name)


@pytest.mark.parametrize("gone", ["features", "card"])
def test_a_description_that_says_too_little_is_refused(tmp_path, gone):
    name = make(tmp_path)
    path = Path(name) / "backbone.json"
    said = json.loads(path.read_text())
    del said[gone]
    path.write_text(json.dumps(said))
    with pytest.raises(InvalidFile, match=gone):
        backbone_card(name)


def test_other_backbones_bring_no_arrays(tiny_folder):
    assert feature_folder("nano") is None
    assert feature_folder(str(tiny_folder)) is None


@pytest.mark.training
@pytest.mark.parametrize("tokens", [1, 2])
def test_a_run_learns_from_arrays_and_is_loaded_with_its_connector(tmp_path, tiny_folder, tokens):
    name = make(tmp_path, tokens=tokens, decoder=str(tiny_folder / "decoder"))
    assert default_rate(name) == 4.0
    cache = FeatureCache(tmp_path, name)
    data = [(video, cache.load(video)) for video in videos()]
    config = RunConfig.read({
        "classifier": "discriminative", "backbone": name,
        "training": {"steps": 40, "batch": 2, "lr": 1e-2, "device": "cpu"},
    })  # fmt: skip
    train(config, TrainingData(LabelSet(("add salt", "stir tea")), data[:3]), tmp_path / "run")
    run = load_run(tmp_path / "run", merge=True)
    predictor = run.predictor()
    video, features = data[3]
    prediction = predictor.predict(video, features, predictor.measure(features))
    (clip,) = run.task.clips(video, features.time_us, run.labels, "none")
    assert (prediction.predicted == clip.target).mean() > 0.8
