"""Online detection: dense and streaming, against a window encoded again for every frame."""

import torch

from core.bench.measuring import Report, Row, Settings, Way, time_in_turns
from core.bench.models import WINDOW, backbone, classifier, frames
from core.bench.official import answer_windows, windows_of
from core.classifiers.discriminative import DiscriminativeClassifier
from core.frame_cache import FrameCache

_CLASSES = tuple(f"action {i}" for i in range(105))


def run(settings: Settings) -> Report:
    """Measure frames a second, discriminative classifier, batch 1 unless said otherwise."""
    report = Report("online")
    for shape in ("nano", "135M"):
        _dense(report, shape, settings)
    return report


def _dense(report: Report, shape: str, settings: Settings) -> None:
    base = backbone(shape)
    model = classifier("discriminative", base, _CLASSES)
    assert isinstance(model, DiscriminativeClassifier)
    small = shape == "nano" and not settings.quick
    length, alone, together = (2400, 24, 96) if small else (1200, 8, 16)
    video = frames(base, length)
    first = length - together

    def dense() -> None:
        cache = FrameCache(model, WINDOW, video.shape[1])
        with torch.inference_mode():
            for start in range(0, length, BLOCK):
                hidden = cache.push(video[start : start + BLOCK], model.roots([0]))
                model.log_probabilities(hidden)
                cache.forget()

    ways = [
        Way(f"{shape}, dense, blocks of {BLOCK}", length, dense),
        Way(
            "official protocol: a window a frame, batch 1",
            alone,
            lambda: [
                answer_windows(model, windows_of(video, WINDOW, first + i, 1)) for i in range(alone)
            ],
        ),
        Way(
            "the same windows, 16 in a batch",
            together,
            lambda: [
                answer_windows(model, windows_of(video, WINDOW, first + i, 16))
                for i in range(0, together, 16)
            ],
        ),
    ]
    ours, official, batched = time_in_turns(ways, settings)
    report.rows += [
        Row(
            f"online, dense, {shape}, against the official protocol", "frames/s", ours, official, 60
        ),
        Row(f"online, dense, {shape}, against batched windows", "frames/s", ours, batched, 45),
    ]


BLOCK = 128
