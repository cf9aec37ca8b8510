import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, strategies as st

from core.errors import InvalidData, InvalidFile
from core.formats import read, recognise, write
from tests.core.formats.round_trip import (
    LABELS,
    TEA,
    WORDS,
    check_round_trip,
    labelled_video,
    mark,
    videos,
)


def written(videos, folder) -> tuple[dict, dict]:
    """Write a folder and return the videos and the labels of its files."""
    write("coin", videos, folder)
    coin, labels = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("coin", "labels")
    )
    return coin["database"], labels


def looked_up(task: str) -> str:
    """The task as the official loader looks it up: a space before each capital, lower case."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in task)
    for apart, together in ((" t v", " TV"), (" c d", " CD"), ("s i m", "SIM"), ("n b a", "NBA"),
                            ("s s d", "SSD"), ("r j45", "RJ45")):  # fmt: skip
        spaced = spaced.replace(apart, together)
    return spaced.strip().lower()


@given(videos("coin"))
def test_what_was_written_comes_back_but_for_the_declared_losses(drawn):
    check_round_trip("coin", drawn, "coin.json")


def test_a_folder_holds_the_steps_and_the_classes(tmp_path):
    database, labels = written([TEA], tmp_path / "coin")
    assert database == {"tea": {
        "duration": 20.0, "class": "MakeTea", "video_url": "", "start": 2.0, "end": 8.4,
        "subset": "training", "recipe_type": 0,
        "annotation": [
            {"id": "0", "segment": [2.0, 5.0], "label": "fill kettle"},
            {"id": "1", "segment": [5.0, 8.4], "label": "pour water"},
        ],
    }}  # fmt: skip
    assert labels == {"class_name": ["fill kettle", "pour water"], "task_name": ["make tea"]}


@given(
    drawn=videos("coin"),
    goals=st.lists(WORDS | st.just("RJ45 vitamin c drink") | LABELS, min_size=4),
)
def test_the_official_loader_finds_every_step_and_every_task(drawn, goals):
    drawn = [replace(video, goal=goal) for video, goal in zip(drawn, goals, strict=False)]
    with TemporaryDirectory() as folder:
        database, labels = written(drawn, Path(folder) / "coin")
    for video in database.values():
        assert looked_up(video["class"]) in labels["task_name"]
        steps = [labels["class_name"].index(one["label"].lower()) for one in video["annotation"]]
        assert steps == [int(one["id"]) for one in video["annotation"]]
        starts = [one["segment"][0] for one in video["annotation"]]
        assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("goal", "name", "task"),
    [
        ("make tea", "MakeTea", "make tea"),
        ("Watch TV", "WatchTv", "watch tv"),
        ("boil 3 eggs", "Boil 3Eggs", "boil 3 eggs"),
        ("vitamin c drink", "VitaminCDrink", "vitamin cdrink"),
        ("", "", ""),
    ],
)
def test_a_goal_is_a_class_in_camel_case(goal, name, task, tmp_path):
    database, labels = written([replace(TEA, goal=goal)], tmp_path / "coin")
    assert (database["tea"]["class"], labels["task_name"]) == (name, [task])
    assert {row.goal for row in read(tmp_path / "coin" / "coin.json").rows} == {task}


@pytest.mark.parametrize(
    ("split", "lists"), [("train", ["train"]), ("val", []), ("test", ["test"]), (None, ["train"])]
)
def test_the_loader_finds_a_split_by_its_word(split, lists, tmp_path):
    database, _ = written([replace(TEA, split=split)], tmp_path / "coin")
    assert [word for word in ("train", "test") if word in database["tea"]["subset"]] == lists


def test_steps_that_the_loader_renames_are_classes_under_their_new_names(tmp_path):
    video = labelled_video(mark(1, 2, "process (crop, fold) paper"), mark(2, 3, "Cut"))
    database, labels = written([video], tmp_path / "coin")
    assert labels["class_name"] == ["crop and fold paper", "cut"]
    assert database["tea"]["annotation"][0]["label"] == "process (crop, fold) paper"


def test_names_that_differ_in_capitals_are_one_class(tmp_path):
    database, labels = written(
        [labelled_video(mark(1, 2, "Cut"), mark(2, 3, "cut"))], tmp_path / "c"
    )
    assert labels["class_name"] == ["cut"]
    assert [one["label"] for one in database["tea"]["annotation"]] == ["Cut", "cut"]


def test_a_video_without_steps_is_of_interest_as_a_whole(tmp_path):
    database, _ = written([labelled_video()], tmp_path / "coin")
    assert (database["tea"]["start"], database["tea"]["end"]) == (0, 20)


def test_videos_of_one_name_are_refused(tmp_path):
    with pytest.raises(InvalidData, match="must not have the same name: 'tea'"):
        write("coin", [labelled_video(name=f"{f}/tea.mp4") for f in "ab"], tmp_path / "coin")
    assert not list(tmp_path.iterdir())


def test_the_published_file_is_recognised_before_activitynet(tmp_path):
    path = tmp_path / "COIN.json"
    step = {"id": "37", "segment": [38.0, 45.0], "label": "remove the cap"}
    path.write_text(
        json.dumps({"database": {"a": {"class": "PutOnHair", "annotation": [step, 1]}}})
    )
    assert recognise(path) == "coin"
    assert read(path).rows[0].marks == (mark(38, 45, "remove the cap"),)
    assert read(path).rows[0].goal == "put on hair"
    assert [fault.line for fault in read(path).faults] == [2]


@pytest.mark.parametrize("task", [7, "a\x07b", "x" * 201])
def test_a_class_that_is_no_name_is_refused(task, tmp_path):
    (tmp_path / "a.json").write_text(
        json.dumps({"database": {"a": {"class": task, "annotation": []}}})
    )
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path / "a.json")
    assert caught.value.next_step


def test_a_file_without_a_database_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InvalidFile, match="'database' must be an object"):
        read(tmp_path / "a.json", "coin")
