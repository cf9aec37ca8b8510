"""Where the difference of two accuracies lies: rows by place, whose shares add up to the whole.

It is bookkeeping, not a cause: a label that changed in one video may change an answer in another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.reports import Tally
from analysis.segments import IGNORED, Indices
from analysis.significance import DEFAULT, Bootstrap, Interval, interval


@dataclass(frozen=True, slots=True, eq=False)
class VideoRows:
    """One video's rows: what is true, what two runs said, and in which place each row lies.

    Shape: int64 [rows] each; `place` is an index into the names of the places.
    """

    truth: Indices
    first: Indices
    second: Indices
    place: NDArray[np.int64]

    @property
    def gain(self) -> NDArray[np.int64]:
        """1 where only the second is right, −1 where only the first is, else 0."""
        known = self.truth != IGNORED
        right = (self.second == self.truth).astype(np.int64) - (self.first == self.truth)
        return np.where(known, right, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """What lies in one place: `points` of the whole difference, in percentage points."""

    name: str
    rows: int
    gained: int
    lost: int
    points: Interval


def where_it_changed(
    videos: Mapping[str, VideoRows], places: Sequence[str], how: Bootstrap = DEFAULT
) -> tuple[Interval, tuple[Place, ...]]:
    """Return accuracy of the second run − of the first, and what of it lies in each place.

    Both runs are resampled together over videos. The points of the places add up to the whole.
    """
    parts = [np.zeros((len(videos), 4)) for _ in places]  # rows, gained, lost, gain by video
    for number, rows in enumerate(videos.values()):
        known, gain = rows.truth != IGNORED, rows.gain
        for at, part in enumerate(parts):
            inside = gain[known & (rows.place == at)]
            part[number] = len(inside), (inside > 0).sum(), (inside < 0).sum(), inside.sum()
    total = np.sum(parts, axis=0)
    counted = total[:, :1]
    whole = interval(Tally(total[:, 3:], counted), how)
    found = []
    for name, part in zip(places, parts, strict=True):
        rows, gained, lost = (int(count) for count in part[:, :3].sum(axis=0))
        found.append(Place(name, rows, gained, lost, interval(Tally(part[:, 3:], counted), how)))
    return whole, tuple(found)
