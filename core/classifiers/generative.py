"""The generative classifier: it writes the label."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from core.classifiers.base import Classifier, Learned, Questions
from core.sequence import IGNORE, Batch, Forest


class GenerativeClassifier(Classifier):
    """`L_gen`: token cross-entropy of the label and EOS, after `[TEXT]`."""

    name: ClassVar[str] = "generative"
    writes_text: ClassVar[bool] = True

    words: tuple[int, ...] = ()
    """A prompt in the place of `[TEXT]`."""

    def prompt(self, kind: int) -> tuple[int, ...]:
        """Return the tokens that a label is written after."""
        return self.words or super().prompt(kind)

    def roots(self, kinds: Iterable[int]) -> list[int] | None:
        """Return the first token of every question's prompt."""
        return [self.prompt(kind)[0] for kind in kinds]

    @property
    def root(self) -> Learned:
        """`[TEXT]`, which predicts the label's first token."""
        return Learned.TEXT

    def cap_vocabulary(self) -> None:
        """Let only the labels' tokens and EOS compete in the softmax: `vocabulary: labels`."""
        size = self.backbone.vocabulary + self.codec.added
        competing = torch.zeros(size, dtype=torch.bool, device=self.tokens.weight.device)
        competing[self.backbone.eos] = True
        for index in range(len(self.classes)):
            competing[list(self.codec.encode(index))] = True
        self.competing = competing

    def teach(self, forest: Forest, questions: Questions, row: int) -> None:
        """Add `[TEXT] → label → EOS`."""
        target = int(questions.target[row])
        weight, (time, kind) = questions.text_importance(row), questions.where(row)
        if weight and target != IGNORE:
            self.add_text(forest, self.codec.encode(target), time, kind=kind, weight=weight)

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `gen`."""
        return {"gen": self.text_loss(hidden, batch)}
