"""A codec's law: decode(encode(c)) = c, and distinct classes are distinct."""

import pytest

from core.errors import InvalidData
from core.labels import CODECS
from core.labels.text import TextCodec
from core.registry import resolve
from tests.core.conftest import WORDS, tiny_tokenizer


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_is_invertible(name: str):
    codec = resolve("codec", CODECS, name)(tuple(WORDS), tiny_tokenizer())
    for index in range(len(WORDS)):
        assert codec.decode(codec.encode(index)) == index
    assert len({codec.encode(i) for i in range(len(WORDS))}) == len(WORDS)


def test_a_word_has_the_same_tokens_wherever_it_stands():
    codec = TextCodec(("add sugar", "sugar"), tiny_tokenizer())
    sugar = codec.encode(1)
    assert codec.encode(0)[-len(sugar) :] == sugar


def test_text_is_what_a_person_reads():
    codec = TextCodec(tuple(WORDS), tiny_tokenizer())
    assert codec.text(codec.write("cut tomato")) == "cut tomato"


def test_other_tokens_are_no_class():
    codec = TextCodec(("add salt", "stir tea"), tiny_tokenizer())
    assert codec.decode(codec.write("cut tomato")) is None


def test_labels_that_are_written_alike_are_refused():
    with pytest.raises(InvalidData, match="must have its own tokens"):
        TextCodec(("add salt", "add salt"), tiny_tokenizer())
