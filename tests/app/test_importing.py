"""What files say beyond intervals: points, tracks, parts, notes, frames; folders of many things."""

import json

import pytest

from app.services import importing
from core.errors import InvalidData, InvalidFile
from core.formats import Row, read
from core.formats.marks import Mark
from storage import annotations, library
from storage.states import SegmentKind
from tests.app.annotated import ids, make

FULL = "video,start,end,label,track,kind,confidence,note\n"
ROWS = (
    "tea.mp4,1,2,stir,left,interval,0.5,sure\n"
    "tea.mp4,3,3,ring,,point,,\n"
    "tea.mp4,4,5,,right,ignore,,\n"
    "tea.mp4,6,7,stir,left,,,\n"
)
FRAMES = "stir_tea\n" * 25 + "background\n" * 25 + "cut\n" * 10


def segments(studio, project):
    video = ids(studio, project)["tea.mp4"]
    return annotations.list_segments(studio.database, video)


def test_an_import_keeps_all_that_a_mark_says(studio, tmp_path):
    project = make(studio, tmp_path)
    table = tmp_path / "labels.csv"
    table.write_text(FULL + ROWS)
    assert importing.commit_import(studio, project, [table], token="t")["segments"] == 4
    rows = segments(studio, project)
    assert [(r.kind, r.track, r.confidence, r.note) for r in rows] == [
        (SegmentKind.INTERVAL, "left", 0.5, "sure"),
        (SegmentKind.POINT, "", None, ""),
        (SegmentKind.IGNORE, "right", None, ""),
        (SegmentKind.INTERVAL, "left", None, ""),
    ]
    assert [r.label_id is None for r in rows] == [False, False, True, False]


def test_a_preview_counts_points_tracks_and_ignored_spans(studio, tmp_path):
    project = make(studio, tmp_path)
    table = tmp_path / "labels.csv"
    table.write_text(FULL + ROWS)
    shown = importing.preview(studio, project, [table])
    assert (shown["segments"], shown["points"], shown["ignored"]) == (2, 1, 1)
    assert (shown["tracks"], shown["classes"]) == ({"left": 2, "right": 1}, ["ring", "stir"])
    assert shown["notes"] == [
        "Point events: 1.", "Ignored spans: 1.", "Tracks: 'left' (2), 'right' (1)."
    ]  # fmt: skip
    assert segments(studio, project) == ()


def test_a_folder_gives_the_files_that_a_format_recognises(studio, tmp_path):
    project = make(studio, tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "labels.TSV").write_text("video\tstart\tend\tlabel\ntea.mp4\t1\t2\tstir\n")
    (tmp_path / "readme.csv").write_text("this is, no table\n")
    (tmp_path / "tea.mp4").write_bytes(b"a video")
    shown = importing.preview(studio, project, [tmp_path])
    assert (shown["format"], shown["segments"]) == ("table", 1)
    assert shown["notes"] == ["Files of no known format, passed over: readme.csv."]
    with pytest.raises(InvalidFile, match="supported format"):
        importing.preview(studio, project, [tmp_path / "readme.csv"])


def test_a_folder_without_annotations_is_refused(studio, tmp_path):
    project = make(studio, tmp_path)
    (tmp_path / "readme.csv").write_text("this is, no table\n")
    with pytest.raises(InvalidData, match="it holds none, only 1 others"):
        importing.preview(studio, project, [tmp_path])


@pytest.mark.parametrize(
    ("rate", "times"),
    [(None, [(0, 1_000_000), (2_000_000, 2_400_000)]), (5, [(0, 5_000_000), (10**7, 12 * 10**6)])],
)
def test_labels_by_frame_become_times_by_the_videos_rate_or_a_chosen_one(
    studio, tmp_path, rate, times
):
    project = make(studio, tmp_path / "videos")
    path = tmp_path / "tea.txt"
    path.write_text(FRAMES)
    importing.commit_import(studio, project, [path], token="t", frame_rate=rate)
    assert [(r.start_us, r.end_us) for r in segments(studio, project)] == times
    (note,) = importing.preview(studio, project, [path], frame_rate=rate)["notes"]
    assert ("at 5 frames a second" if rate else "at that of the video") in note


def goalstep(*steps) -> str:
    about = {"video_uid": "tea", "start_time": 0.0, "end_time": 60.0, "goal_category": "X:MAKE_TEA",
             "goal_description": "make tea", "segments": list(steps)}  # fmt: skip
    return json.dumps({"videos": [about]})


def step(start, end, name, *parts) -> dict:
    return {"start_time": start, "end_time": end, "step_category": f"Tea: {name}",
            "step_description": name, "segments": list(parts)}  # fmt: skip


def test_parts_know_their_step_and_a_video_without_a_goal_takes_that_of_the_file(studio, tmp_path):
    project = make(studio, tmp_path / "videos")
    path = tmp_path / "goalstep.json"
    path.write_text(goalstep(step(1, 9, "Boil", step(2, 3, "Fill"), step(4, 5, "Heat"))))
    importing.commit_import(studio, project, [path], token="t")
    whole, *parts = segments(studio, project)
    assert [(part.start_us, part.parent_id) for part in parts] == [
        (2_000_000, whole.id), (4_000_000, whole.id),
    ]  # fmt: skip
    goal = library.find_video(studio.database, project, ids(studio, project)["tea.mp4"]).goal
    assert goal
    library.set_goals(studio.database, project, {ids(studio, project)["tea.mp4"]: "mine"})
    importing.commit_import(studio, project, [path], token="again")
    assert library.find_video(studio.database, project, whole.video_id).goal == "mine"


def test_two_annotations_of_one_id_are_refused(tmp_path):
    mark = Mark(start_us=0, end_us=1, label="a", key="a1")
    row = Row(tmp_path / "a.eaf", 1, "tea", False, (mark, mark))
    with pytest.raises(InvalidData, match=r"ids of their own: 'a1' in 'a\.eaf' is there twice"):
        importing._segments([(1, row)], {"a": 1})


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "marks", "parts"),
    [
        ("epic_kitchens_100/EPIC_100_validation.csv", 9_668, 0),
        ("ego4d_goalstep/goalstep_valid.json", 3_349 + 4_347, 4_347),
    ],
)
def test_published_files_are_imported_whole(studio, tmp_path, realdata, file, marks, parts):
    path = realdata / "annotations" / file
    reading = read(path)
    names = {f"{row.video}.mp4" for row in reading.rows}
    project = make(studio, tmp_path, names=sorted(names), duration_us=10**11)
    done = importing.commit_import(studio, project, [path], token="t", skip_faulty=True)
    rows = annotations.segments_of_project(studio.database, project)
    found = [segment for each in rows.values() for segment in each]
    assert (done["missing"], len(found), done["videos"]) == (0, marks, len(names))
    assert sum(segment.parent_id is not None for segment in found) == parts


def test_a_frame_rate_is_a_number_above_zero(studio, tmp_path):
    path = tmp_path / "tea.txt"
    path.write_text(FRAMES)
    with pytest.raises(InvalidData, match="number above 0"):
        importing.preview(studio, make(studio, tmp_path), [path], frame_rate=0)


def test_labels_by_frame_of_a_video_without_a_rate_are_faults(studio, tmp_path):
    project = make(studio, tmp_path / "videos", fps=None)
    path = tmp_path / "tea.txt"
    path.write_text(FRAMES)
    shown = importing.preview(studio, project, [path])
    assert shown["taken"] == []
    assert all("need a frame rate" in fault["sentence"] for fault in shown["faults"])
