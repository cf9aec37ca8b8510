"""Frozen visual tokens of videos: computed once per (content, encoder, rate), used by all runs.

A backbone of features brings them; then nothing is decoded, computed or cached.
"""

import secrets
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.backbones import backbone_card, load_tower
from core.backbones.base import BackboneCard, VisionTower
from core.backbones.feature_settings import feature_folder
from core.encoding import encode_videos
from core.errors import InvalidFile, MissingArtifact, Stopped
from core.types import FrameFeatures, LabelledVideo, Progress, Report, nobody_listens


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
        """Return a video's features: views of the file, of which only what is used is read.

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
            # As torch tensors these are views of the mapped file; as numpy arrays, copies.
            with safe_open(path, "pt") as file:
                names = ("features", "time_us", "pts_us")
                return FrameFeatures(*(file.get_tensor(name).numpy() for name in names))
        except SafetensorError as error:
            raise InvalidFile(
                f"A feature file must be whole safetensors ({error})",
                path,
                next_step="Delete it; it is computed again.",
            ) from None

    def compute(self, videos: Sequence[LabelledVideo], report: Report = nobody_listens) -> None:
        """Compute what is missing; a stopped computation continues where it was.

        Raises:
            Stopped: `report` asked to stop; finished videos are kept.
            UnreadableVideo: A video cannot be decoded.
            StudioError: The backbone brings features, but not those of all videos at this rate.
        """
        if self._brought is not None:
            self._brought.check(videos, self.rate)
        if todo := self.missing(videos):
            self._compute(todo, report)
        report(Progress(len(todo), len(todo), "features"))

    def _compute(self, todo: Sequence[LabelledVideo], report: Report) -> None:
        self._tower = self._tower or load_tower(self.backbone).to(_device())
        done = 0
        with closing(encode_videos(todo, self.rate, self._tower)) as steps:
            for video, features in steps:
                if features is not None:
                    self._write(video, features)
                    done += 1
                asked = report(Progress(done, len(todo), f"features of {video.name}"))
                if asked and done < len(todo):
                    raise Stopped("The computation of features")

    def _write(self, video: LabelledVideo, features: FrameFeatures) -> None:
        path = self.path(video)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            "features": features.features,
            "time_us": features.time_us,
            "pts_us": features.pts_us,
        }
        beside = path.with_suffix(f".{secrets.token_hex(8)}.tmp")  # of other machines too
        save_file(arrays, beside, metadata=_about(self.card, self.rate))
        beside.replace(path)


def _about(card: BackboneCard, rate: float) -> dict[str, str]:
    return {"encoder": card.name, "revision": card.revision, "rate": f"{rate:g}"}


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
