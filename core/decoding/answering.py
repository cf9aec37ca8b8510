"""A generative classifier answers: its decoder is asked for each kind of question, then decides.

The decision goes by the label's log-probability (`sum`), by its mean over the label's tokens
(`mean`, so that long labels are not at a disadvantage), or by how much the video raised it above
what the model says without any frame (`prior`, pointwise mutual information). Only the decision
changes; the log-probabilities that are kept are the model's.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.classifiers.base import Classifier
from core.decoding import Scoring, decoder as load_decoder
from core.decoding.trie import LabelTrie
from core.decoding.written import Written
from core.errors import InvalidConfig
from core.frame_cache import FrameCache, Moments

_TOKENS = 4096  # readout tokens asked at a time


class Answering:
    """The decoder of a generative classifier, with a trie for each kind of question.

    Raises:
        InvalidConfig: `mean` and `prior` are asked of a decoder that does not score every label.
    """

    def __init__(self, classifier: Classifier, decoder: str, scoring: Scoring = "sum") -> None:
        if scoring != "sum" and decoder != "exact":
            raise InvalidConfig(
                "Only the decoder 'exact' scores every label, as 'mean' and 'prior' need",
                f"'{scoring}' with '{decoder}'",
                "Use the decoder 'exact', or the scoring 'sum'.",
            )
        self.classifier, self.scoring = classifier, scoring
        self.decoder, self._decoder = decoder, load_decoder(decoder)
        eos = classifier.backbone.eos
        self._prompts = [classifier.prompt(kind) for kind in range(len(classifier.choices))]
        self._tries = [
            LabelTrie(classifier.codec, eos, choices, root=prompt[-1])
            for prompt, choices in zip(self._prompts, classifier.choices, strict=True)
        ]

    def ask(self, moments: Moments, kinds: NDArray[np.int64]) -> Written:
        """Ask a question at every moment. Classes are those of all kinds, -inf outside a kind's.

        Args:
            moments: Where; [rows].
            kinds: Which kind of question; [rows].
        """
        parts, order = [], []
        for kind in np.unique(kinds):
            rows = np.flatnonzero(kinds == kind)
            trie = self._tries[kind]
            at_once = max(1, _TOKENS // min(trie.nodes, 256))
            for start, end in pieces(len(rows), at_once):
                some, _ = self.question(moments.rows(rows[start:end].tolist()), kind)
                parts.append(self.decode(some, kind))
            order += rows.tolist()
        back = np.argsort(order)
        return join_written(parts).rows(back)

    def decode(self, moments: Moments, kind: int) -> Written:
        """Return what the decoder finds at moments that stand right before `[TEXT]`."""
        found = self._decoder(self.classifier, moments, self._tries[kind])
        return self._among_all(found, kind)

    def question(self, moments: Moments, kind: int) -> tuple[Moments, LabelTrie]:
        """Return moments right before the `[TEXT]` of a kind of question, and its labels."""
        return moments.after(self.classifier, self._prompts[kind][:-1]), self._tries[kind]

    def scores(self, written: Written, kinds: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what the decision goes by, the best highest. Shape: [rows, C]."""
        if self.scoring == "mean":
            return written.log_p / self._lengths[kinds]
        if self.scoring == "prior":
            found = np.isfinite(written.log_p)
            return np.where(found, written.log_p - self._prior[kinds], -np.inf)
        return written.log_p

    def decide(self, written: Written, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class of every row: the best by score, or the nearest where none is scored."""
        scores = self.scores(written, kinds)
        scored = np.isfinite(scores).any(axis=1)
        return np.where(scored, scores.argmax(axis=1), written.nearest)

    @cached_property
    def _lengths(self) -> NDArray[np.float32]:
        """Tokens of every label with its EOS, 1 outside a kind's classes. Shape: [kinds, C]."""
        lengths = np.ones((len(self._tries), len(self.classifier.classes)), np.float32)
        for kind, trie in enumerate(self._tries):
            choices = self.classifier.choices[kind]
            lengths[kind, choices.start : choices.stop] = (trie.path < trie.edges).sum(axis=1)
        return lengths

    @cached_property
    def _prior(self) -> NDArray[np.float32]:
        """Log-probability of every label without any frame. Shape: [kinds, C]."""
        kinds = np.arange(len(self._tries))
        blank = FrameCache(self.classifier, 1, 1).blank().rows([0] * len(kinds))
        log_p = self.ask(blank, kinds).log_p
        return np.where(np.isfinite(log_p), log_p, 0)

    def _among_all(self, found: Written, kind: int) -> Written:
        choices = self.classifier.choices[kind]
        if len(choices) == len(self.classifier.classes):
            return found
        whole = np.full((len(found.texts), len(self.classifier.classes)), -np.inf, np.float32)
        whole[:, choices.start : choices.stop] = found.log_p
        return replace(found, log_p=whole, nearest=found.nearest + choices.start)


def pieces(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of pieces of at most `size`."""
    return pairwise([*range(0, count, size), count])


def join_written(parts: list[Written]) -> Written:
    """Lay parts behind one another."""
    longest = max(part.token_log_p.shape[1] for part in parts)

    def padded(part: Written) -> NDArray[np.float32]:
        spare = longest - part.token_log_p.shape[1]
        return np.pad(part.token_log_p, ((0, 0), (0, spare)), constant_values=np.nan)

    return Written(
        np.concatenate([part.log_p for part in parts]),
        tuple(text for part in parts for text in part.texts),
        np.concatenate([padded(part) for part in parts]),
        np.concatenate([part.distance for part in parts]),
        np.concatenate([part.nearest for part in parts]),
    )
