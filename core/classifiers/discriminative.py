"""The discriminative classifier: a learnable `[CLS]` token and a head, one step."""

from typing import ClassVar

import torch
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
    reads_frames: bool = False
    """Whether the head stands on the frame's own last token: the ablation without `[CLS]`."""

    def __init__(self, backbone: Backbone, codec: LabelCodec) -> None:
        super().__init__(backbone, codec)
        self.head = nn.Linear(backbone.width, len(codec.classes))

    @property
    def writes_first(self) -> bool:
        """Whether `[CLS]` stands behind a text that the model wrote."""
        return False

    @property
    def root(self) -> int | None:
        """`[CLS]`, or none where frames are read."""
        return None if self.reads_frames else Learned.CLS

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

    def hidden(self, batch: Batch) -> Tensor:
        """Return the hidden states at the readouts; where frames are read, theirs at `[CLS]`."""
        if not self.reads_frames:
            return super().hidden(batch)
        whole, k = self.everywhere(batch), batch.features.shape[2]
        after = batch.time[:, batch.head :] - batch.time[:, 1:2]  # counted from the first
        place = ((after + 1) * k).clamp(min=0).unsqueeze(-1).expand(-1, -1, whole.shape[-1])
        asked = (batch.token == Learned.CLS).unsqueeze(-1)
        return torch.where(asked, whole.gather(1, place), whole[:, batch.head :])

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `cls`."""
        return {"cls": class_loss(self.head, hidden, batch, Learned.CLS)}

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Score the classes at `[CLS]`. [rows, H] -> [rows, C]."""
        return self.head(hidden).log_softmax(-1)


def class_loss(head: nn.Linear, hidden: Tensor, batch: Batch, asked: int) -> Tensor:
    """Weighted cross-entropy of a head at the tokens `asked`, per question. `hidden`: [B, R, H]."""
    taught = (batch.class_target != IGNORE) & (batch.token == asked)
    logits = head(hidden[taught])
    loss = F.cross_entropy(logits, batch.class_target[taught], reduction="none")
    return (loss * batch.class_weight[taught].to(loss.dtype)).sum() / batch.questions
