"""The discriminative classifier: a learnable `[CLS]` token and a head, one step."""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from core.backbones.base import Backbone
from core.classifiers.base import Classifier, Learned, Questions
from core.labels.base import LabelCodec
from core.sequence import IGNORE, Batch, Forest

_SCORES = 1 << 24  # scores of classes that training holds at a time


class DiscriminativeClassifier(Classifier):
    """`L_cls`: cross-entropy of a linear head on the final-norm hidden state at `[CLS]`."""

    name: ClassVar[str] = "discriminative"
    writes_text: ClassVar[bool] = False
    reads_frames: bool = False
    """Whether the head stands on the frame's own last token: the ablation without `[CLS]`."""

    allowed: Tensor
    """bool [kinds, C]: the classes that each kind of question chooses among."""

    def __init__(
        self, backbone: Backbone, codec: LabelCodec, choices: Sequence[range] | None = None
    ) -> None:
        super().__init__(backbone, codec, choices)
        self.head = nn.Linear(backbone.width, len(codec.classes))
        allowed = torch.zeros(len(self.choices), len(codec.classes), dtype=torch.bool)
        for kind, among in enumerate(self.choices):
            allowed[kind, among.start : among.stop] = True
        self.register_buffer("allowed", allowed, persistent=False)

    @property
    def writes_first(self) -> bool:
        """Whether `[CLS]` stands behind a text that the model wrote."""
        return False

    @property
    def root(self) -> Learned | None:
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
        time, kind = questions.where(row)
        node = forest.add(Learned.CLS.of(kind), time, parent)
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
        asked = Learned.CLS.among(batch.token).unsqueeze(-1)
        return torch.where(asked, whole.gather(1, place), whole[:, batch.head :])

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `cls`."""
        asked = Learned.CLS.among(batch.token)
        kinds = (Learned.CLS - batch.token[asked]) // len(Learned)
        rows = (hidden[asked], kinds, batch.class_target[asked])
        size = max(1, _SCORES // len(self.classes))
        if len(kinds) <= size:
            loss = self._loss(*rows)
        else:  # of many classes the scores are computed again on the way back, not kept
            parts = zip(*(each.split(size) for each in rows), strict=True)
            loss = torch.cat([checkpoint(self._loss, *p, use_reentrant=False) for p in parts])
        return {"cls": class_loss(loss, batch, asked)}

    def _loss(self, hidden: Tensor, kinds: Tensor, target: Tensor) -> Tensor:
        log_p = self.log_probabilities(hidden, kinds)
        return F.nll_loss(log_p, target, ignore_index=IGNORE, reduction="none")

    def log_probabilities(self, hidden: Tensor, kinds: Tensor | None = None) -> Tensor:
        """Score the classes at `[CLS]`; those of other kinds have -inf. [rows, H] -> [rows, C]."""
        allowed = self.allowed[0 if kinds is None else kinds]
        return self.head(hidden).masked_fill(~allowed, -torch.inf).log_softmax(-1)


def class_loss(loss: Tensor, batch: Batch, asked: Tensor) -> Tensor:
    """Return the weighted loss of classes, a question.

    Args:
        loss: The loss at the tokens asked, 0 where no class is taught. [rows]
        batch: Holds the weight of every token.
        asked: Which tokens those are, bool [B, R].
    """
    return (loss * batch.class_weight[asked].to(loss.dtype)).sum() / batch.questions
