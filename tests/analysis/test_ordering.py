import numpy as np
from hypothesis import given, strategies as st

from analysis.confusion import confusion
from analysis.ordering import order_by_confusion

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 5)), max_size=60)


def table(rows):
    truth, said = (np.array([row[k] for row in rows], int) for k in (0, 1))
    return confusion(truth, said, tuple("abcdef"))


@given(ROWS, ROWS)
def test_every_class_has_one_place(first, second):
    assert sorted(order_by_confusion([table(first), table(second)])) == [0, 1, 2, 3, 4, 5]


def test_classes_that_are_mixed_stand_together_and_those_without_mistakes_last():
    rows = [(c, c) for c in range(6)] * 4 + [(0, 5), (5, 0), (5, 0), (2, 4), (4, 2), (2, 4), (0, 2)]
    order = order_by_confusion([table(rows)])
    assert order[4:] == [1, 3]
    assert {frozenset(order[:2]), frozenset(order[2:4])} == {frozenset((0, 5)), frozenset((2, 4))}


def test_no_answer_and_the_diagonal_mix_nothing():
    assert order_by_confusion([table([(3, -1), (1, 1)])]) == [0, 1, 2, 3, 4, 5]
