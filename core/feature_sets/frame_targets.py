"""The layout in which data sets of online action detection are published.

    data_info.json                      in the folder, or beside it for several data sets
    <feature>/<session>.npy             [T, d]
    target_perframe/<session>.npy       [T, C] of zeros and ones, one- or multi-hot; or [T] indices

Every stretch of frames of one class becomes a segment, so that overlapping classes are kept. Frames
of background, or of nothing, become none; "Ambiguous" and the ignored index become ignored spans.
"""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidData, InvalidFile
from core.feature_files import FeatureFolder, check_length, content_hash, feature_files, open_array
from core.feature_sets import FeatureSet, Session, SessionFault, at_frame
from core.feature_sets.data_info import FILE, DataInfo, read_data_info
from core.formats.source import quoted
from core.formats.values import AMBIGUOUS
from core.labels.names import is_action, label_text, label_texts
from core.types import Segment, Span, runs_of_equal

TARGETS = "target_perframe"
_BLOCK = 4096  # frames whose values are checked at a time
_NOT_FEATURES = ("target", "perframe")
"""Parts of the names of folders that hold labels."""


def recognises(folder: Path) -> bool:
    """Say whether it, the folder of a `data_info.json`, or its parent has `target_perframe`."""
    return bool(_roots(folder))


def read(folder: Path) -> FeatureSet:
    """Read a data set; a folder of features is chosen by naming it.

    Raises:
        InvalidData: Without `data_info.json`, with several folders of features, or with classes
            of which two are written alike.
    """
    folder = _meant(folder)
    root = _root(folder)
    info = read_data_info(_info_file(root), root)
    chosen = folder if folder != root and folder.parent == root else _feature_folder(root, info)
    features = FeatureFolder.open(chosen, info.rate)
    classes = _Classes.of(info)
    targets = feature_files(root / TARGETS)
    sessions, missing, faults = [], [], []
    for name in sorted(info.splits):
        if name not in features.files and name not in targets:
            missing.append(name)
            continue
        try:
            sessions.append(_session(name, info, features, targets, classes))
        except InvalidData as error:
            faults.append(SessionFault(name, error))
    return FeatureSet(
        "frame targets", f"{info.name} {chosen.name}", features, classes.labels, tuple(sessions),
        tuple(missing), tuple(faults), info.notes,
    )  # fmt: skip


# ---- which folders -----------------------------------------------------------------------------


def _meant(path: Path) -> Path:
    return path.parent if path.name == FILE else path


def _roots(folder: Path) -> list[Path]:
    """Return the data sets that a path can mean: the folder, its parent, or its children."""
    folder = _meant(folder)
    if not folder.is_dir():
        return []
    if (folder / TARGETS).is_dir():
        return [folder]
    if folder.name != TARGETS and (folder.parent / TARGETS).is_dir() and feature_files(folder):
        return [folder.parent]
    inside = sorted(each for each in folder.iterdir() if (each / TARGETS).is_dir())
    return inside if (folder / FILE).is_file() else []


def _root(folder: Path) -> Path:
    roots = _roots(folder)
    if len(roots) > 1:
        raise InvalidFile(
            "One data set is imported at a time; the folder holds "
            + ", ".join(quoted(root.name) for root in roots),
            folder, next_step="Name the folder of one of them.",
        )  # fmt: skip
    return roots[0]


def _info_file(root: Path) -> Path:
    for path in (root / FILE, root.parent / FILE):
        if path.is_file():
            return path
    raise InvalidFile(
        f"Frame targets need {FILE} in their folder or beside it: class names, fps and splits",
        root, next_step="Copy it there; it is published with the features.",
    )  # fmt: skip


def _feature_folder(root: Path, info: DataInfo) -> Path:
    """Return the one folder that holds arrays of sessions and no labels."""
    found = [
        each
        for each in sorted(root.iterdir())
        if each.is_dir()
        and not any(part in each.name.casefold() for part in _NOT_FEATURES)
        and info.splits.keys() & feature_files(each).keys()
    ]
    if len(found) == 1:
        return found[0]
    named = ", ".join(quoted(each.name) for each in found)
    raise InvalidFile(
        f"A data set is imported with one sort of features; this one has {named}"
        if found else "A data set needs a folder with a .npy for every session",
        root, next_step="Name the folder of features itself." if found else "Add it.",
    )  # fmt: skip


# ---- one session ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Classes:
    """The columns of a target: `text[i]` the label of column i, None where it is no action."""

    labels: tuple[str, ...]
    text: tuple[str | None, ...]
    ambiguous: frozenset[int]

    @classmethod
    def of(cls, info: DataInfo) -> "_Classes":
        labels = label_texts(info.class_names)  # refuses names that are written alike
        text = tuple(label_text(n) if is_action(n) else None for n in info.class_names)
        doubtful = {i for i, n in enumerate(info.class_names) if n.strip().casefold() in AMBIGUOUS}
        if info.ignore is not None and info.ignore < 0:
            doubtful.add(info.ignore)
        return cls(labels, text, frozenset(doubtful))


def _session(
    name: str,
    info: DataInfo,
    features: FeatureFolder,
    targets: dict[str, Path],
    classes: _Classes,
) -> Session:
    for files, what in ((features.files, features.root.name), (targets, TARGETS)):
        if name not in files:
            raise InvalidData(
                "A session needs features and targets",
                f"{quoted(name)} is not in '{what}'", "Add the file, or remove the other one.",
            )  # fmt: skip
    path = features.files[name]
    length, target = len(features.read(path)), _target(targets[name], classes)
    check_length(len(target), length, targets[name])
    frames = min(len(target), length)
    runs = list(_runs(target[:frames]))
    rate = info.rate
    spans = [(at_frame(a, rate), at_frame(b, rate), column) for a, b, column in runs]
    segments = [Segment(a, b, text) for a, b, c in spans if c >= 0 and (text := classes.text[c])]
    ignored: list[Span] = [(a, b) for a, b, c in spans if c in classes.ambiguous]
    cut = abs(len(target) - length)
    longer = "features" if length > frames else "target"
    return Session(
        name, path, content_hash(path), frames, info.splits[name],
        tuple(sorted(segments)), tuple(sorted(ignored)),
        f"{cut} frames of the {longer} were cut" if cut else "",
    )  # fmt: skip


def _target(path: Path, classes: _Classes) -> NDArray[Any]:
    """Return a target as marks, bool [T, C], or as indices, int [T].

    Raises:
        InvalidFile: Another shape, or values that mark nothing.
    """
    array = open_array(path)
    count = len(classes.text)
    if array.ndim == 1 and array.dtype.kind in "iu" and len(array):
        odd = set(np.unique(array).tolist()) - set(range(count)) - classes.ambiguous
        if odd:
            raise InvalidFile(
                f"Indices must be 0 to {count - 1}, but {min(odd)} occurs", path,
                next_step="Check that data_info.json belongs to these targets.",
            )  # fmt: skip
        return np.asarray(array, np.int64)
    if array.ndim != 2 or array.shape[1] != count or array.dtype.kind not in "iufb":
        raise InvalidFile(
            f"Targets must be numbers [frames, {count}], a column for every class name, or whole "
            f"numbers [frames], but these are {array.dtype} {list(array.shape)}", path,
            next_step="Check that data_info.json belongs to these targets.",
        )  # fmt: skip
    marks = np.zeros(array.shape, bool)
    for start in range(0, len(array), _BLOCK):
        block = np.asarray(array[start : start + _BLOCK])
        marks[start : start + _BLOCK] = block == 1
        if not ((block == 0) | (block == 1)).all():
            odd = block[(block != 0) & (block != 1)][0]
            raise InvalidFile(
                f"Targets mark classes with 1 and nothing else but 0, but {odd} occurs", path,
                next_step="Write zeros and ones.",
            )  # fmt: skip
    return marks


def _runs(target: NDArray[Any]) -> chain[tuple[int, int, int]]:
    """Return the stretches of every class as (first, end, column), end not included."""
    if target.ndim == 1:
        return chain(runs_of_equal(target))
    columns = np.flatnonzero(target.any(axis=0)).tolist()
    return chain.from_iterable(
        ((a, b, column) for a, b, on in runs_of_equal(target[:, column]) if on)
        for column in columns
    )
