"""The trie of a moment as a person reads it: likely branches by name, everything else as one sum.

A branch is a run of tokens without a choice between them, so that labels which share sub-words part
exactly where the model decides.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.decoding.inspection import Inspection

LEAST = 0.005
"""Branches below this probability are summed."""

MOST = 24
"""Labels that are shown at most; the likeliest, beside those that are asked for."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch. `text` is what it adds; `p` the probability of the labels behind it, `labels` many.

    `label` is the label that ends with it, `ends` that label's probability; `leaves` what leaves
    the trie along it.
    """

    text: str
    p: float
    labels: int
    label: str | None
    ends: float
    leaves: float
    node: int
    children: tuple["Branch", ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        own = {name: getattr(self, name) for name in ("text", "p", "labels", "label", "ends")}
        return own | {
            "leaves": self.leaves,
            "node": self.node,
            "children": [child.as_json() for child in self.children],
        }


@dataclass(frozen=True, slots=True)
class Tree:
    """The branches at the root, likeliest first, and the sum of the labels that are not shown.

    `rest` is their probability, `others` their number. Shown labels, `rest` and what is no label
    make 1.
    """

    branches: tuple[Branch, ...]
    rest: float
    others: int


def drawn(found: Inspection, wanted: Collection[str] = ()) -> Tree:
    """Return what is drawn: labels above `LEAST`, those that are wanted, the way to the written.

    Args:
        found: A moment.
        wanted: Names of labels that are shown however unlikely they are, such as the truth.
    """
    p = np.exp(found.log_p.astype(np.float64))
    shown = {int(i) for i in np.argsort(-p, kind="stable")[:MOST] if p[i] >= LEAST}
    shown |= {found.classes.index(name) for name in wanted if name in found.classes}
    nearest = found.written.nearest[0][0]
    shown.add(found.classes.index(nearest))
    kept = {0}
    for label in shown:
        node = int(found.ends[label])
        while node > 0:
            kept.add(node)
            node = int(found.parent[node])
    whole = _Growing(found, kept, shown).below(0)
    left = [i for i in range(len(p)) if i not in shown]
    return Tree(whole, float(p[left].sum()), len(left))


class _Growing:
    """Grows branches from the nodes that are kept."""

    def __init__(self, found: Inspection, kept: set[int], shown: set[int]) -> None:
        self.found = found
        self._label = {int(found.ends[i]): i for i in shown}
        self._whole_label = {int(node): i for i, node in enumerate(found.ends)}
        self._children: dict[int, list[int]] = {}
        for node in sorted(kept - {0}):
            self._children.setdefault(int(found.parent[node]), []).append(node)
        count = np.bincount(found.ends, minlength=len(found.parent))
        for node in range(len(found.parent) - 1, 0, -1):
            count[found.parent[node]] += count[node]
        self._count = count

    def below(self, node: int) -> tuple[Branch, ...]:
        """Return the branches below a node, the likeliest first."""
        branches = [self._branch(child) for child in self._children.get(node, [])]
        return tuple(sorted(branches, key=lambda branch: -branch.p))

    def _branch(self, node: int) -> Branch:
        found, text, leaves = self.found, "", 0.0
        while True:
            text += found.names[node]
            leaves += float(found.leaves[node])
            children = self._children.get(node, [])
            # Goes on only where no label ends and none that is left out turns off.
            if len(children) != 1 or node in self._whole_label:
                break
            if self._count[children[0]] != self._count[node]:
                break
            node = children[0]
        label = self._label.get(node)
        return Branch(
            text, float(found.p[node]), int(self._count[node]),
            None if label is None else found.classes[label],
            0.0 if label is None else float(np.exp(found.log_p[label])),
            leaves, node, self.below(node),
        )  # fmt: skip
