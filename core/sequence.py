"""The readout sequence: `[start] [frames] [readout forest]`, the one structure behind everything.

A readout token has a *time* (the frame after which it is asked) and a *parent* (another readout
token, or none). A label text is a chain, a label set is a trie, several questions are several
trees. Design section 3 gives the rule of attention (`core/attention`) and of positions:

    [start] 0 · token c of frame t: 1 + t·k + c · readout of depth d after frame t: 1 + (t+1)·k + d
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IGNORE = -100
"""A target that carries no loss."""


class Kind(IntEnum):
    """What a token of the sequence is."""

    PAD = 0
    START = 1
    FRAME = 2
    READOUT = 3


@dataclass(frozen=True, slots=True)
class Readout:
    """A forest of readout tokens in depth-first order. All arrays have shape [R].

    Attributes:
        token: Vocabulary id; negative: row `-1 - id` of the learned tokens.
        parent: Index of the parent, -1 for a root.
        end: One past the last descendant: "j is i or an ancestor of i" is `j <= i < end[j]`.
        depth: Number of ancestors.
        time: Index of the frame after which it is asked.
        text_target: Next token of a text, IGNORE where none is learned.
        text_weight: Weight of that token in the text loss.
        class_target: Class index, IGNORE where none is learned.
        class_weight: Weight of that class in the classification loss.
    """

    token: NDArray[np.int64]
    parent: NDArray[np.int64]
    end: NDArray[np.int64]
    depth: NDArray[np.int64]
    time: NDArray[np.int64]
    text_target: NDArray[np.int64]
    text_weight: NDArray[np.float32]
    class_target: NDArray[np.int64]
    class_weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.token)


class Forest:
    """Builds a `Readout`: nodes are added depth first, a child after its parent."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int, int, int, int]] = []
        self._text: dict[int, tuple[int, float]] = {}
        self._class: dict[int, tuple[int, float]] = {}

    def add(self, token: int, time: int, parent: int = -1) -> int:
        """Add one token and return its index."""
        depth = self._nodes[parent][3] + 1 if parent >= 0 else 0
        self._nodes.append((token, parent, time, depth))
        return self.last

    @property
    def last(self) -> int:
        """Index of the token added last."""
        return len(self._nodes) - 1

    def teach_class(self, node: int, target: int, weight: float = 1.0) -> None:
        """Let `node` learn a class."""
        self._class[node] = target, weight

    def add_text(
        self, root: int, text: Sequence[int], time: int, *, parent: int = -1, weight: float = 1.0
    ) -> int:
        """Add the chain `root → text[:-1]`, where every node learns the token that follows it.

        `text` ends in EOS, which is learned but needs no node. The text's loss is the mean over its
        tokens, times `weight`. Returns the index of the root.
        """
        first = node = self.add(root, time, parent)
        for i, following in enumerate(text):
            self._text[node] = following, weight / len(text)
            if i < len(text) - 1:
                node = self.add(following, time, node)
        return first

    def done(self) -> Readout:
        """Freeze the forest."""
        count = len(self._nodes)
        token, parent, time, depth = np.array(self._nodes, np.int64).reshape(count, 4).T
        end = np.arange(1, count + 1)
        for i in range(count - 1, -1, -1):
            if parent[i] >= 0:
                end[parent[i]] = max(end[parent[i]], end[i])
        text_target, class_target = np.full(count, IGNORE), np.full(count, IGNORE)
        text_weight, class_weight = np.zeros(count, np.float32), np.zeros(count, np.float32)
        for i, (target, weight) in self._text.items():
            text_target[i], text_weight[i] = target, weight
        for i, (target, weight) in self._class.items():
            class_target[i], class_weight[i] = target, weight
        return Readout(
            token.copy(), parent.copy(), end, depth.copy(), time.copy(),
            text_target, text_weight, class_target, class_weight,
        )  # fmt: skip


@dataclass(slots=True)
class Batch:
    """Sequences of one batch, padded inside the frame part and inside the readout part.

    With B sequences, F = T·k frame tokens, R readouts and N = 1 + F + R tokens:
    `features` [B, T, k, d]; `token` [B, R]; `kind`, `time`, `end`, `position` [B, N];
    `text_target`, `text_weight`, `class_target`, `class_weight` [B, R]. `end` counts from the
    sequence's start. `questions` is the number of questions asked, by which losses are divided.
    """

    features: Tensor
    token: Tensor
    kind: Tensor
    time: Tensor
    end: Tensor
    position: Tensor
    text_target: Tensor
    text_weight: Tensor
    class_target: Tensor
    class_weight: Tensor
    window: int
    questions: float

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """Move every tensor to a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def rows(self, first: int, last: int) -> "Batch":
        """Return some of the sequences; `questions` stays, so that losses of parts add up."""
        return self._each(lambda tensor: tensor[first:last])

    def pin_memory(self) -> "Batch":
        """Copy every tensor to memory that a GPU reads without making the host wait."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        tensors = {name: change(v) for name, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **tensors)

    @property
    def head(self) -> int:
        """Number of places in front of the readouts: the start and the frames' tokens."""
        return self.kind.shape[1] - self.token.shape[1]


@dataclass(frozen=True, slots=True)
class Example:
    """A stretch of frames and the forest asked about it.

    `features` [T, k, d]; `first` is the index of its first frame in the video; times in `readout`
    count from the video's start. `offset` moves all positions but the start's.
    """

    features: NDArray[np.float16]
    readout: Readout
    first: int = 0
    offset: int = 0
    questions: float = 1.0


def collate(examples: Sequence[Example], window: int, multiple: int = 1) -> Batch:
    """Lay examples out as one batch.

    Args:
        examples: At least one; all with the same k and d.
        window: Frames that a frame or readout sees, itself included.
        multiple: N is a multiple of it, by padding.
    """
    k, d = examples[0].features.shape[1:]
    frames = max(len(e.features) for e in examples)
    readouts = max(len(e.readout) for e in examples)
    count, head = len(examples), 1 + frames * k
    readouts += -(head + readouts) % multiple
    shape = (count, head + readouts)
    features = np.zeros((count, frames, k, d), np.float16)
    kind, time = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    end, position = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    token = np.zeros((count, readouts), np.int64)
    text_target, class_target = (np.full((count, readouts), IGNORE) for _ in range(2))
    text_weight, class_weight = (np.zeros((count, readouts), np.float32) for _ in range(2))
    for row, e in enumerate(examples):
        t, r = len(e.features), len(e.readout)
        features[row, :t] = e.features
        kind[row, 0] = Kind.START
        inside, asked = slice(1, 1 + t * k), slice(head, head + r)
        kind[row, inside], kind[row, asked] = Kind.FRAME, Kind.READOUT
        time[row, inside] = np.repeat(np.arange(e.first, e.first + t), k)
        time[row, asked] = e.readout.time
        end[row, asked] = e.readout.end + head
        position[row, inside] = 1 + e.offset + e.first * k + np.arange(t * k)
        position[row, asked] = readout_position(e.readout, k) + e.offset
        token[row, :r] = e.readout.token
        text_target[row, :r], text_weight[row, :r] = e.readout.text_target, e.readout.text_weight
        class_target[row, :r], class_weight[row, :r] = (
            e.readout.class_target,
            e.readout.class_weight,
        )
    return Batch(
        features=torch.from_numpy(features),
        token=torch.from_numpy(token),
        kind=torch.from_numpy(kind),
        time=torch.from_numpy(time),
        end=torch.from_numpy(end),
        position=torch.from_numpy(position),
        text_target=torch.from_numpy(text_target),
        text_weight=torch.from_numpy(text_weight),
        class_target=torch.from_numpy(class_target),
        class_weight=torch.from_numpy(class_weight),
        window=window,
        questions=float(sum(e.questions for e in examples)),
    )


def readout_position(readout: Readout, k: int) -> NDArray[np.int64]:
    """Return the position of every readout token: `1 + (t + 1)·k + depth`."""
    return 1 + (readout.time + 1) * k + readout.depth
