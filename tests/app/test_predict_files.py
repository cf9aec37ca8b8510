"""Several runs over the same videos: one base, features once, each run's own answers."""

import json

import pytest

from app.jobs.predict_files import predict_files
from core.errors import StudioError
from tests.core.test_loaded_runs import RUNS, write


def test_several_runs_answer_as_each_alone_and_share_features(tiny_folder, little_folder, tmp_path):
    half = {**RUNS["gad"], "task": "online_detection", "rate": 2.0}
    settings = [RUNS["discriminative"], RUNS["generative"], half]
    folders = [write(tmp_path / str(i), tiny_folder, v, i) for i, v in enumerate(settings)]
    videos, cache = sorted(little_folder.rglob("*.mp4"))[:2], tmp_path / "cache"
    lines = list(predict_files(folders, videos, cache))
    assert [(line["video"], line["run"]) for line in lines] == [
        (str(video), folder.name) for video in videos for folder in folders
    ]
    files = list(cache.rglob("*.safetensors"))
    assert len(files) == 4  # two videos at two rates
    alone = [line for folder in folders for line in predict_files([folder], videos, cache)]
    for line in lines:
        (own,) = (a for a in alone if (a["video"], a["run"]) == (line["video"], line["run"]))
        assert json.dumps(line | {"ms": 0}) == json.dumps(own | {"ms": 0})
    assert lines[0]["class"] != lines[1]["class"]


def test_a_folder_that_is_no_run_fails_before_any_video_is_read(tmp_path):
    with pytest.raises(StudioError, match=r"has no run\.json"):
        next(predict_files([tmp_path], [tmp_path / "nothing.mp4"], tmp_path))
