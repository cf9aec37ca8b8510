"""Frozen visual tokens of videos: computed once per (content, encoder, rate), used by all runs.

A backbone of features brings them; then nothing is decoded, computed or cached.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.backbones import backbone_card, load_tower
from core.backbones.base import BackboneCard, VisionTower
from core.backbones.feature_settings import feature_folder
from core.errors import InvalidFile, MissingArtifact, Stopped
from core.types import FrameFeatures, LabelledVideo, Progress, Report, grid_us, nobody_listens

_BATCH = 32


class FeatureCache:
    """A folder of feature files, one a video: `<encoder>@<revision>/<rate>/<content hash>`."""

    def __init__(self, root: Path, backbone: str, rate: float | None = None) -> None:
        self.backbone, self.card = backbone, backbone_card(backbone)
        self.rate = rate or self.card.rate
        name = f"{Path(self.card.name).name}@{self.card.revision}"
        self.folder = Path(root) / name / f"{self.rate:g}"
        self._tower: VisionTower | None = None
        self._brought = feature_folder(backbone)

    def path(self, video: LabelledVideo) -> Path:
        """Where a video's features are, or would be."""
        return self.folder / f"{video.content_hash}.safetensors"

    def missing(self, videos: Sequence[LabelledVideo]) -> list[LabelledVideo]:
        """Return the videos whose features are not there yet."""
        if self._brought is not None:
            return []
        return [video for video in videos if not self.path(video).is_file()]

    def load(self, video: LabelledVideo) -> FrameFeatures:
        """Read a video's features.

        Raises:
            MissingArtifact: They were never computed, or the file was removed.
            InvalidFile: The file is damaged.
        """
        if self._brought is not None:
            return self._brought.load(video)
        path = self.path(video)
        if not path.is_file():
            raise MissingArtifact(
                "A run needs the features of all its videos",
                f"those of '{video.name}' at {self.rate:g} frames/s are not in {path.parent}",
                "Compute them again: train or predict without 'cached only', or run 'gad predict'.",
            )
        try:
            with safe_open(path, "numpy") as file:
                return FrameFeatures(
                    file.get_tensor("features"),
                    file.get_tensor("time_us"),
                    file.get_tensor("pts_us"),
                )
        except SafetensorError as error:
            raise InvalidFile(
                f"A feature file must be whole safetensors ({error})",
                path,
                next_step="Delete it; it is computed again.",
            ) from None

    def compute(self, videos: Sequence[LabelledVideo], report: Report = nobody_listens) -> None:
        """Compute what is missing, video by video; a stopped computation continues where it was.

        Raises:
            Stopped: `report` asked to stop; finished videos are kept.
            UnreadableVideo: A video cannot be decoded.
            StudioError: The backbone brings features, but not those of all videos at this rate.
        """
        if self._brought is not None:
            self._brought.check(videos, self.rate)
        todo = self.missing(videos)
        for done, video in enumerate(todo):
            if report(Progress(done, len(todo), f"features of {video.name}")):
                raise Stopped("The computation of features")
            self._write(video, self.encode(video))
        report(Progress(len(todo), len(todo), "features"))

    def encode(self, video: LabelledVideo) -> FrameFeatures:
        """Decode a video on its grid and run the tower, without reading or writing the cache."""
        if self._tower is None:
            self._tower = load_tower(self.backbone).to(_device())
        time_us = grid_us(video.duration_us, self.rate)
        pts, parts = [], []
        for frames in _batched(self._frames(video, time_us), _BATCH):
            pts += [at for at, _ in frames]
            pictures = torch.from_numpy(np.stack([picture for _, picture in frames]))
            parts.append(self._tower(pictures.to(_device())).half().cpu().numpy())
        count = len(pts)
        return FrameFeatures(np.concatenate(parts), time_us[:count], np.array(pts, np.int64))

    def _frames(
        self, video: LabelledVideo, time_us: NDArray[np.int64]
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        # The kitchen trains towers where PyAV is not installed.
        from core.video import sample

        assert self._tower is not None
        for pts_us, frame in sample(video.path, time_us):
            yield pts_us, self._tower.prepare(frame)

    def _write(self, video: LabelledVideo, features: FrameFeatures) -> None:
        path = self.path(video)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            "features": features.features,
            "time_us": features.time_us,
            "pts_us": features.pts_us,
        }
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        save_file(arrays, beside, metadata=_about(self.card, self.rate))
        beside.replace(path)


def _about(card: BackboneCard, rate: float) -> dict[str, str]:
    return {"encoder": card.name, "revision": card.revision, "rate": f"{rate:g}"}


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _batched(
    items: Iterator[tuple[int, NDArray[np.uint8]]], size: int
) -> Iterator[list[tuple[int, NDArray[np.uint8]]]]:
    while batch := list(islice(items, size)):
        yield batch
