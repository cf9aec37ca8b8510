"""`gad metrics` as a person and as a machine use it: real processes on files of any tool."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
F1S = ["segment_f1@10", "segment_f1@25", "segment_f1@50",
       "point_f1_start@1s", "point_f1_start@2s", "point_f1_mid@1s"]  # fmt: skip
TRUTH = {"tea": [0, 1, 1, 1, 1, 0, 2, 2, 0, 0], "quiet": [0, 0, -100], "empty": []}
SAID = {"tea": [0, 1, 1, 0, 1, 0, 3, 3, 0, 0], "quiet": [0, 0, 0], "empty": []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Files that are right, and one of every kind that is not."""
    folder = tmp_path_factory.mktemp("metrics")
    objects = {
        "true": TRUTH, "said": SAID, "list": [0, 1], "less": {"tea": SAID["tea"]},
        "short": SAID | {"tea": [0, 1]}, "negative": SAID | {"tea": [-1] * 10},
        "surrogate": {"\ud800\x1b": [0]},
    }  # fmt: skip
    for name, rows in objects.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
    (folder / "text.json").write_text("no JSON")
    (folder / "deep.json").write_text('{"tea": ' + "[" * 500_000 + "]" * 500_000 + "}")
    # every frame's own class scores best, but for the first of background and the first of stir
    rows = {name: np.eye(7)[np.array(row, int).clip(0)] for name, row in TRUTH.items()}
    rows["tea"][0] = [-1, 0, 0, 0, 0, 0, 0]
    rows["tea"][6] = [0, 6, 5, 4, 3, 2, 1]
    np.savez(folder / "scores.npz", **rows)
    np.savez(folder / "missing.npz", tea=rows["tea"])
    np.savez(folder / "shape.npz", **rows | {"tea": rows["tea"][:4]})
    np.savez(folder / "nan.npz", **rows | {"tea": np.full((10, 7), np.nan)})
    np.savez(folder / "pickled.npz", **rows | {"tea": np.array([{"a": 1}])})
    return folder


def gad_metrics(folder: Path, *words: str, check: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "metrics", *words], cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == check, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_json_alone_is_printed(folder):
    done = gad_metrics(folder, "true.json", "said.json", "--fps", "2", "--background", "0",
                       "--json")  # fmt: skip
    found = json.loads(done.stdout)
    assert list(found) == ["frame_accuracy", *F1S, "edit", "map", "top5"]
    assert found["frame_accuracy"] == 100 * 9 / 12
    # pour is hit once of twice, chop is wrong, stir is missed
    assert found["segment_f1@10"] == pytest.approx(
        {"f1": 40, "precision": 100 / 3, "recall": 50}, rel=1e-15
    )
    assert found["edit"] == pytest.approx((100 / 3 + 100 + 100) / 3)
    assert (found["map"], found["top5"]) == (None, None)


def test_scores_fill_map_and_top5(folder):
    found = json.loads(
        gad_metrics(
            folder, "true.json", "said.json", "--fps", "2", "--scores", "scores.npz", "--json"
        ).stdout
    )
    assert found["top5"] == 100 * 11 / 12  # background is last of seven in the first frame
    assert found["map"] == pytest.approx(100 * (4 / 5 + 1) / 2)  # stir outranks all four of pour


def test_a_table_is_printed_for_people(folder):
    said = gad_metrics(folder, "true.json", "said.json", "--fps", "2").stdout.splitlines()
    assert len(said) == 11
    assert said[2].split() == ["segment_f1@10", "40.0", "33.3", "50.0"]
    assert said[-1].split() == ["top5", "–"]


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        (["nowhere.json", "said.json"], "A file must be there"),
        (["text.json", "said.json"], "A file of class indices must be JSON"),
        (["deep.json", "said.json"], "A file of class indices must be JSON"),
        (["list.json", "said.json"], "A file of class indices holds an object"),
        (["true.json", "negative.json"], "A class index is a whole number"),
        (["true.json", "less.json"], "Truth and prediction must be of the same videos"),
        (["true.json", "surrogate.json"], "Truth and prediction must be of the same videos"),
        (["true.json", "short.json"], "Truth and prediction must be equally long"),
        (["true.json", "said.json", "--scores", "missing.npz"], "Every video needs scores"),
        (["true.json", "said.json", "--scores", "shape.npz"], "Scores must be floats of shape"),
        (["true.json", "said.json", "--scores", "nan.npz"], "Scores must be numbers, not NaN"),
        (["true.json", "said.json", "--scores", "pickled.npz"], "A file of scores must be an .npz"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_one(folder, files, rule):
    done = gad_metrics(folder, *files, "--fps", "4", "--json", check=1)
    error = json.loads(done.stdout)["error"]
    assert error["rule"].startswith(rule)
    assert error.keys() == {"rule", "value", "next"}
    assert all(error.values())


def test_a_failure_is_spoken_to_people(folder):
    done = gad_metrics(folder, "true.json", "surrogate.json", "--fps", "4", check=1)
    assert done.stdout == ""
    assert "must be of the same videos" in done.stderr


@pytest.mark.parametrize(
    "words",
    [[], ["--fps", "0"], ["--fps", "nan"], ["--fps", "inf"], ["--fps", "fast"],
     ["--fps", "4", "--background", "-1"], ["--fps", "4", "--background", "9" * 30]],
)  # fmt: skip
def test_wrong_arguments_end_with_two(folder, words):
    assert gad_metrics(folder, "true.json", "said.json", *words, "--json", check=2).stdout == ""
