"""The generative classifier: it writes the label."""

from typing import ClassVar

import torch
from torch import Tensor

from core.classifiers.base import Classifier, Learned, Questions
from core.sequence import IGNORE, Batch, Forest


class GenerativeClassifier(Classifier):
    """`L_gen`: token cross-entropy of the label and EOS, after `[TEXT]`."""

    name: ClassVar[str] = "generative"
    writes_text: ClassVar[bool] = True

    @property
    def root(self) -> int:
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
        weight = float(questions.weight[row] * questions.text_weight[row])
        if weight and target != IGNORE:
            tokens = self.codec.encode(target)
            self.add_text(forest, tokens, int(questions.time[row]), weight=weight)

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `gen`."""
        return {"gen": self.text_loss(hidden, batch)}
