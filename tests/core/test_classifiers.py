"""What is equal between the three classifiers is equal to the digit."""

from typing import Any

import numpy as np
import pytest
import torch

from core.backbones.adapters import LINEAR_LAYERS
from core.classifiers import CLASSIFIERS, classifier_class
from core.classifiers.base import Learned, Questions
from core.decoding.greedy import answer_after_writing, write_freely
from core.errors import UnknownName
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.prediction import Cost, Predictor
from core.sequence import IGNORE, Example, Forest, collate
from core.tasks import load_task
from core.types import LabelSet
from tests.core.conftest import WORDS, random_features, tiny_backbone, toy_video


def build(name: str, adapter: bool = False) -> Any:
    torch.manual_seed(1)
    backbone = tiny_backbone()
    kind = classifier_class(name)
    if adapter:
        backbone.add_adapter(rank=4, alpha=8, dropout=0.0, output=kind.writes_text)
    return kind(
        backbone, TextCodec(tuple(WORDS), Vocabulary(backbone.tokenizer, backbone.vocabulary))
    ).double()


def questions(count: int = 6, text_weight: float = 1.0) -> Questions:
    return Questions(
        np.arange(count), np.zeros(count, np.int64), np.arange(count) % len(WORDS),
        np.ones(count, np.float32),
        np.full(count, text_weight, np.float32), tuple(WORDS[i % 3] for i in range(count)),
    )  # fmt: skip


def batch_of(classifier, asked: Questions):
    features = random_features(len(asked.time))
    return collate(
        [Example(features, classifier.readout(asked), questions=len(asked.time))], window=4
    )


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_losses_are_positive_and_reach_the_connector(name: str):
    classifier = build(name)
    out = classifier(batch_of(classifier, questions()))
    assert out["loss"].item() == pytest.approx(sum(v.item() for k, v in out.items() if k != "loss"))
    out["loss"].backward()
    assert classifier.backbone.connector[0].weight.grad.abs().sum() > 0
    assert classifier.tokens.weight.grad.abs().sum() > 0


def test_gad_without_texts_is_the_discriminative_classifier_token_for_token():
    gad, plain = build("gad"), build("discriminative")
    asked = questions(text_weight=0.0)
    for field in ("token", "parent", "end", "time", "class_target"):
        np.testing.assert_array_equal(
            getattr(gad.readout(asked), field), getattr(plain.readout(asked), field)
        )
    assert gad.root == plain.root == Learned.CLS


def gad_and_its_twin(strategy: str) -> tuple[Any, Any]:
    """GAD at λ = 0 and the discriminative classifier with its weights, adapters included."""
    gad, plain = build("gad", adapter=True), build("discriminative", adapter=True)
    gad.gen_weight, gad.strategy = 0.0, strategy
    with torch.no_grad():
        for parameter in gad.parameters():
            if parameter.requires_grad:  # an adapter is nothing at first
                parameter.add_(0.1 * torch.randn_like(parameter))
    shared = {k: v for k, v in gad.state_dict().items() if "lm_head" not in k}
    missing, unexpected = plain.load_state_dict(shared, strict=False)
    assert not unexpected
    assert all("lm_head" in name for name in missing)
    return gad, plain


@pytest.mark.parametrize("strategy", ["discriminative_first", "parallel"])
def test_gad_at_lambda_zero_has_the_discriminative_loss_and_gradients(strategy: str):
    gad, plain = gad_and_its_twin(strategy)
    ours, theirs = gad(batch_of(gad, questions())), plain(batch_of(plain, questions()))
    assert ours["cls"].item() == pytest.approx(theirs["cls"].item(), abs=1e-6)
    assert ours["gen"].item() == 0  # λ; the texts are in its batch all the same
    assert len(gad.readout(questions())) > len(plain.readout(questions()))
    ours["loss"].backward()
    theirs["loss"].backward()
    mine = dict(gad.named_parameters())
    learns = {name: p for name, p in plain.named_parameters() if p.requires_grad}
    parts = {n.split(".lora_")[0].rpartition(".")[2] if "lora" in n else n for n in learns}
    assert parts >= {*LINEAR_LAYERS, "tokens.weight", "head.weight", "head.bias"}
    assert sum("connector" in name for name in parts) == 4
    for name, parameter in learns.items():
        assert parameter.grad.abs().sum() > 0, name
        torch.testing.assert_close(mine[name].grad, parameter.grad, atol=1e-6, rtol=0)
    only_gad = [p for name, p in mine.items() if p.requires_grad and name not in learns]
    assert len(only_gad) == 2  # the output matrix' adapter
    assert not any(p.grad.any() for p in only_gad)


@pytest.mark.parametrize("strategy", ["discriminative_first", "parallel"])
def test_gad_asks_and_answers_as_the_discriminative_classifier(strategy: str):
    gad, plain = gad_and_its_twin(strategy)
    video, features = toy_video("v")
    assert gad.roots([0, 2, 1]) == plain.roots([0, 2, 1]) == [-1, -5, -3]
    labels = LabelSet(tuple(WORDS))
    found = [
        Predictor(model, load_task("step_recognition"), labels, window=4).predict(
            video, features, Cost(0, 0, 0)
        )
        for model in (gad, plain)
    ]
    np.testing.assert_allclose(found[0].log_p, found[1].log_p, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(found[0].embedding, found[1].embedding)
    assert found[0].decoder == found[1].decoder == "head"


def test_context_does_not_touch_what_cls_sees():
    gad = build("gad")
    with torch.inference_mode():
        with_text = gad(batch_of(gad, questions()))["cls"]
        without = gad(batch_of(gad, questions(text_weight=0.0)))["cls"]
    assert with_text.item() == pytest.approx(without.item(), abs=1e-9)


@torch.inference_mode()
def test_parallel_asks_cls_and_text_as_two_roots_with_the_same_class_loss():
    first, beside = build("gad"), build("gad")
    beside.strategy = "parallel"
    readout = beside.readout(questions())
    roots = readout.token[readout.parent < 0].tolist()
    assert roots == [Learned.CLS, Learned.TEXT] * 6
    losses = [model(batch_of(model, questions())) for model in (first, beside)]
    assert losses[0]["cls"].item() == pytest.approx(losses[1]["cls"].item(), abs=1e-9)
    assert losses[0]["gen"].item() != pytest.approx(losses[1]["gen"].item(), abs=1e-6)


@torch.inference_mode()
def test_generation_first_answers_behind_what_it_wrote():
    """The hidden state at `[CLS]` is that of training with the text that was written."""
    gad = build("gad").eval()
    gad.strategy = "generation_first"
    features = random_features(6)
    cache = FrameCache(gad, 4, 1)
    cache.push(torch.from_numpy(features), gad.root)
    moments = cache.moments(6)
    written, _ = write_freely(gad, moments, Learned.TEXT, 24)
    behind = answer_after_writing(gad, moments, np.zeros(len(moments), np.int64))
    for row in range(6):
        forest = Forest()
        gad.add_text(forest, tuple(written[row]), row, weight=1.0)
        node = forest.add(gad.backbone.eos, row, forest.last)
        node = forest.add(Learned.CLS, row, node)
        batch = collate([Example(features, forest.done())], 4)
        torch.testing.assert_close(behind[row], gad.hidden(batch)[0, node], atol=1e-6, rtol=0)


def test_generation_first_asks_cls_only_behind_drawn_texts():
    gad = build("gad")
    gad.strategy = "generation_first"
    asked = questions()
    asked.text_weight[1::2] = 0
    readout = gad.readout(asked)
    taught = readout.class_target != IGNORE
    assert readout.time[taught].tolist() == [0, 2, 4]
    assert (readout.token[taught] == Learned.CLS).all()
    assert (readout.token[readout.parent[taught]] == gad.backbone.eos).all()


def test_an_empty_context_is_eos_alone():
    gad = build("gad")
    asked = questions(1)
    asked = Questions(asked.time, asked.kind, asked.target, asked.weight, asked.text_weight, ("",))
    readout = gad.readout(asked)
    assert readout.token.tolist() == [Learned.CLS, Learned.TEXT]
    assert readout.text_target.tolist() == [IGNORE, gad.backbone.eos]


def test_ignored_frames_carry_no_loss_in_any_classifier():
    for name in CLASSIFIERS:
        classifier = build(name)
        asked = questions()
        none = Questions(
            asked.time, asked.kind, np.full(6, IGNORE), asked.weight, asked.text_weight, ("",) * 6
        )
        out = classifier(batch_of(classifier, none))
        assert out.get("cls", torch.zeros(1)).item() == 0
        if name == "generative":
            assert out["gen"].item() == 0


def test_the_text_loss_is_the_mean_over_a_texts_tokens_and_eos():
    generative = build("generative")
    asked = questions(1)
    out = generative(batch_of(generative, asked))
    from tests.core.test_decoding import slow_scores

    slow = slow_scores(generative, random_features(1), 0)[0]
    count = len(generative.codec.encode(0)) + 1
    assert out["gen"].item() == pytest.approx(-slow / count, abs=1e-6)


def test_the_adapter_reaches_the_output_matrix_only_where_a_text_is_learned():
    for name in CLASSIFIERS:
        classifier = build(name, adapter=True)
        adapted = {n.split(".lora_")[0] for n, p in classifier.named_parameters() if "lora_A" in n}
        assert any(n.endswith("lm_head") for n in adapted) is classifier.writes_text
        assert not any("embed_tokens" in n for n in adapted)


def test_an_unknown_classifier_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'discriminative'"):
        classifier_class("discrimnative")
