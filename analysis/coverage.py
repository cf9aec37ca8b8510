"""Which classes a run is asked for without ever having been shown one.

Such classes cost every run alike and make a small project look like a bad model, so pages name them
beside the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_NAMED = 10
"""Classes that the warning spells out; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A class that is evaluated but was not trained, and how many examples of it there are."""

    name: str
    evaluated: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The classes that were never shown, most frequent first, among all evaluated examples."""

    unseen: tuple[Unseen, ...]
    evaluated: int

    @property
    def lost(self) -> float | None:
        """Share of evaluated examples that no run could get right, in percent."""
        if not self.evaluated:
            return None
        return 100.0 * sum(one.evaluated for one in self.unseen) / self.evaluated

    @property
    def sentence(self) -> str:
        """The warning for a page; empty where every class was trained."""
        if not self.unseen:
            return ""
        names = ", ".join(f"'{one.name}' ({one.evaluated})" for one in self.unseen[:_NAMED])
        if len(self.unseen) > _NAMED:
            names += f" and {len(self.unseen) - _NAMED} more"
        return (
            f"A class needs a training example to be learned, but these occur only in the "
            f"evaluation: {names}. Move a video with them to the training split."
        )


def coverage(trained: Mapping[str, int], evaluated: Mapping[str, int]) -> Coverage:
    """Return which classes have examples to evaluate and none to train.

    Args:
        trained: Class name to number of training examples (`Counter(s.label for s in segments)`).
        evaluated: The same for the videos that are evaluated.
    """
    unseen = [
        Unseen(name, count)
        for name, count in evaluated.items()
        if count > 0 and trained.get(name, 0) == 0
    ]
    unseen.sort(key=lambda one: (-one.evaluated, one.name))
    return Coverage(tuple(unseen), sum(evaluated.values()))
