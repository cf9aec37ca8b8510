"""Scoring label sets: the trie against one label at a time and against all labels as batch rows.

105 labels, and 3,806 as in EPIC-KITCHENS-100, after 148 frames, batch 1, nano. All ways give the
same log-probabilities (a test compares them); none writes a text besides.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from core.answers import Answerer, Answers
from core.backbones.base import Backbone
from core.bench.cost_model import Decoder, Work
from core.bench.hardware import Roofline, roofline
from core.bench.label_names import verb_noun_names
from core.bench.measuring import Report, Row, Settings, Way, time_in_turns
from core.bench.models import WINDOW, backbone, classifier, frames
from core.bench.one_by_one import Prompt, as_rows, one_at_a_time, read_prompt
from core.classifiers.base import Classifier
from core.classifiers.discriminative import DiscriminativeClassifier
from core.decoding import DECODERS, decoder
from core.decoding.exact import score
from core.decoding.trie import LabelTrie
from core.frame_cache import FrameCache, Moments
from core.labels.base import LabelCodec, Vocabulary

_SIZES = (8, 16, 32, 64, 128)  # rows of a batch that are tried for the baseline
_ALONE = 200  # labels that one at a time scores of a large set
_AGAIN = 5  # times that milliseconds of work are done a measurement
_HEADS = (100, 10_000, 100_000)


def run(settings: Settings) -> Report:
    """Measure labels a second over a prefix that is there already, and whole answers."""
    report = Report("scoring")
    base, machine = backbone("nano"), roofline()
    for count in (105,) if settings.quick else (105, 3806):
        _label_set(report, base, count, machine, settings)
    _heads(report, base, settings)
    return report


def _label_set(
    report: Report, base: Backbone, count: int, machine: Roofline, settings: Settings
) -> None:
    model = classifier("generative", base, verb_noun_names(base.tokenizer, count))
    video, trie = frames(base, WINDOW), LabelTrie(model.codec, base.eos)
    moments, prompt = read_frames(model, video), read_prompt(model, video)
    labels = list(range(count))
    some = labels[:: max(1, count // _ALONE)]
    size = _best_size(model, prompt, some, settings)
    ours, alone, rows = time_in_turns(
        [
            again(f"exact, {trie.nodes} nodes", count, partial(_score, model, moments, trie)),
            Way(
                "one at a time, prompt cache cropped back", len(some),
                partial(one_at_a_time, model, prompt, some),
            ),
            Way(
                f"rows over an expanded cache, {size} at a time", count,
                partial(as_rows, model, prompt, labels, size),
            ),
        ],
        settings,
    )  # fmt: skip
    bound, small = _bound(base, trie, machine), count == 105
    limit = "matrix products, and keys of the tree that the mask hides"
    report.rows += [
        Row(
            f"exact scoring of {count:,} labels, against one at a time", "labels/s",
            ours, alone, aim=20 if small else None, bound=bound, note=limit,
        ),
        Row(
            f"exact scoring of {count:,} labels, against all as batch rows", "labels/s",
            ours, rows, aim=None if small else 2, bound=bound, note=limit,
        ),
    ]  # fmt: skip
    if small:
        _against_one_step(report, model, trie, settings)
    for name in DECODERS:
        way = again(name, 1, partial(_decode, name, model, moments, trie))
        (timed,) = time_in_turns([way], settings)
        what = f"decoder {name}, {count:,} labels, after the frames, with its text"
        report.figures.append((what, 1000 / timed.rate, "ms"))


def _against_one_step(
    report: Report, model: Classifier, trie: LabelTrie, settings: Settings
) -> None:
    """Compare whole answers, frames included: the aim is at most three times the time."""
    base = model.backbone
    one_step = Answerer(classifier("discriminative", base, model.classes))
    video = frames(base, WINDOW)
    ours, baseline = time_in_turns(
        [
            again("frames and exact", 1, lambda: _score(model, read_frames(model, video), trie)),
            again("frames and [CLS]", 1, lambda: answer_once(one_step, video)),
        ],
        settings,
    )
    report.rows.append(
        Row(
            "exact scoring of 105 labels, against one discriminative pass (a third is aimed at)",
            "answers/s", ours, baseline, aim=1 / 3,
        )
    )  # fmt: skip


def _heads(report: Report, base: Backbone, settings: Settings) -> None:
    """Time a discriminative answer, frames included, by the number of classes."""
    video, words = frames(base, WINDOW), Vocabulary(base.tokenizer, base.vocabulary)
    for count in _HEADS:
        names = tuple(f"action {i}" for i in range(count))
        codec = LabelCodec(names, words, [(i,) for i in range(count)])
        answerer = Answerer(DiscriminativeClassifier(base, codec))
        (timed,) = time_in_turns([again("", 1, partial(answer_once, answerer, video))], settings)
        what = f"one discriminative answer, {count:,} classes, {WINDOW} frames"
        report.figures.append((what, 1000 / timed.rate, "ms"))


@torch.inference_mode()
def read_frames(model: Classifier, video: torch.Tensor) -> Moments:
    """Let a clip's frames enter and return its last moment."""
    cache = FrameCache(model, len(video), video.shape[1])
    cache.push(video, model.roots([0]), [len(video) - 1])
    return cache.moments(1)


@torch.inference_mode()
def answer_once(answerer: Answerer, video: torch.Tensor) -> Answers:
    """Let a clip's frames enter and answer at `[CLS]` in the same pass."""
    model = answerer.classifier
    cache = FrameCache(model, len(video), video.shape[1])
    hidden = cache.push(video, model.roots([0]), [len(video) - 1])
    return answerer.answer(None, hidden, np.zeros(1, np.int64))


def again(name: str, work: float, call: Callable[[], object]) -> Way:
    """Return a way that does a short piece of work several times a measurement."""
    return Way(name, _AGAIN * work, lambda: [call() for _ in range(_AGAIN)])


@torch.inference_mode()
def _score(model: Classifier, moments: Moments, trie: LabelTrie) -> object:
    return score(model, moments, trie)


@torch.inference_mode()
def _decode(name: str, model: Classifier, moments: Moments, trie: LabelTrie) -> object:
    return decoder(name)(model, moments, trie)


def _best_size(model: Classifier, prompt: Prompt, labels: list[int], settings: Settings) -> int:
    """Return the number of rows at which the baseline is fastest here."""
    ways = [Way(str(n), 1, partial(as_rows, model, prompt, labels, n)) for n in _SIZES]
    return max(zip(time_in_turns(ways, settings), _SIZES, strict=True), key=lambda x: x[0].rate)[1]


def _bound(base: Backbone, trie: LabelTrie, machine: Roofline) -> float:
    """Return the most labels a second: each node once, its logits, the prefix and nothing else."""
    work = Decoder.of(base).call(trie.nodes, WINDOW + 1)
    logits = 2 * trie.nodes * base.vocabulary * base.width
    work = Work(work.flops + logits, work.bytes)
    return len(trie.classes) / work.seconds(machine, base.dtype)
