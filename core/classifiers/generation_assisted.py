"""GAD, the generation-assisted discriminative classifier: a text loss on context, in training only.

The paper's three ways to hang `[TEXT]` and `[CLS]`:

| strategy               | tree                               | at inference             |
|------------------------|------------------------------------|--------------------------|
| `discriminative_first` | `[CLS]` → `[TEXT]` → context       | `[CLS]` alone            |
| `parallel`             | `[CLS]` beside `[TEXT]` → context  | `[CLS]` alone            |
| `generation_first`     | `[TEXT]` → context → EOS → `[CLS]` | it writes, then `[CLS]`  |

Without the text, the first two are the discriminative classifier, token for token. Where frames
are read instead of `[CLS]`, the text hangs on the frames.

A control leaves the writing out and keeps the rest: with `assist = "head"` a linear head at
`[TEXT]` names the context as one of a closed list, in place of the tokens.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from core.backbones.base import Backbone
from core.classifiers import Strategy
from core.classifiers.base import Learned, Questions
from core.classifiers.discriminative import DiscriminativeClassifier, class_loss
from core.labels.base import LabelCodec
from core.sequence import IGNORE, Batch, Forest


class GenerationAssistedClassifier(DiscriminativeClassifier):
    """`L_GAD = L_cls + λ · L_gen`, where `L_gen` is the text loss of the context."""

    name: ClassVar[str] = "gad"
    writes_text: ClassVar[bool] = True
    gen_weight: float = 1.0
    """λ."""
    strategy: Strategy = "discriminative_first"

    def __init__(
        self, backbone: Backbone, codec: LabelCodec, choices: Sequence[range] | None = None
    ) -> None:
        super().__init__(backbone, codec, choices)
        self.context_head: nn.Linear | None = None
        self._contexts: dict[str, int] = {}

    def name_contexts(self, contexts: Sequence[str]) -> None:
        """Let a head name the context, one of a closed list, instead of writing it."""
        self._contexts = {text: i for i, text in enumerate(contexts)}
        self.context_head = nn.Linear(self.backbone.width, len(contexts))

    @property
    def writes_first(self) -> bool:
        """Whether `[CLS]` stands behind a text that the model wrote."""
        return self.strategy == "generation_first"

    @property
    def root(self) -> Learned | None:
        """`[CLS]`, or `[TEXT]` where the text comes first."""
        return Learned.TEXT if self.writes_first else super().root

    def teach(self, forest: Forest, questions: Questions, row: int) -> None:
        """Add `[CLS]` and, where a text was drawn, the context."""
        if self.writes_first:
            if drawn := float(questions.text_weight[row]):
                # No `[CLS]` without its text, so the drawn ones stand for all here too.
                self._assist(forest, questions, row, parent=-1)
                end = forest.add(self.backbone.eos, int(questions.time[row]), forest.last)
                self._ask(forest, questions, row, parent=end, importance=drawn)
            return
        node = self._ask(forest, questions, row)
        if questions.text_importance(row):
            beside = self.strategy == "parallel" or self.reads_frames
            self._assist(forest, questions, row, parent=-1 if beside else node)

    def _assist(self, forest: Forest, questions: Questions, row: int, *, parent: int) -> None:
        """Add the context: as a text, or as a class that a head names at `[TEXT]`."""
        text, weight = questions.context[row], questions.text_importance(row)
        time, kind = questions.where(row)
        if self.context_head is None:
            tokens = self.codec.write(text) if text else ()
            self.add_text(forest, tokens, time, kind=kind, parent=parent, weight=weight)
        else:
            node = forest.add(Learned.TEXT.of(kind), time, parent)
            forest.teach_class(node, self._contexts.get(text, IGNORE), weight)

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `cls` and `gen`."""
        if self.context_head is None:
            assisting = self.text_loss(hidden, batch)
        else:
            asked = Learned.TEXT.among(batch.token)
            named, target = self.context_head(hidden[asked]), batch.class_target[asked]
            loss = F.cross_entropy(named, target, ignore_index=IGNORE, reduction="none")
            assisting = class_loss(loss, batch, asked)
        return super().losses(hidden, batch) | {"gen": self.gen_weight * assisting}
