"""What is equal between the three classifiers is equal to the digit."""

import numpy as np
import pytest
import torch

from core.classifiers import CLASSIFIERS, classifier_class
from core.classifiers.base import Learned, Questions
from core.decoding.greedy import answer_after_writing, write_freely
from core.errors import UnknownName
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.sequence import IGNORE, Example, Forest, collate
from tests.core.conftest import WORDS, random_features, tiny_backbone


def build(name: str, adapter: bool = False):
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


def test_gad_at_lambda_zero_has_the_discriminative_loss_and_gradients():
    gad, plain = build("gad"), build("discriminative")
    plain.load_state_dict(gad.state_dict())
    gad.gen_weight = 0.0
    ours, theirs = gad(batch_of(gad, questions())), plain(batch_of(plain, questions()))
    assert ours["cls"].item() == pytest.approx(theirs["cls"].item(), abs=1e-9)
    ours["loss"].backward()
    theirs["loss"].backward()
    shared = dict(plain.named_parameters())
    for name, parameter in gad.named_parameters():
        if shared[name].grad is not None:
            torch.testing.assert_close(parameter.grad, shared[name].grad, atol=1e-9, rtol=0)


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
