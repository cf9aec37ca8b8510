"""The shell command as a person and as a machine use it: real processes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import app
from app.services import open_studio

pytestmark = pytest.mark.training
GAD = [sys.executable, "-m", "app.cli"]


def gad(*words: str | Path, data: Path, check: int = 0) -> subprocess.CompletedProcess[str]:
    options = ["--data-dir", str(data)] if words[0] != "--help" else []
    done = subprocess.run(
        [*GAD, *map(str, words), *options], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == check, done.stdout + done.stderr
    return done


def as_json(*words: str | Path, data: Path, check: int = 0):
    lines = gad(*words, "--json", data=data, check=check).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return found if len(found) != 1 else found[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, little_folder, tiny_folder):
    """A data directory with an imported project and a run, made by the shell alone."""
    data = tmp_path_factory.mktemp("shell") / "data"
    said = as_json(
        "import", little_folder / "labels.csv", "--videos", little_folder, "--project", "little",
        "--split", "first=train", "--split", "second=test", data=data,
    )  # fmt: skip
    assert said["import"]["segments"] == 8
    more = {"training": {"batch": 2, "lr": 0.01, "device": "cpu"}}
    done = as_json(
        "train", "--project", "little", "--classifier", "generative", "--steps", "20",
        "--backbone", tiny_folder, "--settings", json.dumps(more), data=data,
    )  # fmt: skip
    return data, done


def test_training_ends_with_an_evaluation(trained):
    _, done = trained
    (found,) = done["evaluation"]
    assert (found["run"], found["split"], found["videos"]) == ("tiny-1", "test", 1)
    assert 0 <= found["metrics"]["frame_accuracy"] <= 100
    assert found["interval"]["frame_accuracy"] == [None, None]  # one video gives no interval


def test_a_stream_answers_every_sample_as_the_whole_video_does(trained, little_folder):
    data, _ = trained
    video = sorted(little_folder.rglob("*.mp4"))[0]
    whole = as_json("predict", "tiny-1", video, "--project", "little", data=data)
    lines = as_json("predict", "tiny-1", "--stream", video, "--project", "little", data=data)
    count = len(lines)
    assert len(whole["class"]) - count in (0, 1)  # the last sample may lie behind the last frame
    assert [line["time_us"] for line in lines] == whole["time_us"][:count]
    assert [line["class"] for line in lines] == whole["class"][:count]
    probability = [line["probability"] for line in lines]
    assert probability == pytest.approx(whole["probability"][:count], abs=2e-3)


def test_predict_prints_one_line_a_video(trained, little_folder):
    data, _ = trained
    videos = sorted(little_folder.rglob("*.mp4"))[:2]
    lines = as_json("predict", "tiny-1", *videos, "--project", "little", data=data)
    assert [line["video"] for line in lines] == [str(v) for v in videos]
    keys = {"run", "video", "rate", "time_us", "class", "probability", "labels", "segments",
            "decoder", "passes", "ms"}  # fmt: skip
    for line in lines:
        assert line.keys() >= keys
        assert len(line["time_us"]) == len(line["class"]) == len(line["probability"]) == 36
        assert line["labels"][0] == "background"
        assert all(s["start_us"] < s["end_us"] for s in line["segments"])
        assert line["decoder"] == "exact"


def test_predict_takes_a_folder_and_another_decoder(trained, little_folder):
    data, done = trained
    folder = data / "runs" / str(done["runs"][0])
    line = as_json("predict", folder, next(little_folder.rglob("0.mp4")), "--decoder", "greedy",
                   data=data)  # fmt: skip
    assert line["decoder"] == "greedy"


def test_predict_takes_several_runs(trained, little_folder):
    data, done = trained
    folder, video = data / "runs" / str(done["runs"][0]), next(little_folder.rglob("0.mp4"))
    one, other = as_json("predict", "tiny-1", video, "--also", folder, "--project", "little",
                         data=data)  # fmt: skip
    assert {**one, "ms": 0} == {**other, "ms": 0}


def test_evaluate_gives_figures_and_intervals(trained):
    data, _ = trained
    found = as_json("evaluate", "tiny-1", "--split", "train", "--project", "little", data=data)
    assert found["videos"] == 3
    assert found["metrics"].keys() == found["interval"].keys()
    low, high = found["interval"]["frame_accuracy"]
    assert low <= found["metrics"]["frame_accuracy"] <= high


def test_reading_works_while_somebody_holds_the_lock(trained):
    data, _ = trained
    with open_studio(data):
        assert as_json("evaluate", "tiny-1", "--project", "little", data=data)["videos"] == 1


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["train", "--classifier", "discrimnative", "--project", "little"], "Unknown classifier"),
        (["train", "--task", "cooking", "--project", "little"], "Unknown task"),
        (["evaluate", "nobody", "--project", "little"], "Unknown run"),
        (["evaluate", "tiny-1", "--split", "val", "--project", "little"], "An evaluation needs"),
        (["predict", "tiny-1", "/etc/hostname", "--project", "little"], ""),
        (["import", "/nowhere.csv", "--project", "little"], "An annotation file must be there"),
        (["train", "--project", "empty project"], "Training needs at least two classes"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_one(trained, words, rule):
    data, _ = trained
    error = as_json(*words, data=data, check=1)["error"]
    assert error["rule"].startswith(rule)
    assert error.keys() == {"rule", "value", "next"}
    spoken = gad(*words, data=data, check=1)
    assert error["rule"] in spoken.stderr
    assert "Traceback" not in spoken.stderr


@pytest.mark.parametrize("words", [["train", "--steps", "many"], ["fly"], ["evaluate"],
                                   ["evaluate", "x", "--split", "exam"]])  # fmt: skip
def test_wrong_arguments_end_with_two(tmp_path, words):
    gad(*words, data=tmp_path, check=2)


def test_a_preview_imports_nothing(trained, little_folder):
    data, _ = trained
    said = as_json("import", little_folder / "labels.csv", "--preview", "--project", "little",
                   data=data)  # fmt: skip
    assert (len(said["import"]["taken"]), said["import"]["faults"]) == (8, [])


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory, little_folder) -> dict[str, Path]:
    """A file of nothing, text, sound alone, and a video cut in the middle of its index."""
    import av
    import numpy as np

    folder = tmp_path_factory.mktemp("bad")
    found = {name: folder / f"{name}.mp4" for name in ("zero", "text", "sound", "cut")}
    found["zero"].write_bytes(b"")
    found["text"].write_text("no video at all")
    with av.open(str(found["sound"]), "w") as out:
        stream = out.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    whole = next(little_folder.rglob("0.mp4")).read_bytes()
    found["cut"].write_bytes(whole[:300])
    return found


KINDS = ["zero", "text", "sound"]  # that the probe's own tests know too


@pytest.mark.parametrize(
    "kind", ["cut", *(pytest.param(each, marks=pytest.mark.slow) for each in KINDS)]
)
def test_a_file_that_is_no_video_is_one_sentence(trained, bad_files, kind):
    data, _ = trained
    before = sorted((data / "cache").rglob("*"))
    path = bad_files[kind]
    error = as_json("predict", "tiny-1", path, "--project", "little", data=data, check=1)["error"]
    assert path.name in error["value"]
    assert error["rule"]
    assert sorted((data / "cache").rglob("*")) == before  # nothing half written


def test_what_cannot_be_trained_is_one_sentence_and_leaves_nothing(trained, tmp_path):
    data, _ = trained
    table = tmp_path / "one.csv"
    video = next((data.parents[0]).parent.rglob("first/0.mp4"), None)
    assert video
    table.write_text(f"video,start,end,label\n{video},1,3,stir tea\n")
    as_json("import", table, "--videos", video.parent, "--project", "one class", data=data)
    runs_before = sorted((data / "runs").iterdir())
    for project, rule in (("one class", "at least two classes"), ("nothing", "two classes")):
        error = as_json("train", "--project", project, data=data, check=1)["error"]
        assert rule in error["rule"]
    as_json("import", "--project", "little", "--split", "first=test", data=data)
    error = as_json("train", "--project", "little", data=data, check=1)["error"]
    assert "split 'train'" in error["rule"]
    as_json("import", "--project", "little", "--split", "first=train", data=data)
    assert sorted((data / "runs").iterdir()) == runs_before


def test_a_video_that_vanished_fails_the_job_with_its_sentence(trained, tmp_path, little_folder):
    data, _ = trained
    copy = tmp_path / "copy"
    shutil.copytree(little_folder, copy)
    as_json("import", copy / "labels.csv", "--videos", copy, "--project", "gone",
            "--split", "first=train", data=data)  # fmt: skip
    for path in copy.rglob("*.mp4"):
        path.unlink()
    for path in (data / "cache" / "features").rglob("*.safetensors"):
        path.unlink()
    error = as_json("train", "--project", "gone", "--steps", "2", data=data, check=1)["error"]
    assert ".mp4" in error["value"]


@pytest.mark.parametrize("settings", ["[]", "text", '{"training": 3}'])
def test_settings_that_are_no_object_are_a_wrong_argument(settings, tmp_path):
    assert (
        "--settings must be" in gad("train", "--settings", settings, data=tmp_path, check=2).stderr
    )


def test_help_names_every_command():
    said = subprocess.run([*GAD, "--help"], capture_output=True, text=True).stdout
    for command in [c.name or c.callback.__name__ for c in app.registered_commands]:
        assert command in said
