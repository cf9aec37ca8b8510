"""How cost grows with the window, the length of a video, the number of labels and their length."""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch

from core.answers import Answerer
from core.bench.generative import write_ours
from core.bench.label_names import names_of_length, verb_noun_names
from core.bench.measuring import Curve, Report, Settings, Way, time_in_turns
from core.bench.models import WINDOW, backbone, classifier, frames
from core.bench.official import answer_windows, windows_of
from core.bench.online import answer_densely
from core.bench.scoring import answer_once, read_frames
from core.classifiers.base import Classifier
from core.classifiers.discriminative import DiscriminativeClassifier
from core.decoding import decoder
from core.decoding.trie import LabelTrie
from core.prediction import BLOCK
from core.streaming import StreamingPredictor

_WINDOWS = (16, 37, 74, 148, 296, 592)
_LENGTHS = (240, 960, 3600, 14_400)  # one minute to one hour, four frames a second
_LABELS = (10, 105, 400, 1200, 3806)
_TOKENS = (1, 2, 3, 4, 6, 8)
_FEW = 32  # labels; nano has not many more words of one token


def run(settings: Settings) -> Report:
    """Measure medians with nano, batch 1."""
    report, base = Report("scaling"), backbone("nano")
    quick = settings.quick
    model = classifier("discriminative", base, tuple(f"action {i}" for i in range(105)))
    assert isinstance(model, DiscriminativeClassifier)
    report.curves = [
        _windows(model, _WINDOWS[:2] if quick else _WINDOWS, settings),
        _lengths(model, _LENGTHS[:1] if quick else _LENGTHS, settings),
        _labels(base, _LABELS[:2] if quick else _LABELS, settings),
        _label_lengths(base, _TOKENS[:2] if quick else _TOKENS, settings),
    ]
    return report


def _windows(
    model: DiscriminativeClassifier, windows: tuple[int, ...], settings: Settings
) -> Curve:
    """Milliseconds a frame, against the frames of a window."""
    points: dict[str, list[tuple[float, float]]] = {}
    for window in windows:
        video = frames(model.backbone, window + 2 * BLOCK)
        stream = StreamingPredictor(model, window, video.shape[1])
        for t in range(window):
            stream.push(video[t : t + 1])
        ways = [
            Way("window encoded again", 4, partial(_again, model, video, window, 4)),
            Way("frame by frame", 16, partial(_stream, stream, video[:16])),
            Way("dense", len(video), partial(answer_densely, model, video, window)),
        ]
        _add(points, window, ways, settings)
    return Curve("frames of the window", "ms a frame", points)


def _lengths(
    model: DiscriminativeClassifier, lengths: tuple[int, ...], settings: Settings
) -> Curve:
    """Seconds a video, against its frames; the window is that of the paper."""
    points: dict[str, list[tuple[float, float]]] = {}
    video = frames(model.backbone, max(lengths))
    (again,) = time_in_turns(
        [Way("", 8, partial(_again, model, video[: 2 * WINDOW], WINDOW, 8))], settings
    )
    for length in lengths:
        (dense,) = time_in_turns(
            [Way("", 1, partial(answer_densely, model, video[:length], WINDOW))], settings
        )
        name = "window encoded again (its cost a frame × frames)"
        points.setdefault(name, []).append((length, length / again.rate))
        points.setdefault("dense", []).append((length, 1 / dense.rate))
    return Curve("frames of the video", "s a video", points)


def _labels(base: Any, counts: tuple[int, ...], settings: Settings) -> Curve:
    """Milliseconds an answer, frames included, against the number of labels."""
    points: dict[str, list[tuple[float, float]]] = {}
    video = frames(base, WINDOW)
    for count in counts:
        names = verb_noun_names(base.tokenizer, count)
        writer = classifier("generative", base, names)
        trie = LabelTrie(writer.codec, base.eos)
        ways = [
            Way(name, 1, partial(_ask, name, writer, video, trie)) for name in ("exact", "trie")
        ]
        model = classifier("discriminative", base, names)
        ways.append(Way("[CLS]", 1, partial(answer_once, Answerer(model), video)))
        _add(points, count, ways, settings)
    return Curve("labels", "ms an answer", points)


def _label_lengths(base: Any, lengths: tuple[int, ...], settings: Settings) -> Curve:
    """Milliseconds an answer after 16 frames, against the tokens of a label."""
    points: dict[str, list[tuple[float, float]]] = {}
    video = frames(base, 16)
    for tokens in lengths:
        names = names_of_length(base.tokenizer, _FEW, tokens)
        writer = classifier("generative", base, names)
        writer.competing = torch.arange(base.vocabulary) != base.eos
        model = classifier("discriminative", base, names)
        ways = [
            Way("written token by token", 1, partial(write_ours, writer, video, tokens + 1)),
            Way("[CLS]", 1, partial(answer_once, Answerer(model), video)),
        ]
        _add(points, tokens, ways, settings)
    return Curve("tokens of a label, EOS not counted", "ms an answer", points)


def _add(
    points: dict[str, list[tuple[float, float]]], x: float, ways: list[Way], settings: Settings
) -> None:
    for timed in time_in_turns(ways, settings):
        milliseconds = 1000 * median(timed.seconds) / timed.work
        points.setdefault(timed.name, []).append((x, milliseconds))


def _again(model: DiscriminativeClassifier, video: torch.Tensor, window: int, count: int) -> None:
    for i in range(count):
        answer_windows(model, windows_of(video, window, window + i, 1))


def _stream(stream: StreamingPredictor, video: torch.Tensor) -> None:
    for frame in video:
        stream.push(frame.unsqueeze(0))


@torch.inference_mode()
def _ask(name: str, writer: Classifier, video: torch.Tensor, trie: LabelTrie) -> object:
    ask: Callable[..., object] = decoder(name)
    return ask(writer, read_frames(writer, video), trie)
