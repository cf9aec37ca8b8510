"""Online detection: dense and streaming, against a window encoded again for every frame."""

from dataclasses import replace

import torch

from core.bench.cost_model import Decoder, Work
from core.bench.hardware import Roofline, roofline
from core.bench.measuring import Report, Row, Settings, Timed, Way, time_in_turns
from core.bench.models import WINDOW, backbone, classifier, frames
from core.bench.official import answer_windows, windows_of
from core.classifiers.discriminative import DiscriminativeClassifier
from core.frame_cache import FrameCache
from core.prediction import BLOCK
from core.streaming import StreamingPredictor

_CLASSES = tuple(f"action {i}" for i in range(105))
_TOGETHER = 16  # windows in a batch, streams in step
_WHOLE = "the official protocol: a window a frame, batch 1"
_BATCHED = f"the same windows, {_TOGETHER} in a batch"


def run(settings: Settings) -> Report:
    """Measure frames a second of the discriminative classifier."""
    report, machine = Report("online"), roofline()
    for dtype, rate in machine.flops.items():
        report.figures.append((f"matrix products, {dtype}", rate / 1e9, "GFLOP/s"))
    report.figures.append(("copy", machine.bandwidth / 1e9, "GB/s"))
    for shape, stream_dtype, aim in (("nano", torch.float32, 3), ("135M", torch.bfloat16, 5)):
        _dense(report, _model(shape, torch.float32), machine, settings)
        _streams(report, _model(shape, stream_dtype), machine, settings, aim)
    return report


def _model(shape: str, dtype: torch.dtype) -> DiscriminativeClassifier:
    model = classifier("discriminative", backbone(shape, dtype), _CLASSES)
    assert isinstance(model, DiscriminativeClassifier)
    return model


def _dense(
    report: Report, model: DiscriminativeClassifier, machine: Roofline, settings: Settings
) -> None:
    shape = model.backbone.card.name
    small = shape == "nano"
    length, alone, together = (2400, 24, 96) if small else (600, 6, 16)
    if settings.quick:
        length, alone, together = 256, 2, 16
    video = frames(model.backbone, length)

    ways = [
        Way(f"dense, blocks of {BLOCK}", length, lambda: answer_densely(model, video, WINDOW)),
        _official(model, video, alone, 1),
        _official(model, video, together, _TOGETHER),
    ]
    ours, whole, batched = time_in_turns(ways, settings)
    # A frame and its [CLS] see the start and the window.
    work = Decoder.of(model.backbone).call(2 * BLOCK, WINDOW + 1)
    bound = BLOCK / work.seconds(machine, model.backbone.dtype)
    for baseline, aim in ((whole, 60), (batched, 45)):
        report.rows.append(
            Row(f"online, dense, {shape}", "frames/s", ours, baseline, aim=aim, bound=bound)
        )


@torch.inference_mode()
def answer_densely(model: DiscriminativeClassifier, video: torch.Tensor, window: int) -> None:
    """Answer after every frame of a video, block by block, and keep nothing."""
    cache = FrameCache(model, window, video.shape[1])
    for start, end in cache.blocks(len(video), BLOCK):
        model.log_probabilities(cache.push(video[start:end], model.roots([0])))
        cache.forget()


def _streams(
    report: Report,
    model: DiscriminativeClassifier,
    machine: Roofline,
    settings: Settings,
    aim: float,
) -> None:
    shape = f"{model.backbone.card.name}, {str(model.backbone.dtype).removeprefix('torch.')}"
    small = model.backbone.card.name == "nano"
    count = 2 if settings.quick else 48 if small else 16
    alone = 2 if settings.quick else 24 if small else 6
    video = frames(model.backbone, WINDOW + 64)
    baseline = _official(model, video, alone, 1)
    for streams, wanted in ((1, aim), (_TOGETHER, 20)):
        predictor = StreamingPredictor(model, WINDOW, video.shape[1], streams=streams)
        step = video[:1].expand(streams, -1, -1)
        for _ in range(8 if settings.quick else WINDOW):
            predictor.push(step)

        def stream(predictor: StreamingPredictor = predictor, step: torch.Tensor = step) -> None:
            for _ in range(count):
                predictor.push(step)

        name = "one stream" if streams == 1 else f"{streams} streams in step"
        way = Way(f"{name}, frame by frame", count * streams, stream)
        ours, whole = time_in_turns([way, baseline], settings)
        bound = streams / _step(model, streams).seconds(machine, model.backbone.dtype)
        report.rows.append(
            Row(f"online, {name}, {shape}", "frames/s", ours, whole, aim=wanted, bound=bound)
        )
        report.figures.append(
            (f"{name}, {shape}: a step", 1000 * _median_step(ours, streams), "ms")
        )


def _official(model: DiscriminativeClassifier, video: torch.Tensor, count: int, batch: int) -> Way:
    def answer() -> None:
        first = len(video) - count
        for i in range(0, count, batch):
            answer_windows(model, windows_of(video, WINDOW, first + i, batch))

    return Way(_WHOLE if batch == 1 else _BATCHED, count, answer)


def _step(model: DiscriminativeClassifier, streams: int) -> Work:
    """Return the work of one step: a frame and its [CLS] a stream."""
    return Decoder.of(model.backbone).call(2, WINDOW + 1, streams)


def _median_step(timed: Timed, streams: int) -> float:
    return 1 / replace(timed, work=timed.work / streams).rate
