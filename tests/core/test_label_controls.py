"""The paper's controls of labels: what `extend` equals, what a capped vocabulary changes."""

from typing import Any

import pytest
import torch

from core.classifiers import classifier_class
from core.classifiers.base import Learned
from core.decoding.exact import exact
from core.decoding.trie import LabelTrie
from core.frame_cache import FrameCache
from core.labels import CODECS, make_codec
from core.labels.base import Vocabulary
from core.sequence import IGNORE, Example, Forest, collate
from tests.core.conftest import WORDS, random_features, tiny_backbone

CLASSES = tuple(WORDS)


def build(name: str, codec: str = "text") -> Any:
    backbone = tiny_backbone()
    words = Vocabulary(backbone.tokenizer, backbone.vocabulary)
    return classifier_class(name)(backbone, make_codec(codec, CLASSES, words)).double().eval()


def read(classifier, frames: int = 9):
    """Return the hidden state at the root after every frame, and the moments to ask more."""
    cache = FrameCache(classifier, 5, 1)
    hidden = cache.push(torch.from_numpy(random_features(frames)), classifier.root)
    return hidden, cache.moments(frames)


def extended_and_its_head():
    """A generative classifier over new tokens, and a discriminative one with the same weights."""
    extended, plain = build("generative", "extend"), build("discriminative")
    with torch.no_grad():
        plain.head.load_state_dict(extended.rows.state_dict())
        plain.tokens.weight[-1 - Learned.CLS] = extended.tokens.weight[-1 - Learned.TEXT]
    return extended, plain


@torch.inference_mode()
def test_extend_over_its_own_rows_is_the_discriminative_classifier():
    extended, plain = extended_and_its_head()
    theirs = plain.log_probabilities(read(plain)[0])
    ours = extended.rows(read(extended)[0]).log_softmax(-1)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


@torch.inference_mode()
def test_extend_over_the_whole_vocabulary_is_not():
    """Neither where the words take their share of the probability, nor where EOS is scored too."""
    extended, plain = extended_and_its_head()
    theirs = plain.log_probabilities(read(plain)[0])
    hidden, moments = read(extended)
    over_all = extended.logits(hidden).log_softmax(-1)[:, extended.backbone.vocabulary :]
    assert over_all.shape == theirs.shape
    assert ((theirs - over_all) > 1e-2).all()
    trie = LabelTrie(extended.codec, extended.backbone.eos)
    ours = torch.from_numpy(exact(extended, moments, trie).log_p).log_softmax(-1)
    assert (ours - theirs).abs().max() > 1e-2


@torch.inference_mode()
@pytest.mark.parametrize("codec", CODECS)
def test_exact_scores_every_codec_as_label_by_label(codec):
    classifier = build("generative", codec)
    features = random_features(9)
    found = exact(
        classifier, read(classifier)[1], LabelTrie(classifier.codec, classifier.backbone.eos)
    )
    for index in range(len(CLASSES)):
        forest = Forest()
        classifier.add_text(forest, classifier.codec.encode(index), 6, weight=1.0)
        batch = collate([Example(features, forest.done())], 5)
        taught = batch.text_target[0] != IGNORE
        log_p = classifier.logits(classifier.hidden(batch)[0][taught]).log_softmax(-1)
        slow = log_p.gather(1, batch.text_target[0][taught].unsqueeze(1)).sum().item()
        assert found.log_p[6, index] == pytest.approx(slow, abs=2e-5)


@torch.inference_mode()
def test_a_capped_vocabulary_is_a_softmax_over_the_labels_tokens():
    classifier = build("generative")
    hidden = torch.randn(4, classifier.backbone.width, dtype=torch.float64)
    whole = classifier.logits(hidden)
    classifier.cap_vocabulary()
    allowed = sorted(
        {
            classifier.backbone.eos,
            *(t for i in range(len(CLASSES)) for t in classifier.codec.encode(i)),
        }
    )
    capped = classifier.logits(hidden).softmax(-1)
    torch.testing.assert_close(capped[:, allowed], whole[:, allowed].softmax(-1))
    assert capped.sum() == pytest.approx(4)
    assert classifier.state_dict().keys() == build("generative").state_dict().keys()
