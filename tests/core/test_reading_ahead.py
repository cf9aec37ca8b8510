"""Reading ahead: all there is, in each one's order, no more in memory than was said."""

import threading
from contextlib import closing

import pytest

from core.reading_ahead import read_ahead


class Shelf:
    """Generators that note which are open, what was made and who made it."""

    def __init__(self, lengths) -> None:
        self.lengths, self.open, self.most_open, self.made = lengths, set(), 0, 0
        self.fails_at = None
        self.lock = threading.Lock()

    def source(self, index):
        self.open.add(index)
        try:
            for item in range(self.lengths[index]):
                with self.lock:
                    self.made += 1
                    self.most_open = max(self.most_open, len(self.open))
                if (index, item) == self.fails_at:
                    raise KeyError("lost")
                yield item
        finally:
            self.open.discard(index)

    def sources(self):
        return [self.source(index) for index in range(len(self.lengths))]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("lengths", [(), (0,), (7,), (8, 0, 3, 4, 21)])
def test_every_item_comes_once_and_each_ones_in_order(lengths, workers):
    shelf, found = Shelf(lengths), {}
    for index, batch in read_ahead(shelf.sources(), workers, 4):
        assert 1 <= len(batch) <= 4
        assert len(found.setdefault(index, [])) % 4 == 0
        found[index] += batch
    assert found == {i: list(range(n)) for i, n in enumerate(lengths) if n}
    assert shelf.most_open <= workers
    assert not shelf.open


def test_nothing_is_read_further_ahead_than_two_batches_a_thread():
    shelf, used = Shelf((500, 500, 500)), 0
    for _, batch in read_ahead(shelf.sources(), 2, 10):
        used += len(batch)
        assert shelf.made <= used + 2 * 2 * 10
    assert used == 1500


def test_an_error_comes_out_as_it_is_and_closes_the_others():
    shelf = Shelf((40, 1000))
    shelf.fails_at = (0, 33)
    with pytest.raises(KeyError, match="lost"):
        for _ in read_ahead(shelf.sources(), 2, 5):
            pass
    assert not shelf.open
    assert not [t for t in threading.enumerate() if t.name.startswith("reading")]


def test_leaving_early_ends_the_threads_at_the_next_item():
    shelf = Shelf((1, 10**7))
    with closing(read_ahead(shelf.sources(), 2, 10**7)) as batches:
        assert next(batches) == (0, [0])
    assert shelf.made < 10**7
    assert not shelf.open
    assert not [t for t in threading.enumerate() if t.name.startswith("reading")]
