"""Features that somebody else extracted: a folder with one array a video.

`<video>.npy` (never pickled) or `<video>.safetensors` with one tensor, [T, d] or [T, k, d]: a row
for every step of a fixed rate, the first at time 0. `features.json` beside them says the rate:
`{"rate": 4}`. A video finds its array by its name, the last part of its path without suffix.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from core.errors import InvalidConfig, InvalidData, InvalidFile, MissingArtifact
from core.types import FrameFeatures, LabelledVideo, grid_us

DESCRIPTION = "features.json"
SUFFIXES = (".npy", ".safetensors")
SLACK = 2
"""Frames by which an array may be longer or shorter than what it belongs to; the rest is cut."""

_RATES = ("rate", "fps")
_NAMED = 3


def is_feature_file(path: Path) -> bool:
    """Say whether a path is an array of features rather than a video."""
    return path.suffix.lower() in SUFFIXES


def open_array(path: Path) -> NDArray[Any]:
    """Open the one array of a file; an `.npy` is mapped and not read.

    Raises:
        InvalidFile: It cannot be read, holds objects instead of numbers, or several arrays.
    """
    try:
        if path.suffix.lower() == ".npy":
            found: Any = np.load(path, mmap_mode="r", allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            raise ValueError("an archive of arrays")
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
            if len(names) != 1:
                raise ValueError(f"{len(names)} tensors")
            return file.get_tensor(names[0])
    # TypeError: numpy has no bfloat16
    except (OSError, ValueError, TypeError, EOFError, SafetensorError) as error:
        raise InvalidFile(
            f"An array must be one whole .npy without Python objects, or .safetensors ({error})",
            path, next_step="Write it again with numpy.save(path, array, allow_pickle=False).",
        ) from None  # fmt: skip


def feature_shape(array: NDArray[Any], path: Path) -> tuple[int, int, int]:
    """Return frames, tokens per frame and width of an array of features.

    Raises:
        InvalidFile: It is not [T, d] or [T, k, d] of floating-point numbers.
    """
    if array.dtype.kind != "f" or array.ndim not in (2, 3) or 0 in array.shape:
        raise InvalidFile(
            "Features must be floating-point numbers [frames, width] or [frames, tokens, width], "
            f"but these are {array.dtype} {list(array.shape)}",
            path, next_step="Extract them again, or name the right folder.",
        )  # fmt: skip
    frames, *rest = array.shape
    return frames, rest[0] if len(rest) == 2 else 1, rest[-1]


def read_features(path: Path) -> NDArray[np.float16]:
    """Read an array of features straight into half precision. Shape: [T, k, d].

    Raises:
        InvalidFile: Wrong type or shape, NaN, or a number that half precision cannot hold.
    """
    array = open_array(path)
    shape = feature_shape(array, path)
    with np.errstate(over="ignore", invalid="ignore"):
        half = np.array(array, np.float16).reshape(shape)
    if not np.isfinite(half).all():
        frame = int(np.flatnonzero(~np.isfinite(half).all(axis=(1, 2)))[0])
        raise InvalidFile(
            f"Features must be finite and below 65,504, but frame {frame} is not", path,
            next_step="Extract the features of this video again.",
        )  # fmt: skip
    return half


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class FeatureFolder:
    """A folder of arrays that agree: frames a second, tokens per frame, width."""

    root: Path
    rate: float
    tokens: int
    width: int

    @classmethod
    def open(cls, root: Path, rate: float | None = None) -> Self:
        """Look at a folder; its first array says the shape.

        Args:
            root: The folder.
            rate: Frames a second where another file than `features.json` says them.

        Raises:
            InvalidFile: It holds no array, or its rate is missing or no rate.
        """
        files = feature_files(root)
        if not files:
            raise InvalidFile(
                f"A folder of features holds one {' or '.join(SUFFIXES)} for every video", root,
                next_step="Name the folder in which the arrays lie.",
            )  # fmt: skip
        first = files[min(files)]
        _, tokens, width = feature_shape(open_array(first), first)
        return cls(root, _described_rate(root) if rate is None else rate, tokens, width)

    @cached_property
    def files(self) -> dict[str, Path]:
        """The arrays by the name of their video."""
        return feature_files(self.root)

    def check(self, videos: Iterable[LabelledVideo], rate: float | None = None) -> None:
        """Refuse videos that have no array of their own, and a rate that the arrays have not.

        Raises:
            MissingArtifact: Videos have no array; the message names the first.
            InvalidData: Two videos would share an array.
            InvalidConfig: Features cannot be read at another rate than they were made at.
        """
        if rate is not None and rate != self.rate:
            raise InvalidConfig(
                "Features can only be read at the rate they were made at",
                f"{rate:g} frames/s were asked of {self.rate:g}",
                "Leave the rate to the backbone.",
            )
        wanted = [video.path.stem for video in videos]
        if missing := sorted(set(wanted) - self.files.keys()):
            shown = ", ".join(f"'{name}'" for name in missing[:_NAMED])
            raise MissingArtifact(
                "Every video needs its features: a file of its name without suffix",
                f"{len(missing)} of {len(wanted)} have none in {self.root}, such as {shown}",
                "Extract them too, or archive these videos.",
            )
        shared = [name for name, count in Counter(wanted).items() if count > 1]
        if shared:
            raise InvalidData(
                "Videos with features must differ in their names, whatever their folders",
                f"'{shared[0]}' is the name of {wanted.count(shared[0])} videos",
                "Rename them, and their features.",
            )

    def read(self, path: Path) -> NDArray[np.float16]:
        """Read one array of the folder. Shape: [T, tokens, width].

        Raises:
            InvalidFile: It is damaged, or of another shape than the others.
        """
        features = read_features(path)
        if features.shape[1:] != (self.tokens, self.width):
            raise InvalidFile(
                f"All features of a folder must be [frames, {self.tokens}, {self.width}], but "
                f"these are {list(features.shape)}", path, next_step="Extract them again.",
            )  # fmt: skip
        return features

    def load(self, video: LabelledVideo) -> FrameFeatures:
        """Read the features of a video on its grid.

        Raises:
            MissingArtifact: It has none.
            InvalidFile: They are damaged, of another shape or length, or changed since the import.
        """
        self.check([video])
        path = self.files[video.path.stem]
        if path == video.path and content_hash(path) != video.content_hash:
            raise InvalidFile(
                "Features must be those that were imported, but this file changed since", path,
                next_step="Import its folder again.",
            )  # fmt: skip
        features = self.read(path)
        time_us = grid_us(video.duration_us, self.rate)
        check_length(len(features), len(time_us), path)
        count = min(len(features), len(time_us))
        return FrameFeatures(features[:count], time_us[:count], time_us[:count])


def check_length(frames: int, expected: int, path: Path) -> None:
    """Raise `InvalidFile` where an array is more than `SLACK` frames longer or shorter."""
    if abs(frames - expected) > SLACK:
        raise InvalidFile(
            f"Lengths may differ by {SLACK} frames, but these are {frames} frames for {expected}",
            path, next_step="Check the rate, and that both were made from the same video.",
        )  # fmt: skip


def feature_files(root: Path) -> dict[str, Path]:
    """Return the arrays of a folder by the name of their video."""
    if not root.is_dir():
        raise MissingArtifact(
            "A folder of features must be there", f"'{root}' is not", "Bring it back, or import "
            "it from its new place.",
        )  # fmt: skip
    found = sorted(path for path in root.iterdir() if is_feature_file(path))
    return {path.stem: path for path in reversed(found)}  # .npy before .safetensors


def rate_of(values: Any, path: Path) -> float:
    """Return the frames a second that a JSON object says, under one of its usual names.

    Raises:
        InvalidFile: It says none, or no number above 0 and up to 120.
    """
    named = {str(key).casefold(): value for key, value in values.items()}
    rate = next((named[key] for key in _RATES if key in named), None)
    if isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate <= 120:
        return float(rate)  # NaN is in no interval
    said = "it says none" if rate is None else f"it says {json.dumps(rate)[:40]}"
    raise InvalidFile(
        f"Features need their rate, a number of frames a second up to 120; {said}", path,
        next_step='Write it, such as "rate": 4.',
    )  # fmt: skip


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InvalidFile: It is not there or something else.
    """
    try:
        found = json.loads(path.read_text("utf-8-sig"))
        if not isinstance(found, dict):
            raise ValueError("it is something else")
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidFile(
            f"{path.name} must hold a JSON object ({error})", path,
            next_step='Write at least {"rate": 4}.' if path.name == DESCRIPTION else "Correct it.",
        ) from None  # fmt: skip
    return found


def _described_rate(root: Path) -> float:
    return rate_of(read_object(root / DESCRIPTION), root / DESCRIPTION)
