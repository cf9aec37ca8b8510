"""The decoder `greedy`: the paper's, token after token, then the label of least edit distance."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.classifiers.base import Classifier, Learned
from core.decoding.trie import LabelTrie, ask
from core.decoding.written import Written
from core.frame_cache import Moments
from core.sequence import Forest

_LONGEST_CONTEXT = 24  # tokens; a text that does not end by then is ended
SLACK = 3
"""Tokens that free writing may take beyond the longest label."""


def greedy(classifier: Classifier, moments: Moments, trie: LabelTrie) -> Written:
    """Write the likeliest token after token, then take the label of smallest edit distance.

    There is no distribution: where the text is a label, that label has the text's log-probability;
    everything else is -inf.
    """
    ids, token_log_p = write_freely(classifier, moments, trie.root, trie.longest + SLACK)
    texts = tuple(classifier.codec.text(written) for written in ids)
    nearest, distance = trie.names.nearest(texts)
    log_p = np.full((len(ids), len(trie.classes)), -np.inf, np.float32)
    hit = np.flatnonzero(distance == 0)
    log_p[hit, nearest[hit]] = np.nansum(token_log_p[hit], axis=1)
    return Written(log_p, texts, token_log_p, distance, nearest)


def write_freely(
    classifier: Classifier, moments: Moments, root: int, longest: int
) -> tuple[list[list[int]], NDArray[np.float32]]:
    """Write greedily after `root`, until EOS or `longest` tokens.

    Returns:
        The tokens without EOS, and the log-probabilities of the tokens with EOS, NaN-padded.
    """
    rows, device, eos = len(moments), moments.time.device, classifier.backbone.eos
    cache, visible = moments.cache(), moments.visible
    token = torch.full((rows, 1), root, device=device)
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


def answer_after_writing(
    classifier: Classifier, moments: Moments, kinds: NDArray[np.int64]
) -> Tensor:
    """Write freely, then ask `[CLS]` behind the text and EOS. Returns hidden states [rows, H].

    Moments that wrote the same text are asked together; there are few different ones.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for kind in np.unique(kinds).tolist():
        rows, root = np.flatnonzero(kinds == kind).tolist(), Learned.TEXT.of(kind)
        written, _ = write_freely(classifier, moments.rows(rows), root, _LONGEST_CONTEXT)
        for row, text in zip(rows, written, strict=True):
            whole = (root, *text, classifier.backbone.eos, Learned.CLS.of(kind))
            groups.setdefault(whole, []).append(row)
    answers: dict[int, Tensor] = {}
    for whole, rows in groups.items():
        forest, node = Forest(), -1
        for token in whole:
            node = forest.add(token, 0, node)
        hidden = ask(classifier, moments.rows(rows), forest.done())[:, -1]
        answers |= dict(zip(rows, hidden, strict=True))
    return torch.stack([answers[row] for row in range(len(moments))])
