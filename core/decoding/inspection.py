"""What a generative classifier would write at one moment: the label trie with its probabilities.

A branch has the probability of the labels behind it: the sum of p(label and EOS | frames) over
them. What is missing from all labels to 1 is text that is no label; each node says how much leaves
the trie right behind it.
"""

from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch
from numpy.typing import NDArray

from core.decoding.answering import Answering
from core.decoding.exact import walk
from core.decoding.greedy import SLACK, write_freely
from core.decoding.trie import LabelTrie, ask
from core.frame_cache import Moments
from core.sequence import Forest


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a freely written text: its probability and the entropy it was chosen under.

    `text` is what it adds to what a person reads, "" for the end; `entropy` is in bits, over
    everything that could be written there.
    """

    text: str
    p: float
    entropy: float


@dataclass(frozen=True, slots=True)
class Text:
    """What was written freely, and the labels nearest to it by edit distance, the best first."""

    text: str
    tokens: tuple[Token, ...]
    nearest: tuple[tuple[str, int], ...]
    nodes: tuple[int, ...]
    """The nodes of the trie that it passed, from the root."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the run answers by its own decoder, and what came second.

    `margin` is a difference of probabilities ("probability"), of the decoder's scores where it
    decides by something else ("nats"), or of edit distances ("edits"); None without a second.
    """

    label: str
    runner_up: str | None
    margin: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The trie of a question at one moment.

    `log_p` [C] of every label of the question; of every node `p` [N], the sum over the labels
    behind it, `reach` [N], the probability of its tokens whatever follows, and `leaves` [N], the
    probability of leaving the trie right behind it. `parent` [N], -1 for the root; `names` is what
    a node's token adds to what a person reads; `ends` [C] is the last node of each label.
    """

    classes: tuple[str, ...]
    log_p: NDArray[np.float32]
    p: NDArray[np.float64]
    reach: NDArray[np.float64]
    leaves: NDArray[np.float64]
    parent: NDArray[np.int64]
    names: tuple[str, ...]
    ends: NDArray[np.int64]
    written: Text
    decision: Decision

    @property
    def not_a_label(self) -> float:
        """The probability that what is written is no label."""
        return max(0.0, 1.0 - float(np.exp(self.log_p.astype(np.float64)).sum()))


@torch.inference_mode()
def inspect(answering: Answering, moment: Moments, kind: int = 0) -> Inspection:
    """Look into one moment, a `Moments` of one row."""
    classifier = answering.classifier
    moment, trie = answering.question(moment, kind)
    edges = walk(classifier, moment, trie)[0][0].double().cpu().numpy()
    log_p = edges[trie.path].sum(axis=1)
    parent, token = _nodes(trie)
    reach = np.ones(trie.nodes)
    for node in range(1, trie.nodes):  # parents come first
        reach[node] = reach[parent[node]] * np.exp(edges[node - 1])
    ends = _ends(trie)
    p = np.zeros(trie.nodes)
    np.add.at(p, ends, np.exp(log_p))
    inside = np.zeros(trie.nodes)
    np.add.at(inside, ends, np.exp(log_p))
    np.add.at(inside, parent[1:], reach[1:])
    for node in range(trie.nodes - 1, 0, -1):
        p[parent[node]] += p[node]
    return Inspection(
        trie.classes, log_p.astype(np.float32), p, reach, (reach - inside).clip(min=0), parent,
        _names(answering, parent, token), ends, _write(answering, moment, trie),
        _decide(answering, moment, trie, kind),
    )  # fmt: skip


def _nodes(trie: LabelTrie) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return parent and token of every node; edge `e` leads to node `e + 1`."""
    parent, token = np.full(trie.nodes, -1), np.full(trie.nodes, trie.root)
    for source in range(trie.nodes):
        edge, written = (a[0] for a in trie.branches(np.array([source])))
        inner = (edge >= 0) & (edge < trie.nodes - 1)
        parent[edge[inner] + 1], token[edge[inner] + 1] = source, written[inner]
    return parent, token


def _ends(trie: LabelTrie) -> NDArray[np.int64]:
    """Return the last node of every label. Shape: [C]."""
    inner = np.where(trie.path < trie.nodes - 1, trie.path + 1, 0)
    return inner.max(axis=1)  # numbers grow along a path


def _names(
    answering: Answering, parent: NDArray[np.int64], token: NDArray[np.int64]
) -> tuple[str, ...]:
    """Return what each node adds to what a person reads; the root adds nothing."""
    names, texts = [""], [""]
    ids: list[tuple[int, ...]] = [()]
    for node in range(1, len(parent)):
        above = int(parent[node])
        ids.append((*ids[above], int(token[node])))
        texts.append(answering.classifier.codec.text(ids[node]))
        names.append(_added(texts[above], texts[node]))
    return tuple(names)


def _added(before: str, after: str) -> str:
    """Return what is new in a text; bytes that become a letter later count from that letter on."""
    pairs = zip(before, after, strict=False)
    return after[sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) :]


def _write(answering: Answering, moment: Moments, trie: LabelTrie) -> Text:
    classifier = answering.classifier
    (ids,), log_p = write_freely(classifier, moment, trie.root, trie.longest + SLACK)
    count = int((~np.isnan(log_p[0])).sum())
    forest, above = Forest(), -1
    for each in (trie.root, *ids)[:count]:
        above = forest.add(each, 0, above)
    likely = classifier.logits(ask(classifier, moment, forest.done())[0]).float().log_softmax(-1)
    bits = torch.special.entr(likely.exp()).sum(-1).cpu().numpy() / np.log(2)
    read = [classifier.codec.text(ids[:n]) for n in range(len(ids) + 1)] + [""]
    added = [_added(read[n], read[n + 1]) if n < len(ids) else "" for n in range(count)]
    tokens = tuple(
        Token(text, float(np.exp(value)), float(entropy))
        for text, value, entropy in zip(added, log_p[0], bits, strict=False)
    )
    return Text(read[len(ids)], tokens, trie.names.ranked(read[len(ids)], 2), _followed(trie, ids))


def _followed(trie: LabelTrie, ids: list[int]) -> tuple[int, ...]:
    """Return the nodes that a text passes before it leaves the trie or ends."""
    nodes = [0]
    for token in ids:
        edge = int(trie.follow(np.array(nodes[-1:]), np.array([token]))[0])
        if not 0 <= edge < trie.nodes - 1:
            break
        nodes.append(edge + 1)
    return tuple(nodes)


def _decide(answering: Answering, moment: Moments, trie: LabelTrie, kind: int) -> Decision:
    written = answering.decode(moment, kind)
    kinds = np.array([kind])
    best = answering.classifier.classes[int(answering.decide(written, kinds)[0])]
    if answering.decoder == "greedy":
        (_, first), *second = trie.names.ranked(written.texts[0], 2)
        name, distance = second[0] if second else (None, None)
        return Decision(best, name, None if distance is None else distance - first, "edits")
    scores, log_p = answering.scores(written, kinds)[0], written.log_p[0]
    order = np.argsort(-scores, kind="stable")[:2]
    if len(order) < 2 or not np.isfinite(scores[order[1]]):
        return Decision(best, None, None, "probability")
    second = answering.classifier.classes[int(order[1])]
    if answering.scoring == "sum":
        a, b = np.exp(log_p[order])
        return Decision(best, second, float(a - b), "probability")
    return Decision(best, second, float(scores[order[0]] - scores[order[1]]), "nats")
