"""Features: mp4 files to the cache, overlapped against one after the other; reading them again."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from core.backbones import load_tower
from core.backbones.base import VisionTower
from core.bench.footage import FPS, write_numbered
from core.bench.measuring import Report, Row, Settings, Way, time_in_turns
from core.bench.models import WINDOW
from core.encoding import encode_pictures
from core.features import FeatureCache
from core.types import SECOND, LabelledVideo, grid_us
from core.video import content_hash, sample

_BATCH = 32


def run(settings: Settings) -> Report:
    """Measure frames a second from mp4 to cached features with nano, and windows read from them."""
    report = Report("features")
    seconds = 2 if settings.quick else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = FeatureCache(folder / "cache", "nano")
        settings.say(f"writing two videos of {seconds} s")
        videos = [_video(folder / f"{i}.mp4", seconds, seconds * i) for i in range(2)]
        for chosen, what in ((videos[:1], "one video"), (videos, "two videos")):
            _encoding(report, cache, chosen, f"features of {what}", settings)
        _reading(report, cache, settings)
    return report


def _video(path: Path, seconds: int, begin: int) -> LabelledVideo:
    write_numbered(path, range(seconds * FPS), begin * FPS)
    return LabelledVideo(path.name, path, content_hash(path), seconds * SECOND)


def _encoding(
    report: Report,
    cache: FeatureCache,
    videos: Sequence[LabelledVideo],
    what: str,
    settings: Settings,
) -> None:
    tower = load_tower("nano")
    count = sum(len(grid_us(video.duration_us, cache.rate)) for video in videos)

    def overlapped() -> None:
        shutil.rmtree(cache.folder, ignore_errors=True)
        cache.compute(videos)

    def in_turn() -> None:
        for video in videos:
            _in_turn(video, cache.rate, tower, cache.path(video).with_suffix(".in turn"))

    ways = [
        Way("decoding and tower at once", count, overlapped),
        Way("one after the other, decoder a thread a core", count, in_turn),
    ]
    ours, baseline = time_in_turns(ways, settings)
    same = all(
        np.array_equal(
            cache.load(v).features, load_file(cache.path(v).with_suffix(".in turn"))["features"]
        )
        for v in videos
    )
    note = f"{'equal' if same else 'NOT EQUAL'} to the bit; bounded by decoding"
    report.rows.append(Row(f"{what}, mp4 to cache", "frames/s", ours, baseline, note=note))


def _in_turn(video: LabelledVideo, rate: float, tower: VisionTower, path: Path) -> None:
    rows: list[NDArray[np.float16]] = []
    pictures: list[NDArray[np.uint8]] = []
    for _, frame in sample(video.path, grid_us(video.duration_us, rate), threads=0):
        pictures.append(tower.prepare(frame))
        if len(pictures) == _BATCH:
            rows.append(encode_pictures(tower, pictures))
            pictures = []
    if pictures:
        rows.append(encode_pictures(tower, pictures))
    save_file({"features": np.concatenate(rows)}, path)


def _reading(report: Report, cache: FeatureCache, settings: Settings) -> None:
    """Read windows of an hour's features: of the mapped file, and of the file read whole."""
    hour = LabelledVideo("hour.mp4", Path("hour.mp4"), "0" * 64, 3600 * SECOND)
    time_us = grid_us(hour.duration_us, cache.rate)
    rng = np.random.default_rng(0)
    shape = (len(time_us), cache.card.tokens_per_frame, cache.card.feature_width)
    features = rng.standard_normal(shape, np.float32).astype(np.float16)
    path = cache.path(hour)
    save_file({"features": features, "time_us": time_us, "pts_us": time_us}, path)
    begins = rng.integers(0, len(time_us) - WINDOW, 64).tolist()

    def windows(found: NDArray[np.float16]) -> list[NDArray[np.float16]]:
        return [found[begin : begin + WINDOW].copy() for begin in begins]

    ways = [
        Way("mapped: open, 64 windows", 64, lambda: windows(cache.load(hour).features)),
        Way("read whole, 64 windows", 64, lambda: windows(load_file(path)["features"])),
        Way("mapped: open, one window", 1, lambda: cache.load(hour).features[:WINDOW].copy()),
        Way("read whole, one window", 1, lambda: load_file(path)["features"][:WINDOW].copy()),
    ]
    timed = time_in_turns(ways, settings)
    size = f"{path.stat().st_size / 1e6:.0f} MB, an hour of video, in the page cache"
    for ours, baseline in (timed[:2], timed[2:]):
        what = f"features, windows of {WINDOW} frames: {ours.name}"
        report.rows.append(Row(what, "windows/s", ours, baseline, note=size))
