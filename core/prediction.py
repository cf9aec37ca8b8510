"""A run over videos: features in, a `Prediction` a video out.

Dense tasks and long clips enter a `FrameCache` block by block, short clips are read together in
padded batches. Either way a root is asked in the pass that reads the frames, and an `Answerer`
makes an answer of it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.answers import Answerer, Answers, joined
from core.classifiers.base import Classifier
from core.clip_batches import LONG, batches, read_clips
from core.decoding import Scoring
from core.frame_cache import FrameCache
from core.tasks import Clip, Task
from core.types import FrameFeatures, LabelledVideo, LabelSet, Prediction

BLOCK = 192
"""Frames of a dense pass that enter at a time."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer costs by itself, measured: decoder calls, tokens, median milliseconds."""

    passes: float
    tokens: float
    ms: float


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions about one clip: `frames` [T, k, d], `places` [Q] in it, `kinds` [Q]."""

    frames: NDArray[np.float16]
    places: NDArray[np.int64]
    kinds: NDArray[np.int64]

    @classmethod
    def about(cls, clip: Clip, features: FrameFeatures, questions: NDArray[np.int64]) -> "Asked":
        """Return some of a clip's questions."""
        frames = features.features[clip.first : clip.last]
        return cls(frames, clip.asked[questions] - clip.first, clip.kind[questions])


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
        self.classifier, self.task, self.labels = classifier, task, labels
        self.window = window
        self._answerer = Answerer(classifier, decoder, scoring)
        self.decoder = self._answerer.name

    @torch.inference_mode()
    def predict(self, video: LabelledVideo, features: FrameFeatures, cost: Cost) -> Prediction:
        """Answer every question that the task asks about a video."""
        clips = self.task.clips(video, features.time_us, self.labels, "none")
        answers = self._answers(
            [Asked.about(clip, features, np.arange(len(clip.asked))) for clip in clips]
        )
        spans = kinds = None
        if not self.task.dense:
            spans = np.array([clip.span for clip in clips for _ in clip.asked], np.int64)
            kinds = np.concatenate([clip.kind for clip in clips])
        written = answers.written
        return Prediction(
            log_p=answers.scores.log_p,
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
            listed=answers.scores.listed,
            rest=answers.scores.rest,
        )

    @torch.inference_mode()
    def sample(self, asked: Sequence[Asked]) -> NDArray[np.int64]:
        """Return the class decided for some questions, for validation. Shape: [Q]."""
        return self._answers(asked).predicted

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
        asked = [len(frames) - 1] if self._answerer.at_root else []
        hidden = cache.push(frames, self.classifier.roots([0]), asked)
        moments = None if self._answerer.at_root else cache.moments(1)
        self._answerer.answer(moments, hidden, np.zeros(1, np.int64))

    def _answers(self, asked: Sequence[Asked]) -> Answers:
        """Answer questions about clips, in the order of the clips."""
        if self.task.dense:
            return joined([self._in_blocks(each, self.window) for each in asked])
        parts: dict[int, Answers] = {}
        tokens = [len(each.frames) * each.frames.shape[1] for each in asked]
        for numbers in batches(tokens):
            some = [asked[i] for i in numbers]
            if tokens[numbers[-1]] > LONG:
                parts |= {
                    i: self._in_blocks(each, len(each.frames))
                    for i, each in zip(numbers, some, strict=True)
                }
                continue
            found = self._together(some)
            ends = np.cumsum([len(each.kinds) for each in some])
            for i, end in zip(numbers, ends.tolist(), strict=True):
                parts[i] = found.rows(np.arange(end - len(asked[i].kinds), end))
        return joined([parts[i] for i in range(len(asked))])

    def _together(self, asked: Sequence[Asked]) -> Answers:
        """Let short clips enter together and answer their questions."""
        kinds = [each.kinds for each in asked]
        hidden, moments = read_clips(
            self.classifier,
            [each.frames for each in asked],
            [each.places for each in asked],
            kinds,
            moments=not self._answerer.at_root,
        )
        return self._answerer.answer(moments, hidden, np.concatenate(kinds))

    def _in_blocks(self, asked: Asked, window: int) -> Answers:
        """Let a long clip's frames enter block by block and answer its questions."""
        frames, places, kinds = torch.from_numpy(asked.frames), asked.places, asked.kinds
        cache = FrameCache(self.classifier, window, frames.shape[1])
        parts = []
        for start, end in cache.blocks(len(frames), BLOCK):
            here = (places >= start) & (places < end)
            rows = (places[here] - start).tolist()
            hidden = cache.push(frames[start:end], self.classifier.roots(kinds[here]), rows)
            if rows:
                needed = not self._answerer.at_root
                moments = cache.moments(end - start).rows(rows) if needed else None
                parts.append(self._answerer.answer(moments, hidden, kinds[here]))
            cache.forget()
        return joined(parts)
