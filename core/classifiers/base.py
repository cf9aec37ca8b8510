"""What the three classifiers share: the sequence, the learned tokens, the two losses."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from core.attention.kernel import mask_for
from core.backbones.base import Backbone
from core.labels.base import LabelCodec
from core.sequence import IGNORE, Batch, Forest, Readout

LOGITS = 1 << 25
"""As many logits are held at once in a text loss: 128 MiB in float32, with a few copies beside."""


class Learned(IntEnum):
    """Tokens outside the vocabulary: negative ids, rows of one table.

    These are those of the first kind of question; every further kind has both again, 2 lower.
    """

    CLS = -1
    TEXT = -2

    def of(self, kind: int) -> int:
        """Return the token of a kind of question."""
        return self - len(Learned) * kind

    def among(self, tokens: Tensor) -> Tensor:
        """Say which tokens are this one, of whatever kind."""
        return (tokens < 0) & ((self - tokens) % len(Learned) == 0)


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions about one stretch of frames, as a task asks them. All arrays have shape [Q].

    `time` is the frame after which it is asked, `kind` which of the task's questions it is,
    `target` the class or IGNORE, `weight` its weight in every loss. A text stands where
    `text_weight` is not 0; it is the importance of that text, so that few drawn texts stand for
    all. `context` are the texts that GAD learns to write.
    """

    time: NDArray[np.int64]
    kind: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float32]
    text_weight: NDArray[np.float32]
    context: tuple[str, ...]

    def where(self, row: int) -> tuple[int, int]:
        """Return the frame after which a question is asked, and its kind."""
        return int(self.time[row]), int(self.kind[row])

    def text_importance(self, row: int) -> float:
        """Return the weight of a question's text, 0 where none stands."""
        return float(self.weight[row] * self.text_weight[row])


class ReadoutModel(nn.Module):
    """A backbone that reads frames and readouts as one masked sequence, and can learn texts.

    Args:
        backbone: Connector, decoder, tokenizer.
        learned: Number of learned tokens beside the vocabulary.
        added: Number of tokens that extend the vocabulary: they are learned too, and can be
            written, each with an output row of its own.
    """

    competing: Tensor | None
    """bool [V + added]: the tokens of the softmax; None is all of them."""

    def __init__(self, backbone: Backbone, learned: int, added: int = 0) -> None:
        super().__init__()
        self.backbone = backbone
        self.tokens = nn.Embedding(learned + added, backbone.width)
        self.rows = nn.Linear(backbone.width, added) if added else None
        self.register_buffer("competing", None, persistent=False)
        with torch.no_grad():
            table = backbone.causal.get_input_embeddings().weight
            nn.init.normal_(self.tokens.weight, 0, float(table.std())).add_(table.mean(0))
            self.tokens.weight.mul_(backbone.embed_scale)

    def hidden(self, batch: Batch) -> Tensor:
        """Return the final-norm hidden states at the readouts of a batch. Shape: [B, R, H]."""
        return self.everywhere(batch)[:, batch.head :]

    def everywhere(self, batch: Batch) -> Tensor:
        """Return the final-norm hidden states of whole sequences. Shape: [B, N, H]."""
        mask = mask_for(batch, self.backbone.causal)
        return self.backbone.hidden(self.embed(batch), mask, batch.position)

    def embed(self, batch: Batch) -> Tensor:
        """Return the embeddings of a whole batch. Shape: [B, N, H]."""
        start = batch.token.new_full((len(batch.token), 1), self.backbone.start)
        frames = self.embed_frames(batch.features)
        return torch.cat(
            [self.backbone.embed(start), frames, self.embed_tokens(batch.token)], dim=1
        )

    def embed_frames(self, features: Tensor) -> Tensor:
        """Run the connector. [B, T, k, d] -> [B, T*k, H]."""
        return self.backbone.connector(features.flatten(1, 2).to(self.backbone.dtype))

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """Look up vocabulary ids and learned tokens alike. [...] -> [..., H].

        Ids below 0 are the learned tokens from the front, ids from V on those that were added.
        """
        own = (ids < 0) | (ids >= self.backbone.vocabulary)
        added = self.tokens.num_embeddings - (self.rows.out_features if self.rows else 0)
        place = torch.where(ids < 0, -1 - ids, added + ids - self.backbone.vocabulary)
        learned = self.tokens(torch.where(own, place, 0))
        words = self.backbone.embed(torch.where(own, 0, ids))
        return torch.where(own.unsqueeze(-1), learned, words)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of everything that can be written. [rows, H] -> [rows, V + added]."""
        logits = self.backbone.logits(hidden)
        if self.rows is not None:
            logits = torch.cat([logits, self.rows(hidden)], dim=-1)
        return logits if self.competing is None else logits.masked_fill(~self.competing, -torch.inf)

    def text_loss(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the texts' tokens: per text a mean, summed over texts, per question."""
        taught = (batch.text_target.flatten() != IGNORE).nonzero().squeeze(1)
        parts = (hidden.flatten(0, 1), batch.text_target.flatten(), batch.text_weight.flatten())
        parts = [part[taught] for part in parts]
        written = self.backbone.vocabulary + (self.rows.out_features if self.rows else 0)
        size = max(1, LOGITS // written)
        if len(taught) <= size:
            return self._text_loss(*parts) / batch.questions
        # One chunk's logits at a time: they are made again when its gradient is asked for.
        chunks = zip(*(part.split(size) for part in parts), strict=True)
        losses = [checkpoint(self._text_loss, *chunk, use_reentrant=False) for chunk in chunks]
        return torch.stack(losses).sum() / batch.questions

    def _text_loss(self, hidden: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        loss = F.cross_entropy(self.logits(hidden), target, reduction="none")
        return (loss * weight.to(loss.dtype)).sum()


class Classifier(ReadoutModel, ABC):
    """A backbone with a readout; subclasses say only what differs between the classifiers.

    Args:
        backbone: Connector, decoder, tokenizer.
        codec: The classes of all kinds of questions, and how they are written.
        choices: The classes that each kind chooses among; all of them by default.
    """

    name: ClassVar[str]
    writes_text: ClassVar[bool]
    """Whether a text loss exists, so that the output matrix gets an adapter too."""

    def __init__(
        self, backbone: Backbone, codec: LabelCodec, choices: Sequence[range] | None = None
    ) -> None:
        self.choices = tuple(choices or (range(len(codec.classes)),))
        added = codec.added if self.writes_text else 0
        super().__init__(backbone, len(Learned) * len(self.choices), added)
        self.codec = codec

    # ---- what differs ------------------------------------------------------------------------

    @abstractmethod
    def teach(self, forest: Forest, questions: Questions, row: int) -> None:
        """Add the tree that question `row` needs in training."""

    @abstractmethod
    def losses(self, hidden: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the weighted losses by name; their sum is trained. `hidden`: [B, R, H]."""

    @property
    @abstractmethod
    def root(self) -> Learned | None:
        """The one token that is asked first at inference; its hidden state is the embedding.

        None: nothing is asked, the last token of the frame itself is read.
        """

    # ---- what is shared ----------------------------------------------------------------------

    @property
    def classes(self) -> tuple[str, ...]:
        """The output classes in order."""
        return self.codec.classes

    def readout(self, questions: Questions) -> Readout:
        """Return the training forest of a stretch of frames."""
        forest = Forest()
        for row in range(len(questions.time)):
            self.teach(forest, questions, row)
        return forest.done()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return `loss` and its parts for a batch."""
        parts = self.losses(self.hidden(batch), batch)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    def prompt(self, kind: int) -> tuple[int, ...]:
        """Return the tokens that a text is written after: `[TEXT]`, unless words stand there."""
        return (Learned.TEXT.of(kind),)

    def roots(self, kinds: Iterable[int]) -> list[int] | None:
        """Return the root of every question, or None where frames are read."""
        return None if self.root is None else [self.root.of(kind) for kind in kinds]

    def add_text(
        self,
        forest: Forest,
        text: tuple[int, ...],
        time: int,
        *,
        kind: int = 0,
        parent: int = -1,
        weight: float = 1.0,
    ) -> None:
        """Add `[TEXT] → text → EOS`; every token and EOS are learned, nothing else."""
        *before, root = self.prompt(kind)
        for token in before:
            parent = forest.add(token, time, parent)
        forest.add_text(root, (*text, self.backbone.eos), time, parent=parent, weight=weight)

    def trainable(self) -> dict[str, Tensor]:
        """Return everything that training changes besides the adapter, by name."""
        kept = {f"connector.{k}": v for k, v in self.backbone.connector.state_dict().items()}
        own = self.state_dict()
        return kept | {k: v for k, v in own.items() if not k.startswith("backbone.")}
