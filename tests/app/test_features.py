"""Features without videos: imported, trained, predicted and scored like any project."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.main import Address, create_app
from app.services import Studio, experiments, importing, library, media, results
from app.services.project_backbone import backbone_of
from core.backbones.feature_settings import write_feature_backbone
from core.errors import InvalidConfig, InvalidData, MissingArtifact
from core.feature_files import FeatureFolder
from storage import jobs
from storage.library import find_video
from storage.states import JobState
from tests.app.conftest import finish, settings
from tests.app.test_shell import as_json, gad
from tests.core.frame_targets import LABELS, NAMES, RATE, write_data_set


@pytest.fixture
def data(tmp_path) -> Path:
    return write_data_set(tmp_path / "TOY")


def take(studio: Studio, folder: Path, name: str = "toy", **more) -> int:
    project = library.named_project(studio, name)
    importing.commit_import(studio, project, [folder], token=f"{name}{more}", **more)
    return project


def with_tiny_decoder(studio: Studio, project: int, tiny_folder: Path) -> None:
    """Give a project's features a decoder that trains in a second or two."""
    folder = Path(backbone_of(studio, project))
    arrays = Path(json.loads((folder / "backbone.json").read_text())["features"])
    write_feature_backbone(
        folder, FeatureFolder.open(arrays, RATE), name="toy", decoder=str(tiny_folder / "decoder")
    )


def test_a_preview_says_everything_and_writes_nothing(studio, data):
    project = library.new_project(studio, "toy")
    shown = importing.preview(studio, project, [data])
    assert (len(shown["taken"]), shown["missing"], shown["faults"]) == (8, [], [])
    assert shown["classes"] == list(LABELS)
    assert shown["segments"] == sum(len(row["segments"]) for row in shown["taken"])
    assert shown["notes"][0] == "8 videos will be there without video files."
    assert shown["notes"][1].startswith("4 frames/s, 1 token of width 32")
    assert library.table(studio, project) == []
    assert backbone_of(studio, project) == "nano"
    json.dumps(shown, allow_nan=False)


def test_an_import_makes_a_project_without_video_files(studio, data):
    project = take(studio, data)
    rows = library.table(studio, project)
    assert [row["name"] for row in rows][:1] == ["video_test_0006"]
    assert {(row["health"], row["is_features"], row["fps"]) for row in rows} == {("good", True, 4)}
    assert [row["split"] for row in rows] == ["test"] * 2 + ["train"] * 6
    assert [row["duration_us"] for row in rows if row["split"] == "train"] == [
        (80 + 8 * number) * 250_000 for number in range(6)
    ]
    assert library.classes(studio, project) == LABELS
    shown = library.document(studio, rows[0]["id"])
    assert shown["video"]["media"] == "none"
    assert [s["kind"] for s in shown["segments"]].count("ignore") == 1
    (about,) = [p for p in library.overview(studio) if p["id"] == project]
    assert Path(about["backbone"]).name == "TOY-rgb_resnet"


def test_there_is_nothing_to_play_and_nobody_tries(studio, data):
    project = take(studio, data)
    video = library.table(studio, project)[0]["id"]
    assert media.want_proxy(studio, video) is None
    assert media.thumbnail(studio, video) is None
    assert jobs.list_jobs(studio.database, project) == ()
    app = create_app(studio, Address(), "token")
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        answer = client.get(f"/media/{video}")
        assert answer.status_code == 404
        assert answer.json()["error"]["rule"] == "This video has features and no video file"
        assert client.post(f"/api/videos/{video}/proxy", json={}).json() == {"job": None}


def test_importing_again_changes_nothing_that_is_labelled(studio, data):
    project = take(studio, data)
    before = library.table(studio, project)
    again = importing.commit_import(studio, project, [data], token="again")
    assert (again["rows"], again["segments"]) == (8, 0)
    assert library.table(studio, project) == before
    shown = importing.preview(studio, project, [data])
    assert shown["notes"][-1] == "8 videos are labelled here already and keep their segments."


def test_features_made_anew_are_taken_up_by_the_next_import(studio, data):
    project = take(studio, data)
    path = data / "rgb_resnet" / "video_test_0006.npy"
    np.save(path, np.load(path) + 1)
    before = find_video(studio.database, project, "video_test_0006")
    with pytest.raises(InvalidData, match="changed since"):
        FeatureFolder.open(path.parent, RATE).load(
            next(v for v in experiments._data(studio, project)[0]["test"] if v.name == before.name)
        )
    importing.commit_import(studio, project, [data], token="again")
    after = find_video(studio.database, project, "video_test_0006")
    assert (after.content_hash, after.revision) != (before.content_hash, before.revision)
    assert after.segments == before.segments


def test_faults_stop_an_import_unless_they_are_skipped(studio, data):
    broken = data / "rgb_resnet" / "video_train_0001.npy"
    np.save(broken, np.full((88, 32), np.nan, np.float32))
    (data / "target_perframe" / "video_train_0002.npy").unlink()
    project = library.new_project(studio, "toy")
    shown = importing.preview(studio, project, [data])
    said = {fault["file"]: fault["sentence"] for fault in shown["faults"]}
    assert "frame 0 is not" in said["video_train_0001"]
    assert "is not in 'target_perframe'" in said["video_train_0002"]
    with pytest.raises(InvalidData, match="2 faulty, the first: video_train_0001"):
        take(studio, data)
    assert library.table(studio, project) == []
    take(studio, data, skip_faulty=True)
    assert len(library.table(studio, project)) == 6


def test_a_project_with_videos_takes_features_for_them_only(studio, project, tmp_path):
    rows = library.table(studio, project)
    folder = tmp_path / "dino"
    folder.mkdir()
    for name in ("0", "1", "2", "3", "elsewhere"):
        np.save(folder / f"{name}.npy", np.ones((18, 5), np.float32))
    (folder / "features.json").write_text('{"rate": 2}')
    shown = importing.preview(studio, project, [folder])
    assert [row["video"] for row in shown["taken"]] == ["0", "1", "2", "3"]
    assert [row["video"] for row in shown["missing"]] == ["elsewhere"]
    done = importing.commit_import(studio, project, [folder], token="t")
    assert (done["rows"], done["segments"]) == (4, 0)
    assert library.table(studio, project) == rows  # their labels, splits and files stay
    np.save(folder / "0.npy", np.ones((22, 5), np.float32))
    (fault,) = importing.preview(studio, project, [folder])["faults"]
    assert "these are 22 frames for 18" in fault["sentence"]


def test_labels_of_a_table_find_features_by_their_names(studio, tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    for name in ("a", "b"):
        np.save(folder / f"{name}.npy", np.ones((20, 5), np.float32))
    (folder / "features.json").write_text('{"rate": 2}')
    project = take(studio, folder)
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["video", "start", "end", "label"], ["a.mp4", 0, 4, "run"], ["b", 5, 10, "jump"]]
        )
    done = importing.commit_import(studio, project, [table], token="labels")
    assert (done["segments"], done["missing"]) == (2, 0)


def test_a_backbone_that_needs_pictures_is_refused_before_anything_is_queued(studio, data):
    project = take(studio, data)
    with pytest.raises(InvalidConfig, match=r"'nano' looks at pictures.*own backbone"):
        experiments.fine_tune(studio, project, {"backbone": "nano"})
    with pytest.raises(InvalidConfig, match="8 frames/s were asked of 4"):
        experiments.fine_tune(studio, project, {"rate": 8})
    (data / "rgb_resnet" / "video_train_0000.npy").unlink()
    with pytest.raises(MissingArtifact, match="such as 'video_train_0000'"):
        experiments.fine_tune(studio, project, {})
    shutil.rmtree(data / "rgb_resnet")
    with pytest.raises(MissingArtifact, match="A folder of features must be there"):
        experiments.fine_tune(studio, project, {})
    assert jobs.list_jobs(studio.database, project) == ()


@pytest.mark.training
def test_three_classifiers_train_on_features_and_compare_shows_their_lanes(
    studio, runner, data, tiny_folder
):
    project = take(studio, data)
    with_tiny_decoder(studio, project, tiny_folder)
    summary = experiments.data_summary(studio, project)
    assert summary["videos"] == {"train": 6, "val": 0, "test": 2}
    assert any("overlap at 24 of 600 training frames" in w for w in summary["warnings"])
    more = settings(tiny_folder, training={"steps": 6})
    del more["backbone"]
    made = experiments.fine_tune_all(studio, project, more)
    finish(runner)
    assert {jobs.find_job(studio.database, m["job"]).state for m in made} == {JobState.DONE}
    shown = experiments.list_runs(studio, project)
    assert {run["backbone"] for run in shown} == {backbone_of(studio, project)}
    assert all(run["metrics"].keys() == {"train", "test"} for run in shown)
    first = results.first_video(studio, project) or 0
    compared = results.compare(studio, first, [m["run"] for m in made])
    assert compared["video"]["media"] == "none"
    for lane in compared["lanes"]:
        assert len(lane["class"]) == 80 + 8 * 6
        assert lane["truth"][20:24] == [-100] * 4  # the ambiguous is left out
        assert lane["rate"] == RATE


@pytest.mark.slow
@pytest.mark.training
def test_the_shell_imports_trains_and_scores_with_the_projects_own_backbone(tmp_path):
    root = write_data_set(tmp_path / "TOY")
    data = tmp_path / "data"
    spoken = gad("import", root, "--project", "toy", "--preview", data=data).stdout
    assert "8 videos will be there without video files." in spoken
    done = as_json("import", root, "--project", "toy", data=data)["import"]
    assert (done["rows"], done["skipped"]) == (8, 0)
    trained = as_json("train", "--project", "toy", "--classifier", "discriminative",
                      "--steps", "16", data=data)  # fmt: skip
    (found,) = trained["evaluation"]
    assert (found["run"], found["split"], found["videos"]) == ("TOY-rgb_resnet-1", "test", 2)
    assert found["metrics"]["frame_accuracy"] > 60
    again = as_json("evaluate", "TOY-rgb_resnet-1", "--project", "toy", data=data)
    assert again["metrics"] == found["metrics"]
    array = root / "rgb_resnet" / "video_test_0007.npy"
    line = as_json("predict", "TOY-rgb_resnet-1", array, "--project", "toy", data=data)
    assert len(line["class"]) == 80 + 8 * 7
    assert set(line["labels"]) == {"background", *LABELS}


def test_a_fault_of_the_whole_folder_is_one_sentence_in_the_shell(tmp_path):
    root = write_data_set(tmp_path / "TOY", class_names=NAMES[:4])
    error = as_json("import", root, "--project", "toy", data=tmp_path / "data", check=1)["error"]
    assert error["rule"] == "'num_classes' must count 'class_names', but is 6 for 4"
