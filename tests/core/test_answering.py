"""How a generative classifier answers: several kinds of questions, prompts in words, scorings."""

from itertools import product

import numpy as np
import pytest
import torch

from core.classifiers.generative import GenerativeClassifier
from core.config import RunConfig
from core.decoding.answering import Answering
from core.decoding.written import Written
from core.errors import InvalidConfig
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.sequence import IGNORE, Example, Forest, collate
from core.tasks import load_task
from core.types import LabelSet
from tests.core.conftest import WORDS, random_features, tiny_backbone

LABELS = LabelSet(tuple(WORDS[:4]), tuple(WORDS[4:]))
TASK = load_task("clip_tasks")
WINDOW, K, FRAMES = 5, 2, 9
KINDS = np.array([0, 1, 2, 2, 1, 0, 0, 2, 1])
PROMPTS = pytest.mark.parametrize("words", ["", "stir", "pour milk in"])


def classifier_with(words: str = "") -> GenerativeClassifier:
    backbone = tiny_backbone(tokens_per_frame=K)
    vocabulary = Vocabulary(backbone.tokenizer, backbone.vocabulary)
    codec = TextCodec(TASK.classes(LABELS), vocabulary)
    classifier = GenerativeClassifier(backbone, codec, TASK.choices(LABELS)).double().eval()
    classifier.words = vocabulary.spell(words) if words else ()
    return classifier


def moments_of(classifier):
    cache = FrameCache(classifier, WINDOW, K)
    cache.push(torch.from_numpy(random_features(FRAMES, K)), classifier.roots(KINDS))
    return cache.moments(FRAMES)


@torch.inference_mode()
def slow_scores(classifier, features, time: int, kind: int) -> np.ndarray:
    """log p of every class of a kind, each written as in training, in a sequence of its own."""
    scores = np.full(len(classifier.classes), -np.inf)
    for index in classifier.choices[kind]:
        forest = Forest()
        classifier.add_text(forest, classifier.codec.encode(index), time, kind=kind)
        batch = collate([Example(features, forest.done())], WINDOW)
        taught = batch.text_target[0] != IGNORE
        log_p = classifier.logits(classifier.hidden(batch)[0][taught]).log_softmax(-1)
        scores[index] = log_p.gather(1, batch.text_target[0][taught].unsqueeze(1)).sum().item()
    return scores


@PROMPTS
def test_exact_scores_every_kind_as_label_by_label_behind_any_prompt(words):
    classifier, features = classifier_with(words), random_features(FRAMES, K)
    with torch.inference_mode():
        found = Answering(classifier, "exact").ask(moments_of(classifier), KINDS)
    slow = np.array([slow_scores(classifier, features, t, kind) for t, kind in enumerate(KINDS)])
    assert np.isfinite(slow).sum() == sum(len(classifier.choices[kind]) for kind in KINDS)
    # A score is kept in float32: 1e-6 of its size, which is up to 60.
    np.testing.assert_allclose(found.log_p, slow, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("decoder", ["trie", "beam", "greedy"])
def test_what_other_decoders_find_behind_a_prompt_has_its_exact_score(decoder):
    classifier = classifier_with("pour milk in")
    with torch.inference_mode():
        scored, found = (
            Answering(classifier, name).ask(moments_of(classifier), KINDS)
            for name in ("exact", decoder)
        )
    hit = np.isfinite(found.log_p)
    assert hit.any() or decoder == "greedy"
    np.testing.assert_allclose(found.log_p[hit], scored.log_p[hit], atol=1e-5)
    assert found.texts == scored.texts or decoder != "greedy"
    for row, kind in enumerate(KINDS):
        assert found.nearest[row] in classifier.choices[kind]


def random_written(rows: np.ndarray, choices, seed: int = 0) -> Written:
    """Scores such as a decoder gives: of a kind's classes, some close to one another."""
    rng = np.random.default_rng(seed)
    count = max(c.stop for c in choices)
    log_p = np.full((len(rows), count), -np.inf, np.float32)
    for row, kind in enumerate(rows):
        among = choices[kind]
        log_p[row, among.start : among.stop] = rng.uniform(-9, -3, len(among))
    nearest = np.array([choices[kind].start for kind in rows])
    blank = np.full((len(rows), 1), np.nan, np.float32)
    return Written(log_p, ("",) * len(rows), blank, np.zeros(len(rows), np.int64), nearest)


def slow_decision(classifier, log_p, kind: int, scoring: str, prior) -> int:
    best, decided = -np.inf, -1
    for index in classifier.choices[kind]:
        score = float(log_p[index])
        if scoring == "mean":
            score /= len(classifier.codec.encode(index)) + 1  # and EOS
        elif scoring == "prior":
            score -= prior[index]
        if score > best:
            best, decided = score, index
    return decided


@pytest.mark.parametrize(("scoring", "words"), list(product(["sum", "mean", "prior"], ["", "add"])))
def test_each_scoring_decides_as_its_definition_says(scoring, words):
    classifier, kinds = classifier_with(words), np.arange(60) % 3
    nothing = random_features(0, K)  # the prior: the same question, no frame at all
    priors = [slow_scores(classifier, nothing, -1, kind) for kind in range(3)]
    written = random_written(kinds, classifier.choices)
    with torch.inference_mode():
        found = Answering(classifier, "exact", scoring).decide(written, kinds)
    slow = [
        slow_decision(classifier, written.log_p[row], kind, scoring, priors[kind])
        for row, kind in enumerate(kinds.tolist())
    ]
    assert found.tolist() == slow
    assert (found != written.log_p.argmax(axis=1)).any() == (scoring != "sum")


@torch.inference_mode()
def test_a_scoring_changes_what_is_decided_and_no_score():
    classifier = classifier_with()
    ways = [Answering(classifier, "exact", scoring) for scoring in ("sum", "mean", "prior")]
    found = [way.ask(moments_of(classifier), KINDS) for way in ways]
    decided = [way.decide(one, KINDS) for way, one in zip(ways, found, strict=True)]
    for other in found[1:]:
        np.testing.assert_array_equal(other.log_p, found[0].log_p)
    np.testing.assert_array_equal(decided[0], found[0].log_p.argmax(axis=1))
    assert any((other != decided[0]).any() for other in decided[1:])


def test_where_nothing_is_scored_the_nearest_label_is_decided():
    classifier, kinds = classifier_with(), np.array([0, 2, 1])
    written = random_written(kinds, classifier.choices)
    written.log_p[1] = -np.inf
    found = Answering(classifier, "greedy").decide(written, kinds)
    assert found[1] == written.nearest[1] == 4
    assert found[0] == written.log_p[0].argmax()


@pytest.mark.parametrize(
    ("decoder", "scoring"), list(product(["trie", "beam", "greedy"], ["mean", "prior"]))
)
def test_scorings_of_every_label_are_refused_with_decoders_that_score_few(decoder, scoring):
    with pytest.raises(InvalidConfig, match=f"'{scoring}' with '{decoder}'"):
        Answering(classifier_with(), decoder, scoring)
    with pytest.raises(InvalidConfig, match="only the decoder exact scores every label"):
        RunConfig.read({"classifier": "generative", "decoder": decoder, "scoring": scoring})
