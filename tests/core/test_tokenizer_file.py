from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import core.backbones
from core.errors import MissingArtifact
from core.labels.base import Vocabulary
from core.labels.tokenizer_file import FileTokenizer
from core.labels.tokenizers import load_tokenizer

NANO = Path(core.backbones.__file__).parent / "nano" / "decoder"


@pytest.fixture(scope="module")
def both():
    """Nano's tokenizer read from its file, and as transformers reads it."""
    return FileTokenizer(NANO), load_tokenizer(str(NANO))


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_texts_are_spelled_and_read_as_by_transformers(both, text):
    ours, theirs = both
    spelled = Vocabulary(ours, len(ours)).spell(text)
    assert spelled == Vocabulary(theirs, len(theirs)).spell(text)
    assert ours.decode(spelled, skip_special_tokens=False) == theirs.decode(
        list(spelled), skip_special_tokens=False
    )


def test_both_know_the_same_tokens(both):
    ours, theirs = both
    assert len(ours) == len(theirs)
    assert ours.added_tokens_decoder.keys() == theirs.added_tokens_decoder.keys()


@pytest.mark.parametrize("content", [None, "{", '{"model": 1}'])
def test_what_cannot_be_read_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(MissingArtifact, match=r"tokenizer\.json"):
        FileTokenizer(tmp_path)
