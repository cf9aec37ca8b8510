"""The baselines: what people run today, done as well as it can be done.

The official protocol encodes the window of the last W frames again for every frame, positions
counted from the window's start. Attention is plainly causal, so the fastest kernel applies;
adapters are merged, and nothing is computed that the answer does not need.
"""

import torch
from torch import Tensor

from core.classifiers.discriminative import DiscriminativeClassifier


@torch.inference_mode()
def answer_windows(classifier: DiscriminativeClassifier, windows: Tensor) -> Tensor:
    """Answer after the last frame of each window. [B, W, k, d] -> log-probabilities [B, C]."""
    backbone, rows = classifier.backbone, len(windows)
    ids = windows.new_full((rows, 1), backbone.start, dtype=torch.long)
    asked = classifier.embed_tokens(torch.full_like(ids, int(classifier.root or 0)))
    embeds = [backbone.embed(ids), classifier.embed_frames(windows), asked]
    out = backbone.causal.get_decoder()(inputs_embeds=torch.cat(embeds, 1), use_cache=False)
    return classifier.log_probabilities(out.last_hidden_state[:, -1])


def windows_of(frames: Tensor, window: int, first: int, count: int) -> Tensor:
    """Return the windows that end at frames `first` to `first + count - 1`. [count, W, k, d]."""
    whole = frames.unfold(0, window, 1).movedim(-1, 1)  # [T - W + 1, W, k, d], no copy
    return whole[first - window + 1 : first - window + 1 + count]
