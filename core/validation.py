"""Validation during training: real predictions, the same questions for every classifier."""

import numpy as np
import torch
from accelerate.utils.memory import clear_device_cache

from core.classifiers.base import Classifier
from core.dataset import Collator, TrainingSet
from core.ladder import is_out_of_memory
from core.prediction import Asked, Predictor
from core.tasks import IGNORED

_QUESTIONS = 128
"""Questions answered at each validation point."""
_AT_ONCE = 8
"""Stretches in one batch, as long as they fit into memory."""


class Validation:
    """Asks the same questions of the validation videos at every point; decisions go by `sum`."""

    def __init__(
        self, classifier: Classifier, held_out: TrainingSet, collate: Collator, *, decoder: str
    ) -> None:
        self.classifier, self.held_out, self.collate = classifier, held_out, collate
        self.at_once = _AT_ONCE
        self.predictor = Predictor(
            classifier,
            held_out.task,
            held_out.labels,
            window=held_out.settings.window,
            decoder=decoder,
        )
        known = [np.flatnonzero(clip.target != IGNORED) for clip, _ in held_out.clips]
        stride = max(1, -(-sum(map(len, known)) // _QUESTIONS))
        chosen = [
            (clip, features, some)
            for (clip, features), there in zip(held_out.clips, known, strict=True)
            if len(some := there[stride // 2 :: stride] if len(there) > stride else there[:1])
        ]
        self.asked = [Asked.about(*each) for each in chosen]
        self.truth = np.array([t for clip, _, some in chosen for t in clip.target[some]], np.int64)

    @torch.no_grad()
    def __call__(self) -> dict[str, float]:
        """Return validation loss and accuracy (percent) over the questions asked."""
        self.classifier.eval()
        loss = self._loss()
        right = self.predictor.sample(self.asked) == self.truth if self.asked else np.zeros(0)
        self.classifier.train()
        return {
            "val_loss": loss,
            "val_accuracy": 100 * right.sum() / max(len(right), 1),
        }

    def _loss(self) -> float:
        while True:
            try:
                return self._loss_of_all()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.at_once == 1:
                    raise
            self.at_once = max(1, min(self.at_once, self.held_out.per_epoch) // 2)
            clear_device_cache(garbage_collection=True)

    def _loss_of_all(self) -> float:
        device = self.classifier.tokens.weight.device
        loss = questions = 0.0
        for start in range(0, self.held_out.per_epoch, self.at_once):
            numbers = range(start, min(start + self.at_once, self.held_out.per_epoch))
            batch = self.collate([self.held_out.example(i, 0) for i in numbers])["batch"]
            loss += float(self.classifier(batch.to(device))["loss"]) * batch.questions
            questions += batch.questions
        return loss / questions

    def shorten(self, window: int) -> None:
        """Look less far back from now on; the collator is the training's own."""
        self.held_out.shorten(window)
        self.predictor.window = window
