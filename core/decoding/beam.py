"""The decoders `beam` and `trie`: the likeliest paths of the label trie, token after token.

They cost as many passes as the longest label has tokens, whatever the number of labels: the choice
for label sets that are too large to be scored exactly in time.
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
    follow, token_of, label_of = (t.to(device) for t in _continuations(labels))
    found = torch.full((rows, len(labels.classes)), -torch.inf, device=device)
    cache, visible = moments.cache(), moments.visible
    # One path a row at first; all later states are [paths], row `owner`, in order of rows.
    owner = torch.arange(rows, device=device)
    node = torch.zeros(rows, dtype=torch.long, device=device)
    score = torch.zeros(rows, device=device)
    token = torch.full((rows, 1), labels.root, device=device)
    history = torch.full((rows, labels.longest), torch.nan, device=device)
    best_history = history.clone()
    for step in range(labels.longest):
        visible = torch.cat([visible, torch.ones_like(token, dtype=torch.bool)], dim=1)
        position = moments.position(torch.tensor([step], device=device))[owner]
        hidden = classifier.backbone.hidden(
            classifier.embed_tokens(token), visible[:, None, None, :], position, cache
        )
        log_p = classifier.logits(hidden[:, -1]).float().log_softmax(-1)
        gained = log_p.gather(1, token_of[node].clamp(min=0))
        gained = gained.masked_fill(token_of[node] < 0, -torch.inf)
        path, branch = _best(score.unsqueeze(1) + gained, owner, rows, width)
        score, history = score[path] + gained[path, branch], history[path]
        history[:, step] = gained[path, branch]
        ended = follow[node[path], branch] < 0
        label = label_of[node[path], branch]
        _keep_ended(found, best_history, (owner[path], label, score, history), ended)
        alive = ~ended
        if not alive.any():
            break
        path, branch = path[alive], branch[alive]
        token = token_of[node[path], branch].unsqueeze(1)
        owner, node = owner[path], follow[node[path], branch]
        score, history, visible = score[alive], history[alive], visible[path]
        for layer in cache.layers:
            layer.keys, layer.values = layer.keys[path], layer.values[path]  # pyright: ignore
    log_p = found.cpu().numpy()
    nearest = log_p.argmax(axis=1)
    return Written(
        log_p,
        tuple(labels.classes[i] for i in nearest),
        best_history.cpu().numpy(),
        np.zeros(rows, np.int64),
        nearest,
    )


def _continuations(labels: LabelTrie) -> tuple[Tensor, Tensor, Tensor]:
    """Return, for each node and branch, the node it leads to, its token and the label it ends.

    All are int [nodes, most branches]; -1 where there is none.
    """
    widest = max(map(len, labels.children))
    table = np.full((3, labels.nodes, widest), -1, np.int64)
    ends = {int(path[path < len(labels.target)][-1]): i for i, path in enumerate(labels.path)}
    for node, children in enumerate(labels.children):
        for branch, (token, edge) in enumerate(children.items()):
            table[:, node, branch] = labels.target[edge], token, ends.get(edge, -1)
    return tuple(torch.from_numpy(t) for t in table)  # pyright: ignore[reportReturnType]


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


def _keep_ended(
    found: Tensor, best: Tensor, paths: tuple[Tensor, Tensor, Tensor, Tensor], ended: Tensor
) -> None:
    """Enter the labels of ended paths; `best` keeps the token scores of each row's likeliest."""
    owner, label, score, history = (t[ended] for t in paths)
    before = found.max(dim=1).values
    found[owner, label] = score
    for i in torch.argsort(score).tolist():  # the likeliest last
        if score[i] > before[owner[i]]:
            best[owner[i]] = history[i]
