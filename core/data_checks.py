"""What a person should know of labelled data before a machine works for hours: one sentence each.

What cannot be trained at all is refused elsewhere (`core.training_data.check_data`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.training_data import VideoWithFeatures
from core.types import Segment

_ALIKE = 0.999
"""Cosine from which on two segments count as one: re-encoded copies reach it, takes do not."""
_COMPARED = 8_000  # segments of a split, at most
_AT_ONCE = 512
_LONG = 16  # tokens of a label
_NAMED = 3

_Place = tuple[str, Segment]


def data_checks(
    splits: Mapping[str, Sequence[VideoWithFeatures]], label_tokens: Mapping[str, int]
) -> list[str]:
    """Look at labelled videos as a sceptic would.

    Args:
        splits: Videos with their features: train, val, test.
        label_tokens: How many tokens each label is written with.

    Returns:
        Sentences; none where all is well.
    """
    return [
        *_few_examples(splits.get("train", ())),
        *_one_class(splits),
        *_too_short(splits),
        *_same_videos(splits),
        *_same_segments(splits),
        *_long_labels(label_tokens),
    ]


def _few_examples(train: Sequence[VideoWithFeatures]) -> list[str]:
    counts = Counter(segment.label for video, _ in train for segment in video.segments)
    once = sorted(name for name, count in counts.items() if count == 1)
    return [f"Only one training segment: {_some(once)}."] if once else []


def _one_class(splits: Mapping[str, Sequence[VideoWithFeatures]]) -> Iterator[str]:
    for name, videos in splits.items():
        classes = {segment.label for video, _ in videos for segment in video.segments}
        if videos and not classes:
            yield f"The split '{name}' has {len(videos)} videos, but no segment."
        elif len(classes) == 1:
            yield f"The split '{name}' knows one class only: {classes.pop()}."
        if name != "train" and len(videos) == 1:
            yield f"The split '{name}' is one video: its figures say little about others."


def _too_short(splits: Mapping[str, Sequence[VideoWithFeatures]]) -> list[str]:
    short = [
        (video.name, segment)
        for videos in splits.values()
        for video, features in videos
        for segment in video.segments
        if not _frames(segment, features.time_us)
    ]
    if not short:
        return []
    return [
        f"{len(short)} segments lie between two frames, where no model sees them: "
        f"{_some([_at(place) for place in short])}."
    ]


def _same_videos(splits: Mapping[str, Sequence[VideoWithFeatures]]) -> list[str]:
    where: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for split, videos in splits.items():
        for video, _ in videos:
            where[video.content_hash].setdefault(split, video.name)
    twice = [found for known, found in where.items() if known and len(found) > 1]
    if not twice:
        return []
    named = [" and ".join(f"{name} ({split})" for split, name in found.items()) for found in twice]
    return [f"Leak: {len(twice)} videos are in two splits: {_some(named)}."]


def _same_segments(splits: Mapping[str, Sequence[VideoWithFeatures]]) -> Iterator[str]:
    pooled = {split: _pooled(videos) for split, videos in splits.items()}
    everything = [vector for found in pooled.values() for vector, _, _ in found]
    if not everything:
        return
    for split, found in pooled.items():
        if len(found) == _COMPARED:
            yield f"Only the first {_COMPARED} segments of '{split}' were compared for leaks."
    mean = np.mean(everything, axis=0)
    for first, second in combinations(pooled, 2):
        alike = list(_alike(pooled[first], pooled[second], mean))
        if alike:
            pairs = [f"{_at(a)} ({first}) and {_at(b)} ({second})" for a, b in alike]
            yield (
                f"Leak: {len(alike)} segments of '{second}' look the same as one of '{first}': "
                f"{_some(pairs)}."
            )


_Pooled = list[tuple[NDArray[np.float32], int, _Place]]


def _pooled(videos: Sequence[VideoWithFeatures]) -> _Pooled:
    """Return a vector for each segment: the means of its first and of its second half."""
    found: _Pooled = []
    for video, features in videos:
        for segment in video.segments:
            first = int(np.searchsorted(features.time_us, segment.start_us))
            count = _frames(segment, features.time_us)
            if count >= 2 and len(found) < _COMPARED:
                frames = features.features[first : first + count].astype(np.float32)
                halves = [half.mean((0, 1)) for half in np.array_split(frames, 2)]
                found.append((np.concatenate(halves), count, (video.name, segment)))
    return found


def _alike(first: _Pooled, second: _Pooled, mean: NDArray) -> Iterator[tuple[_Place, _Place]]:
    """Yield the segments of the second that repeat one of the first, each behind that one."""
    length_of = np.array([count for _, count, _ in first], np.int64)
    mine, theirs = (_unit([vector for vector, _, _ in found], mean) for found in (first, second))
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for number, (_, count, _) in enumerate(second):
        by_length[count].append(number)
    for count, numbers in sorted(by_length.items()):
        near = np.flatnonzero(np.abs(length_of - count) <= 1)
        for some in np.array_split(numbers, -(-len(numbers) // _AT_ONCE)) if len(near) else ():
            cosine = theirs[some] @ mine[near].T
            for place in np.flatnonzero(cosine.max(axis=1) >= _ALIKE):
                yield first[near[cosine[place].argmax()]][2], second[some[place]][2]


def _unit(vectors: Sequence[NDArray[np.float32]], mean: NDArray) -> NDArray[np.float32]:
    if not vectors:
        return np.zeros((0, len(mean)), np.float32)
    moved = np.stack(vectors) - mean
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)


def _long_labels(label_tokens: Mapping[str, int]) -> list[str]:
    long = {name: count for name, count in label_tokens.items() if count > _LONG}
    if not long:
        return []
    worst = max(long, key=lambda name: long[name])
    return [
        f"{len(long)} labels are written with more than {_LONG} tokens ('{worst}' with "
        f"{long[worst]}): texts take as many steps to write; shorter names are quicker."
    ]


def _frames(segment: Segment, time_us: NDArray[np.int64]) -> int:
    first, last = np.searchsorted(time_us, [segment.start_us, segment.end_us])
    return int(last - first)


def _at(place: _Place) -> str:
    name, segment = place
    return f"'{segment.label}' at {segment.start_us / 1e6:.1f} s of {name}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
