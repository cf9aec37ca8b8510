"""Training examples from videos: every random choice is a pure function of (seed, epoch, video).

So a resumed run sees what the uninterrupted one would have seen. Example `i` of the whole training
is a fixed thing; the sampler only counts.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.classifiers.base import Classifier, Questions
from core.sequence import Batch, Example, collate
from core.tasks import IGNORED, Clip, Task
from core.training_data import VideoWithFeatures
from core.types import FrameFeatures, LabelledVideo, LabelSet

_NEAR = 2  # frames on either side of a change of class that count as boundary
_EPOCHS = 8  # are looked at for the longest example
_BOUNDARY = 3.0  # how much likelier a boundary frame carries a text


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a `TrainingSet` draws.

    `window` and `stretch` (the longest supervised part of a video) are in frames; `examples` is the
    length of the whole training.
    """

    window: int
    stretch: int
    text_share: float
    background_weight: float
    context: str
    max_position: int
    seed: int
    examples: int


class TrainingSet:
    """All examples of a training in order: `examples[i]` for i below steps times batch.

    Args:
        videos: Videos with their features.
        task: Asks the questions.
        classifier: Builds the readout of a stretch.
        labels: The label set, without background.
        settings: What is drawn, and how much of it.
    """

    def __init__(
        self,
        videos: Sequence[VideoWithFeatures],
        task: Task,
        classifier: Classifier,
        labels: LabelSet,
        settings: Drawing,
    ) -> None:
        self.task, self.classifier = task, classifier
        self.labels, self.settings = labels, settings
        self._of = [
            (video, features, clip)
            for video, features in videos
            for clip in task.clips(video, features.time_us, labels, settings.context)
        ]
        self.clips = [(clip, features) for _, features, clip in self._of]
        self._stretches = self._cut_up()

    def _cut_up(self) -> list[tuple[LabelledVideo, FrameFeatures, Clip, int, int]]:
        size, dense = self.settings.stretch, self.task.dense
        parts = [max(1, -(-(c.last - c.first) // size)) if dense else 1 for _, _, c in self._of]
        return [(*of, i, count) for of, count in zip(self._of, parts, strict=True)
                for i in range(count)]  # fmt: skip

    def shorten(self, window: int) -> None:
        """Look less far back from now on, in stretches that are shorter by as much."""
        stretch = max(1, self.settings.stretch * window // self.settings.window)
        self.settings = replace(self.settings, window=window, stretch=stretch)
        self._stretches = self._cut_up()

    def largest(self, count: int) -> list[Example]:
        """Return the longest examples that an epoch may draw; few stretches come repeatedly."""

        def length(number: int, epoch: int) -> int:
            _, _, clip, part, parts = self._stretches[number]
            first, last = _cut(clip, part, parts, self._cuts(number, epoch))
            return last - self._lead(clip, first)

        sizes = [(clip.last - clip.first) / parts for _, _, clip, _, parts in self._stretches]
        longest = np.resize(np.argsort(sizes, kind="stable")[::-1], count).tolist()
        return [self.example(n, max(range(_EPOCHS), key=lambda e: length(n, e))) for n in longest]

    @property
    def per_epoch(self) -> int:
        """Examples in one pass over the data."""
        return len(self._stretches)

    def __len__(self) -> int:
        return self.settings.examples

    def __getitem__(self, index: int) -> Example:
        epoch, place = divmod(index, self.per_epoch)
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(self.per_epoch)
        return self.example(int(order[place]), epoch)

    def example(self, number: int, epoch: int) -> Example:
        """Build one stretch as it is drawn in one epoch."""
        _, features, clip, part, parts = self._stretches[number]
        rng = np.random.default_rng([*self._seed(number, epoch), part])
        first, last = _cut(clip, part, parts, self._cuts(number, epoch))
        lead = self._lead(clip, first)
        questions = self._questions(clip, first, last, rng)
        frames = features.features[lead:last]
        k = frames.shape[1]
        room = self.settings.max_position - (last + 2) * k - 64
        return Example(
            frames,
            self.classifier.readout(questions),
            first=lead,
            offset=int(rng.integers(0, max(1, room))),
            questions=max(1.0, float((questions.target != IGNORED).sum())),
        )

    def _seed(self, number: int, epoch: int) -> list[int]:
        video, _, clip, _, _ = self._stretches[number]
        return [self.settings.seed, epoch, zlib.crc32(f"{video.name}/{clip.first}".encode())]

    def _cuts(self, number: int, epoch: int) -> np.random.Generator:
        return np.random.default_rng(self._seed(number, epoch))

    def _lead(self, clip: Clip, first: int) -> int:
        """Return the first frame that is read in front of a stretch."""
        before = self.settings.window - 1 if self.task.dense else 0
        return max(clip.first, first - before)

    def _questions(self, clip: Clip, first: int, last: int, rng: np.random.Generator) -> Questions:
        inside = (clip.asked >= first) & (clip.asked < last)
        target = clip.target[inside]
        weight = np.ones(len(target), np.float32)
        if self.task.dense:
            weight[target == 0] = self.settings.background_weight
            texts = draw_texts(target, self.settings.text_share, rng)
        else:
            texts = np.ones(len(target), np.float32)
        weight[target == IGNORED] = 0
        context = tuple(text for text, keep in zip(clip.context, inside, strict=True) if keep)
        return Questions(clip.asked[inside], clip.kind[inside], target, weight, texts, context)


def _cut(clip: Clip, part: int, parts: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return one of a clip's parts; the inner cuts move from epoch to epoch."""
    size = (clip.last - clip.first) / parts
    moves = np.concatenate([[0], rng.uniform(-0.25, 0.25, parts - 1), [0]])
    edges = clip.first + np.round((np.arange(parts + 1) + moves) * size).astype(int)
    return int(edges[part]), int(edges[part + 1])


def draw_texts(
    target: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the frames that carry a text, boundaries more often, and weight the loss back.

    Returns:
        The importance of each frame's text, 0 for most; those drawn sum to the number of frames.
    """
    count = len(target)
    near = np.zeros(count, bool)
    for change in np.flatnonzero(np.diff(target)) + 1:
        near[max(0, change - _NEAR) : change + _NEAR] = True
    chance = np.where(near, _BOUNDARY, 1.0)
    size = min(count, max(1, round(share * count)))
    chance = np.minimum(1.0, chance * size / chance.sum())
    drawn = rng.random(count) < chance
    if not drawn.any():
        drawn[rng.integers(count)] = True
    importance = np.where(drawn, 1 / chance, 0)
    return (importance * count / importance.sum()).astype(np.float32)


class Collator:
    """Lays examples out as the keyword arguments of a classifier's forward.

    Args:
        window: Frames that a frame or readout sees; without one everything in front is seen.
        multiple: The length of sequences is a multiple of it.
    """

    def __init__(self, window: int | None, multiple: int = 1) -> None:
        self.window, self.multiple = window, multiple

    def __call__(self, examples: list[Example]) -> dict[str, Batch]:
        """Return the batch."""
        longest = max(e.first + len(e.features) for e in examples)
        return {"batch": collate(examples, self.window or longest, self.multiple)}
