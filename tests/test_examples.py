"""The example runs as its first lines say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_train_and_compare(tmp_path):
    done = subprocess.run(
        [sys.executable, "examples/train_and_compare.py", tmp_path, "3"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=280,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "discriminative", "gad", "gad - discriminative",
    ]  # fmt: skip
    assert lines[-1].count("points") == 1
