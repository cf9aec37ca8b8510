"""A reproduction on disk: one file a finished run, so that what was stopped goes on.

`features/` rendered worlds · `outcomes/<unit>.json` finished runs · `rates.json` learning rates
"""

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.backbones import default_rate
from core.reproduction.footage import reels, shoot
from core.reproduction.plan import GRID, Plan, Unit
from core.reproduction.runs import best_of, run_unit
from core.reproduction.worlds import Pixels
from core.types import Progress, Report, nobody_listens


@dataclass(frozen=True, slots=True)
class Book:
    """The folder of one reproduction."""

    folder: Path

    def has(self, unit: Unit) -> bool:
        """Say whether a unit has run."""
        return self._path(unit).is_file()

    def outcome(self, unit: Unit) -> dict[str, Any] | None:
        """Return what a unit found, None while it has not run."""
        return json.loads(self._path(unit).read_text()) if self.has(unit) else None

    def outcomes(self, plan: Plan) -> list[dict[str, Any]]:
        """Return what every finished unit of a plan found, in the plan's order."""
        found = map(self.outcome, plan.units())
        return [outcome for outcome in found if outcome is not None]

    def write(self, unit: Unit, outcome: dict[str, Any]) -> None:
        """Keep what a unit found."""
        self._write(self._path(unit), outcome)

    def rates(self, plan: Plan) -> dict[str, float]:
        """Return each family's learning rate: the best on validation, the lower one in a tie."""
        best: dict[str, tuple[float, float]] = {}
        for unit in plan.tuning():
            outcome = self.outcome(unit)
            if outcome is not None and unit.lr is not None:
                found = best_of(outcome), -unit.lr
                best[unit.condition.family] = max(best.get(unit.condition.family, found), found)
        rates = dict(plan.rates) | {family: -lr for family, (_, lr) in best.items()}
        self._write(self.folder / "rates.json", rates)
        return rates

    def _path(self, unit: Unit) -> Path:
        return self.folder / "outcomes" / f"{unit.key}.json"

    @staticmethod
    def _write(path: Path, value: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps(value))
        beside.replace(path)


def reproduce(plan: Plan, folder: Path, report: Report = nobody_listens) -> bool:
    """Do what is left of a plan; returns whether all of it is done.

    One process a core, or one process where there is a GPU. A stop is obeyed between runs; what is
    finished is kept and not done again.
    """
    book, rate = Book(folder), default_rate("nano")
    reels_of: dict[Pixels, dict[int, Path]] = {pixels: {} for pixels in plan.pixels()}
    count = 1 if torch.cuda.is_available() else os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")

    def tasks(units: Iterable[Unit], rates: Mapping[str, float]) -> Iterator[_Task]:
        for unit in units:
            if not book.has(unit):
                lr = unit.lr or rates.get(unit.condition.family, GRID[0])
                place = folder / "work" / unit.key
                made = reels_of[unit.condition.world.pixels]
                shot = [made[reel] for reel in sorted(made)]
                yield unit, unit.key, (run_unit, unit, lr, shot, place, rate)

    with ProcessPoolExecutor(count, mp_context=spawn, initializer=_alone) as pool:
        left = [u for u in (*plan.tuning(), *plan.units()) if not book.has(u)]
        pieces = [(pixels, reel) for pixels in reels_of for reel in reels(pixels)]
        work = _Work(pool, report, len(left) + len(pieces))
        footage = folder / "features"
        shots = (((p, reel), "rendering worlds", (shoot, p, reel, footage)) for p, reel in pieces)
        for (pixels, reel), path in work.results(shots, count):
            reels_of[pixels][reel] = path
        for units in (plan.tuning, plan.units):
            for unit, outcome in work.results(tasks(units(), book.rates(plan)), count):
                book.write(unit, outcome)
        return not work.stopped


_Task = tuple[Any, str, tuple[Any, ...]]
"""What a task is about, what to say while it runs, and the call: a function and its arguments."""


class _Work:
    """Hands tasks to processes, a few at a time, until they are done or somebody says stop."""

    def __init__(self, pool: ProcessPoolExecutor, report: Report, total: int) -> None:
        self.pool, self.report, self.total = pool, report, total
        self.done, self.stopped = 0, False

    def results(self, tasks: Iterable[_Task], at_once: int) -> Iterator[tuple[Any, Any]]:
        """Yield what each task is about with its result, as they come."""
        running: dict[Future[Any], tuple[Any, str]] = {}
        coming = iter(tasks)
        while True:
            while len(running) < at_once and not self.stopped:
                if (task := next(coming, None)) is None:
                    break
                about, message, call = task
                self._tell(message)
                running[self.pool.submit(*call)] = about, message
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                about, message = running.pop(future)
                self.done += 1
                self._tell(f"{message} done")
                yield about, future.result()

    def _tell(self, message: str) -> None:
        self.stopped |= bool(self.report(Progress(self.done, self.total, message)))


def _alone() -> None:
    """Make a process ready: one thread, deaf to stop signals, and no longer than its parent."""
    torch.set_num_threads(1)
    for number in (signal.SIGTERM, signal.SIGINT):  # a run is finished first; the parent decides
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
