"""Thousands of labels: the trie against a slow one, texts against all names, what is kept."""

import sys

import numpy as np
import pytest
import torch
from rapidfuzz.distance import Levenshtein

from core import scores as kept
from core.classifiers import discriminative
from core.classifiers.base import Questions
from core.classifiers.discriminative import DiscriminativeClassifier
from core.classifiers.generative import GenerativeClassifier
from core.decoding import exact as exact_module
from core.decoding.exact import exact, score
from core.decoding.trie import LabelTrie
from core.decoding.written import Names
from core.frame_cache import FrameCache
from core.labels.base import LabelCodec, Vocabulary
from core.prediction import Cost, Predictor
from core.prediction_files import read_prediction, write_prediction
from core.scores import Scores
from core.sequence import IGNORE, Example, collate
from core.tasks import load_task
from core.types import FrameFeatures, LabelledVideo, LabelSet, Segment, grid_us
from tests.core.conftest import random_features, tiny_backbone

EOS = 1


def codec_of(texts: list[tuple[int, ...]], backbone=None) -> LabelCodec:
    backbone = backbone or tiny_backbone(layers=1)
    names = tuple(f"action {i}" for i in range(len(texts)))
    return LabelCodec(names, Vocabulary(backbone.tokenizer, backbone.vocabulary), texts)


def random_texts(count: int, longest: int = 6, tokens: int = 12, seed: int = 0):
    """Different texts of few tokens: many begin alike, some are the beginning of another."""
    rng, texts = np.random.default_rng(seed), {}
    while len(texts) < count:
        texts[tuple(rng.integers(2, 2 + tokens, rng.integers(1, longest + 1)).tolist())] = None
    return list(texts)


@pytest.mark.parametrize("limit", [1, 7, 256])
def test_every_label_is_spelled_by_its_path_and_every_edge_scored_once(limit):
    texts = random_texts(2000)
    trie = LabelTrie(codec_of(texts), EOS, limit=limit)
    prefixes = {text[:n] for text in texts for n in range(len(text) + 1)}
    assert trie.nodes == len(prefixes)
    for text, path in zip(texts, trie.path, strict=True):
        node, walked = 0, []
        for token in (*text, EOS):
            (edge,) = trie.follow(np.array([node]), np.array([token]))
            walked.append(int(edge))
            node = edge + 1
        assert walked + [trie.edges] * (trie.longest - len(walked)) == path.tolist()
    scored = np.concatenate([piece.edge for piece in trie.pieces])
    assert sorted(scored.tolist()) == list(range(trie.edges))
    assert max(piece.last - piece.first for piece in trie.pieces) <= limit


@pytest.mark.parametrize("limit", [1, 5, 64])
def test_a_piece_holds_whole_prefixes_and_sees_ancestors_alone(limit):
    texts = random_texts(300)
    trie = LabelTrie(codec_of(texts), EOS, limit=limit)
    prefixes = {text[:n] for text in texts for n in range(len(text) + 1)}
    owned = []
    for piece in trie.pieces:
        readout, spelled = piece.readout, []
        for i, (token, parent) in enumerate(zip(readout.token, readout.parent, strict=True)):
            spelled.append((*spelled[parent], int(token)) if parent >= 0 else ())
            assert readout.depth[i] == len(spelled[i])
        assert readout.end[0] == len(readout)
        for i, j in np.ndindex(len(spelled), len(spelled)):
            ancestor = j <= i < readout.end[j]
            assert ancestor == (spelled[i][: len(spelled[j])] == spelled[j])
        own = spelled[piece.first - piece.last :]
        owned += own
        for source, token in zip(piece.source, piece.token, strict=True):
            text = (*own[source], int(token))
            assert text[:-1] in texts if token == EOS else text in prefixes
    assert sorted(owned) == sorted(prefixes)


def test_tokens_that_no_label_continues_with_lead_nowhere():
    texts = random_texts(200)
    trie = LabelTrie(codec_of(texts), EOS)
    node = np.repeat(np.arange(trie.nodes), 299)
    token = np.tile(np.arange(1, 300), trie.nodes)
    edges = trie.follow(node, token)
    assert sorted(edges[edges >= 0].tolist()) == list(range(trie.edges))
    drawn = np.random.default_rng(0).integers(trie.nodes, size=40)
    branches, tokens = trie.branches(drawn)
    for i, start in enumerate(drawn):
        there = edges[node == start]
        assert branches[i][branches[i] >= 0].tolist() == there[there >= 0].tolist()
        assert tokens[i][tokens[i] >= 0].tolist() == token[node == start][there >= 0].tolist()


def test_a_label_may_be_longer_than_python_recurses():
    long = tuple(2 + i % 7 for i in range(sys.getrecursionlimit() + 500))
    trie = LabelTrie(codec_of([long, long[:-3], (3,)]), EOS)
    assert trie.nodes == len(long) + 2
    assert sum(piece.last - piece.first for piece in trie.pieces) == trie.nodes


def generative(texts: list[tuple[int, ...]]) -> tuple[GenerativeClassifier, FrameCache]:
    backbone = tiny_backbone()
    classifier = GenerativeClassifier(backbone, codec_of(texts, backbone)).double().eval()
    cache = FrameCache(classifier, 5, 1)
    cache.push(torch.from_numpy(random_features(3)), classifier.root)
    return classifier, cache


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_few_rows_of_logits_at_a_time_give_the_same_scores(monkeypatch, rows):
    classifier, cache = generative(random_texts(400))
    moments, trie = cache.moments(3), LabelTrie(classifier.codec, EOS, limit=50)
    whole = score(classifier, moments, trie)
    held = []
    logits = classifier.logits
    monkeypatch.setattr(classifier, "logits", lambda h: held.append(len(h)) or logits(h))
    monkeypatch.setattr(exact_module, "_LOGIT_BYTES", rows * 4 * classifier.backbone.vocabulary)
    found = score(classifier, moments, trie)
    assert max(held) == rows
    assert sum(held) == 3 * trie.nodes
    np.testing.assert_allclose(found.log_p, whole.log_p, atol=1e-5)
    np.testing.assert_array_equal(found.likely, whole.likely)
    np.testing.assert_allclose(found.likely_log_p, whole.likely_log_p, atol=1e-6)


@pytest.mark.parametrize("longest", [0, 300])
def test_the_nearest_name_is_the_one_that_a_search_of_all_names_finds(longest):
    rng = np.random.default_rng(longest)
    letters = np.array(list("abc "))
    names = list(
        dict.fromkeys("".join(rng.choice(letters, rng.integers(4, 9))) for _ in range(900))
    )
    names += ["z" * longest] * (longest > 0)
    texts = ["".join(rng.choice(letters, rng.integers(0, 9))) for _ in range(60)]
    texts += [*names[:5], *texts[:5], "", "z" * (longest + 7), "y" * 260]
    nearest, distance = Names(names).nearest(texts)
    for i, text in enumerate(texts):
        slow = min(
            range(len(names)), key=lambda k: (Levenshtein.distance(text, names[k]), names[k])
        )
        assert names[nearest[i]] == names[slow]
        assert distance[i] == Levenshtein.distance(text, names[slow])


def random_log_p(rows: int, classes: int, seed: int = 0) -> np.ndarray:
    logits = 3 * np.random.default_rng(seed).standard_normal((rows, classes))
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True)) - 0.1).astype(np.float32)


def test_probabilities_are_normalised_over_the_label_set():
    log_p = np.log(np.array([[0.1, 0.2, 0.1], [0.5, 0.25, 0.25]], np.float32))
    found = Scores.of(np.vstack([log_p, np.full((1, 3), -np.inf, np.float32)]), np.zeros(3, int))
    classes, p = found.top(2)
    np.testing.assert_allclose(p, [[0.5, 0.25], [0.5, 0.25], [0, 0]], rtol=1e-6)
    assert classes[:2].tolist() == [[1, 0], [0, 1]]
    np.testing.assert_allclose(found.confidence(np.array([2, 2, 2])), [0.25, 0.25, 0], rtol=1e-6)


@pytest.mark.parametrize("classes", [512, 513, 3806])
def test_what_is_kept_of_the_scores_says_what_all_scores_say(classes):
    log_p = random_log_p(40, classes)
    predicted = log_p.argmax(1)
    predicted[:5] = log_p[:5].argmin(1)  # decided by another scoring than the likeliest
    found = Scores.of(log_p, predicted)
    assert found.log_p.shape == (40, classes if classes <= kept.WHOLE else kept.KEPT)
    p = np.exp(log_p) / np.exp(log_p).sum(1, keepdims=True)
    named, likely = found.top(5)
    np.testing.assert_array_equal(named, np.argsort(-p, axis=1)[:, :5])
    np.testing.assert_allclose(likely, -np.sort(-p, axis=1)[:, :5], rtol=1e-4)
    np.testing.assert_allclose(found.confidence(predicted), p[np.arange(40), predicted], rtol=1e-4)
    whole = found.matrix(classes)
    np.testing.assert_allclose(np.exp(whole).sum(1), np.exp(log_p).sum(1), rtol=1e-5)
    listed = np.take_along_axis(whole, named, 1)
    np.testing.assert_array_equal(listed, np.take_along_axis(log_p, named, 1))
    halves = Scores.joined([found.rows(np.arange(25)), found.rows(np.arange(25, 40))])
    np.testing.assert_array_equal(halves.matrix(classes), whole)


def test_classes_without_a_score_have_none_in_what_is_kept():
    log_p = np.full((2, 3806), -np.inf, np.float32)
    log_p[0, 700] = -0.5
    found = Scores.of(log_p, np.array([700, 9]))
    assert np.isneginf(found.rest).all()
    assert found.confidence(np.array([700, 9])).tolist() == [1, 0]
    np.testing.assert_array_equal(found.matrix(3806), log_p)


@pytest.mark.parametrize("kind", [DiscriminativeClassifier, GenerativeClassifier])
def test_a_run_keeps_the_likeliest_of_many_classes_and_reads_them_back(kind, tmp_path):
    backbone = tiny_backbone(layers=2)
    labels = LabelSet(tuple(f"action {i}" for i in range(700)))
    classifier = kind(backbone, codec_of(random_texts(700), backbone)).double().eval()
    predictor = Predictor(classifier, load_task("step_recognition"), labels, window=5)
    features = FrameFeatures(random_features(12), grid_us(3_000_000, 4), grid_us(3_000_000, 4))
    segments = tuple(Segment(n * 10**6, (n + 1) * 10**6, "action 3") for n in range(3))
    video = LabelledVideo("a", tmp_path / "a.mp4", "0" * 64, 3_000_000, segments)
    made = predictor.predict(video, features, Cost(1, 1, 1))
    read = read_prediction(write_prediction(tmp_path, video, made))
    assert read.log_p.shape == read.listed.shape == (3, kept.KEPT)
    for name in ("log_p", "listed", "rest", "confidence"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    with torch.inference_mode():
        for row in range(3):
            cache = FrameCache(classifier, 4, 1)
            root = classifier.roots([0])
            hidden = cache.push(
                torch.from_numpy(random_features(12)[4 * row : 4 * row + 4]), root, [3]
            )
            if kind is DiscriminativeClassifier:
                whole = classifier.log_probabilities(hidden)[0].numpy()
            else:
                trie = LabelTrie(classifier.codec, EOS)
                whole = exact(classifier, cache.moments(1), trie).log_p[0]
            best = np.argsort(-whole)[: kept.KEPT]
            np.testing.assert_array_equal(read.listed[row], best)
            np.testing.assert_allclose(read.log_p[row], whole[best], atol=1e-5)
            rest = np.log(np.exp(np.delete(whole, best).astype(np.float64)).sum())
            assert read.rest[row] == pytest.approx(rest, abs=1e-4)


def taught(classifier, targets: list[int]):
    rows = len(targets)
    questions = Questions(
        np.arange(rows), np.zeros(rows, np.int64), np.array(targets),
        np.linspace(0.5, 1.5, rows).astype(np.float32), np.zeros(rows, np.float32), ("",) * rows,
    )  # fmt: skip
    return collate([Example(random_features(rows), classifier.readout(questions))], 5)


def test_the_loss_of_many_classes_is_the_same_piece_by_piece(monkeypatch):
    found = []
    for rows in (7, 3):
        monkeypatch.setattr(discriminative, "_SCORES", rows * 100_000)
        torch.manual_seed(0)
        texts = [(i,) for i in range(100_000)]
        backbone = tiny_backbone(layers=1)
        classifier = DiscriminativeClassifier(backbone, codec_of(texts, backbone)).double()
        held: list[int] = []
        classifier.head.register_forward_hook(lambda _m, args, _o: held.append(len(args[0])))  # noqa: B023
        loss = classifier(taught(classifier, [5, 99_999, IGNORE, 70_000, 5, 1, 2]))["loss"]
        loss.backward()
        assert max(held) == rows
        found.append((loss.item(), classifier.head.weight.grad, classifier.tokens.weight.grad))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    for whole, pieces in zip(found[0][1:], found[1][1:], strict=True):
        assert whole.abs().max() > 0
        torch.testing.assert_close(pieces, whole, rtol=1e-9, atol=1e-15)
