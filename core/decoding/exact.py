"""The decoder `exact`: log p of every label, through the trie, over one shared prefix."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.classifiers.base import Classifier
from core.decoding.greedy import SLACK, write_freely
from core.decoding.trie import LabelTrie, TriePiece, ask
from core.decoding.written import Written
from core.frame_cache import Moments

_LOGIT_BYTES = 1 << 27  # of single-precision logits held at a time; their sum takes as much again


@dataclass(frozen=True, slots=True)
class Scored:
    """What one walk over the trie says.

    `log_p` [rows, C] of every label with EOS; `likely` [rows, nodes] the token that the model would
    write after each node, on the trie or not, and `likely_log_p` its log-probability.
    """

    log_p: NDArray[np.float32]
    likely: NDArray[np.int64]
    likely_log_p: NDArray[np.float32]


def exact(classifier: Classifier, moments: Moments, trie: LabelTrie) -> Written:
    """Score every label: log p(label and EOS | frames), one tree pass a piece of the trie.

    What the model would write freely falls out of the same pass as long as it stays on the trie;
    the rest is written by `greedy`.
    """
    return _with_texts(classifier, moments, trie, score(classifier, moments, trie))


def score(classifier: Classifier, moments: Moments, trie: LabelTrie) -> Scored:
    """Walk the trie piece by piece; of a piece only what the labels need is kept."""
    edges, likely, likely_log_p = walk(classifier, moments, trie)
    log_p = torch.zeros((len(moments), len(trie.classes)), device=edges.device)
    for step in torch.from_numpy(trie.path).to(edges.device).T:
        log_p += edges[:, step]
    return Scored(log_p.cpu().numpy(), likely.cpu().numpy(), likely_log_p.cpu().numpy())


def walk(
    classifier: Classifier, moments: Moments, trie: LabelTrie
) -> tuple[Tensor, Tensor, Tensor]:
    """Return log p of every edge, and of each node the likeliest token with its log p.

    Shapes: [rows, edges + 1], the last column 0 for padded paths; [rows, nodes] twice.
    """
    rows, device = len(moments), moments.time.device
    edges = torch.zeros((rows, trie.edges + 1), device=device)
    likely = torch.zeros((rows, trie.nodes), dtype=torch.long, device=device)
    likely_log_p = torch.zeros((rows, trie.nodes), device=device)
    for piece in trie.pieces:
        own = slice(piece.first, piece.last)
        hidden = ask(classifier, moments, piece.readout)[:, piece.first - piece.last :]
        found, best, best_log_p = _token_scores(classifier, hidden, piece)
        edges[:, torch.from_numpy(piece.edge).to(device)] = found
        likely[:, own], likely_log_p[:, own] = best, best_log_p
    return edges, likely, likely_log_p


def _token_scores(
    classifier: Classifier, hidden: Tensor, piece: TriePiece
) -> tuple[Tensor, Tensor, Tensor]:
    """Return log p of a piece's edges [rows, edges], and of each node's likeliest token.

    Over the vocabulary only a sum is taken, some nodes at a time. `hidden`: [rows, nodes, H].
    """
    rows, nodes = hidden.shape[:2]
    device, flat = hidden.device, hidden.flatten(0, 1)
    source, token = (torch.from_numpy(a).to(device) for a in (piece.source, piece.token))
    place = (nodes * torch.arange(rows, device=device).unsqueeze(1) + source).flatten()  # ascends
    token = token.repeat(rows)
    found = torch.zeros(len(place), device=device)
    best = torch.zeros(len(flat), dtype=torch.long, device=device)
    best_log_p = torch.zeros(len(flat), device=device)
    vocabulary = classifier.backbone.vocabulary + classifier.codec.added
    size = max(1, _LOGIT_BYTES // (4 * vocabulary))
    for start in range(0, len(flat), size):
        stop = min(start + size, len(flat))
        logits = classifier.logits(flat[start:stop]).float()
        total, most = logits.logsumexp(-1), logits.max(-1)
        best[start:stop], best_log_p[start:stop] = most.indices, most.values - total
        a, b = torch.searchsorted(place, torch.tensor([start, stop], device=device)).tolist()
        here = place[a:b] - start
        found[a:b] = logits[here, token[a:b]] - total[here]
    return found.view(rows, -1), best.view(rows, nodes), best_log_p.view(rows, nodes)


def _with_texts(
    classifier: Classifier, moments: Moments, trie: LabelTrie, scored: Scored
) -> Written:
    """Follow the likeliest token from node to node; write freely where that leaves the trie."""
    rows, longest = len(moments), trie.longest + SLACK
    ids: list[list[int]] = [[] for _ in range(rows)]
    token_log_p = np.full((rows, longest), np.nan, np.float32)
    row, node = np.arange(rows), np.zeros(rows, np.int64)
    astray: list[int] = []
    for step in range(trie.longest):
        token = scored.likely[row, node]
        token_log_p[row, step] = scored.likely_log_p[row, node]
        edge = trie.follow(node, token)
        astray += row[edge < 0].tolist()
        going = (edge >= 0) & (edge < trie.nodes - 1)
        for i, following in zip(row[going], token[going], strict=True):
            ids[i].append(int(following))
        row, node = row[going], edge[going] + 1
    if astray:
        free, free_log_p = write_freely(classifier, moments.rows(astray), trie.root, longest)
        token_log_p[astray] = free_log_p
        for i, found in zip(astray, free, strict=True):
            ids[i] = found
    texts = tuple(classifier.codec.text(i) for i in ids)
    nearest, distance = trie.names.nearest(texts)
    return Written(scored.log_p, texts, token_log_p, distance, nearest)
