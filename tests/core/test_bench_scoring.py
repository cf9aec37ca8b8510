"""The ways that the benches compare do the same work, and the benches run."""

import numpy as np
import pytest
import torch

from core.bench import benchmark
from core.bench.generative import write_hugging, write_ours
from core.bench.label_names import names_of_length, verb_noun_names
from core.bench.measuring import Settings
from core.bench.models import backbone, classifier, frames
from core.bench.one_by_one import as_rows, one_at_a_time, read_prompt
from core.bench.scoring import read_frames
from core.decoding.exact import score
from core.decoding.trie import LabelTrie


@pytest.fixture(scope="module")
def base():
    return backbone("nano")


@torch.inference_mode()
@pytest.mark.parametrize("size", [1, 7, 64])
def test_labels_one_at_a_time_and_as_rows_have_the_scores_of_the_trie(base, size):
    model, video = (
        classifier("generative", base, verb_noun_names(base.tokenizer, 40)),
        frames(base, 9),
    )
    prompt = read_prompt(model, video)
    ours = score(model, read_frames(model, video), LabelTrie(model.codec, base.eos)).log_p[0]
    some = [3, 0, 39, 17, 18, 2, 30, 31]
    alone = one_at_a_time(model, prompt, some)
    np.testing.assert_allclose(alone, ours[some], atol=1e-4)
    np.testing.assert_allclose(as_rows(model, prompt, list(range(40)), size), ours, atol=1e-4)
    again = one_at_a_time(model, prompt, some)  # the cache was cropped back
    np.testing.assert_allclose(again, alone, atol=1e-5)


@pytest.mark.parametrize("tokens", [3, 6])
def test_the_two_writers_write_the_same_text_of_the_asked_length(base, tokens):
    model = classifier("generative", base, names_of_length(base.tokenizer, 5, tokens))
    model.competing = torch.arange(base.vocabulary) != base.eos
    for length in (4, 16):
        video, written = frames(base, length), []
        text = model.codec.text
        model.codec.text = lambda ids: written.append(list(ids)) or text(ids)  # noqa: B023
        assert write_hugging(model, video, tokens + 1) == write_ours(model, video, tokens + 1)
        assert [len(ids) for ids in written] == [tokens + 1] * 2
        model.codec.text = text


def test_label_names_have_the_asked_number_and_length(base):
    def length(name: str) -> int:
        return len(base.tokenizer.encode(f" {name}", add_special_tokens=False))

    for count in (105, 3806):
        names = verb_noun_names(base.tokenizer, count)
        assert names == verb_noun_names(base.tokenizer, count)
        assert len(set(names)) == count
        assert all(2 <= length(name) <= 4 and len(name.split()) == 2 for name in names)
        assert len({name.split()[0] for name in names}) == (15 if count == 105 else 97)
    assert {length(name) for name in names_of_length(base.tokenizer, 105, 6)} == {6}


@pytest.mark.parametrize("name", ["generative", "scoring"])
def test_the_bench_runs_and_names_its_aims(name):
    report = benchmark(name)(Settings(repeats=1, quick=True)).as_json()
    assert {row["aim"] for row in report["rows"]} >= {"generative": {2, 3}, "scoring": {20, 1 / 3}}[
        name
    ]
    for row in report["rows"]:
        assert row["ratio"] > 0
        assert row["ours"]["rate"] > 0
        assert row["baseline"]["rate"] > 0
    assert all(figure["value"] > 0 for figure in report["figures"])
