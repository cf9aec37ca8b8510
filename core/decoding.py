"""From frames to labels in words: the decoders of the generative classifier.

`exact` scores every label through the trie in one or a few passes over a shared prefix; `greedy`
writes freely and takes the nearest label by edit distance, as the paper does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from torch import Tensor

from core.classifiers.base import Classifier, Learned
from core.frame_cache import Moments
from core.labels.base import LabelCodec
from core.sequence import Forest, Readout

DECODERS = ("exact", "greedy")
_LOGIT_ROWS = 4096  # rows of logits held at a time
_SLACK = 3  # tokens that free writing may take beyond the longest label


@dataclass(frozen=True, slots=True)
class Written:
    """What a decoder found for some moments.

    `log_p` [rows, C]: the labels' log-probabilities, -inf where the decoder has none. `texts` is
    what was written freely, `token_log_p` [rows, L] its tokens' log-probabilities (NaN-padded,
    EOS included), `distance` [rows] the edit distance to the nearest label, `nearest` [rows] its
    class.
    """

    log_p: NDArray[np.float32]
    texts: tuple[str, ...]
    token_log_p: NDArray[np.float32]
    distance: NDArray[np.int64]
    nearest: NDArray[np.int64]


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
    """All labels of a codec as one tree below `[TEXT]`, cut into pieces of bounded size.

    A label's log-probability is the sum over its edges, EOS included: `path` [C, L] lists them,
    padded with the number of edges.
    """

    def __init__(self, codec: LabelCodec, eos: int, limit: int = 256) -> None:
        texts = [(*codec.encode(i), eos) for i in range(len(codec.classes))]
        self.children: list[dict[int, int]] = [{}]  # node -> token -> edge
        self.target: list[int] = []  # edge -> node it leads to, -1 where EOS ends a label
        self.tokens: list[int] = [int(Learned.TEXT)]  # node -> its token
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


def exact(classifier: Classifier, moments: Moments, trie: LabelTrie) -> Written:
    """Score every label: log p(label and EOS | frames), one tree pass a piece of the trie.

    What the model would write freely falls out of the same pass as long as it stays on the trie;
    the rest is written by `greedy`.
    """
    rows, edges = len(moments), len(trie.target)
    device = moments.time.device
    scores = torch.zeros((rows, edges + 1), device=device)  # the last column pads paths
    likely = torch.zeros((rows, trie.nodes), dtype=torch.long, device=device)
    likely_log_p = torch.zeros((rows, trie.nodes), device=device)
    for piece in trie.pieces:
        hidden = ask(classifier, moments, piece.readout)
        edge, node, token = (
            torch.from_numpy(a).to(device) for a in (piece.edge, piece.edge_node, piece.edge_token)
        )
        whole = torch.from_numpy(piece.node).to(device)
        step = max(1, _LOGIT_ROWS // len(piece.readout))
        for a in range(0, rows, step):
            log_p = classifier.logits(hidden[a : a + step]).float().log_softmax(-1)
            scores[a : a + step, edge] = log_p[:, node, token]
            best = log_p.max(-1)
            likely[a : a + step, whole], likely_log_p[a : a + step, whole] = (
                best.indices,
                best.values,
            )
    path = torch.from_numpy(trie.path).to(device)
    log_p = scores[:, path].sum(-1).cpu().numpy()
    return _with_texts(
        classifier, moments, trie, log_p, likely.cpu().numpy(), likely_log_p.cpu().numpy()
    )


def _with_texts(
    classifier: Classifier,
    moments: Moments,
    trie: LabelTrie,
    log_p: NDArray[np.float32],
    likely: NDArray[np.int64],
    likely_log_p: NDArray[np.float32],
) -> Written:
    """Follow the likeliest token from node to node; write freely where that leaves the trie."""
    rows, eos = len(log_p), classifier.backbone.eos
    ids: list[list[int] | None] = []
    token_log_p = np.full((rows, trie.longest + _SLACK), np.nan, np.float32)
    for row in range(rows):
        node, written, step = 0, [], 0
        while True:
            token = int(likely[row, node])
            edge = trie.children[node].get(token)
            if edge is None:
                ids.append(None)
                break
            token_log_p[row, step] = likely_log_p[row, node]
            step += 1
            if token == eos:
                ids.append(written)
                break
            written.append(token)
            node = trie.target[edge]
    astray = [row for row, found in enumerate(ids) if found is None]
    if astray:
        picked = moments.rows(astray)
        free, free_log_p = write_freely(classifier, picked, trie.longest + _SLACK)
        for row, found, values in zip(astray, free, free_log_p, strict=True):
            ids[row] = found
            token_log_p[row] = values
    return _nearest(classifier.codec, [i or [] for i in ids], token_log_p, log_p)


def greedy(classifier: Classifier, moments: Moments, longest: int) -> Written:
    """Write the likeliest token after token, then take the label of smallest edit distance.

    There is no distribution: where the text is a label, that label has the text's log-probability;
    everything else is -inf.
    """
    ids, token_log_p = write_freely(classifier, moments, longest + _SLACK)
    nothing = np.full((len(ids), len(classifier.classes)), -np.inf, np.float32)
    written = _nearest(classifier.codec, ids, token_log_p, nothing)
    is_label = np.flatnonzero(written.distance == 0)
    written.log_p[is_label, written.nearest[is_label]] = np.nansum(token_log_p[is_label], axis=1)
    return written


def write_freely(
    classifier: Classifier, moments: Moments, longest: int
) -> tuple[list[list[int]], NDArray[np.float32]]:
    """Write greedily until EOS or `longest` tokens.

    Returns:
        The tokens without EOS, and the log-probabilities of the tokens with EOS, NaN-padded.
    """
    rows, device, eos = len(moments), moments.time.device, classifier.backbone.eos
    cache, visible = moments.cache(), moments.visible
    token = torch.full((rows, 1), int(Learned.TEXT), device=device)
    log_p = np.full((rows, longest), np.nan, np.float32)
    ids: list[list[int]] = [[] for _ in range(rows)]
    running = np.ones(rows, bool)
    for step in range(longest):
        visible = torch.cat([visible, torch.ones_like(token, dtype=torch.bool)], dim=1)
        position = moments.position(torch.tensor([step], device=device))
        mask = visible[:, None, None, :]
        hidden = classifier.backbone.hidden(classifier.embed_tokens(token), mask, position, cache)
        best = classifier.logits(hidden[:, -1]).float().log_softmax(-1).max(-1)
        token = best.indices.unsqueeze(1)
        for row, (following, value) in enumerate(
            zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ):
            if running[row]:
                log_p[row, step] = value
                running[row] = following != eos
                if running[row]:
                    ids[row].append(following)
        if not running.any():
            break
    return ids, log_p


def _nearest(
    codec: LabelCodec,
    ids: Sequence[Sequence[int]],
    token_log_p: NDArray[np.float32],
    log_p: NDArray[np.float32],
) -> Written:
    """Map what was written to labels; ties go to the alphabetically first label."""
    texts = tuple(codec.text(i) for i in ids)
    order = sorted(range(len(codec.classes)), key=lambda i: codec.classes[i])
    names = [codec.classes[i] for i in order]
    distance = cdist(list(texts), names, scorer=Levenshtein.distance, dtype=np.int32)
    first = distance.argmin(axis=1)
    nearest = np.array(order)[first]
    return Written(log_p, texts, token_log_p, distance.min(axis=1).astype(np.int64), nearest)
