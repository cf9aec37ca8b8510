"""The contract of every vision-language family, through the true loading path."""

import json
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from peft import PeftModel
from transformers import AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageTextToText

from core.backbones import backbone_card, load_backbone, load_tower
from core.backbones.decoders import TextDecoder
from core.classifiers.base import Learned
from core.config import RunConfig
from core.decoding.trie import ask
from core.errors import InvalidConfig, InvalidFile
from core.frame_cache import FrameCache
from core.run_folder import build_classifier, load_run, write_run
from core.sequence import Example, Forest, collate
from core.training import train
from core.training_data import TrainingData
from core.types import FrameFeatures, LabelSet
from tests.core.backbones.families import FAMILIES
from tests.core.conftest import toy_video
from tests.core.test_frame_cache import dense, in_blocks

CLOSE = {"atol": 1e-4, "rtol": 1e-4}
LABELS = LabelSet(("add salt", "stir tea"))
families = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def loaded(checkpoint, family):
    """Our backbone, and the whole model as transformers loads it."""
    own = AutoModelForImageTextToText.from_pretrained(checkpoint(family), dtype=torch.float32)
    return load_backbone(str(checkpoint(family))), own.eval()


@families
@torch.inference_mode()
def test_hidden_and_logits_are_the_models_own(loaded, family):
    ours, own = loaded
    ids = torch.randint(2, 290, (2, 14), generator=torch.Generator().manual_seed(3))
    position = torch.arange(14).expand(2, -1)
    causal = torch.ones(2, 1, 14, 14, dtype=torch.bool).tril()
    given = {}
    if family == "paligemma":  # by itself it reads a prompt in both directions
        given = {"attention_mask": causal}
    theirs = own.get_decoder()(input_ids=ids, **given).last_hidden_state
    hidden = ours.hidden(ours.embed(ids), causal, position)
    torch.testing.assert_close(hidden, theirs, **CLOSE)
    expected = own.lm_head(theirs) if given else own(input_ids=ids).logits
    torch.testing.assert_close(ours.logits(hidden), expected, **CLOSE)
    assert (ours.width, ours.vocabulary, ours.start, ours.eos) == (32, 300, 0, 1)


def own_features(own, family, processor, pictures):
    """Return what the checkpoint gives by its own image processor. Shape: [B, T, d]."""
    if family in ("llava_next", "llava_onevision"):  # tiles: each is the whole picture here
        mean, std = (torch.tensor(v) for v in (processor.image_mean, processor.image_std))
        one = ((pictures / 255 - mean) / std).permute(0, 3, 1, 2).float()
        tiles = 3 if family == "llava_next" else 2
        inputs = {"pixel_values": one.unsqueeze(1).expand(-1, tiles, -1, -1, -1)}
        inputs["image_sizes"] = torch.full((len(one), 2), 32)
        return torch.stack([f[:16] for f in own.get_image_features(**inputs).pooler_output])
    images = list(pictures.numpy())
    if family in ("idefics3", "smolvlm"):
        processor.do_image_splitting = False
        images = [[image] for image in images]
    inputs = processor(images=images, return_tensors="pt", **SIZES.get(family, {}))
    known = ("pixel_values", "pixel_attention_mask", "image_grid_thw")
    found = own.get_image_features(**{k: torch.as_tensor(inputs[k]) for k in known if k in inputs})
    return torch.stack(list(found.pooler_output))


SIZES = {"qwen2_5_vl": {"do_resize": False}, "qwen3_vl": {"do_resize": False}}


@families
@torch.inference_mode()
def test_features_are_the_projectors_own_pooled(loaded, checkpoint, family):
    own = loaded[1]
    tower = load_tower(str(checkpoint(family)))
    frames = np.random.default_rng(0).integers(0, 255, (3, 45, 80, 3), np.uint8)
    pictures = torch.stack([torch.from_numpy(tower.prepare(frame)) for frame in frames])
    found, card = tower(pictures), backbone_card(str(checkpoint(family)))
    assert found.shape == (3, card.tokens_per_frame, card.feature_width) == (3, 4, 32)
    processor = AutoImageProcessor.from_pretrained(checkpoint(family))
    tokens = own_features(own, family, processor, pictures)
    rows = 9 if family.startswith("qwen") else int(tokens.shape[1] ** 0.5)
    maps = tokens.transpose(1, 2).unflatten(2, (rows, -1))
    expected = F.adaptive_avg_pool2d(maps, (2, 2)).flatten(2).transpose(1, 2)
    torch.testing.assert_close(found, expected, **CLOSE)
    assert (found[0] - found[1]).abs().max() > 0.01


def classifier_of(folder, name="gad"):
    config = RunConfig.read({"backbone": str(folder), "classifier": name})
    classifier = build_classifier(config, LABELS)
    with torch.no_grad():
        for parameter in classifier.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    return config, classifier.eval()


def wide_features(frames, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((frames, 4, 32)).astype(np.float16)


@families
def test_blocks_of_any_size_equal_one_pass(checkpoint, family):
    classifier, features = classifier_of(checkpoint(family))[1], wide_features(20)
    for window in (8, 1):  # wider and narrower than a decoder's own local window
        whole = dense(classifier, features, window)
        for size in (1, 7):
            found = in_blocks(classifier, features, window, size)
            np.testing.assert_allclose(found, whole, atol=1e-4)


@pytest.mark.parametrize("family", ["llava", "gemma3", "paligemma2"])
@torch.inference_mode()
def test_a_text_asked_of_the_cache_equals_one_pass(checkpoint, family):
    classifier, features = classifier_of(checkpoint(family), "generative")[1], wide_features(20)
    chain = (Learned.TEXT, *classifier.codec.encode(1), classifier.backbone.eos)
    forest, later = Forest(), Forest()
    here, there = -1, -1
    for token in chain:
        here, there = forest.add(int(token), 0, here), later.add(int(token), 18, there)
    hidden = classifier.hidden(collate([Example(features, later.done())], 8))[0]
    cache = FrameCache(classifier, 8, 4)
    cache.push(torch.from_numpy(features), Learned.TEXT, [])
    asked = ask(classifier, cache.moments(3).rows([1]), forest.done())[0]
    torch.testing.assert_close(asked, hidden, atol=1e-4, rtol=0)


def random_video(name, seed=0, split="train"):
    video, features = toy_video(name, frames=16, seed=seed, split=split)
    wide = wide_features(16, seed)
    return video, FrameFeatures(wide, features.time_us, features.pts_us)


def predictions(run, pair):
    predictor = run.predictor()
    return predictor.predict(*pair, predictor.measure(pair[1], 1)).log_p


@pytest.mark.training
@families
def test_it_trains_and_its_run_comes_back(checkpoint, family, tmp_path):
    training = {"steps": 5, "batch": 2, "device": "cpu"}
    config = RunConfig.read(
        {"backbone": str(checkpoint(family)), "rate": 4.0, "training": training}
    )
    data = TrainingData(LABELS, [random_video(f"{i}.mp4", i) for i in range(4)])
    train(config, data, tmp_path / "run")
    run, asked = load_run(tmp_path / "run"), random_video("test.mp4", 9)
    about = {k: run.about[k] for k in ("steps", "warnings")}
    found = predictions(run, asked)
    assert any(p.abs().max() > 0 for n, p in run.classifier.named_parameters() if "lora_B" in n)
    write_run(run.classifier, run.config, run.labels, tmp_path / "again", about)
    for folder, merge in (("again", False), ("run", True)):
        again = predictions(load_run(tmp_path / folder, merge=merge), asked)
        np.testing.assert_allclose(again, found, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")
@pytest.mark.parametrize("family", [f for f in FAMILIES if not f.startswith("qwen")])
def test_peft_alone_loads_an_adapter_on_the_plain_decoder(checkpoint, family, tmp_path):
    config, classifier = classifier_of(checkpoint(family))
    write_run(classifier, config, LABELS, tmp_path / "run", {})
    bare = load_backbone(str(checkpoint(family))).causal
    assert not isinstance(bare, TextDecoder)
    bare.save_pretrained(tmp_path / "decoder")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "decoder", dtype=torch.float32)
    theirs = PeftModel.from_pretrained(plain, tmp_path / "run" / "adapter").eval()
    ids = torch.arange(2, 12).unsqueeze(0)
    with torch.inference_mode():
        ours = classifier.backbone.causal(ids).logits
        torch.testing.assert_close(theirs(ids).logits, ours, **CLOSE)


def test_a_fresh_connector_changes_nothing(checkpoint):
    connector = load_backbone(str(checkpoint("llava"))).connector
    features = torch.randn(2, 5, 32)
    torch.testing.assert_close(connector(features), features, atol=0, rtol=0)


@pytest.fixture
def copied(checkpoint, tmp_path):
    return shutil.copytree(checkpoint("qwen3_vl"), tmp_path / "copy")


def test_a_folder_may_choose_tokens_and_size(copied):
    before = backbone_card(str(copied))
    said = {"kind": "vision_language", "input": {"width": 64, "height": 32}}
    said["card"] = {"tokens_per_frame": 2, "rate": 4.0, "name": "mine", "licence": "Apache-2.0"}
    (copied / "backbone.json").write_text(json.dumps(said))
    card, tower = backbone_card(str(copied)), load_tower(str(copied))
    assert (card.name, card.rate, card.licence) == ("mine", 4.0, "Apache-2.0")
    assert card.revision != before.revision  # its features are others
    frame = tower.prepare(np.zeros((90, 160, 3), np.uint8))
    assert tower(torch.from_numpy(frame).unsqueeze(0)).shape == (1, 2, 32)
    said["card"]["tokens_per_frame"] = 16
    (copied / "backbone.json").write_text(json.dumps(said))
    with pytest.raises(InvalidConfig, match="'tokens_per_frame' must fit"):
        load_tower(str(copied))(torch.from_numpy(frame).unsqueeze(0))


def test_linear_attention_is_refused_with_that_reason(copied):
    path = copied / "config.json"
    config = json.loads(path.read_text())
    config["text_config"]["layer_types"] = ["linear_attention", "full_attention", "full_attention"]
    path.write_text(json.dumps(config))
    with pytest.raises(InvalidFile, match="has linear_attention layers"):
        load_backbone(str(copied))
