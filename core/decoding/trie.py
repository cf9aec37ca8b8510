"""All labels as one tree below `[TEXT]`, and one pass that asks a forest at many moments."""

from dataclasses import dataclass
from itertools import pairwise, takewhile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.classifiers.base import Classifier, Learned
from core.decoding.written import Names
from core.frame_cache import Moments
from core.labels.base import LabelCodec
from core.sequence import IGNORE, Readout

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TriePiece:
    """A part of the trie that is asked in one pass: a run of nodes behind their ancestors.

    The last nodes of `readout`, `first` to `last - 1` in the whole trie, are the piece's own.
    `edge` numbers the edges that leave them, `source` (ascending) says which of the own nodes each
    leaves, and `token` by which token.
    """

    readout: Readout
    first: int
    last: int
    edge: Indices
    source: Indices
    token: Indices


class LabelTrie:
    """The labels of a question as one tree below `[TEXT]`, cut into pieces of bounded size.

    Nodes are numbered depth first from the root, 0; edges by what they lead to: edge `e` to node
    `e + 1`, and edge `nodes - 1 + i`, by EOS, to the end of label `i`. A label's log-probability is
    the sum over its edges: `path` [C, L] lists them, padded with the number of edges.

    Args:
        codec: Writes the labels.
        eos: Ends each of them.
        choices: The classes that the question chooses among, all of them by default; here they
            are numbered from 0.
        root: The `[TEXT]` of the question.
        limit: Most nodes of a piece, repeated ancestors not counted.
    """

    def __init__(
        self,
        codec: LabelCodec,
        eos: int,
        choices: range | None = None,
        *,
        root: int = Learned.TEXT,
        limit: int = 256,
    ) -> None:
        choices = range(len(codec.classes)) if choices is None else choices
        self.classes, self.root = tuple(codec.classes[i] for i in choices), int(root)
        self.names = Names(self.classes)
        texts = [codec.encode(i) for i in choices]
        lengths = np.array([len(text) for text in texts])
        self.longest = int(lengths.max()) + 1
        self.path = np.full((len(texts), self.longest), -1)
        leaves = self._grow(texts)
        own = np.arange(len(texts))
        self.path[own, lengths] = self.nodes - 1 + own
        source = np.concatenate([self._parent[1:], leaves])
        token = np.concatenate([self._token[1:], np.full(len(texts), eos)])
        self.edges = len(source)
        self.path[self.path < 0] = self.edges
        self._span = int(token.max()) + 1
        self._order = np.lexsort((token, source))
        self._source, self._written = source[self._order], token[self._order]
        self._key = self._source * self._span + self._written
        self._first = np.searchsorted(self._source, np.arange(self.nodes + 1))
        count = -(-self.nodes // limit)
        cuts = [self.nodes * i // count for i in range(count + 1)]
        self.pieces = [self._piece(a, b) for a, b in pairwise(cuts)]

    @property
    def nodes(self) -> int:
        """Number of tokens that one exact scoring asks at least."""
        return len(self._token)

    def follow(self, node: Indices, token: Indices) -> Indices:
        """Return the edge that leaves each node by a token, -1 where there is none. [n] -> [n]."""
        key = np.where(token < self._span, node * self._span + token, -1)
        at = np.searchsorted(self._key, key).clip(max=self.edges - 1)
        return np.where(self._key[at] == key, self._order[at], -1)

    def branches(self, node: Indices) -> tuple[Indices, Indices]:
        """Return the edges that leave each node, and their tokens; padded with -1. [n, most]."""
        first, last = self._first[node], self._first[node + 1]
        at = first[:, None] + np.arange((last - first).max())
        there, at = at < last[:, None], at.clip(max=self.edges - 1)
        return np.where(there, self._order[at], -1), np.where(there, self._written[at], -1)

    def _grow(self, texts: list[tuple[int, ...]]) -> Indices:
        """Number the nodes depth first: in the order of sorted texts. Returns each text's last."""
        token, parent, depth, end = [self.root], [-1], [0], [0]
        leaves = np.zeros(len(texts), np.int64)
        above, before = [0], ()  # the nodes of the text before, from the root
        for label in sorted(range(len(texts)), key=texts.__getitem__):
            text = texts[label]
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, text)))  # noqa: B905
            for node in above[shared + 1 :]:
                end[node] = len(token)
            del above[shared + 1 :]
            for following in text[shared:]:
                parent.append(above[-1])
                depth.append(len(above))
                above.append(len(token))
                token.append(following)
                end.append(0)
            self.path[label, : len(text)] = above[1:]
            leaves[label], before = above[-1], text
        for node in above:
            end[node] = len(token)
        self.path[self.path > 0] -= 1  # from nodes to the edges that lead to them
        self._token, self._parent, self._depth, self._end = map(
            np.array, (token, parent, depth, end)
        )
        return leaves

    def _piece(self, first: int, last: int) -> TriePiece:
        """Return nodes `first` to `last - 1`. All parents outside are ancestors of the first."""
        ancestors = [int(self._parent[first])] if first else []
        while ancestors and ancestors[-1] > 0:
            ancestors.append(int(self._parent[ancestors[-1]]))
        nodes = np.array([*reversed(ancestors), *range(first, last)])
        before, count = len(ancestors), len(nodes)
        parent = self._parent[nodes]
        parent = np.where(parent >= first, parent - first + before, self._depth[parent])
        parent[0] = -1
        nothing, weightless = np.full(count, IGNORE), np.zeros(count, np.float32)
        readout = Readout(
            token=self._token[nodes],
            parent=parent,
            end=self._end[nodes].clip(max=last) - first + before,
            depth=self._depth[nodes],
            time=np.zeros(count, np.int64),
            text_target=nothing,
            text_weight=weightless,
            class_target=nothing,
            class_weight=weightless,
        )
        leaving = slice(self._first[first], self._first[last])
        return TriePiece(
            readout, first, last,
            self._order[leaving], self._source[leaving] - first, self._written[leaving],
        )  # fmt: skip


def ask(classifier: Classifier, moments: Moments, readout: Readout) -> Tensor:
    """Ask one forest at every moment and return its hidden states. Shape: [rows, R, H]."""
    device = moments.time.device
    rows, count = len(moments), len(readout)
    order = torch.arange(count, device=device)
    end = torch.from_numpy(readout.end).to(device)
    tree = (order[None, :] <= order[:, None]) & (order[:, None] < end[None, :])
    past = moments.visible[:, None, :].expand(rows, count, -1)
    mask = torch.cat([past, tree.expand(rows, -1, -1)], dim=2).unsqueeze(1)
    ids = torch.from_numpy(readout.token).to(device)
    embeds = classifier.embed_tokens(ids).expand(rows, -1, -1)
    position = moments.position(torch.from_numpy(readout.depth).to(device))
    return classifier.backbone.hidden(embeds, mask, position, moments.cache())
