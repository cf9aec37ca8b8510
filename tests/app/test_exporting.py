"""From the database into files of other tools, and back into another project."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.services import exporting, importing, library
from app.services.frame_times import TimesInFile, frame_times
from core.errors import InvalidData, InvalidFile, UnknownName
from core.formats import losses, writable
from core.formats.marks import kept
from core.video import probe
from storage import annotations, jobs, labels, library as videos
from storage.annotations import SegmentEdit
from storage.states import JobState, SegmentKind
from tests.app.annotated import ids, make
from tests.app.conftest import finish
from tests.storage.samples import edit

STEP = 0.2
"""Seconds: both a frame of 25 a second and a tenth of a second fall there."""


def annotate(studio, project: int) -> None:
    """Give a project all that a segment can be, one after another but for parts."""
    known = library.add_labels(studio, project, ["stir tea", "größe messen", "cut"])
    stir, measure, cut = known.values()
    tea, juice, _ = (ids(studio, project)[name] for name in ("tea.mp4", "juice.mp4", "toast.mp4"))
    step = said(stir, 5, 20)
    save = annotations.save_segments
    save(studio.database, tea, [
        step, said(cut, 6, 9, parent_id=step.id), said(measure, 10, 12, parent_id=step.id),
        said(measure, 30, 44), said(stir, 50, 50, kind=SegmentKind.POINT),
        said(None, 60, 70, kind=SegmentKind.IGNORE),
    ])  # fmt: skip
    gone = said(cut, 40, 41)
    save(studio.database, juice, [said(cut, 0, 1, track="left"), said(stir, 299, 300), gone])
    annotations.delete_segments(studio.database, juice, {gone.id: 1})


def said(label: int | None, start: int, end: int, **more: object) -> SegmentEdit:
    more = {"confidence": 0.5, "note": "sure", "track": "hand", **more}
    return edit(label, start * STEP, end * STEP, **more)


def content(marked, name: str) -> dict[str, Counter]:
    """Count what the marks of each video say, less what a format loses."""

    def one(mark, by_key):
        bare = replace(mark, key="", parent="")
        return bare, one(by_key[mark.parent], by_key) if mark.parent else None

    found = {}
    for video in marked:
        marks = kept(video.marks, losses(name))
        by_key = {mark.key: mark for mark in marks}
        found[video.path.name] = Counter(one(mark, by_key) for mark in marks)
    return found


@pytest.mark.parametrize("name", writable())
def test_a_project_comes_back_from_its_export_less_what_was_said(studio, tmp_path, name):
    target = tmp_path / "out"
    there = make(studio, target / "videos")
    annotate(studio, there)
    before = exporting.marked_videos(studio, there)
    done = exporting.export(studio, there, name, target)
    lost = losses(name).points + losses(name).ignored
    assert (done["videos"], done["segments"]) == (3, 8 - lost)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]
    assert target.is_dir() == (name in exporting._FOLDERS)
    again = make(studio, target / "videos", "again")
    importing.commit_import(studio, again, [target], token="t")
    assert content(exporting.marked_videos(studio, again), name) == content(before, name)


def test_an_export_says_all_that_the_database_knows(studio, tmp_path):
    project = make(studio, tmp_path / "videos", fps=29.97)
    annotate(studio, project)
    videos.set_goals(studio.database, project, {ids(studio, project)["tea.mp4"]: "make tea"})
    juice, tea, toast = exporting.marked_videos(studio, project)
    assert (tea.name, tea.path) == ("videos/tea.mp4", tmp_path / "videos" / "tea.mp4")
    assert (tea.duration_us, tea.fps, tea.size) == (60_000_000, 29.97, (640, 360))
    assert (tea.split, juice.split, toast.split) == ("train", "val", "test")
    assert (tea.goal, tea.frame_times_us) == ("make tea", None)
    assert (len(tea.marks), len(juice.marks), toast.marks) == (6, 2, ())
    assert [video.name for video in exporting.marked_videos(studio, project, "val")] == [juice.name]


def test_a_part_of_a_deleted_segment_is_a_part_of_nothing(studio, tmp_path):
    project = make(studio, tmp_path)
    annotate(studio, project)
    tea = ids(studio, project)["tea.mp4"]
    step = next(s for s in annotations.list_segments(studio.database, tea) if s.parent_id)
    annotations.delete_segments(studio.database, tea, {step.parent_id: 1})
    (marks,) = [v.marks for v in exporting.marked_videos(studio, project, "train")]
    assert {mark.parent for mark in marks} == {""}


def test_a_segment_of_an_archived_label_keeps_its_name(studio, tmp_path):
    project = make(studio, tmp_path)
    annotate(studio, project)
    (cut,) = library.add_labels(studio, project, ["cut"]).values()
    labels.archive_label(studio.database, cut)
    (juice,) = exporting.marked_videos(studio, project, "val")
    assert [mark.label for mark in juice.marks] == ["cut", "stir tea"]


def test_a_name_that_is_the_end_of_another_path_begins_further_up(studio, tmp_path):
    project = make(studio, tmp_path / "a")
    other = tmp_path / "b" / "a" / "tea.mp4"
    videos.add_videos(studio.database, project, folder=other.parent.parent, paths=[other])
    known = videos.list_videos(studio.database, project)
    names = exporting._telling_names(known)
    root = tmp_path.name
    assert sorted(names.values()) == [
        "a/juice.mp4", "a/toast.mp4", "b/a/tea.mp4", f"{root}/a/tea.mp4",
    ]  # fmt: skip


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_nothing_is_overwritten(studio, tmp_path, there):
    project = make(studio, tmp_path)
    target = tmp_path / "labels.csv"
    make_it = {
        "file": lambda: target.write_text("mine"),
        "folder": target.mkdir,
        "link": lambda: target.symlink_to("nowhere"),
    }
    make_it[there]()
    with pytest.raises(InvalidFile, match="overwrites nothing"):
        exporting.export(studio, project, "table", target)
    assert os.path.lexists(target)
    assert target.is_file() == (there == "file")


@pytest.mark.parametrize("name", ["table", "gmdcsa24"])
def test_an_export_that_fails_leaves_nothing(studio, tmp_path, name):
    project = make(studio, tmp_path / "two\nlines")
    for label, video in zip(("fine", "a;b"), ("tea.mp4", "toast.mp4"), strict=True):
        (number,) = library.add_labels(studio, project, [label]).values()
        video = ids(studio, project)[video]
        annotations.save_segments(studio.database, video, [edit(number)])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidData):
        exporting.export(studio, project, name, tmp_path / "out")
    with pytest.raises(InvalidFile, match="a folder that is there"):
        exporting.export(studio, project, name, tmp_path / "nowhere" / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_a_video_that_nobody_looked_at_may_not_have_segments(studio, tmp_path):
    project = make(studio, tmp_path, duration_us=None)
    assert exporting.marked_videos(studio, project) == []
    annotate(studio, project)
    with pytest.raises(InvalidData, match="length of a video"):
        exporting.marked_videos(studio, project)


def test_frame_times_are_read_from_the_file_where_the_rate_varies(studio, project):
    video = next(v for v in videos.list_videos(studio.database, project))
    assert frame_times(studio, video) == video.fps
    uneven = replace(video, timing="variable")
    times = frame_times(studio, uneven)
    assert isinstance(times, TimesInFile)
    assert list(times) == probe(Path(video.path)).pts_us.tolist()
    assert (len(times), times[-1]) == (72, 8_875_000)


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_shell_says_what_is_lost_before_it_writes(studio, tmp_path):
    annotate(studio, make(studio, tmp_path))
    data = ("--data-dir", studio.directory.root)
    target = tmp_path / "labels.csv"
    lost = run("export", "kitchen", "table", "--losses", *data)
    assert "which step a segment is a part of" in lost
    assert not target.exists()
    told = run("export", "kitchen", "table", target, "--split", "val", *data)
    assert told == f"{lost}2 segments of 1 videos are in '{target}'.\n"
    done = json.loads(run("export", "kitchen", "table", tmp_path / "b.csv", "--json", *data))
    assert (done["segments"], done["lost"]) == (8, lost.strip())


def test_an_unknown_format_or_one_that_is_only_read_is_named(studio, tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'table'"):
        exporting.statement("tabel")
    for name in {*exporting.formats.FORMATS} - {*writable()}:
        with pytest.raises(InvalidData, match="read and not written"):
            exporting.statement(name)


def test_a_plan_tells_of_every_format_what_of_this_project_it_loses(studio, tmp_path):
    project = make(studio, tmp_path)
    annotate(studio, project)
    plan = exporting.plan(studio, project)
    assert (plan["videos"], plan["segments"]) == (3, 8)
    by_name = {each["name"]: each for each in plan["formats"]}
    assert set(by_name) == {*writable(), "clip_folder"} == set(exporting.TITLES)
    assert [by_name[name]["segments"] for name in ("table", "elan", "clip_folder")] == [8, 7, 6]
    assert by_name["table"]["lost"] == ["2 parts of larger steps"]
    assert by_name["ms_tcn"]["lost"] == [
        "1 point event", "1 ignored span", "3 segments that overlap others", "8 names of tracks",
        "2 parts of larger steps", "8 confidences", "8 notes",
    ]  # fmt: skip
    assert by_name["elan"]["lost"] == ["1 point event", "8 confidences", "8 notes"]
    assert by_name["coin"]["folder"] and not by_name["via"]["folder"]
    assert by_name["via"]["target"].endswith("/kitchen-via.json")
    assert exporting.plan(studio, project, split="val")["segments"] == 2


def test_times_that_a_format_rounds_are_counted(studio, tmp_path):
    project = make(studio, tmp_path)
    (number,) = library.add_labels(studio, project, ["stir"]).values()
    tea = ids(studio, project)["tea.mp4"]
    annotations.save_segments(studio.database, tea, [edit(number, 1.0005, 2), edit(number, 3, 4)])
    by_name = {each["name"]: each["rounded"] for each in exporting.plan(studio, project)["formats"]}
    assert (by_name["elan"], by_name["table"]) == (1, 0)


def test_the_page_writes_to_whole_paths_only(studio, tmp_path):
    project = make(studio, tmp_path)
    with pytest.raises(InvalidData, match="not a whole one"):
        exporting.start(studio, project, "table", Path("labels.csv"))
    done = exporting.start(studio, project, "table", tmp_path / "labels.csv")
    assert Path(done["target"]).is_file()


def clips_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.mp4"))


def test_clips_are_cut_in_a_job_that_tells_how_far_it_is(studio, runner, project, tmp_path):
    started = exporting.start(studio, project, "clip_folder", tmp_path / "clips")
    assert (started["segments"], started["videos"]) == (8, 4)
    finish(runner)
    job = jobs.find_job(studio.database, started["job"])
    assert (job.state, job.result, job.progress.done) == (JobState.DONE, {"clips": 8}, 8)
    found = clips_of(tmp_path / "clips")
    assert len(found) == 8
    assert found[0] == "cut bread/videos_first_0_5.000_9.000.mp4"
    with pytest.raises(InvalidFile, match="overwrites nothing"):
        exporting.start(studio, project, "clip_folder", tmp_path / "clips")


def test_clips_need_a_segment_and_the_files(studio, tmp_path):
    project = make(studio, tmp_path)
    for target in (tmp_path / "job", tmp_path / "here"):
        act = exporting.start if target.name == "job" else exporting.export
        with pytest.raises(InvalidData, match="needs a segment"):
            act(studio, project, "clip_folder", target)
    annotate(studio, project)
    with pytest.raises(InvalidData, match=r"some are not there: .*juice\.mp4"):
        exporting.start(studio, project, "clip_folder", tmp_path / "clips")


def test_the_shell_cuts_clips_and_says_what_they_lose(studio, project, tmp_path):
    data = ("--data-dir", studio.directory.root)
    told = run("export", "little", "clip_folder", tmp_path / "c", "--split", "test", *data)
    assert "no sound" in told
    assert f"2 segments of 1 videos are in '{tmp_path / 'c'}'." in told
    assert len(clips_of(tmp_path / "c")) == 2
