"""Overlap of labels: the published figures, and a slow reference that looks at every pair."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import combinations

import numpy as np
import pytest

from core.errors import InvalidData, InvalidFile, MissingArtifact
from core.labels.names import is_action, label_text, label_texts, read_names
from core.labels.overlap import MOST_PAIRS, overlap_of
from core.labels.tokenizers import load_tokenizer, spell_all
from tests.core.tiktoken_file import slow_tokens, small_ranks, write_ranks

KITCHEN = [
    "add sugar", "add salt", "add", "add salt-water", "stir tea", "stir", "sugar", "cut tomato",
    "cut tomato sauce", "pour milk:cold in cup", "pour milk in cup", "tea tea",
]  # fmt: skip


@pytest.fixture(scope="module")
def ranks():
    return small_ranks()


@pytest.fixture(scope="module")
def tokenizer(ranks, tmp_path_factory):
    path = tmp_path_factory.mktemp("ranks") / "small.model"
    return load_tokenizer(str(write_ranks(path, ranks)))


def beginning(a, b) -> int:
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def in_common(a, b) -> int:
    return sum(min(a.count(token), b.count(token)) for token in set(a))


def slow_overlap(tokens: Mapping[str, tuple[int, ...]]) -> dict:
    """Every measure as it is defined, by loops over all pairs of labels."""
    written = list(tokens.items())

    def others(i):
        return [label for j, (_, label) in enumerate(written) if j != i]

    def is_shared(i, token):
        return any(token in label for label in others(i))

    def percent(answers):
        return pytest.approx(100 * sum(answers) / len(answers))

    occurrences = [(i, token) for i, (_, label) in enumerate(written) for token in label]
    starts = {label[:n] for _, label in written for n in range(1, len(label) + 1)}
    verbs = [text.split()[0] for text, _ in written]
    pairs = []
    for (i, (a, x)), (j, (b, y)) in combinations(enumerate(written), 2):
        n = beginning(x, y)
        share = pytest.approx(200 * n / (len(x) + len(y)))
        shown = {
            "a": a,
            "b": b,
            "shared_prefix": n,
            "shared_tokens": in_common(x, y),
            "prefix_share": share,
        }
        pairs += [((-n, len(x) + len(y), i, j), shown)] if n else []
    return {
        "labels": len(written),
        "tokens_mean": pytest.approx(len(occurrences) / len(written)),
        "tokens_max": max(len(label) for _, label in written),
        "distinct_tokens": len({token for _, token in occurrences}),
        "shared_occurrences": percent([is_shared(i, token) for i, token in occurrences]),
        "labels_all_shared": percent(
            [all(is_shared(i, token) for token in x) for i, (_, x) in enumerate(written)]
        ),
        "trie_nodes": len(starts),
        "prefix_labels": sum(
            any(len(y) > len(x) and y[: len(x)] == x for y in others(i))
            for i, (_, x) in enumerate(written)
        ),
        "first_tokens": len({label[0] for _, label in written}),
        "per_verb": {verb: verbs.count(verb) for verb in verbs},
        "pairs": [shown for _, shown in sorted(pairs, key=lambda pair: pair[0])[:MOST_PAIRS]],
    }  # fmt: skip


def as_read(found) -> dict:
    """The measures as a reader of the command's JSON has them."""
    return json.loads(json.dumps(asdict(found)))


def test_a_rank_file_is_split_and_joined_as_tiktoken_does(tokenizer, ranks):
    plain = [text for text in KITCHEN if "-" not in text]
    assert spell_all(tokenizer, plain) == {text: slow_tokens(text, ranks) for text in plain}
    rng = np.random.default_rng(0)
    for _ in range(200):
        text = "".join(rng.choice(list("adgilmnorstu "), 12)).replace("  ", " a").strip()
        assert spell_all(tokenizer, [text])[text] == slow_tokens(text, ranks), text


def test_measures_equal_the_slow_reference_on_names(tokenizer):
    tokens = spell_all(tokenizer, KITCHEN)
    found = as_read(overlap_of(tokens))
    assert found == slow_overlap(tokens)
    assert (found["labels"], found["prefix_labels"]) == (12, 4)  # add, add salt, stir, cut tomato


@pytest.mark.parametrize("seed", range(30))
def test_measures_equal_the_slow_reference_on_any_tokens(seed):
    """Few words: many labels that begin another, are one word, or are written alike."""
    rng = np.random.default_rng(seed)
    words, longest = int(rng.integers(1, 6)), int(rng.integers(1, 7))
    tokens = {
        f"verb{rng.integers(4)} {i}": tuple(
            rng.integers(0, words, rng.integers(1, longest + 1)).tolist()
        )
        for i in range(int(rng.integers(1, 130)))
    }
    assert as_read(overlap_of(tokens)) == slow_overlap(tokens)


@pytest.mark.parametrize("branch", [1, 2, 5, 6, 7, 30])
def test_pairs_are_the_best_of_many_that_begin_alike(branch):
    """Many labels with one first token, in branches of a few; the shorter ones come last."""
    tokens = {
        f"add {i}": (1, 2 + i // branch, *(1000 + i + n for n in range(9 - i // 15)))
        for i in range(120)
    }
    tokens |= {"add": (1,), "stir": (0, 1), "stir tea": (0, 1, 1)}
    assert as_read(overlap_of(tokens)) == slow_overlap(tokens)


def test_twenty_thousand_labels_that_begin_alike_give_no_more_pairs():
    tokens = {f"take {i}": (1, i + 2) for i in range(20_000)}
    assert len(overlap_of(tokens).pairs) == MOST_PAIRS


def test_labels_that_are_written_alike_share_everything_and_begin_nothing():
    found = overlap_of({"cup": (5, 6), "mug": (5, 6), "tea": (7, 7)})
    assert (found.shared_occurrences, found.prefix_labels, found.trie_nodes) == (
        pytest.approx(400 / 6),
        0,
        4,
    )
    assert [(p.a, p.b, p.prefix_share) for p in found.pairs] == [("cup", "mug", 100)]


def test_verbs_come_by_their_number():
    found = overlap_of({"cut": (1,), "add tea": (2,), "stir tea": (3,), "add cup": (4,)})
    assert list(found.per_verb.items()) == [("add", 2), ("cut", 1), ("stir", 1)]


@pytest.mark.parametrize("tokens", [{}, {"tea": (1,), "": ()}])
def test_nothing_has_no_overlap(tokens):
    with pytest.raises(InvalidData, match="at least one"):
        overlap_of(tokens)


@pytest.mark.parametrize(
    ("name", "text"),
    [("CleanAndJerk", "clean and jerk"), ("pick-up_jug:measuring", "pick-up jug:measuring"),
     ("  Stir\tTea ", "stir tea"), ("cut__tomato", "cut tomato"), ("Café_Été", "café été"),
     ("Get in/out of car", "get in/out of car"), ("Use PC", "use pc")],
)  # fmt: skip
def test_names_are_written_as_words(name, text):
    assert label_text(name) == text
    assert label_text(text) == text


@pytest.mark.parametrize("name", ["BackGround", "background", "Ambiguous", "SIL", "action_start"])
def test_what_is_no_action_is_left_out(name):
    assert not is_action(name)
    assert label_texts([name, "Stir", "background noise"]) == ("stir", "background noise")


@pytest.mark.parametrize(
    ("names", "rule"),
    [(["stir tea", "stir_tea"], "'stir tea' and 'stir_tea' are both written 'stir tea'"),
     (["a", "a"], "must have its own name"), (["Background"], "at least one action"),
     ([], "at least one action"), (["_"], "must have a name"), ([" "], "must have a name"),
     (["x" * 201], "at most 200")],
)  # fmt: skip
def test_names_that_cannot_be_labels_are_refused(names, rule):
    with pytest.raises(InvalidData, match=rule):
        label_texts(names)


@pytest.mark.parametrize(
    ("text", "rule"),
    [("", "JSON"), ("{", "JSON"), ("[" * 100_000, "JSON"), ("7", "list of names"),
     ("{}", "list of names"), ('{"classes": "tea"}', "list of names"),
     ('["tea", 7]', "name 2 is '7'"), ('["tea", null]', "name 2 is 'null'")],
)  # fmt: skip
def test_a_label_file_of_another_form_is_refused(text, rule, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(InvalidFile, match=rule):
        read_names(path)


@pytest.mark.parametrize("line", [b"IQ==", b"IQ== x", b"?? 1", b"IQ== 300", b" 300", b"//8= -1",
                                  b"YWI= 3", b"YWI= 99999999999", b"\x80\x04.", b""])  # fmt: skip
def test_a_line_that_is_no_token_is_refused(line, ranks, tmp_path):
    path = write_ranks(tmp_path / "small.model", ranks)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(InvalidFile, match=f"line {len(ranks) + 1}"):
        load_tokenizer(str(path))


def test_a_rank_file_without_all_bytes_is_refused(ranks, tmp_path):
    path = write_ranks(tmp_path / "small.model", {t: r for t, r in ranks.items() if t != b"\x00"})
    with pytest.raises(InvalidFile, match="none for byte 0"):
        load_tokenizer(str(path))


@pytest.mark.parametrize("where", ["", "nobody/nothing", "/nowhere/at all", "x" * 5000, "a\0b"])
def test_a_tokenizer_that_is_not_here_is_refused(where):
    with pytest.raises(MissingArtifact, match="in the local cache"):
        load_tokenizer(where)


@pytest.fixture(scope="module")
def llama(realdata):
    path = realdata / "tokenizers" / "llama3_tokenizer.model"
    if not path.is_file():
        pytest.skip(f"the Llama 3 tokenizer is not at {path}")
    return load_tokenizer(str(path))


# Section B.4 of the method: every row that is measured on the labels, as it is rounded there.
PUBLISHED = {
    "thumos": {
        "classes": 20, "tokens": 45, "mean": 2.25, "max": 4, "words": 1.90, "distinct": 38,
        "shared": 29, "all shared": 10, "first": 19, "nodes": 44, "prefixes": 0, "above 9": 0,
    },
    "crosstask": {
        "classes": 105, "tokens": 279, "mean": 2.66, "max": 6, "words": 2.47, "distinct": 139,
        "shared": 67, "all shared": 33, "first": 43, "nodes": 214, "prefixes": 1, "above 9": 0,
    },
    "ek100": {
        "classes": 3806, "tokens": 9064, "mean": 2.38, "max": 7, "words": 2.00, "distinct": 472,
        "shared": 100, "all shared": 100, "first": 94, "nodes": 5167, "prefixes": 73, "above 9": 0,
    },
    "ego4dgoalstep": {
        "classes": 511, "tokens": 2796, "mean": 5.47, "max": 21, "words": 5.11, "distinct": 616,
        "shared": 89, "all shared": 63, "first": 114, "nodes": 2219, "prefixes": 2, "above 9": 52,
    },
}  # fmt: skip

VERBS = {
    "crosstask": [("add", 24), ("pour", 14), ("put", 11)],
    "ek100": [("take", 264), ("put", 259), ("insert", 222)],
    "ego4dgoalstep": [("add", 97), ("cut", 49)],
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_label_sets_have_the_published_overlap(name, realdata, llama):
    path = realdata / "label_sets" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"the label set is not at {path}")
    texts = label_texts(read_names(path))
    tokens = spell_all(llama, texts)
    found = overlap_of(tokens)
    assert {
        "classes": found.labels, "tokens": sum(map(len, tokens.values())),
        "mean": round(found.tokens_mean, 2), "max": found.tokens_max,
        "words": round(sum(len(text.split()) for text in texts) / len(texts), 2),
        "distinct": found.distinct_tokens, "shared": round(found.shared_occurrences),
        "all shared": round(found.labels_all_shared), "first": found.first_tokens,
        "nodes": found.trie_nodes, "prefixes": found.prefix_labels,
        "above 9": sum(len(label) > 9 for label in tokens.values()),
    } == PUBLISHED[name]  # fmt: skip
    verbs = VERBS.get(name, [])
    assert list(found.per_verb.items())[: len(verbs)] == verbs
    if name == "ek100":
        assert round(found.shared_occurrences, 1) == round(found.labels_all_shared, 1) == 99.9
        assert (len(found.per_verb), len({text.split()[1] for text in texts})) == (97, 293)
