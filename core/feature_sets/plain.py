"""Arrays and `features.json`: videos without labels, which another file may bring."""

from pathlib import Path

from core.errors import InvalidData
from core.feature_files import (
    DESCRIPTION,
    FeatureFolder,
    content_hash,
    feature_files,
)
from core.feature_sets import FeatureSet, Session, SessionFault

_ANNOTATIONS = (".csv", ".tsv")


def recognises(folder: Path) -> bool:
    """Say whether it holds `features.json`, or arrays and no annotations."""
    if not folder.is_dir():
        return False
    annotated = any(path.suffix.lower() in _ANNOTATIONS for path in folder.iterdir())
    return (folder / DESCRIPTION).is_file() or (bool(feature_files(folder)) and not annotated)


def read(folder: Path) -> FeatureSet:
    """Read every array; each becomes a session without split or segments."""
    features = FeatureFolder.open(folder)
    sessions, faults = [], []
    for name, path in sorted(features.files.items()):
        try:
            frames = len(features.read(path))
            sessions.append(Session(name, path, content_hash(path), frames))
        except InvalidData as error:
            faults.append(SessionFault(name, error))
    return FeatureSet("features", folder.name, features, (), tuple(sessions), faults=tuple(faults))
