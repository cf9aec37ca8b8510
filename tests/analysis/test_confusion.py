import numpy as np
import pytest
from hypothesis import given, strategies as st

from analysis.confusion import by_noun, by_verb, confusion, difference, verb_and_noun
from core.errors import InvalidData

CLASSES = ("background", "add milk", "add salt", "pour milk")
ROWS = st.lists(st.tuples(st.sampled_from([-100, 0, 1, 2, 3]), st.sampled_from([-1, 0, 1, 2, 3])))


def counted(rows):
    return confusion(np.array([t for t, _ in rows], int), np.array([p for _, p in rows], int),
                     CLASSES)  # fmt: skip


def slow_counts(rows):
    table = [[0] * 5 for _ in range(4)]
    for true, said in rows:
        if true != -100:
            table[true][4 if said == -1 else said] += 1
    return table


@given(ROWS)
def test_counts_equal_counting_row_by_row(rows):
    found = counted(rows)
    assert found.counts.toarray().tolist() == slow_counts(rows)
    assert found.counts.dtype == np.int64
    assert found.total == sum(true != -100 for true, _ in rows)


@given(ROWS)
def test_a_normalised_row_or_column_sums_to_a_hundred_or_is_empty(rows):
    found, table = counted(rows), slow_counts(rows)
    shares = found.normalised("true").toarray()
    for i, row in enumerate(table):
        assert shares[i] == pytest.approx([100 * n / sum(row) if sum(row) else 0 for n in row])
    for total in found.normalised("predicted").toarray().sum(axis=0):
        assert total == pytest.approx(100) or total == 0


@given(ROWS)
def test_top_pairs_are_the_most_frequent_mistakes(rows):
    table, names = slow_counts(rows), (*CLASSES, "no answer")
    pairs = [(-table[i][j], i, j) for i in range(4) for j in range(5) if i != j and table[i][j]]
    expected = [
        (CLASSES[i], names[j], -n, pytest.approx(-100 * n / sum(table[i])))
        for n, i, j in sorted(pairs)[:3]
    ]
    found = counted(rows).top_pairs(3)
    assert [(m.true, m.predicted, m.count, m.share) for m in found] == expected


@given(ROWS)
def test_verbs_are_counted_as_if_the_labels_were_verbs(rows):
    verb = {-100: -100, -1: -1, 0: 0, 1: 1, 2: 1, 3: 2}
    names = ("background", "add", "pour")
    direct = confusion(
        np.array([verb[t] for t, _ in rows], int), np.array([verb[p] for _, p in rows], int), names
    )
    found = by_verb(counted(rows))
    assert found.classes == names
    assert (found.counts != direct.counts).nnz == 0


def test_nouns_join_what_differs_by_its_verb():
    found = by_noun(counted([(1, 3), (1, 2), (3, -1)]))
    assert found.classes == ("background", "milk", "salt")
    assert found.counts.toarray().tolist() == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("add milk", None, ("add", "milk")),
        ("background", None, ("background", "background")),
        ("pick up red cup", None, ("pick", "up red cup")),
        ("pick up red cup", {"pick up red cup": ("pick up", "")}, ("pick up", "red cup")),
        ("pick up red cup", {"pick up red cup": ("pick up", "cup")}, ("pick up", "cup")),
        ("add milk", {"pour milk": ("tip", "milk")}, ("add", "milk")),
    ],
)
def test_a_label_set_says_which_words_are_the_verb(name, words, expected):
    assert verb_and_noun(name, words) == expected


@given(ROWS, ROWS)
def test_a_difference_is_cell_by_cell(first, second):
    one, other = counted(first), counted(second)
    found = difference(one, other)
    assert found.toarray().tolist() == np.subtract(slow_counts(first), slow_counts(second)).tolist()
    assert difference(one, one).nnz == 0
    shares = one.normalised().toarray() - other.normalised().toarray()
    np.testing.assert_allclose(difference(one, other, "true").toarray(), shares)


def test_thousands_of_classes_stay_small():
    random = np.random.default_rng(0)
    names = [f"verb{i % 97} noun{i}" for i in range(3806)]
    truth, said = random.integers(3806, size=(2, 20_000))
    found = confusion(truth, said, names)
    assert found.counts.data.nbytes < 1_000_000
    assert by_verb(found).counts.shape == (97, 98)
    assert len(found.top_pairs(5)) == 5


def test_no_rows_give_an_empty_table():
    found = counted([(-100, 1)])
    assert (found.total, found.top_pairs(), found.normalised().nnz) == (0, (), 0)


@pytest.mark.parametrize(
    ("truth", "said", "rule"),
    [
        ([0, 1], [0], "equally long"),
        ([4], [0], "must lie between 0 and 3"),
        ([0], [4], "must lie between 0 and 3"),
        ([0], [-2], "must lie between 0 and 3"),
        ([-1], [0], "must lie between 0 and 3"),
    ],
)
def test_what_cannot_be_counted_is_refused(truth, said, rule):
    with pytest.raises(InvalidData, match=rule):
        confusion(np.array(truth), np.array(said), CLASSES)


def test_other_classes_are_not_compared_and_every_class_needs_a_group():
    found = counted([(0, 0)])
    with pytest.raises(InvalidData, match=r"same classes.*'milk'"):
        difference(found, by_noun(found))
    with pytest.raises(InvalidData, match="needs a group: 'add milk'"):
        found.grouped({"background": "none"})
