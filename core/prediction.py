"""A run over videos: features in, a `Prediction` a video out.

Every task goes the same way. Frames enter a `FrameCache` block by block; discriminative classifiers
answer at their root in the same pass, generative ones are asked through a decoder afterwards.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from core.classifiers.base import Classifier
from core.classifiers.discriminative import DiscriminativeClassifier
from core.decoding import decoder as load_decoder
from core.decoding.greedy import answer_after_writing
from core.decoding.trie import LabelTrie
from core.decoding.written import Written
from core.frame_cache import FrameCache, Moments
from core.tasks import Clip, Task
from core.types import FrameFeatures, LabelledVideo, LabelSet, Prediction

_BLOCK = 128  # frames that enter at a time
_TOKENS = 4096  # readout tokens asked at a time


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
    """

    def __init__(
        self,
        classifier: Classifier,
        task: Task,
        labels: LabelSet,
        *,
        window: int,
        decoder: str = "exact",
    ) -> None:
        self.classifier, self.task, self.labels = classifier.eval(), task, labels
        self.window = window
        self.discriminative = isinstance(classifier, DiscriminativeClassifier)
        self.decoder = "head" if self.discriminative else decoder
        self._write = load_decoder(decoder)
        self._trie = (
            None if self.discriminative else LabelTrie(classifier.codec, classifier.backbone.eos)
        )

    @torch.inference_mode()
    def predict(self, video: LabelledVideo, features: FrameFeatures, cost: Cost) -> Prediction:
        """Answer every question that the task asks about a video."""
        clips = self.task.clips(video, features.time_us, self.labels, "none")
        parts = [self._clip(clip, features, clip.asked) for clip in clips]
        time_us = np.concatenate([features.time_us[clip.asked] for clip in clips])
        spans = None if self.task.dense else np.array([clip.span for clip in clips], np.int64)
        return self._joined(parts, time_us, spans, cost)

    @torch.inference_mode()
    def sample(
        self, clip: Clip, features: FrameFeatures, asked: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the class decided at some frames of a clip, for validation. Shape: [Q]."""
        return self._clip(clip, features, asked).predicted

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
        if isinstance(self.classifier, DiscriminativeClassifier):
            last = cache.push(frames, self.classifier.root, [len(frames) - 1])
            if self.classifier.writes_first:
                last = answer_after_writing(self.classifier, cache.moments(1))
            self.classifier.log_probabilities(last)
        else:
            cache.push(frames, self.classifier.root, [])
            self._decode(cache.moments(1))

    def _clip(self, clip: Clip, features: FrameFeatures, asked: NDArray[np.int64]) -> _Answers:
        """Let a clip's frames enter and answer at the frames `asked`, ascending."""
        frames = torch.from_numpy(features.features[clip.first : clip.last])
        window = self.window if self.task.dense else len(frames)
        cache = FrameCache(self.classifier, window, frames.shape[1])
        wanted = set((asked - clip.first).tolist())
        parts = []
        for start, end in _blocks(len(frames), _BLOCK):
            rows = [i for i in range(end - start) if start + i in wanted]
            hidden = cache.push(frames[start:end], self.classifier.root, rows)
            if rows:
                parts.append(self._answer(cache, hidden, rows, end - start))
            cache.forget()
        return _concatenated(parts)

    def _answer(
        self, cache: FrameCache, hidden: torch.Tensor, rows: list[int], block: int
    ) -> _Answers:
        if isinstance(self.classifier, DiscriminativeClassifier) and self.classifier.writes_first:
            hidden = answer_after_writing(self.classifier, cache.moments(block).rows(rows))
        embedding = hidden.half().cpu().numpy()
        if isinstance(self.classifier, DiscriminativeClassifier):
            log_p = self.classifier.log_probabilities(hidden).float().cpu().numpy()
            return _Answers(log_p, log_p.argmax(axis=1), embedding, None)
        written = self._decode(cache.moments(block).rows(rows))
        scored = np.isfinite(written.log_p).any(axis=1)
        by_score = written.log_p.argmax(axis=1)
        predicted = np.where(scored, by_score, written.nearest)
        return _Answers(written.log_p, predicted, embedding, written)

    def _decode(self, moments: Moments) -> Written:
        assert self._trie is not None
        trie = self._trie
        at_once = max(1, _TOKENS // min(trie.nodes, 256))
        parts = []
        for start, end in _blocks(len(moments), at_once):
            some = moments.rows(slice(start, end))
            parts.append(self._write(self.classifier, some, trie))
        return _joined_texts(parts)

    def _joined(
        self,
        parts: list[_Answers],
        time_us: NDArray[np.int64],
        spans: NDArray[np.int64] | None,
        cost: Cost,
    ) -> Prediction:
        answers = _concatenated(parts)
        written = answers.written
        return Prediction(
            log_p=answers.log_p,
            predicted=answers.predicted,
            time_us=time_us,
            embedding=answers.embedding,
            decoder=self.decoder,
            passes=cost.passes,
            tokens=cost.tokens,
            ms=cost.ms,
            span_us=spans,
            texts=written.texts if written else (),
            token_log_p=written.token_log_p if written else None,
            distance=written.distance if written else None,
        )


def _blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    return pairwise([*range(0, count, size), count])


def _concatenated(parts: list[_Answers]) -> _Answers:
    written = [part.written for part in parts if part.written is not None]
    return _Answers(
        np.concatenate([part.log_p for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.embedding for part in parts]),
        _joined_texts(written) if written else None,
    )


def _joined_texts(parts: list[Written]) -> Written:
    join: Callable[[str], NDArray] = lambda name: np.concatenate([getattr(p, name) for p in parts])  # noqa: E731
    return Written(
        join("log_p"),
        tuple(text for part in parts for text in part.texts),
        join("token_log_p"),
        join("distance"),
        join("nearest"),
    )
