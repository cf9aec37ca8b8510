"""The discriminative classifier: a learnable `[CLS]` token and a head, one step."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from core.backbones.base import Backbone
from core.classifiers.base import Classifier, Learned, Questions
from core.labels.base import LabelCodec
from core.sequence import IGNORE, Batch, Forest


class DiscriminativeClassifier(Classifier):
    """`L_cls`: cross-entropy of a linear head on the final-norm hidden state at `[CLS]`."""

    name: ClassVar[str] = "discriminative"
    writes_text: ClassVar[bool] = False

    def __init__(self, backbone: Backbone, codec: LabelCodec) -> None:
        super().__init__(backbone, codec)
        self.head = nn.Linear(backbone.width, len(codec.classes))

    @property
    def writes_first(self) -> bool:
        """Whether `[CLS]` stands behind a text that the model wrote."""
        return False

    @property
    def root(self) -> int:
        """`[CLS]`."""
        return Learned.CLS

    def teach(self, forest: Forest, questions: Questions, row: int) -> None:
        """Add `[CLS]`."""
        self._ask(forest, questions, row)

    def _ask(
        self,
        forest: Forest,
        questions: Questions,
        row: int,
        *,
        parent: int = -1,
        importance: float = 1.0,
    ) -> int:
        node = forest.add(Learned.CLS, int(questions.time[row]), parent)
        weight = float(questions.weight[row]) * importance
        forest.teach_class(node, int(questions.target[row]), weight)
        return node

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `cls`."""
        taught = batch.class_target != IGNORE
        logits = self.head(hidden[taught])
        loss = F.cross_entropy(logits, batch.class_target[taught], reduction="none")
        weight = batch.class_weight[taught].to(loss.dtype)
        return {"cls": (loss * weight).sum() / batch.questions}

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Score the classes at `[CLS]`. [rows, H] -> [rows, C]."""
        return self.head(hidden).log_softmax(-1)
