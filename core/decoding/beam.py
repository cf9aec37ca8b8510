"""The decoders `beam` and `trie`: the likeliest paths of the label trie, token after token.

They cost as many passes as the longest label has tokens, and in each they look at the branches of
the followed nodes alone: the choice for label sets that are too large to be scored exactly in time.
"""

import numpy as np
import torch
from torch import Tensor

from core.classifiers.base import Classifier
from core.decoding.trie import LabelTrie
from core.decoding.written import Written
from core.frame_cache import Moments

WIDTH = 4
"""Paths that `beam` follows at a time."""


def trie(classifier: Classifier, moments: Moments, labels: LabelTrie) -> Written:
    """Write token after token, each the likeliest of those that some label allows."""
    return search(classifier, moments, labels, 1)


def beam(classifier: Classifier, moments: Moments, labels: LabelTrie) -> Written:
    """Follow the `WIDTH` likeliest paths that labels allow."""
    return search(classifier, moments, labels, WIDTH)


def search(classifier: Classifier, moments: Moments, labels: LabelTrie, width: int) -> Written:
    """Follow the `width` likeliest paths of the trie at once; a path that ends keeps its score.

    Log-probabilities are those of the model over all it can write, as in `exact`; labels that no
    followed path wrote have -inf.
    """
    rows, device = len(moments), moments.time.device
    ended = _Ended(rows, labels, device)
    cache, visible = moments.cache(), moments.visible
    # One path a row at first; all later states are [paths], row `owner`, in order of rows.
    owner = torch.arange(rows, device=device)
    node = np.zeros(rows, np.int64)
    score = torch.zeros(rows, device=device)
    token = torch.full((rows, 1), labels.root, device=device)
    history = torch.full((rows, labels.longest), torch.nan, device=device)
    for step in range(labels.longest):
        visible = torch.cat([visible, torch.ones_like(token, dtype=torch.bool)], dim=1)
        position = moments.position(torch.tensor([step], device=device))[owner]
        hidden = classifier.backbone.hidden(
            classifier.embed_tokens(token), visible[:, None, None, :], position, cache
        )
        edges, tokens = (torch.from_numpy(a).to(device) for a in labels.branches(node))
        logits = classifier.logits(hidden[:, -1]).float()
        gained = logits.gather(1, tokens.clamp(min=0)) - logits.logsumexp(-1, keepdim=True)
        gained = gained.masked_fill(edges < 0, -torch.inf)
        path, branch = _best(score.unsqueeze(1) + gained, owner, rows, width)
        owner, score, history = owner[path], score[path] + gained[path, branch], history[path]
        history[:, step] = gained[path, branch]
        edge, token = edges[path, branch], tokens[path, branch].unsqueeze(1)
        alive = edge < labels.nodes - 1
        ended.enter(
            owner[~alive], edge[~alive] - (labels.nodes - 1), score[~alive], history[~alive]
        )
        if not alive.any():
            break
        path, owner, score, token = path[alive], owner[alive], score[alive], token[alive]
        node, history, visible = (edge[alive] + 1).cpu().numpy(), history[alive], visible[path]
        for layer in cache.layers:
            layer.keys, layer.values = layer.keys[path], layer.values[path]  # pyright: ignore
    return ended.written()


class _Ended:
    """The labels that paths have ended in, with their scores; of each row the likeliest path."""

    def __init__(self, rows: int, labels: LabelTrie, device: torch.device) -> None:
        self.labels = labels
        self.log_p = torch.full((rows, len(labels.classes)), -torch.inf, device=device)
        self.best = torch.full((rows,), -torch.inf, device=device)
        self.nearest = torch.zeros(rows, dtype=torch.long, device=device)
        self.history = torch.full((rows, labels.longest), torch.nan, device=device)

    def enter(self, owner: Tensor, label: Tensor, score: Tensor, history: Tensor) -> None:
        """Enter paths: their row, their label, its score, the scores of its tokens."""
        self.log_p[owner, label] = score
        for i in torch.argsort(score).tolist():  # the likeliest last
            row = owner[i]
            if score[i] > self.best[row]:
                self.best[row], self.nearest[row] = score[i], label[i]
                self.history[row] = history[i]

    def written(self) -> Written:
        """Return what was found."""
        nearest = self.nearest.cpu().numpy()
        texts = tuple(self.labels.classes[i] for i in nearest)
        distance = np.zeros(len(nearest), np.int64)
        return Written(
            self.log_p.cpu().numpy(), texts, self.history.cpu().numpy(), distance, nearest
        )


def _best(scores: Tensor, owner: Tensor, rows: int, width: int) -> tuple[Tensor, Tensor]:
    """Return path and branch of each row's `width` best continuations, in order of rows.

    `scores` [paths, branches], -inf where there is none; `owner` [paths] ascends.
    """
    paths, branches = scores.shape
    place = torch.arange(paths, device=owner.device) - torch.searchsorted(owner, owner)
    table = scores.new_full((rows, width, branches), -torch.inf)
    table[owner, place] = scores
    top = table.flatten(1).topk(min(width, width * branches), dim=1)
    real = top.values > -torch.inf
    row = torch.arange(rows, device=owner.device).unsqueeze(1).expand_as(real)[real]
    slot, branch = top.indices[real] // branches, top.indices[real] % branches
    first = torch.searchsorted(owner, torch.arange(rows, device=owner.device))
    return first[row] + slot, branch
