"""Short clips of different lengths, read together: one padded batch, every question answered in it.

A clip sees all of itself, so nothing is carried from block to block; clips of about one length
share a batch. Longer ones are read block by block (`core/frame_cache.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from core.attention import dense_mask
from core.classifiers.base import Classifier
from core.frame_cache import Moments
from core.sequence import Example, Forest, Kind, collate

LONG = 1024
"""Frame tokens from which on a clip is read block by block."""
_TOKENS = 4096  # of a batch


def batches(tokens: Sequence[int]) -> Iterator[list[int]]:
    """Group clips by length: yield their numbers, shortest first, for bounded padded batches."""
    group: list[int] = []
    for number in np.argsort(tokens, kind="stable").tolist():
        if group and (len(group) + 1) * tokens[number] > _TOKENS:
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def read_clips(
    classifier: Classifier,
    clips: Sequence[NDArray[np.float16]],
    asked: Sequence[NDArray[np.int64]],
    kinds: Sequence[NDArray[np.int64]],
    *,
    moments: bool,
) -> tuple[Tensor, Moments | None]:
    """Let whole clips enter and ask their questions in the same pass.

    Args:
        classifier: Reads the frames.
        clips: Features, [T, k, d] each.
        asked: For each clip, the frames after which questions are asked, ascending.
        kinds: For each clip, which kind of question each is.
        moments: Whether views of the clips are needed, for forests to be asked.

    Returns:
        The hidden states at the roots [Q, H], clip by clip, and the views [Q].
    """
    examples = []
    for features, at, kind in zip(clips, asked, kinds, strict=True):
        forest = Forest()
        for root, time in zip(classifier.roots(kind) or (), at, strict=False):
            forest.add(root, int(time))
        examples.append(Example(features, forest.done()))
    batch = collate(examples, max(map(len, clips))).to(classifier.tokens.weight.device)
    cache: Any = DynamicCache() if moments else None
    hidden = classifier.backbone.hidden(
        classifier.embed(batch), dense_mask(batch), batch.position, cache
    )
    counts = [len(at) for at in asked]
    row = torch.from_numpy(np.repeat(np.arange(len(clips)), counts)).to(hidden.device)
    time = torch.from_numpy(np.concatenate(asked)).to(hidden.device)
    k = batch.features.shape[2]
    if batch.head < batch.kind.shape[1]:
        place = batch.head + np.concatenate([np.arange(count) for count in counts])
        found = hidden[row, torch.from_numpy(place).to(hidden.device)]
    else:
        found = hidden[row, (time + 1) * k]
    if not moments:
        return found, None
    front = batch.kind[:, : batch.head], batch.time[:, : batch.head]
    visible = (front[0][row] != Kind.PAD) & (front[1][row] <= time.unsqueeze(1))
    layers = [
        (layer.keys[row, :, : batch.head], layer.values[row, :, : batch.head])
        for layer in cache.layers
    ]
    return found, Moments(layers, visible, time, k)
