"""A codec's law: decode(encode(c)) = c, distinct classes distinct; what each control changes."""

from itertools import combinations

import pytest

from core.errors import InvalidData
from core.labels import CODECS, make_codec
from core.labels.base import Vocabulary
from tests.core.conftest import WORDS, tiny_tokenizer

CLASSES = tuple(WORDS)  # "add" is the beginning of "add sugar"


@pytest.fixture
def vocabulary() -> Vocabulary:
    tokenizer = tiny_tokenizer()
    return Vocabulary(tokenizer, len(tokenizer) + 5)  # an output matrix that is padded


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_is_invertible(name, vocabulary):
    codec = make_codec(name, CLASSES, vocabulary)
    for index in range(len(CLASSES)):
        assert codec.decode(codec.encode(index)) == index
        assert codec.write(CLASSES[index]) == codec.encode(index)
        assert codec.text(codec.encode(index)) == CLASSES[index]
    assert len({codec.encode(i) for i in range(len(CLASSES))}) == len(CLASSES)


@pytest.mark.parametrize("name", CODECS)
def test_a_seed_gives_the_same_tokens_and_another_seed_others(name, vocabulary):
    def all_of(seed):
        codec = make_codec(name, CLASSES, Vocabulary(vocabulary.tokenizer, vocabulary.size, seed))
        return [codec.encode(i) for i in range(len(CLASSES))]

    assert all_of(3) == all_of(3)
    assert (all_of(3) == all_of(4)) == (name in ("text", "extend"))


@pytest.mark.parametrize("name", CODECS)
def test_what_is_added_to_the_vocabulary_follows_it(name, vocabulary):
    codec = make_codec(name, CLASSES, vocabulary)
    largest = max(max(codec.encode(i)) for i in range(len(CLASSES)))
    assert largest < vocabulary.size + codec.added
    assert (largest >= vocabulary.size) == bool(codec.added)


@pytest.mark.parametrize("name", ["random", "desync"])
def test_drawn_tokens_are_no_special_ones_and_keep_the_length(name, vocabulary):
    codec, text = (make_codec(n, CLASSES, vocabulary) for n in (name, "text"))
    special = set(vocabulary.tokenizer.added_tokens_decoder)
    for index in range(len(CLASSES)):
        assert not special & set(codec.encode(index))
        assert len(codec.encode(index)) == len(text.encode(index))


def shared(codec):
    """Return how many tokens each pair of labels has in common."""
    return [
        len(set(codec.encode(a)) & set(codec.encode(b)))
        for a, b in combinations(range(len(CLASSES)), 2)
    ]


def test_random_keeps_the_overlap_and_desync_removes_it(vocabulary):
    overlap = {name: shared(make_codec(name, CLASSES, vocabulary)) for name in CODECS}
    assert sum(overlap["text"]) > 0
    assert overlap["random"] == overlap["text"]
    assert not any(overlap["desync"])
    assert not any(overlap["extend"])


def test_desync_refuses_more_tokens_than_there_are(vocabulary):
    with pytest.raises(InvalidData, match="Use 'extend'"):
        make_codec("desync", tuple(f"stir tea {i:04d}" for i in range(200)), vocabulary)


def test_a_word_has_the_same_tokens_wherever_it_stands(vocabulary):
    codec = make_codec("text", ("add sugar", "sugar"), vocabulary)
    sugar = codec.encode(1)
    assert codec.encode(0)[-len(sugar) :] == sugar


@pytest.mark.parametrize("name", ["text", "random"])
def test_any_text_can_be_written_and_read(name, vocabulary):
    codec = make_codec(name, ("add salt", "stir tea"), vocabulary)
    assert codec.text(codec.write("cut tomato")) == "cut tomato"
    assert codec.decode(codec.write("cut tomato")) is None


@pytest.mark.parametrize("name", ["text", "random"])
def test_labels_that_are_written_alike_are_refused(name, vocabulary):
    with pytest.raises(InvalidData, match="must have its own tokens"):
        make_codec(name, ("add salt", "add salt"), vocabulary)
