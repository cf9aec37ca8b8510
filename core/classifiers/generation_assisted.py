"""GAD, the generation-assisted discriminative classifier: a text loss on context, in training only.

The paper's three ways to hang `[TEXT]` and `[CLS]`:

| strategy               | tree                               | at inference             |
|------------------------|------------------------------------|--------------------------|
| `discriminative_first` | `[CLS]` → `[TEXT]` → context       | `[CLS]` alone            |
| `parallel`             | `[CLS]` beside `[TEXT]` → context  | `[CLS]` alone            |
| `generation_first`     | `[TEXT]` → context → EOS → `[CLS]` | it writes, then `[CLS]`  |

Without the text, the first two are the discriminative classifier, token for token.
"""

from typing import ClassVar

from torch import Tensor

from core.classifiers import Strategy
from core.classifiers.base import Learned, Questions
from core.classifiers.discriminative import DiscriminativeClassifier
from core.sequence import Batch, Forest


class GenerationAssistedClassifier(DiscriminativeClassifier):
    """`L_GAD = L_cls + λ · L_gen`, where `L_gen` is the text loss of the context."""

    name: ClassVar[str] = "gad"
    writes_text: ClassVar[bool] = True
    gen_weight: float = 1.0
    """λ."""
    strategy: Strategy = "discriminative_first"

    @property
    def writes_first(self) -> bool:
        """Whether `[CLS]` stands behind a text that the model wrote."""
        return self.strategy == "generation_first"

    @property
    def root(self) -> int:
        """`[CLS]`, or `[TEXT]` where the text comes first."""
        return Learned.TEXT if self.writes_first else Learned.CLS

    def teach(self, forest: Forest, questions: Questions, row: int) -> None:
        """Add `[CLS]` and, where a text was drawn, the context."""
        drawn = float(questions.text_weight[row])
        if self.writes_first:
            if drawn:  # no `[CLS]` without its text, so the drawn ones stand for all here too
                self._write(forest, questions, row, parent=-1)
                end = forest.add(self.backbone.eos, int(questions.time[row]), forest.last)
                self._ask(forest, questions, row, parent=end, importance=drawn)
            return
        node = self._ask(forest, questions, row)
        if drawn * questions.weight[row]:
            self._write(forest, questions, row, parent=-1 if self.strategy == "parallel" else node)

    def _write(self, forest: Forest, questions: Questions, row: int, *, parent: int) -> None:
        text = questions.context[row]
        tokens = self.codec.write(text) if text else ()
        weight = float(questions.weight[row] * questions.text_weight[row])
        self.add_text(forest, tokens, int(questions.time[row]), parent=parent, weight=weight)

    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return `cls` and `gen`."""
        return super().losses(hidden, batch) | {
            "gen": self.gen_weight * self.text_loss(hidden, batch)
        }
