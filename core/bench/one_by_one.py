"""The baselines of exact scoring: every label as a text of its own behind one shared prompt.

The prompt (start, frames, `[TEXT]`) is read once. Its last token says how likely each label's first
token is, so a label of n tokens costs n more; its EOS none. Attention is plainly causal, positions
follow one another, and the decoder is called as it comes, without masks of ours.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from core.classifiers.base import Classifier


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's keys and values, and the log-probabilities of what follows it, [V]."""

    cache: Any
    log_p: Tensor


@torch.inference_mode()
def read_prompt(classifier: Classifier, video: Tensor) -> Prompt:
    """Read start, frames and `[TEXT]`. `video`: [T, k, d]."""
    cache = DynamicCache()
    hidden = _decode(classifier, prompt_embeds(classifier, video), cache)
    return Prompt(cache, classifier.logits(hidden[0, -1]).log_softmax(-1))


def prompt_embeds(classifier: Classifier, video: Tensor) -> Tensor:
    """Return the embeddings of start, frames and `[TEXT]`. [1, N, H]."""
    start = torch.full((1, 1), classifier.backbone.start)
    asked = classifier.embed_tokens(torch.full_like(start, classifier.prompt(0)[-1]))
    frames = classifier.embed_frames(video.unsqueeze(0))
    return torch.cat([classifier.backbone.embed(start), frames, asked], dim=1)


@torch.inference_mode()
def one_at_a_time(classifier: Classifier, prompt: Prompt, labels: list[int]) -> Tensor:
    """Score labels one after another; the cache is cropped back, never copied. [labels]."""
    found = torch.empty(len(labels))
    for i, label in enumerate(labels):
        text = torch.tensor(classifier.codec.encode(label))
        hidden = _decode(classifier, classifier.backbone.embed(text).unsqueeze(0), prompt.cache)
        log_p = classifier.logits(hidden[0]).log_softmax(-1)
        after = torch.cat([text[1:], torch.tensor([classifier.backbone.eos])])
        found[i] = prompt.log_p[text[0]] + log_p.gather(1, after.unsqueeze(1)).sum()
        prompt.cache.crop(-len(text))
    return found


@torch.inference_mode()
def as_rows(classifier: Classifier, prompt: Prompt, labels: list[int], size: int) -> Tensor:
    """Score labels as batch rows, `size` at a time, those of equal length together. [labels]."""
    texts = {label: classifier.codec.encode(label) for label in labels}
    order = sorted(range(len(labels)), key=lambda i: len(texts[labels[i]]))
    found, eos = torch.empty(len(labels)), classifier.backbone.eos
    for start in range(0, len(order), size):
        places = order[start : start + size]
        rows = [texts[labels[i]] for i in places]
        longest = len(rows[-1])
        ids = torch.tensor([[*row, *[eos] * (longest + 1 - len(row))] for row in rows])
        hidden = _decode(classifier, classifier.backbone.embed(ids[:, :-1]), _rows(prompt, rows))
        log_p = classifier.logits(hidden).log_softmax(-1)
        each = log_p.gather(2, ids[:, 1:].unsqueeze(2)).squeeze(2)
        length = torch.tensor([len(row) for row in rows]).unsqueeze(1)
        each = each.masked_fill(torch.arange(longest) >= length, 0)
        found[places] = prompt.log_p[ids[:, 0]] + each.sum(1)
    return found


def _rows(prompt: Prompt, rows: list[tuple[int, ...]]) -> Any:
    """Return a cache that holds the prompt once for each row, without copying it."""
    cache = DynamicCache()
    for i, layer in enumerate(prompt.cache.layers):
        cache.update(layer.keys[:, :, :0], layer.values[:, :, :0], i)
        cache.layers[i].keys, cache.layers[i].values = (  # pyright: ignore
            x.expand(len(rows), -1, -1, -1) for x in (layer.keys, layer.values)
        )
    return cache


def _decode(classifier: Classifier, embeds: Tensor, cache: Any) -> Tensor:
    decoder = classifier.backbone.causal.get_decoder()
    return decoder(inputs_embeds=embeds, past_key_values=cache, use_cache=True).last_hidden_state
