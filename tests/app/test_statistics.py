"""The analysis of runs from predictions on disk, made up here: no video, no training."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis.calibration import calibration
from analysis.confusion import confusion
from analysis.diversity import diversity
from app.cli import app
from app.services import confusions, open_studio, read_studio, statistics
from core.errors import InvalidData, MissingArtifact, UnknownName
from core.prediction_files import write_prediction
from core.types import Prediction
from storage import annotations, labels, library, runs, training_data
from storage.runs import NewRun
from tests.storage.samples import edit, make_sample

CLASSES = ("add sugar", "add salt", "add milk")
ROWS = 60  # one a second


@pytest.fixture
def data(tmp_path) -> Path:
    """A data directory with three labelled test videos and three runs that predicted them."""
    with open_studio(tmp_path / "data") as studio:
        sample = make_sample(studio.database)
        library.set_splits(studio.database, sample.project, dict.fromkeys(sample.videos, "test"))
        ids = list(sample.labels.values())
        for number, video in enumerate(sample.videos):
            spans = [edit(ids[(k + number) % 3], 15 * k, 15 * k + 12) for k in range(4)]
            annotations.save_segments(studio.database, video, spans)
        for seed, name in enumerate(("gen", "disc", "gad")):
            add_run(studio, sample.project, name, seed)
    return tmp_path / "data"


def add_run(studio, project: int, name: str, seed: int, task: str = "online_detection") -> None:
    new = NewRun(project_id=project, name=name, classifier="discriminative", task=task,
                 backbone="nano", data_hash="0")  # fmt: skip
    run = runs.create_run(studio.database, new)
    folder = studio.directory.root / run.folder
    folder.mkdir(parents=True)
    about = {"config": {"classifier": new.classifier, "task": task}, "recipe": {"rate": 1.0}}
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "labels.json").write_text(json.dumps({"classes": CLASSES}))
    for video in training_data.labelled_videos(studio.database, project):
        clips = [(s.start_us, s.end_us) for s in video.segments]
        dense = task == "online_detection"
        write_prediction(folder, video, prediction(seed, None if dense else clips))
        seed += 10


def prediction(seed: int, spans: list[tuple[int, int]] | None = None) -> Prediction:
    random = np.random.default_rng(seed)
    rows, classes = (ROWS, 4) if spans is None else (len(spans), 3)
    log_p = np.log(random.dirichlet([1] * classes, rows) * 0.9).astype(np.float32)
    return Prediction(
        log_p=log_p, predicted=log_p.argmax(axis=1), time_us=np.arange(rows) * 1_000_000,
        embedding=np.zeros((rows, 2), np.float16), decoder="exact", passes=1, tokens=1, ms=1,
        span_us=None if spans is None else np.array(spans),
    )  # fmt: skip


def true_classes(video: int) -> np.ndarray:
    """Return the truth of a video by its number: 12 s of every 15 s are an action."""
    return np.array([1 + (t // 15 + video) % 3 if t % 15 < 12 else 0 for t in range(ROWS)])


NAMES = ["kitchen/make_juice.mp4", "kitchen/make_tea.mp4", "kitchen/make_toast.mp4"]
ORDER = (1, 0, 2)  # the videos by name


def test_figures_are_those_of_the_stored_predictions(data):
    with open_studio(data) as studio:
        found = statistics.analyse(studio, "kitchen", ["disc"], "test")
    assert (found["split"], found["videos"], found["left_out"]) == ("test", 3, [])
    assert found["agreement"] is None
    truth = np.concatenate([true_classes(video) for video in ORDER])
    said = [prediction(1 + 10 * at) for at in range(3)]  # predicted in the order of names
    table = confusion(truth, np.concatenate([p.predicted for p in said]),
                      ("background", *CLASSES))  # fmt: skip
    (run,) = found["runs"]
    assert run["confusion"]["cells"] == np.stack(table.cells, axis=1).tolist()
    assert run["confusion"]["pairs"][0]["count"] == table.top_pairs(1)[0].count
    assert {pair["true"] for pair in run["confusion"]["verbs"]} == {"background", "add"}
    kinds = {"rows": ("true", None), "columns": ("predicted", None),
             "rows_without_background": ("true", 0),
             "columns_without_background": ("predicted", 0)}  # fmt: skip
    assert run["diversity"].keys() == kinds.keys()
    for kind, (side, without) in kinds.items():
        score = diversity(table, side, without=without).score
        assert run["diversity"][kind]["score"] == pytest.approx(score)
    trust = calibration(np.concatenate([p.log_p for p in said]), truth)
    assert run["calibration"]["ece"] == pytest.approx(trust.ece)
    assert run["calibration"]["nll"] == pytest.approx(trust.nll)


def test_several_runs_are_compared_and_their_mistakes_matched(data):
    with open_studio(data) as studio:
        found = statistics.analyse(studio, "kitchen", ["gen", "disc", "gad"], "test")
    assert [run["run"] for run in found["runs"]] == ["gen", "disc", "gad"]
    assert [pair["runs"] for pair in found["agreement"]["pairs"]] == [
        ["gen", "disc"], ["gen", "gad"], ["disc", "gad"],
    ]  # fmt: skip
    assert found["agreement"]["rows"] == 3 * ROWS
    assert found["agreement"]["oracle"]["low"] <= found["agreement"]["oracle"]["value"]
    sizes = {run["diversity"]["rows"]["matched"]["mistakes"] for run in found["runs"]}
    assert len(sizes) == 1


def test_a_result_is_kept_until_what_it_rests_on_changes(data):
    ask = ("kitchen", ["gen", "gad"], "test")
    with open_studio(data) as studio:
        value = statistics.analyse(studio, *ask)
        again = statistics.look(studio, *ask)
        assert (again.found, again.value) == (True, value)
        video = library.find_video(studio.database, 1, NAMES[0])
        (first, *_) = annotations.list_segments(studio.database, video.id)
        annotations.delete_segments(studio.database, video.id, {first.id: first.version})
        edited = statistics.look(studio, *ask)
        assert (edited.found, edited.value != value) == (False, True)
        statistics.keep(studio, edited)
        frozen = next(v for v in training_data.labelled_videos(studio.database, 1))
        write_prediction(studio.directory.run(1), frozen, prediction(99))
        assert not statistics.look(studio, *ask).found


def test_confusions_alone_are_those_of_the_whole_and_are_kept_apart(data):
    ask = ("kitchen", ["gen", "gad"], "test")
    with open_studio(data) as studio:
        alone = confusions.confusions(studio, *ask)
        first, second = statistics.look(studio, *ask).parts
        assert (first.found, second.found) == (True, False)  # the rest was not computed for them
        whole = statistics.analyse(studio, *ask)
    assert alone["orders"] == whole["orders"]
    for one, other in zip(alone["runs"], whole["runs"], strict=True):
        assert one == {key: other[key] for key in ("run", "id", "confusion", "segments")}
    assert {key: alone[key] for key in ("split", "videos", "left_out", "task", "dense")} == {
        key: whole[key] for key in ("split", "videos", "left_out", "task", "dense")
    }


def test_the_routes_load_no_library_that_only_some_figures_need():
    needless = {"scipy.stats", "scipy.optimize", "sklearn", "umap", "torch"}
    code = f"import sys, app.api; print({needless} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_the_words_of_the_label_set_decide_verbs(data):
    with open_studio(data) as studio:
        ids = {v.name: v.id for v in labels.list_labels(studio.database, 1)}
        labels.describe_label(studio.database, ids["add milk"], {"verb": "pour"})
        found = statistics.analyse(studio, "kitchen", ["gad"], "test")
    assert "pour" in {pair["true"] for pair in found["runs"][0]["confusion"]["verbs"]}


def test_videos_that_a_run_lacks_are_left_out_and_named(data):
    with open_studio(data) as studio:
        video = library.find_video(studio.database, 1, NAMES[0])
        studio.directory.predictions(2, video.content_hash).unlink()
        found = statistics.analyse(studio, "kitchen", ["gen", "disc"], "test")
        alone = statistics.analyse(studio, "kitchen", ["gen", "gen"], "test")
    assert (found["videos"], found["left_out"]) == (2, [NAMES[0]])
    assert (alone["videos"], len(alone["runs"])) == (3, 1)


def test_runs_that_were_asked_other_questions_are_refused(data):
    with open_studio(data) as studio:
        add_run(studio, 1, "clips", 5, task="step_recognition")
        with pytest.raises(InvalidData, match="same task: 'gen' and 'clips'"):
            statistics.look(studio, "kitchen", ["gen", "clips"], "test")
        path = studio.directory.run(2) / "run.json"
        about = json.loads(path.read_text()) | {"recipe": {"rate": 2.0}}
        path.write_text(json.dumps(about))
        with pytest.raises(InvalidData, match="same frame rate: 'gen' and 'disc'"):
            statistics.look(studio, "kitchen", ["gen", "disc"], "test")
        with pytest.raises(MissingArtifact, match="none in 'val'"):
            statistics.look(studio, "kitchen", ["gen"], "val")
        with pytest.raises(UnknownName, match="nobody"):
            statistics.look(studio, "kitchen", ["nobody"], "test")


def test_clips_have_no_background_and_must_be_the_same_for_all_runs(data):
    with open_studio(data) as studio:
        for seed, name in enumerate(("one", "two")):
            add_run(studio, 1, name, seed, task="step_recognition")
        found = statistics.analyse(studio, "kitchen", ["one", "two"], "test")
        assert found["runs"][0]["diversity"].keys() == {"rows", "columns"}
        assert found["agreement"]["rows"] == 12
        video = training_data.labelled_videos(studio.database, 1)[0]
        folder = studio.directory.root / runs.find_run(studio.database, 1, "two").folder
        write_prediction(folder, video, prediction(0, [(0, 7)] * 4))
        with pytest.raises(InvalidData, match="'one' and 'two' answered at other times"):
            statistics.look(studio, "kitchen", ["one", "two"], "test")


def gad(data: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["analyse", *words, "--data-dir", str(data)])
    assert done.exit_code == 0, done.output
    return done.stdout


def kept(data: Path) -> bool:
    with read_studio(data) as studio:
        return statistics.look(studio, "kitchen", ["gen", "gad"], "test").found


def test_the_command_keeps_its_result_unless_somebody_else_writes(data):
    with open_studio(data):
        first = json.loads(gad(data, "gen", "gad", "--json"))
    assert not kept(data)
    assert json.loads(gad(data, "gen", "gad", "--json")) == first
    assert kept(data)
    assert first.keys() == {"split", "videos", "left_out", "task", "dense", "runs", "orders",
                            "per_class", "agreement", "map"}  # fmt: skip


def test_the_command_says_it_in_words_too(data):
    said = gad(data, "gen", "gad")
    for words in ("3 test videos", "diversity, rows", "calibration error", "agree in"):
        assert words in said
    done = CliRunner().invoke(app, ["analyse", "gen", "--split", "exam"])
    assert done.exit_code == 2
