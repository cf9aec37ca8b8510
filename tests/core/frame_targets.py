"""A data set in the published layout of online action detection, whose classes are easy to see."""

import json
from pathlib import Path

import numpy as np

NAMES = ["Background", "PourMilk", "CutBread", "StirTea", "OpenLid", "Ambiguous"]
LABELS = ("pour milk", "cut bread", "stir tea", "open lid")
WIDTH, RATE = 32, 4


def session(seed: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 [T, 32] and a multi-hot target float64 [T, 6] of one session.

    Frames 20 to 24 are ambiguous; in 40 to 44 two things happen at once.
    """
    rng = np.random.default_rng(seed)
    target = np.zeros((frames, len(NAMES)))
    target[:, 0] = 1
    start = 4
    while start < frames - 20:
        length = int(rng.integers(8, 14))
        target[start : start + length] = np.eye(len(NAMES))[rng.integers(1, 5)]
        start += length + int(rng.integers(2, 7))
    target[20:24] = np.eye(len(NAMES))[5]
    target[40:44] = [0, 1, 1, 0, 0, 0]
    directions = np.random.default_rng(99).normal(size=(len(NAMES), WIDTH))
    noise = rng.normal(size=(frames, WIDTH)) * 0.3
    return (2 * target @ directions + noise).astype(np.float32), target


def write_data_set(root: Path, train: int = 6, test: int = 2, **entry: object) -> Path:
    """Write `data_info.json`, features and targets; `entry` replaces what the json says."""
    sets: dict[str, list[str]] = {"train": [], "test": []}
    for folder in ("rgb_resnet", "target_perframe"):
        (root / folder).mkdir(parents=True)
    for number in range(train + test):
        split = "train" if number < train else "test"
        name = f"video_{split}_{number:04d}"
        sets[split].append(name)
        features, target = session(number, 80 + 8 * number)
        np.save(root / "rgb_resnet" / f"{name}.npy", features)
        np.save(root / "target_perframe" / f"{name}.npy", target)
    said = {
        "class_names": NAMES, "num_classes": len(NAMES), "fps": RATE, "ignore_index": 5,
        "train_session_set": sets["train"], "test_session_set": sets["test"],
    }  # fmt: skip
    (root / "data_info.json").write_text(json.dumps({root.name: {**said, **entry}}))
    return root
