"""How much labels share, as the sequences of tokens that a decoder writes.

A generative classifier writes a label from left to right. Labels with the same beginning are told
apart only by the token after it, so what they share is where it can go wrong. All measures come
from one pass over the tokens and the trie of their beginnings; no loop runs over pairs of labels.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain, combinations, groupby, islice

from core.errors import InvalidData
from core.formats.source import quoted

MOST_PAIRS = 20

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CollidingPair:
    """Two labels that begin alike, `a` before `b` in the label set.

    `shared_prefix` counts the tokens of their common beginning, `shared_tokens` the tokens they
    have in common wherever they stand (each as often as both have it), and `prefix_share` is the
    part of both labels' tokens that lies in the common beginning, in percent: 100 means that the
    labels are written alike.
    """

    a: str
    b: str
    shared_prefix: int
    shared_tokens: int
    prefix_share: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """The overlap of a label set under a tokenizer; shares are in percent.

    A token is shared if another label has it too; twice in one label is not shared.
    `trie_nodes` counts the distinct beginnings of labels, whole labels included and the empty one
    not; `prefix_labels` the labels that are a strict beginning of another; `first_tokens` the
    distinct first tokens. `per_verb` maps first words to numbers of labels, the commonest first.
    """

    labels: int
    tokens_mean: float
    tokens_max: int
    distinct_tokens: int
    shared_occurrences: float
    labels_all_shared: float
    trie_nodes: int
    prefix_labels: int
    first_tokens: int
    per_verb: dict[str, int]
    pairs: tuple[CollidingPair, ...]


def overlap_of(tokens: Mapping[str, Sequence[int]]) -> Overlap:
    """Measure the overlap of labels.

    Args:
        tokens: The tokens of each label, by its text.

    Raises:
        InvalidData: There is no label, or a label without tokens.
    """
    written = [tuple(sequence) for sequence in tokens.values()]
    if not written:
        raise InvalidData("Overlap needs at least one label", "none", "Add labels.")
    if () in written:
        empty = next(text for text, sequence in tokens.items() if not sequence)
        raise InvalidData("A label must have at least one token", quoted(empty), "Rename it.")
    labels_with = Counter(chain.from_iterable(map(set, written)))
    shared = {token for token, labels in labels_with.items() if labels > 1}
    occurrences = list(chain.from_iterable(written))
    inner = {label[:depth] for label in written for depth in range(1, len(label))}
    return Overlap(
        labels=len(written),
        tokens_mean=len(occurrences) / len(written),
        tokens_max=max(map(len, written)),
        distinct_tokens=len(labels_with),
        shared_occurrences=100.0 * sum(map(shared.__contains__, occurrences)) / len(occurrences),
        labels_all_shared=100.0 * sum(map(shared.issuperset, written)) / len(written),
        trie_nodes=len(inner.union(written)),
        prefix_labels=sum(label in inner for label in written),
        first_tokens=len({label[0] for label in written}),
        per_verb=dict(Counter(text.partition(" ")[0] for text in tokens).most_common()),
        pairs=tuple(_colliding_pairs(tuple(tokens), written)),
    )


def _colliding_pairs(texts: tuple[str, ...], written: list[Tokens]) -> Iterator[CollidingPair]:
    """Yield the pairs most prone to collide: those of the longest common beginning.

    Of equals the ones with the larger share of it, which are the shorter ones, then the ones that
    come first in the label set.
    """
    for prefix, a, b in islice(_deepest_pairs(written), MOST_PAIRS):
        both = len(written[a]) + len(written[b])
        common = Counter(written[a]) & Counter(written[b])
        yield CollidingPair(texts[a], texts[b], prefix, common.total(), 200.0 * prefix / both)


def _deepest_pairs(written: list[Tokens]) -> Iterator[tuple[int, int, int]]:
    """Yield pairs as (tokens of the common beginning, index, index), `MOST_PAIRS` best first."""
    nodes: dict[Tokens, list[tuple[int, int]]] = defaultdict(list)
    for index in sorted(range(len(written)), key=lambda i: len(written[i])):
        label = written[index]
        for depth in range(1, len(label) + 1):
            # A label that ends here is a branch of its own; no token is negative.
            branch = label[depth] if depth < len(label) else ~index
            nodes[label[:depth]].append((index, branch))
    for depth, level in groupby(sorted(nodes, key=len, reverse=True), key=len):
        pairs = chain.from_iterable(_parting_pairs(nodes[node]) for node in level)
        for pair in nsmallest(
            MOST_PAIRS, pairs, key=lambda ab: (len(written[ab[0]]) + len(written[ab[1]]), ab)
        ):
            yield depth, *pair


def _parting_pairs(below: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of labels that part at one node of the trie, the best among them.

    `below` holds (index, branch) of all labels at the node, the shorter first. A branch has few
    labels, or its own pairs had been enough and this node were not asked. So a label that has
    twice `MOST_PAIRS` before it has half of them in other branches than any partner: its pairs are
    not among the best, and what a node costs does not grow with the square of its labels.
    """
    for (a, ours), (b, theirs) in combinations(below[: 2 * MOST_PAIRS], 2):
        if ours != theirs:
            yield min(a, b), max(a, b)
