"""From hidden states to answers: what a classifier says where it was asked.

A discriminative classifier answers at its root, in the pass that read the frames; a generative one,
and a GAD that writes first, are asked once more, against the frames' keys and values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.classifiers.base import Classifier
from core.classifiers.discriminative import DiscriminativeClassifier
from core.decoding.answering import Answering, Scoring, join_written
from core.decoding.greedy import answer_after_writing
from core.decoding.written import Written
from core.frame_cache import Moments
from core.scores import Scores


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to some questions. Shapes as in `core.types.Prediction`.

    `predicted` int64 [rows]; `embedding` float16 [rows, H]; `written` is what a generative
    classifier wrote, its scores left out.
    """

    scores: Scores
    predicted: NDArray[np.int64]
    embedding: NDArray[np.float16]
    written: Written | None

    def rows(self, index: NDArray[np.int64]) -> "Answers":
        """Return some of the rows."""
        written = self.written.rows(index) if self.written else None
        return Answers(
            self.scores.rows(index), self.predicted[index], self.embedding[index], written
        )


class Answerer:
    """A classifier with its decoder, asked for answers.

    Args:
        classifier: Put into evaluation mode.
        decoder: A name of `core.decoding`; only the generative classifier uses it.
        scoring: How it decides: see `core.decoding.answering`.
    """

    def __init__(
        self, classifier: Classifier, decoder: str = "exact", scoring: Scoring = "sum"
    ) -> None:
        self.classifier = classifier.eval()
        self.name, self._answering = "head", None
        if not isinstance(classifier, DiscriminativeClassifier):
            self.name = decoder if scoring == "sum" else f"{decoder}, {scoring}"
            self._answering = Answering(classifier, decoder, scoring)

    @property
    def at_root(self) -> bool:
        """Whether the first readout answers; else moments are asked, which cost a cache each."""
        one_step = isinstance(self.classifier, DiscriminativeClassifier)
        return one_step and not self.classifier.writes_first

    def answer(
        self, moments: Moments | None, hidden: torch.Tensor, kinds: NDArray[np.int64]
    ) -> Answers:
        """Answer questions.

        Args:
            moments: Where they are asked, needed unless `at_root`; [rows].
            hidden: The hidden states at the roots, the embeddings. [rows, H]
            kinds: Which kind of question each is; [rows].
        """
        classifier = self.classifier
        if isinstance(classifier, DiscriminativeClassifier):
            if moments is not None:
                hidden = answer_after_writing(classifier, moments, kinds)
            asked = torch.from_numpy(kinds).to(hidden.device)
            log_p = classifier.log_probabilities(hidden, asked).float().cpu().numpy()
            predicted = log_p.argmax(axis=1)
            return Answers(Scores.of(log_p, predicted), predicted, _kept(hidden), None)
        assert self._answering is not None and moments is not None
        written = self._answering.ask(moments, kinds)
        predicted = self._answering.decide(written, kinds)
        scores = Scores.of(written.log_p, predicted)
        return Answers(scores, predicted, _kept(hidden), written.without_scores())


def joined(parts: Sequence[Answers]) -> Answers:
    """Lay parts behind one another."""
    written = [part.written for part in parts if part.written is not None]
    return Answers(
        Scores.joined([part.scores for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.embedding for part in parts]),
        join_written(written) if written else None,
    )


def _kept(hidden: torch.Tensor) -> NDArray[np.float16]:
    return hidden.half().cpu().numpy()
