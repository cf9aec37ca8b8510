"""The mask rule against a slow reference: python loops over pairs."""

import numpy as np
import pytest

from core.attention import dense_mask
from core.sequence import Batch, Example, Forest, Kind, collate
from tests.core.conftest import random_features


def slow_mask(batch: Batch, row: int) -> np.ndarray:
    """The rule as a person reads it, pair by pair, from parents instead of `end`."""
    kind, time = batch.kind[row].tolist(), batch.time[row].tolist()
    count, head = len(kind), batch.head
    end = batch.end[row].tolist()

    def is_ancestor(a: int, b: int) -> bool:  # a is b or above b
        return a >= head and a <= b < end[a]

    seen = np.zeros((count, count), bool)
    for q in range(count):
        for k in range(count):
            if kind[q] == Kind.PAD:
                seen[q, k] = q == k
            elif kind[k] == Kind.START:
                seen[q, k] = True
            elif kind[k] == Kind.FRAME and kind[q] != Kind.START:
                inside = time[q] - batch.window < time[k] <= time[q]
                seen[q, k] = inside and (kind[q] == Kind.READOUT or k <= q)
            elif kind[k] == Kind.READOUT and kind[q] == Kind.READOUT:
                seen[q, k] = is_ancestor(k, q)
    return seen


def random_forest(rng: np.random.Generator, frames: int, first: int):
    forest = Forest()

    def grow(time: int, parent: int, depth: int) -> None:
        node = forest.add(int(rng.integers(2, 200)), time, parent)
        for _ in range(int(rng.integers(0, 3)) if depth < 3 else 0):
            grow(time, node, depth + 1)

    for time in sorted(rng.integers(first, first + frames, size=3).tolist()):
        grow(time, -1, 0)
    return forest.done()


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("window", [1, 3, 50])
def test_dense_mask_equals_the_slow_reference(k: int, window: int):
    rng = np.random.default_rng(window * 10 + k)
    examples = [
        Example(random_features(frames, k), random_forest(rng, frames, first), first=first)
        for frames, first in ((5, 0), (7, 4), (1, 2))
    ]
    batch = collate(examples, window)
    mask = dense_mask(batch)[:, 0].numpy()
    for row in range(len(examples)):
        np.testing.assert_array_equal(mask[row], slow_mask(batch, row))


def test_nothing_sees_a_readout_that_is_not_its_ancestor():
    forest = Forest()
    root = forest.add(-1, 0)
    left, right = forest.add(2, 0, root), forest.add(3, 0, root)
    mask = dense_mask(collate([Example(random_features(1), forest.done())], 4))[0, 0]
    head = 2
    assert mask[head + left, head + root]
    assert not mask[head + right, head + left]
    assert not mask[head + root, head + left]


def test_descendants_end_where_the_next_tree_begins():
    forest = Forest()
    forest.add_text(-2, [5, 6, 1], 0)
    forest.add_text(-2, [7, 1], 1)
    readout = forest.done()
    assert readout.end.tolist() == [3, 3, 3, 5, 5]
    assert readout.text_target.tolist() == [5, 6, 1, 7, 1]
    assert readout.depth.tolist() == [0, 1, 2, 0, 1]


def test_a_text_carries_its_weight_once_however_long_it_is():
    forest = Forest()
    forest.add_text(-2, [5, 6, 7, 1], 0, weight=3.0)
    assert forest.done().text_weight.sum() == pytest.approx(3.0)


def test_positions_follow_the_formula():
    forest = Forest()
    forest.add_text(-2, [5, 1], 4)
    batch = collate([Example(random_features(3, k=2), forest.done(), first=2, offset=10)], 8)
    assert batch.position[0].tolist() == [0, 15, 16, 17, 18, 19, 20, 21, 22]
    # start · frames 2 to 4 at 11 + 2t + c · readouts after frame 4 at 11 + 5·2 + depth
