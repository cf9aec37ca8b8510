"""The decoder `exact`: log p of every label, through the trie, over one shared prefix."""

import numpy as np
import torch
from numpy.typing import NDArray

from core.classifiers.base import Classifier
from core.decoding.greedy import SLACK, write_freely
from core.decoding.trie import LabelTrie, ask
from core.decoding.written import Written, nearest
from core.frame_cache import Moments

_LOGIT_ROWS = 4096  # rows of logits held at a time


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
    token_log_p = np.full((rows, trie.longest + SLACK), np.nan, np.float32)
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
        free, free_log_p = write_freely(classifier, picked, trie.root, trie.longest + SLACK)
        for row, found, values in zip(astray, free, free_log_p, strict=True):
            ids[row] = found
            token_log_p[row] = values
    return nearest(classifier.codec, [i or [] for i in ids], token_log_p, log_p, trie.classes)
