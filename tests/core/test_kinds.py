"""Several kinds of questions in one run: each has its own tokens and its own classes."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from core.classifiers import CLASSIFIERS, classifier_class
from core.classifiers.base import Learned, Questions
from core.decoding.answering import Answering
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.sequence import IGNORE, Example, collate
from core.tasks import load_task
from core.types import LabelSet
from tests.core.conftest import WORDS, random_features, tiny_backbone

LABELS = LabelSet(tuple(WORDS[:4]), tuple(WORDS[4:]))  # 4 steps, 3 goals
TASK = load_task("clip_tasks")
CLOSE = {"atol": 1e-6, "rtol": 0}
FRAMES = 6


def build(name: str, strategy: str = "") -> Any:
    torch.manual_seed(1)
    backbone = tiny_backbone()
    codec = TextCodec(TASK.classes(LABELS), Vocabulary(backbone.tokenizer, backbone.vocabulary))
    classifier: Any = classifier_class(name)(backbone, codec, TASK.choices(LABELS)).double()
    if strategy:
        classifier.strategy = strategy
    return classifier


def asked_about(*rows: tuple[int, int, int]) -> Questions:
    """Questions as (frame, kind, target)."""
    time, kind, target = np.array(rows, np.int64).T
    one = np.ones(len(rows), np.float32)
    return Questions(time, kind, target, one, one, tuple(WORDS[i % 4] for i in range(len(rows))))


def batch_of(classifier, asked: Questions):
    example = Example(random_features(FRAMES), classifier.readout(asked), questions=len(asked.time))
    return collate([example], FRAMES)


THREE = asked_about((5, 0, 1), (5, 1, 3), (5, 2, 6))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_kind_is_asked_with_its_own_tokens(name):
    classifier = build(name)
    readout = classifier.readout(THREE)
    learned = readout.token[readout.token < 0].tolist()
    assert (
        learned
        == {
            "generative": [-2, -4, -6],
            "discriminative": [-1, -3, -5],
            "gad": [-1, -2, -3, -4, -5, -6],
        }[name]
    )
    assert classifier.tokens.num_embeddings == 6
    embedded = classifier.embed_tokens(torch.arange(-1, -7, -1))
    assert torch.equal(embedded, classifier.tokens.weight)  # a row each
    roots = readout.token[readout.parent < 0].tolist()
    assert classifier.roots([0, 1, 2]) == roots
    assert (readout.time == 5).all()


def test_learned_tokens_are_told_apart_over_all_kinds():
    ids = torch.tensor([-6, -5, -4, -3, -2, -1, 0, 1, 299])
    kinds = range(3)
    for token in Learned:
        own = {token.of(kind) for kind in kinds}
        assert token.among(ids).tolist() == [int(i) in own for i in ids]
    assert len({token.of(kind) for token in Learned for kind in kinds}) == 6


def test_gads_texts_hang_on_the_cls_of_their_own_kind():
    readout = build("gad").readout(THREE)
    for kind in range(3):
        (text,) = np.flatnonzero(readout.token == Learned.TEXT.of(kind))
        assert readout.token[readout.parent[text]] == Learned.CLS.of(kind)
    cls = [Learned.CLS.of(kind) for kind in range(3)]
    taught = readout.class_target[np.isin(readout.token, cls)]
    assert taught.tolist() == [1, 3, 6]


@pytest.mark.parametrize(("name", "kind"), list(product(["discriminative", "gad"], range(3))))
def test_the_class_loss_of_a_kind_leaves_the_classes_of_other_kinds_alone(name, kind):
    classifier = build(name)
    target = classifier.choices[kind].start + 1
    batch = batch_of(classifier, asked_about((5, kind, target), (3, kind, IGNORE)))
    classifier(batch)["cls"].backward()
    own = set(classifier.choices[kind])
    for gradient in (classifier.head.weight.grad, classifier.head.bias.grad):
        for index in range(len(classifier.classes)):
            assert bool(gradient[index].any()) is (index in own)
        assert torch.isfinite(gradient).all()
    rows = {-1 - Learned.CLS.of(kind), -1 - Learned.TEXT.of(kind)}
    touched = np.flatnonzero(classifier.tokens.weight.grad.abs().sum(1).numpy())
    assert set(touched.tolist()) <= rows


@pytest.mark.parametrize(("name", "kind"), list(product(["discriminative", "gad"], range(3))))
def test_the_class_loss_of_a_kind_is_the_cross_entropy_among_its_own_classes(name, kind):
    classifier, choices = build(name).eval(), build(name).choices[kind]
    batch = batch_of(classifier, asked_about((5, kind, choices.start + 2)))
    with torch.inference_mode():
        logits = classifier.head(classifier.hidden(batch)[0, 0])[choices.start : choices.stop]
        slow = -torch.log(logits.exp()[2] / logits.exp().sum())
        assert classifier(batch)["cls"].item() == pytest.approx(slow.item(), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "strategy"),
    [("generative", ""), ("discriminative", ""), ("gad", "discriminative_first"),
     ("gad", "parallel"), ("gad", "generation_first")],
)  # fmt: skip
@torch.inference_mode()
def test_questions_after_one_frame_in_one_pass_equal_each_asked_alone(name, strategy):
    classifier = build(name, strategy).eval()
    rows = [(5, 0, 1), (5, 1, 3), (5, 2, 6)]
    together = batch_of(classifier, asked_about(*rows))
    hidden, losses, place = classifier.hidden(together)[0], classifier(together), 0
    sums = dict.fromkeys(losses, 0.0)
    for number in range(len(rows)):
        asked = asked_about(*rows[: number + 1])  # its context is that of its place
        alone = batch_of(classifier, only_last(asked))
        own = classifier.hidden(alone)[0]
        torch.testing.assert_close(hidden[place : place + len(own)], own, **CLOSE)
        place += len(own)
        for part, loss in classifier(alone).items():
            sums[part] += loss.item()
    assert place == len(hidden)
    for part, loss in losses.items():
        assert loss.item() == pytest.approx(sums[part] / len(rows), abs=1e-6)


def only_last(asked: Questions) -> Questions:
    last = slice(-1, None)
    return Questions(
        asked.time[last], asked.kind[last], asked.target[last], asked.weight[last],
        asked.text_weight[last], asked.context[last],
    )  # fmt: skip


@pytest.mark.parametrize("name", CLASSIFIERS)
@torch.inference_mode()
def test_questions_asked_in_one_pass_over_the_cache_are_answered_as_alone(name):
    classifier, features = build(name).eval(), torch.from_numpy(random_features(FRAMES))

    def answers(kinds: list[int]) -> np.ndarray:
        cache = FrameCache(classifier, FRAMES, 1)
        at_end = [FRAMES - 1] * len(kinds)
        hidden = cache.push(features, classifier.roots(kinds), at_end)
        if name == "generative":
            moments = cache.moments(FRAMES).rows(at_end)
            return Answering(classifier, "exact").ask(moments, np.array(kinds)).log_p
        return classifier.log_probabilities(hidden, torch.tensor(kinds)).numpy()

    every = answers([2, 0, 1, 0])
    alone = [answers([kind])[0] for kind in (2, 0, 1, 0)]
    np.testing.assert_allclose(every, alone, rtol=1e-6, atol=1e-6)
    assert np.abs(every[1, :4] - every[2, :4]).max() > 1e-2  # the kinds are told apart
