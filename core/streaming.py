"""Live predictions: `StreamingPredictor.push(frame) -> answers`, at a constant cost a frame.

Several streams run in step, in one batch. Several classifiers are asked about the same frames where
they read them alike: heads that were trained on one frozen run share its frames, and each adds one
readout to the step.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.answers import Answerer, Answers
from core.classifiers.base import Classifier
from core.decoding import Scoring
from core.errors import InvalidConfig
from core.frame_ring import FrameRing


class StreamingPredictor:
    """Answers after every frame of one or several streams.

    Args:
        classifiers: One, or several that share connector, adapter and decoder; merge first where
            speed matters.
        window: Frames that a frame or readout sees.
        tokens_per_frame: k.
        streams: Number of streams, B; they run in step.
        decoder: A name of `core.decoding`, for generative classifiers.
        scoring: How those decide.

    Raises:
        InvalidConfig: The classifiers read frames differently.
    """

    def __init__(
        self,
        classifiers: Classifier | Sequence[Classifier],
        window: int,
        tokens_per_frame: int,
        *,
        streams: int = 1,
        decoder: str = "exact",
        scoring: Scoring = "sum",
    ) -> None:
        several = [classifiers] if isinstance(classifiers, Classifier) else list(classifiers)
        for other in several[1:]:
            _check_alike(several[0], other)
        self.answerers = [Answerer(c, decoder, scoring) for c in several]
        self._kinds = np.zeros(streams, np.int64)
        with torch.inference_mode():
            roots = [c.embed_tokens(_ids(c)) for c in several]
            self._asked = torch.cat(roots)
            self._ring = FrameRing(
                several[0], window, tokens_per_frame, streams=streams, readouts=len(self._asked)
            )
        # Where each classifier's answer stands behind the frame; frames are read at 0.
        ends = np.cumsum([len(root) for root in roots])
        self._at = [int(e) if len(root) else 0 for e, root in zip(ends, roots, strict=True)]

    @torch.inference_mode()
    def reset(self, stream: int = 0) -> None:
        """Let a stream begin anew, with another video; the others go on."""
        self._ring.reset(stream)

    @torch.inference_mode()
    def push(self, features: Tensor) -> list[Answers]:
        """Let the next frame of every stream enter and answer right after it.

        Args:
            features: The frames' tokens. [B, k, d]

        Returns:
            The answers of each classifier, a row a stream.
        """
        hidden = self._ring.push(features, self._asked)
        found = []
        for answerer, at in zip(self.answerers, self._at, strict=True):
            moments = None if answerer.at_root else self._ring.moments()
            found.append(answerer.answer(moments, hidden[:, at], self._kinds))
        return found


def _ids(classifier: Classifier) -> Tensor:
    roots = classifier.roots([0]) or []
    return torch.tensor(roots, dtype=torch.long, device=classifier.tokens.weight.device)


def _check_alike(a: Classifier, b: Classifier) -> None:
    """Make sure that two classifiers turn frames into the same keys and values."""
    first, second = a.backbone.state_dict(), b.backbone.state_dict()
    alike = first.keys() == second.keys() and all(
        tensor is second[name] or torch.equal(tensor, second[name])
        for name, tensor in first.items()
    )
    if not alike:
        raise InvalidConfig(
            "Classifiers can be asked about the same frames only if they read them alike",
            f"'{a.name}' and '{b.name}' have other weights",
            "Give each its own StreamingPredictor, or train one's head with frozen_from the other.",
        )
