"""GAD, the generation-assisted discriminative classifier: a text loss on context, in training only.

Discriminative-first order (the paper's best): the context hangs below `[CLS]`, so text sees `[CLS]`
and `[CLS]` never sees text. Without the text it is the discriminative classifier, token for token.
"""

from typing import ClassVar

from torch import Tensor

from core.classifiers.base import Questions
from core.classifiers.discriminative import DiscriminativeClassifier
from core.sequence import Batch, Forest


class GenerationAssistedClassifier(DiscriminativeClassifier):
    """`L_GAD = L_cls + λ · L_gen`, where `L_gen` is the text loss of the context."""

    name: ClassVar[str] = "gad"
    writes_text: ClassVar[bool] = True
    gen_weight: float = 1.0
    """λ."""

    def teach(self, forest: Forest, questions: Questions, row: int) -> None:
        """Add `[CLS] → [TEXT] → context → EOS`."""
        node = self._ask(forest, questions, row)
        weight = float(questions.weight[row] * questions.text_weight[row])
        if weight:
            text = questions.context[row]
            tokens = self.codec.write(text) if text else ()
            self.add_text(forest, tokens, int(questions.time[row]), parent=node, weight=weight)

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `cls` and `gen`."""
        return super().losses(hidden, batch) | {
            "gen": self.gen_weight * self.text_loss(hidden, batch)
        }
