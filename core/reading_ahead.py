"""Several things read by threads, a batch ahead of whoever uses them."""

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice, takewhile
from threading import Event
from typing import TypeVar

Item = TypeVar("Item")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_ahead(
    sources: Sequence[Generator[Item]], workers: int, size: int
) -> Generator[tuple[int, list[Item]]]:
    """Yield batches of several generators, as they come, while threads make the next ones.

    Each is read in order, by one thread at a time and one batch ahead: at most `workers` of them
    are open, and `2 * workers` batches in memory. What one raises is raised here. Close this one
    (`contextlib.closing`) where it may not be read to its end: the threads have ended then, and
    all generators are closed.

    Args:
        sources: What to read, begun in their order.
        workers: Number of threads.
        size: Items of a batch; the last of a generator may have fewer, but never none.

    Returns:
        Pairs of an index into `sources` and the items.
    """
    waiting, running = deque(range(len(sources))), dict[Future[list[Item]], int]()
    stop = Event()

    def read(index: int) -> None:
        running[pool.submit(_take, sources[index], size, stop)] = index

    try:
        with ThreadPoolExecutor(workers, thread_name_prefix="reading") as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < workers:
                        read(waiting.popleft())
                    ready = wait(running, return_when=FIRST_COMPLETED).done
                    batches = {running.pop(future): future.result() for future in ready}
                    for index in sorted(batches):
                        if len(batches[index]) == size:
                            read(index)
                    yield from (
                        (index, batches[index]) for index in sorted(batches) if batches[index]
                    )
            finally:
                stop.set()
    finally:
        for source in sources:
            source.close()


def _take(source: Generator[Item], size: int, stop: Event) -> list[Item]:
    return list(islice(takewhile(lambda _: not stop.is_set(), source), size))
