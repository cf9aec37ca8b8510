"""Truth, predictions and scores of any tool as files, read so that a wrong file is one sentence.

| file    | holds                                                                          |
|---------|--------------------------------------------------------------------------------|
| `.json` | an object: video name → list of the class index of each frame; −100: no target |
| `.npz`  | arrays: video name → score of every class in each frame, [frames, C]           |
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.segments import IGNORED, Indices
from core.errors import InvalidData, InvalidFile
from core.formats.source import quoted

MOST_JSON = 128 * 2**20
"""Bytes of a file of indices: some 400 hours at 25 frames a second."""

MOST_SCORES = 8 * 2**30
"""Bytes of unpacked scores: they are held in memory at once, and packed zeros need no space."""

_LARGEST = 2**31 - 1
"""Largest class index: far above any label set, far below what overflows."""

_EXAMPLE = 'Write an object such as {"tea.mp4": [0, 0, 3, 3]}.'


def read_indices(path: Path) -> dict[str, Indices]:
    """Return the class index of every frame of every video in a JSON file.

    Returns:
        Video name to int64 [frames]; every value is a class index or `IGNORED`.

    Raises:
        InvalidFile: The file cannot be read, is not JSON, or has another form.
    """
    _check_file(path, MOST_JSON)
    try:
        found: Any = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecursionError, MemoryError) as error:  # RecursionError: lists without end
        raise InvalidFile(
            "A file of class indices must be JSON in UTF-8", path,
            getattr(error, "lineno", None), _EXAMPLE,
        ) from error  # fmt: skip
    if not isinstance(found, dict) or not found:
        raise InvalidFile(
            "A file of class indices holds an object with at least one video",
            path,
            next_step=_EXAMPLE,
        )
    return {name: _indices(path, name, row) for name, row in found.items()}


def _indices(path: Path, name: str, row: Any) -> Indices:
    if not isinstance(row, list):
        raise InvalidFile(
            f"Every video has a list of class indices, but {quoted(name)} has none",
            path,
            next_step=_EXAMPLE,
        )
    # true and 1.0 would become indices silently; no tool means them as such
    if not set(map(type, row)) <= {int}:
        at = next(frame for frame, value in enumerate(row) if type(value) is not int)
        what = f"{quoted(name)} has none for frame {at}"
    elif any(outside := [not 0 <= value <= _LARGEST and value != IGNORED for value in row]):
        at = outside.index(True)
        what = f"{quoted(name)} has {str(row[at])[:20]} for frame {at}"
    else:
        return np.array(row, dtype=np.int64)
    raise InvalidFile(
        f"A class index is a whole number from 0 to {_LARGEST}, or {IGNORED} where there is no "
        f"target, but {what}",
        path,
        next_step="Number the classes from 0.",
    )


def read_scores(path: Path, truth: Mapping[str, Indices]) -> dict[str, NDArray[np.floating]]:
    """Return the scores of the videos of `truth` in an .npz file; other videos are not read.

    Returns:
        Video name to float [frames, C], the same C everywhere and none of them NaN.

    Raises:
        InvalidFile: The file cannot be read, or is no .npz file of plain arrays.
        InvalidData: A video is missing, or its scores have another shape, or are no floats.
    """
    _check_file(path)
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
        if unpacked > MOST_SCORES:
            raise InvalidFile(
                f"Scores may unpack to at most {MOST_SCORES // 2**30} GiB",
                path,
                next_step="Store them as float16, and only the videos that are scored.",
            )
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in truth if name in archive}
    except InvalidFile:
        raise
    # A broken archive fails in as many ways as it has layers: zip, compression, header, array.
    except Exception as error:
        raise InvalidFile(
            "A file of scores must be an .npz file of plain arrays, nothing pickled", path,
            next_step="Write it with numpy.savez(path, **{video: scores}).",
        ) from error  # fmt: skip
    _check_scores(found, truth)
    return found


def _check_scores(found: Mapping[str, Any], truth: Mapping[str, Indices]) -> None:
    missing = [name for name in truth if name not in found]
    if missing:
        raise InvalidData(
            "Every video needs scores",
            ", ".join(map(quoted, missing[:5])),
            "Add an array of that name to the file of scores.",
        )
    classes = {rows.shape[1] for rows in found.values() if np.ndim(rows) == 2}
    for name, rows in found.items():
        # a member that is no array is handed back as bytes
        shape, kind = (rows.shape, rows.dtype.kind) if isinstance(rows, np.ndarray) else ((), "")
        if len(shape) != 2 or shape[0] != len(truth[name]) or shape[1] == 0 or kind != "f":
            raise InvalidData(
                f"Scores must be floats of shape [{len(truth[name])}, classes]",
                f"{quoted(name)} has shape {list(shape)}" + (f" of {rows.dtype}" if kind else ""),
                "Give a row for every frame and a column for every class.",
            )
        if len(classes) != 1:
            raise InvalidData(
                "All videos must have scores for the same classes",
                f"there are arrays with {' and '.join(map(str, sorted(classes)[:5]))} columns",
                "Give a column for every class, background included.",
            )
        if np.isnan(rows).any():
            raise InvalidData(
                "Scores must be numbers, not NaN",
                f"{quoted(name)} has one in frame {int(np.argwhere(np.isnan(rows))[0, 0])}",
                "Write -inf where a class was not scored.",
            )


def _check_file(path: Path, limit: int | None = None) -> None:
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise InvalidFile("A file must be there to be read", path, next_step="Check its path.")
        if limit and path.stat().st_size > limit:
            raise InvalidFile(
                f"A file of class indices may have at most {limit // 2**20} MiB",
                path,
                next_step="Keep only the videos and frames that are scored.",
            )
        path.open("rb").close()  # or numpy's own words would have to tell that it may not be read
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InvalidFile:
    return InvalidFile(
        f"A file must be readable ({error.strerror})", path, next_step="Check its permissions."
    )
