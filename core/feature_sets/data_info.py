"""`data_info.json` of online action detection: class names, rate and splits, for many data sets.

    {"THUMOS": {"class_names": ["Background", "BaseballPitch", ..., "Ambiguous"], "fps": 4,
                "train_session_set": [...], "test_session_set": [...]}, "CrossTask": {...}}

Published files differ in the names of splits and of the rate, so these are read leniently; what
they say is read strictly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from core.errors import InvalidFile
from core.feature_files import rate_of, read_object
from core.formats.source import quoted
from core.types import Split

FILE = "data_info.json"

_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_ENDINGS = ("_session_set", "_sessions", "_set", "_videos", "_split")


@dataclass(frozen=True, slots=True)
class DataInfo:
    """What `data_info.json` says of one data set; `ignore` is the index of frames to leave out."""

    name: str
    class_names: tuple[str, ...]
    rate: float
    splits: Mapping[str, Split]
    ignore: int | None
    notes: tuple[str, ...]


def read_data_info(path: Path, folder: Path) -> DataInfo:
    """Read what is said of the data set in a folder.

    Raises:
        InvalidFile: The file is no such JSON, says nothing of the folder, or breaks a rule.
    """
    name, entry = _entry(read_object(path), path, folder)
    names = entry.get("class_names")
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise InvalidFile("'class_names' must be a list of texts", path, next_step="Correct it.")
    count = entry.get("num_classes", len(names))
    if count != len(names):
        raise InvalidFile(
            f"'num_classes' must count 'class_names', but is {count} for {len(names)}", path,
            next_step="Correct one of them.",
        )  # fmt: skip
    splits, notes = _splits(entry, path)
    ignore = entry.get("ignore_index")
    ignore = ignore if isinstance(ignore, int) and not isinstance(ignore, bool) else None
    return DataInfo(name, tuple(names), rate_of(entry, path), splits, ignore, notes)


def _entry(said: dict[str, Any], path: Path, folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the data set of a folder: that of its name, else the only one."""
    if "class_names" in said:
        return folder.name, said
    entries = {k: v for k, v in said.items() if isinstance(v, dict) and "class_names" in v}
    wanted = folder.name.casefold()
    for name, entry in entries.items():
        root = PurePath(str(entry.get("data_root", ""))).name
        if wanted in (name.casefold(), root.casefold()):
            return name, entry
    if len(entries) == 1:
        return next(iter(entries.items()))
    raise InvalidFile(
        f"data_info.json must name the data set in the folder {quoted(folder.name)}; it names "
        + (", ".join(quoted(name) for name in entries) or "none with 'class_names'"),
        path,
        next_step="Give the folder the name of its data set.",
    )


def _splits(entry: Mapping[str, Any], path: Path) -> tuple[dict[str, Split], tuple[str, ...]]:
    """Return the split of every session, and what had to be decided."""
    found: dict[str, Split] = {}
    both = 0
    for key, sessions in entry.items():
        split = _split_of(key)
        if split is None:
            continue
        if not isinstance(sessions, list) or not all(isinstance(s, str) for s in sessions):
            raise InvalidFile(f"'{key}' must be a list of names", path, next_step="Correct it.")
        for session in dict.fromkeys(sessions):
            before = found.get(session, split)
            if before != split and "train" in (before, split):
                raise InvalidFile(
                    f"No session may be both in '{before}' and in '{split}', but "
                    f"{quoted(session)} is", path, next_step="Take it out of one of them.",
                )  # fmt: skip
            both += before != split
            found[session] = "test" if before != split else split
    if not found:
        raise InvalidFile(
            "data_info.json must list the sessions of a split, such as 'train_session_set'", path,
            next_step="Add them.",
        )  # fmt: skip
    notes = (f"{both} sessions are in 'val' and in 'test': they count as 'test'.",) if both else ()
    return found, notes


def _split_of(key: str) -> Split | None:
    name = key.casefold()
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return _SPLITS.get(name)
