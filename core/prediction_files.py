"""A run's predictions on disk: one safetensors file a video, `predictions/<content hash>`."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.errors import InvalidFile, MissingArtifact
from core.types import LabelledVideo, Prediction

_ARRAYS = (
    "log_p", "predicted", "time_us", "embedding", "span_us", "kind", "token_log_p", "distance",
    "listed", "rest",
)  # fmt: skip
_VALUES = ("decoder", "passes", "tokens", "ms")


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a run decided for, without its scores; fields as in `Prediction`."""

    predicted: NDArray[np.int64]
    time_us: NDArray[np.int64]
    span_us: NDArray[np.int64] | None = None
    kind: NDArray[np.int64] | None = None


def prediction_path(run_folder: Path, content_hash: str) -> Path:
    """Return where a run's prediction of a video is kept."""
    return run_folder / "predictions" / f"{content_hash}.safetensors"


def write_prediction(run_folder: Path, video: LabelledVideo, prediction: Prediction) -> Path:
    """Write a prediction beside and rename it."""
    path = prediction_path(run_folder, video.content_hash)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {
        name: np.ascontiguousarray(value)
        for name in _ARRAYS
        if (value := getattr(prediction, name)) is not None
    }
    about = {name: getattr(prediction, name) for name in _VALUES} | {"texts": prediction.texts}
    beside = path.with_suffix(f".{secrets.token_hex(8)}.tmp")  # of other machines too
    save_file(arrays, beside, metadata={"about": json.dumps(about)})
    beside.replace(path)
    return path


def read_prediction(path: Path) -> Prediction:
    """Read what `write_prediction` wrote."""
    arrays, about = _read(path, _ARRAYS)
    texts = tuple(about.pop("texts"))
    return Prediction(**arrays, **about, texts=texts)


def read_decisions(path: Path) -> Decisions:
    """Read of what `write_prediction` wrote only what was decided."""
    arrays, _ = _read(path, ("predicted", "time_us", "span_us", "kind"))
    return Decisions(**arrays)


def _read(path: Path, names: Sequence[str]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return some of the arrays, and what else is known."""
    if not path.is_file():
        raise MissingArtifact(
            "A prediction must have been made before it is shown", f"'{path.name}' is not there",
            "Predict with this run again.",
        )  # fmt: skip
    try:
        with safe_open(path, "numpy") as file:
            arrays = {n: file.get_tensor(n) for n in file.keys() if n in names}  # noqa: SIM118
            return arrays, json.loads(file.metadata()["about"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise InvalidFile(
            f"A prediction must be a whole file of ours ({error})", path, next_step="Predict again."
        ) from None
