"""A run over videos: features in, a `Prediction` a video out.

Every task goes the same way. Frames enter a `FrameCache` block by block; discriminative classifiers
answer at their root in the same pass, generative ones are asked through a decoder afterwards.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.classifiers.base import Classifier
from core.classifiers.discriminative import DiscriminativeClassifier
from core.decoding.answering import Answering, Scoring, join_written, pieces
from core.decoding.greedy import answer_after_writing
from core.decoding.written import Written
from core.frame_cache import FrameCache, Moments
from core.tasks import Clip, Task
from core.types import FrameFeatures, LabelledVideo, LabelSet, Prediction

_BLOCK = 128  # frames that enter at a time


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer costs by itself, measured: decoder calls, tokens, median milliseconds."""

    passes: float
    tokens: float
    ms: float


@dataclass(frozen=True, slots=True)
class _Answers:
    """Answers at some frames. Shapes as in `Prediction`."""

    log_p: NDArray[np.float32]
    predicted: NDArray[np.int64]
    embedding: NDArray[np.float16]
    written: Written | None


class Predictor:
    """A trained classifier, ready to answer the questions of its task.

    Args:
        classifier: Put into evaluation mode; merge its adapter first where speed matters.
        task: Decides what is asked.
        labels: The label set, without background.
        window: Frames that a frame or readout sees; clip tasks see their whole clip.
        decoder: A name of `core.decoding`; only the generative classifier uses it.
        scoring: How it decides: see `core.decoding.answering`.
    """

    def __init__(
        self,
        classifier: Classifier,
        task: Task,
        labels: LabelSet,
        *,
        window: int,
        decoder: str = "exact",
        scoring: Scoring = "sum",
    ) -> None:
        self.classifier, self.task, self.labels = classifier.eval(), task, labels
        self.window = window
        self.decoder, self._answering = "head", None
        if not isinstance(classifier, DiscriminativeClassifier):
            self.decoder = decoder if scoring == "sum" else f"{decoder}, {scoring}"
            self._answering = Answering(classifier, decoder, scoring)

    @torch.inference_mode()
    def predict(self, video: LabelledVideo, features: FrameFeatures, cost: Cost) -> Prediction:
        """Answer every question that the task asks about a video."""
        clips = self.task.clips(video, features.time_us, self.labels, "none")
        answers = _concatenated(
            [self._clip(clip, features, np.arange(len(clip.asked))) for clip in clips]
        )
        spans = kinds = None
        if not self.task.dense:
            spans = np.array([clip.span for clip in clips for _ in clip.asked], np.int64)
            kinds = np.concatenate([clip.kind for clip in clips])
        written = answers.written
        return Prediction(
            log_p=answers.log_p,
            predicted=answers.predicted,
            time_us=np.concatenate([features.time_us[clip.asked] for clip in clips]),
            embedding=answers.embedding,
            decoder=self.decoder,
            passes=cost.passes,
            tokens=cost.tokens,
            ms=cost.ms,
            span_us=spans,
            kind=kinds,
            texts=written.texts if written else (),
            token_log_p=written.token_log_p if written else None,
            distance=written.distance if written else None,
        )

    @torch.inference_mode()
    def sample(
        self, clip: Clip, features: FrameFeatures, questions: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the class decided for some of a clip's questions, for validation. Shape: [Q]."""
        return self._clip(clip, features, questions).predicted

    @torch.inference_mode()
    def measure(self, features: FrameFeatures, repeats: int = 9) -> Cost:
        """Measure what one answer costs: a full window of frames and one question, batch 1."""
        count = min(self.window, len(features)) if self.task.dense else min(64, len(features))
        frames = torch.from_numpy(features.features[:count])
        calls: list[int] = []
        hook = self.classifier.backbone.causal.get_decoder().register_forward_pre_hook(
            lambda _m, _a, kwargs: calls.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
        )
        times = []
        try:
            for _ in range(repeats + 1):
                calls.clear()
                cache = FrameCache(self.classifier, count, frames.shape[1])
                calls.clear()
                started = time.perf_counter()
                self._answer_last(cache, frames)
                times.append(1000 * (time.perf_counter() - started))
        finally:
            hook.remove()
        return Cost(float(len(calls)), float(sum(calls)), float(np.median(times[1:])))

    def _answer_last(self, cache: FrameCache, frames: torch.Tensor) -> None:
        asked = [len(frames) - 1] if self._at_root else []
        hidden = cache.push(frames, self.classifier.roots([0]), asked)
        moments = None if self._at_root else cache.moments(1)
        self._answer(moments, hidden, np.zeros(1, np.int64))

    @property
    def _at_root(self) -> bool:
        """Whether the first readout answers; else moments are asked, which cost a cache each."""
        one_step = isinstance(self.classifier, DiscriminativeClassifier)
        return one_step and not self.classifier.writes_first

    def _clip(self, clip: Clip, features: FrameFeatures, questions: NDArray[np.int64]) -> _Answers:
        """Let a clip's frames enter and answer some of its questions."""
        frames = torch.from_numpy(features.features[clip.first : clip.last])
        window = self.window if self.task.dense else len(frames)
        cache = FrameCache(self.classifier, window, frames.shape[1])
        places, kinds = clip.asked[questions] - clip.first, clip.kind[questions]
        parts = []
        for start, end in pieces(len(frames), _BLOCK):
            here = (places >= start) & (places < end)
            rows = (places[here] - start).tolist()
            hidden = cache.push(frames[start:end], self.classifier.roots(kinds[here]), rows)
            if rows:
                moments = None if self._at_root else cache.moments(end - start).rows(rows)
                parts.append(self._answer(moments, hidden, kinds[here]))
            cache.forget()
        return _concatenated(parts)

    def _answer(
        self, moments: Moments | None, hidden: torch.Tensor, kinds: NDArray[np.int64]
    ) -> _Answers:
        classifier = self.classifier
        if isinstance(classifier, DiscriminativeClassifier):
            if moments is not None:
                hidden = answer_after_writing(classifier, moments, kinds)
            asked = torch.from_numpy(kinds).to(hidden.device)
            log_p = classifier.log_probabilities(hidden, asked).float().cpu().numpy()
            return _Answers(log_p, log_p.argmax(axis=1), hidden.half().cpu().numpy(), None)
        assert self._answering is not None and moments is not None
        written = self._answering.ask(moments, kinds)
        predicted = self._answering.decide(written, kinds)
        return _Answers(written.log_p, predicted, hidden.half().cpu().numpy(), written)


def _concatenated(parts: list[_Answers]) -> _Answers:
    written = [part.written for part in parts if part.written is not None]
    return _Answers(
        np.concatenate([part.log_p for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.embedding for part in parts]),
        join_written(written) if written else None,
    )
