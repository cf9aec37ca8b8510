"""Features: on the grid, computed once, whole or refused; backbones load strictly or not at all."""

import json
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.backbones import backbone_card, load_backbone, load_tower
from core.backbones.pixels import letterbox
from core.errors import InvalidFile, MissingArtifact, Stopped, UnknownName, UnreadableVideo
from core.features import FeatureCache
from core.prediction_files import prediction_path, read_prediction, write_prediction
from core.types import LabelledVideo, Prediction, grid_us
from core.video import probe, sample, write_mp4


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> LabelledVideo:
    """Three seconds that turn from black to white, eight frames a second."""
    path = tmp_path_factory.mktemp("ramp") / "ramp.mp4"
    frames = (np.full((36, 64, 3), i * 10, np.uint8) for i in range(24))
    write_mp4(path, frames, 8)
    info = probe(path)
    return LabelledVideo("ramp.mp4", path, info.content_hash, info.duration_us)


def test_features_stand_on_the_grid_with_the_frame_shown_there(video, tiny_folder, tmp_path):
    cache = FeatureCache(tmp_path, str(tiny_folder))
    cache.compute([video])
    found = cache.load(video)
    assert found.features.shape == (12, 1, 6)
    assert found.features.dtype == np.float16
    np.testing.assert_array_equal(found.time_us, grid_us(video.duration_us, 4.0))
    assert (found.pts_us <= found.time_us).all()
    assert (found.time_us - found.pts_us < 125_000).all()
    assert np.abs(np.diff(found.features[:, 0].astype(float), axis=0)).max(1).min() > 0


def test_what_is_cached_is_not_computed_again(video, tiny_folder, tmp_path):
    cache = FeatureCache(tmp_path, str(tiny_folder))
    cache.compute([video])
    written = cache.path(video).stat().st_mtime_ns
    cache.compute([video])
    assert cache.path(video).stat().st_mtime_ns == written
    assert cache.missing([video]) == []


def test_another_rate_is_another_file(video, tiny_folder, tmp_path):
    four, two = (FeatureCache(tmp_path, str(tiny_folder), rate) for rate in (None, 2.0))
    assert four.path(video) != two.path(video)
    two.compute([video])
    assert len(two.load(video)) == 6


def test_a_stopped_computation_keeps_finished_videos(video, tiny_folder, tmp_path):
    cache = FeatureCache(tmp_path, str(tiny_folder))
    other = LabelledVideo("copy.mp4", video.path, "f" * 64, video.duration_us)
    with pytest.raises(Stopped):
        cache.compute([video, other], lambda p: p.done >= 1)
    assert len(cache.missing([video, other])) == 1
    assert not threads_at_work()
    cache.compute([video, other])
    assert cache.missing([video, other]) == []


def test_missing_and_damaged_features_are_sentences(video, tiny_folder, tmp_path):
    cache = FeatureCache(tmp_path, str(tiny_folder))
    with pytest.raises(MissingArtifact, match="needs the features of all its videos"):
        cache.load(video)
    cache.compute([video])
    path = cache.path(video)
    whole = path.read_bytes()
    for kept in (50, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(InvalidFile, match="must be whole safetensors"):
            cache.load(video)
    save_file({"features": torch.zeros(2, 1, 6)}, path)
    with pytest.raises(InvalidFile, match="must be whole safetensors"):
        cache.load(video)


def test_a_video_that_cannot_be_read_leaves_nothing(video, tiny_folder, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing of a video")
    cache = FeatureCache(tmp_path / "cache", str(tiny_folder))
    with pytest.raises(UnreadableVideo):
        cache.compute([LabelledVideo("broken.mp4", broken, "0" * 64, 1_000_000), video])
    assert not list((tmp_path / "cache").rglob(f"{'0' * 64}*"))
    assert not threads_at_work()


def threads_at_work() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("reading")]


def test_features_are_those_of_one_frame_after_another_to_the_bit(video, tiny_folder, tmp_path):
    cache, tower = FeatureCache(tmp_path, str(tiny_folder), 99.0), load_tower(str(tiny_folder))
    short = LabelledVideo("short.mp4", video.path, "a" * 64, 900_000)
    for together in ([video], [short, video]):  # several threads for one, and one for each
        shutil.rmtree(cache.folder, ignore_errors=True)
        cache.compute(together)
        for one in together:
            taken = list(sample(one.path, grid_us(one.duration_us, 99)))
            pictures = torch.from_numpy(np.stack([tower.prepare(frame) for _, frame in taken]))
            rows = [tower(part).half().numpy() for part in pictures.split(32)]
            np.testing.assert_array_equal(cache.load(one).features, np.concatenate(rows))
            assert cache.load(one).pts_us.tolist() == [pts_us for pts_us, _ in taken]


def test_a_stop_inside_a_video_ends_its_threads(video, tiny_folder, tmp_path):
    cache, asked = FeatureCache(tmp_path, str(tiny_folder), 100.0), []
    with pytest.raises(Stopped):
        cache.compute([video], lambda p: asked.append(p.done) or len(asked) == 2)
    assert asked == [0, 0]
    assert cache.missing([video]) == [video]
    assert not threads_at_work()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_loaded_features_are_views_of_the_file_that_cannot_change_it(video, tiny_folder, tmp_path):
    cache = FeatureCache(tmp_path, str(tiny_folder))
    cache.compute([video])
    before = cache.path(video).read_bytes()
    found = cache.load(video)
    assert cache.path(video).name in Path("/proc/self/maps").read_text()
    torch.from_numpy(found.features[2:5]).zero_()  # warns of arrays that are read-only
    assert not found.features[2:5].any()
    assert cache.path(video).read_bytes() == before
    assert cache.load(video).features[2:5].any()


@pytest.mark.parametrize("shape", [(90, 160), (180, 320), (100, 60), (36, 300), (4, 4)])
def test_letterboxing_keeps_the_pictures_shape(shape):
    picture = np.full((*shape, 3), 200, np.uint8)
    boxed = letterbox(picture, 160, 90)
    assert boxed.shape == (90, 160, 3)
    rows, columns = (boxed.max(axis=(1, 2)) > 0).sum(), (boxed.max(axis=(0, 2)) > 0).sum()
    assert columns / rows == pytest.approx(shape[1] / shape[0], rel=0.05)
    assert rows == 90 or columns == 160


def test_a_backbones_parts_load_and_its_tower_gives_k_tokens(tiny_folder):
    tower, card = load_tower(str(tiny_folder)), backbone_card(str(tiny_folder))
    pictures = torch.randint(0, 255, (3, 18, 32, 3), dtype=torch.uint8)
    assert tower(pictures).shape == (3, card.tokens_per_frame, card.feature_width)
    assert load_backbone(str(tiny_folder)).card.revision == card.revision


def test_an_unknown_backbone_is_refused():
    with pytest.raises(UnknownName, match="nano"):
        load_backbone("nona")
    with pytest.raises(MissingArtifact, match=r"backbone\.json"):
        load_backbone("/nowhere/at/all")


@pytest.fixture
def copy(tiny_folder, tmp_path) -> Path:
    shutil.copytree(tiny_folder, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("harm", ["missing", "unexpected", "mismatched", "truncated"])
def test_weights_that_do_not_fit_refuse_to_load(copy, harm):
    path = copy / "decoder" / "model.safetensors"
    weights = load_file(path)
    name = "model.layers.0.mlp.up_proj.weight"
    if harm == "missing":
        del weights[name]
    elif harm == "unexpected":
        weights["model.layers.0.extra.weight"] = torch.zeros(2)
    else:
        weights[name] = torch.zeros(3, 3)
    save_file(weights, path, metadata={"format": "pt"})
    if harm == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidFile):
        load_backbone(str(copy))


def test_other_formats_than_safetensors_are_refused(copy):
    (copy / "decoder" / "model.safetensors").rename(copy / "decoder" / "pytorch_model.bin")
    with pytest.raises(MissingArtifact, match="safetensors only"):
        load_backbone(str(copy))


def test_changed_weights_are_another_revision(copy):
    before = backbone_card(str(copy)).revision
    connector = load_file(copy / "connector.safetensors")
    save_file({k: v + 1 for k, v in connector.items()}, copy / "connector.safetensors")
    assert backbone_card(str(copy)).revision != before


def test_a_stored_prediction_is_read_back_to_the_bit(video, tmp_path):
    rng = np.random.default_rng(0)
    made = Prediction(
        rng.standard_normal((5, 3)).astype(np.float32), np.arange(5) % 3, np.arange(5) * 250_000,
        rng.standard_normal((5, 4)).astype(np.float16), "exact", 2.0, 60.0, 12.5,
        texts=("a", "b c", "", "é", "a"), token_log_p=rng.random((5, 4)).astype(np.float32),
        distance=np.arange(5),
    )  # fmt: skip
    path = write_prediction(tmp_path, video, made)
    assert path == prediction_path(tmp_path, video.content_hash)
    read = read_prediction(path)
    for name in ("log_p", "predicted", "time_us", "embedding", "token_log_p", "distance"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    assert (read.texts, read.decoder, read.ms, read.span_us) == (made.texts, "exact", 12.5, None)


def test_a_missing_or_damaged_prediction_is_a_sentence(video, tmp_path):
    with pytest.raises(MissingArtifact):
        read_prediction(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_text(json.dumps({}))
    with pytest.raises(InvalidFile, match="Predict again"):
        read_prediction(tmp_path / "bad.safetensors")
