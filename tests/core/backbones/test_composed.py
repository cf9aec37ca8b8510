"""Any encoder with any decoder: joined in a folder, checked when joined, trained as it is."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import transformers as t
from safetensors.torch import load_file, save_file

from core.backbones import backbone_card, load_backbone, load_tower
from core.backbones.cards import recipe
from core.backbones.compose import compose
from core.backbones.pictures import cells
from core.backbones.weights import load_processor, revision
from core.config import RunConfig
from core.errors import Conflict, InvalidConfig, InvalidFile, MissingArtifact
from core.features import FeatureCache
from core.run_folder import build_classifier, load_run
from core.tasks.online_detection import frame_targets
from core.training import train
from core.training_data import TrainingData
from core.types import LabelledVideo, LabelSet
from core.video import probe, write_mp4
from tests.core.backbones.families import TEXT, VISION, pil_class
from tests.core.conftest import tiny_tokenizer, toy_video

LABELS = LabelSet(("add salt", "stir tea"))
SQUARE = {"height": 32, "width": 32}
MAPS = {"embedding_size": 8, "hidden_sizes": [8, 24], "depths": [1, 1]}
PAIR = {"text_config": {**TEXT, "num_hidden_layers": 1}, "vision_config": VISION}


def dinov2(**more):
    return t.Dinov2Config(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=32,
                          patch_size=8, **more)  # fmt: skip


ENCODERS = {
    "siglip": (
        t.SiglipVisionModel, lambda: t.SiglipVisionConfig(**VISION), "SiglipImageProcessor"
    ),
    "clip, both towers": (t.CLIPModel, lambda: t.CLIPConfig(**PAIR), "CLIPImageProcessor"),
    "vit, a classifier": (
        t.ViTForImageClassification, lambda: t.ViTConfig(**VISION), "ViTImageProcessor"
    ),
    "vit": (t.ViTModel, lambda: t.ViTConfig(**VISION), "ViTImageProcessor"),
    "dinov2": (t.Dinov2Model, dinov2, "BitImageProcessor"),
    "dinov2 with registers": (
        t.Dinov2WithRegistersModel,
        lambda: t.Dinov2WithRegistersConfig(
            hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8
        ),
        "BitImageProcessor",
    ),
    "swin": (
        t.SwinModel,
        lambda: t.SwinConfig(image_size=32, patch_size=4, embed_dim=12, depths=[1, 1],
                             num_heads=[2, 2], window_size=4),
        None,
    ),
    "resnet": (t.ResNetModel, lambda: t.ResNetConfig(**MAPS, layer_type="basic"), None),
    "convnext": (
        t.ConvNextModel,
        lambda: t.ConvNextConfig(hidden_sizes=[8, 24], depths=[1, 1], num_stages=2, image_size=32),
        "ConvNextImageProcessor",
    ),
}  # fmt: skip


def write_encoder(name, folder):
    kind, config, processor = ENCODERS[name]
    torch.manual_seed(0)
    kind(config()).save_pretrained(folder)
    if processor is not None:
        pil_class(processor)(size=SQUARE, crop_size=SQUARE).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm") / "llama"
    torch.manual_seed(0)
    t.LlamaForCausalLM(t.LlamaConfig(**TEXT)).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def siglip(tmp_path_factory):
    return write_encoder("siglip", tmp_path_factory.mktemp("encoders") / "siglip")


@pytest.fixture
def composed(siglip, decoder, tmp_path):
    compose(tmp_path / "own", encoder=siglip, decoder=decoder, tokens_per_frame=4)
    return tmp_path / "own"


@pytest.mark.parametrize("name", ENCODERS)
@torch.inference_mode()
def test_patches_of_any_encoder_are_pooled_without_its_cls(name, decoder, tmp_path):
    folder = write_encoder(name, tmp_path / "encoder")
    compose(tmp_path / "own", encoder=folder, decoder=decoder, tokens_per_frame=4)
    tower = load_tower(str(tmp_path / "own"))
    pictures = torch.randint(0, 255, (2, 32, 32, 3), dtype=torch.uint8)
    if name == "resnet":  # says no size of its own
        pictures = torch.randint(0, 255, (2, 224, 224, 3), dtype=torch.uint8)
    kind, _, processor = ENCODERS[name]
    pixels = (pictures.permute(0, 3, 1, 2).float() / 127.5) - 1
    if processor is not None:
        made = pil_class(processor)(size=SQUARE, crop_size=SQUARE, crop_pct=1.0)
        options = {"do_resize": False, "do_center_crop": False, "return_tensors": "pt"}
        pixels = made([p.numpy() for p in pictures], **options)["pixel_values"]
    own = kind.from_pretrained(folder).eval()
    own = getattr(own, "vision_model", getattr(own, "vit", own))
    maps = own(pixels).last_hidden_state
    if maps.dim() == 3:
        maps = maps[:, -16:].transpose(1, 2).unflatten(2, (4, 4))
    expected = F.adaptive_avg_pool2d(maps, 2).flatten(2).transpose(1, 2)
    torch.testing.assert_close(tower(pictures), expected, atol=1e-4, rtol=1e-4)


def test_a_fresh_connector_comes_from_the_runs_seed(composed):
    config = RunConfig.read({"backbone": str(composed)})
    one, two = (build_classifier(config, LABELS).backbone.connector for _ in range(2))
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], tensor, atol=0, rtol=0)
    other = config.model_copy(update={"training": config.training.model_copy(update={"seed": 1})})
    weights = [build_classifier(c, LABELS).backbone.connector[0].weight for c in (config, other)]
    assert (weights[0] - weights[1]).abs().max() > 0


def test_what_a_folder_does_not_say_follows_from_its_decoder(composed):
    card = backbone_card(str(composed))
    assert (card.name, card.licence, card.rate) == ("own", "unknown", 2.0)
    assert (card.tokens_per_frame, card.feature_width, card.max_position) == (4, 24, 2048)
    assert (card.rank, card.alpha, card.lr) == recipe(1_000_000) == (32, 64, 2e-3)
    assert recipe(360_000_000) == (16, 32, 2e-4)
    assert recipe(1_240_000_000) == (128, 256, 1e-4)


def test_parts_inside_are_named_from_the_folder_and_it_may_move(siglip, decoder, tmp_path):
    for part, source in (("tower", siglip), ("decoder", decoder)):
        shutil.copytree(source, tmp_path / "own" / part)
    own = tmp_path / "own"
    compose(own, encoder=own / "tower", decoder=own / "decoder", rate=5.0)
    before = backbone_card(str(own))
    moved = own.rename(tmp_path / "elsewhere")
    after = backbone_card(str(moved))
    assert (after.revision, after.rate) == (before.revision, 5.0)


def test_the_revision_is_that_of_weights_and_features(composed, decoder, tmp_path):
    before = backbone_card(str(composed)).revision
    path = composed / "backbone.json"
    settings = json.loads(path.read_text())
    settings["card"]["lr"] = 0.5
    path.write_text(json.dumps(settings))
    assert backbone_card(str(composed)).revision == before
    settings["card"]["tokens_per_frame"] = 1
    path.write_text(json.dumps(settings))
    assert backbone_card(str(composed)).revision != before
    settings["card"]["tokens_per_frame"] = 4
    settings["decoder"] = str(shutil.copytree(decoder, tmp_path / "other"))
    path.write_text(json.dumps(settings))
    assert backbone_card(str(composed)).revision == before  # the same weights elsewhere
    weights = load_file(tmp_path / "other" / "model.safetensors")
    weights["lm_head.weight"] += 1
    save_file(weights, tmp_path / "other" / "model.safetensors", {"format": "pt"})
    assert backbone_card(str(composed)).revision != before


def test_large_weights_are_hashed_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(70_000_000)
    stamp = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    before = revision({"model.safetensors": path})
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=stamp)
    assert revision({"model.safetensors": path}) == before  # same path, size and time: not read
    os.utime(path, ns=(stamp[0], stamp[1] + 1))
    assert revision({"model.safetensors": path}) != before


def test_a_processor_for_torchvision_alone_gives_its_settings(siglip, composed, tmp_path):
    said = json.loads((siglip / "preprocessor_config.json").read_text())
    said |= {"image_processor_type": "OnlyWithTorchvisionImageProcessor", "image_mean": [0.1] * 3}
    other = shutil.copytree(siglip, tmp_path / "other")
    (other / "preprocessor_config.json").write_text(json.dumps(said))
    assert load_processor(other).image_mean == [0.1] * 3


def test_a_run_refuses_another_base(composed, tmp_path):
    config = {"backbone": str(composed), "training": {"steps": 1, "batch": 2, "device": "cpu"}}
    video, features = toy_video("a.mp4", frames=16)
    features = type(features)(
        np.random.default_rng(0).standard_normal((16, 4, 24)).astype(np.float16),
        features.time_us, features.pts_us,
    )  # fmt: skip
    settings = RunConfig.read({**config, "rate": 4.0})
    train(settings, TrainingData(LABELS, [(video, features)]), tmp_path / "run")
    said = json.loads((composed / "backbone.json").read_text())
    said["decoder"] = str(shutil.copytree(said["decoder"], tmp_path / "other"))
    weights = load_file(tmp_path / "other" / "model.safetensors")
    weights["lm_head.weight"] += 1
    save_file(weights, tmp_path / "other" / "model.safetensors", {"format": "pt"})
    (composed / "backbone.json").write_text(json.dumps(said))
    with pytest.raises(InvalidFile, match="needs the base it was trained on"):
        load_run(tmp_path / "run")


def test_a_connector_that_does_not_fit_is_refused(composed):
    save_file({"0.weight": torch.zeros(2, 2)}, composed / "connector.safetensors")
    with pytest.raises(InvalidFile, match="A connector must fit"):
        load_backbone(str(composed))


CLIPS = {
    "videomae": lambda: (t.VideoMAEModel, t.VideoMAEConfig(**VISION, num_frames=4)),
    "vjepa2": lambda: (
        t.VJEPA2Model,
        t.VJEPA2Config(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, crop_size=32,
                       patch_size=8, frames_per_clip=4, pred_hidden_size=24,
                       pred_num_hidden_layers=1, pred_num_attention_heads=2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLIPS)
def test_encoders_of_clips_are_refused_with_that_reason(name, decoder, tmp_path):
    kind, config = CLIPS[name]()
    kind(config).save_pretrained(tmp_path / "encoder")
    with pytest.raises(InvalidFile, match=f"'{name}' takes clips of several"):
        compose(tmp_path / "own", encoder=tmp_path / "encoder", decoder=decoder)
    assert not (tmp_path / "own" / "backbone.json").exists()


def test_what_is_no_encoder_and_no_decoder_is_refused(siglip, decoder, tmp_path):
    with pytest.raises(InvalidFile, match="must take pictures, but 'llama' does not"):
        compose(tmp_path / "a", encoder=decoder, decoder=decoder)
    with pytest.raises(InvalidFile, match="build the model by itself"):
        compose(tmp_path / "b", encoder=siglip, decoder=siglip)
    with pytest.raises(MissingArtifact, match=r"folder with config\.json"):
        compose(tmp_path / "c", encoder=siglip, decoder=tmp_path / "nothing")
    with pytest.raises(InvalidConfig, match="must fit the encoder's map of 4 x 4"):
        compose(tmp_path / "d", encoder=siglip, decoder=decoder, tokens_per_frame=25)


def test_a_folder_is_composed_once(composed, siglip, decoder):
    with pytest.raises(Conflict, match="exists"):
        compose(composed, encoder=siglip, decoder=decoder)


def test_cells_are_as_square_as_they_can_be():
    assert [cells(k) for k in (1, 2, 4, 6, 7, 16)] == [
        (1, 1),
        (1, 2),
        (2, 2),
        (2, 3),
        (1, 7),
        (4, 4),
    ]


@pytest.mark.training
@pytest.mark.realdata
@pytest.mark.slow
def test_a_real_decoder_learns_from_a_composed_tower(realdata, siglip, tmp_path):
    """A decoder that has learned to write stories, on features of a video that turns bright."""
    decoder = realdata / "models" / "llama_stories260K_hf"
    compose(tmp_path / "own", encoder=siglip, decoder=decoder, rate=4.0, lr=5e-3)
    path = tmp_path / "ramp.mp4"
    toy = toy_video("ramp.mp4", frames=160, seed=1)[0]
    bright = np.zeros(160, np.uint8)
    for segment in toy.segments:
        first, last = segment.start_us // 250_000, segment.end_us // 250_000
        bright[first:last] = 120 if segment.label == "add salt" else 250
    write_mp4(path, (np.full((32, 32, 3), value, np.uint8) for value in bright), 4)
    info = probe(path)
    video = LabelledVideo("ramp.mp4", path, info.content_hash, info.duration_us, toy.segments)
    cache = FeatureCache(tmp_path / "cache", str(tmp_path / "own"))
    cache.compute([video])
    pair = (video, cache.load(video))
    training = {"steps": 60, "batch": 2, "device": "cpu", "stretch_s": 20.0}
    for name in ("gad", "generative"):
        config = {"backbone": str(tmp_path / "own"), "classifier": name, "training": training}
        train(RunConfig.read(config), TrainingData(LABELS, [pair]), tmp_path / name)
        predictor = load_run(tmp_path / name).predictor()
        found = predictor.predict(*pair, predictor.measure(pair[1], 1))
        truth = frame_targets(video, pair[1].time_us, LABELS)
        assert (found.predicted == truth).mean() > 0.8, name
