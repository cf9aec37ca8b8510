"""All labels as one tree below `[TEXT]`, and one pass that asks a forest at many moments."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.classifiers.base import Classifier, Learned
from core.frame_cache import Moments
from core.labels.base import LabelCodec
from core.sequence import Forest, Readout


@dataclass(frozen=True, slots=True)
class TriePiece:
    """A part of the trie that is asked in one pass: nodes, and the edges that it scores.

    Edge e goes from node `edge_node[e]` by token `edge_token[e]`; its number in the whole trie is
    `edge[e]`. `node` [R] numbers the nodes in the whole trie.
    """

    readout: Readout
    node: NDArray[np.int64]
    edge: NDArray[np.int64]
    edge_node: NDArray[np.int64]
    edge_token: NDArray[np.int64]


class LabelTrie:
    """The labels of a question as one tree below `[TEXT]`, cut into pieces of bounded size.

    A label's log-probability is the sum over its edges, EOS included: `path` [C, L] lists them,
    padded with the number of edges.

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
        texts = [(*codec.encode(i), eos) for i in choices]
        self.children: list[dict[int, int]] = [{}]  # node -> token -> edge
        self.target: list[int] = []  # edge -> node it leads to, -1 where EOS ends a label
        self.tokens: list[int] = [self.root]  # node -> its token
        paths = []
        for text in texts:
            node, path = 0, []
            for token in text:
                if token not in self.children[node]:
                    self.children[node][token] = len(self.target)
                    if token == eos:
                        self.target.append(-1)
                    else:
                        self.target.append(len(self.children))
                        self.children.append({})
                        self.tokens.append(token)
                edge = self.children[node][token]
                path.append(edge)
                node = self.target[edge]
            paths.append(path)
        longest = max(map(len, paths))
        self.longest = longest
        self.path = np.array([p + [len(self.target)] * (longest - len(p)) for p in paths])
        self.pieces = [self._piece(nodes, own) for nodes, own in self._cut(limit)]

    @property
    def nodes(self) -> int:
        """Number of tokens that one exact scoring asks at least."""
        return len(self.children)

    def _cut(self, limit: int) -> list[tuple[list[int], set[int]]]:
        """Split the nodes, in depth-first order, into pieces; ancestors are repeated where needed.

        Returns, per piece, its nodes and those of them whose edges it scores.
        """
        pieces: list[tuple[list[int], set[int]]] = []
        nodes: list[int] = []
        own: set[int] = set()

        def visit(node: int, ancestors: list[int]) -> None:
            nonlocal nodes, own
            if len(nodes) >= limit and own:
                pieces.append((nodes, own))
                nodes, own = list(ancestors), set()
            nodes.append(node)
            own.add(node)
            for edge in self.children[node].values():
                if self.target[edge] >= 0:
                    visit(self.target[edge], [*ancestors, node])

        visit(0, [])
        return [*pieces, (nodes, own)]

    def _piece(self, nodes: list[int], own: set[int]) -> TriePiece:
        forest, place = Forest(), {}
        parents = {
            self.target[e]: n
            for n in nodes
            for e in self.children[n].values()
            if self.target[e] >= 0
        }
        for node in nodes:
            parent = place.get(parents.get(node, -1), -1)
            place[node] = forest.add(self.tokens[node], 0, parent)
        scored = [
            (edge, place[node], token)
            for node in nodes
            if node in own
            for token, edge in self.children[node].items()
        ]
        edge, edge_node, edge_token = np.array(scored, np.int64).T
        return TriePiece(forest.done(), np.array(nodes), edge, edge_node, edge_token)


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
