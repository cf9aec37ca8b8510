"""What files say beyond intervals: points, tracks, parts, notes, frames; folders of many things."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.services import importing, open_studio
from app.services.import_preview import Choices
from core.errors import Conflict, InvalidData, InvalidFile
from core.formats import Row, read
from core.formats.columns import ColumnMapping
from core.formats.marks import Mark
from storage import annotations, library
from storage.states import SegmentKind
from tests.app.annotated import ids, make
from tests.storage.samples import edit

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
    chosen = Choices(frame_rate=rate)
    importing.commit_import(studio, project, [path], chosen, token="t")
    assert [(r.start_us, r.end_us) for r in segments(studio, project)] == times
    (note,) = importing.preview(studio, project, [path], chosen)["notes"]
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


def test_a_frame_rate_is_a_number_above_zero():
    with pytest.raises(InvalidData, match="number above 0"):
        Choices(frame_rate=0)


def test_labels_by_frame_of_a_video_without_a_rate_are_faults(studio, tmp_path):
    project = make(studio, tmp_path / "videos", fps=None)
    path = tmp_path / "tea.txt"
    path.write_text(FRAMES)
    shown = importing.preview(studio, project, [path])
    assert shown["taken"] == []
    assert all("need a frame rate" in fault["sentence"] for fault in shown["faults"])


ODD = "File;t0;t1;Action;Sure\ntea.mp4;25;50;stir tea;0,5\ntea.mp4;75;x;cut;\nelse.mp4;1;2;cut;\n"
MAPPED = {"video": "File", "start": "t0", "end": "t1", "label": "Action", "confidence": "Sure"}


@pytest.fixture
def odd(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text(ODD)
    return path


def test_a_table_of_unknown_columns_is_shown_with_guesses_and_then_read_as_said(studio, odd):
    project = make(studio, odd.parent / "videos")
    asked = importing.preview(studio, project, [odd])
    assert "supported format" in asked["why"]
    shown = asked["columns"]
    assert (shown["names"], shown["rows"][0]) == (
        ["File", "t0", "t1", "Action", "Sure"], ["tea.mp4", "25", "50", "stir tea", "0,5"],
    )  # fmt: skip
    assert shown["guess"] == {name: MAPPED[name] for name in ("video", "start", "end", "label")}
    chosen = Choices(mapping=ColumnMapping(MAPPED, "frames"))
    seen = importing.preview(studio, project, [odd], chosen)
    assert seen["counts"] == {"taken": 1, "missing": 1, "faults": 1, "videos": 1}
    assert "line 3 of 'odd.csv'" in seen["faults"][0]["sentence"]
    importing.commit_import(studio, project, [odd], chosen, token="t", skip_faulty=True)
    assert [(r.start_us, r.end_us, r.confidence) for r in segments(studio, project)] == [
        (1_000_000, 2_000_000, 0.5)
    ]


def test_with_a_frame_rate_the_frames_of_a_mapped_table_become_other_times(studio, odd):
    project = make(studio, odd.parent / "videos")
    chosen = Choices(mapping=ColumnMapping(MAPPED, "frames"), frame_rate=5)
    importing.commit_import(studio, project, [odd], chosen, token="t", skip_faulty=True)
    assert [(r.start_us, r.end_us) for r in segments(studio, project)] == [(5_000_000, 10_000_000)]


def test_a_mapping_reads_a_recognised_table_too_and_every_table_of_a_folder(studio, tmp_path):
    project = make(studio, tmp_path / "videos")
    for name in ("tea", "juice"):
        text = f"video,start,end,label\n{name}.mp4,1500,2500,stir\n"
        (tmp_path / f"{name}.csv").write_text(text)
    columns = {name: name for name in ("video", "start", "end", "label")}
    chosen = Choices(mapping=ColumnMapping(columns, "milliseconds"))
    done = importing.commit_import(studio, project, [tmp_path], chosen, token="t")
    assert (done["segments"], done["videos"]) == (2, 2)
    assert [(r.start_us, r.end_us) for r in segments(studio, project)] == [(1_500_000, 2_500_000)]


def test_only_chosen_tracks_are_taken(studio, tmp_path):
    project = make(studio, tmp_path)
    table = tmp_path / "labels.csv"
    table.write_text(FULL + ROWS)
    left = Choices(tracks=("left",))
    shown = importing.preview(studio, project, [table], left)
    assert (shown["of_tracks"], shown["chosen"]) == ({"": 1, "left": 2, "right": 1}, ["left"])
    assert shown["counts"]["taken"] == 2
    assert shown["notes"] == [
        "Tracks: 'left' (2).", "Tracks left out: the one without a name, 'right'."
    ]  # fmt: skip
    importing.commit_import(studio, project, [table], left, token="t")
    assert {row.track for row in segments(studio, project)} == {"left"}


def salads(folder):
    """Write an activity of 50 Salads with its phases, ten frames each, and the timestamps."""
    names = ("cut_tomato_prep", "cut_tomato_core", "cut_tomato_post")
    lines = [f"{1000 + 300 * i} {1300 + 300 * i} {name}" for i, name in enumerate(names)]
    path = folder / "01-1-activityAnnotation.txt"
    path.write_text("\n".join(["1000 1900 cut_and_mix_ingredients", *lines]))
    ticks = "".join(f"{1000 + 30 * i} rgb/{i:05}.png\n" for i in range(31))
    (folder / "timestamps-01-1.txt").write_text(ticks)
    return path


def test_of_50_salads_one_granularity_is_taken_unless_another_is_chosen(studio, tmp_path):
    project = make(studio, tmp_path / "videos", names=["rgb-01-1.avi"])
    path = salads(tmp_path)
    assert importing.preview(studio, project, [path])["of_tracks"] == {
        "high": 1,
        "mid": 1,
        "low": 3,
    }
    importing.commit_import(studio, project, [path], token="usual")
    video = ids(studio, project)["rgb-01-1.avi"]
    found = annotations.list_segments(studio.database, video)
    assert [(row.track, row.start_us, row.end_us) for row in found] == [("mid", 0, 1_200_000)]
    importing.commit_import(studio, project, [path], Choices(tracks=("low",)), token="low")
    assert len(annotations.list_segments(studio.database, video)) == 4


def test_an_import_is_listed_and_undone_but_for_what_was_edited_since(studio, tmp_path):
    project = make(studio, tmp_path)
    table = tmp_path / "labels.csv"
    table.write_text(FULL + ROWS)
    importing.commit_import(studio, project, [table], token="t")
    (made,) = importing.made(studio, project)
    assert (made["source"], made["format"], made["segments"]) == (str(table), "table", 4)
    first, *_ = segments(studio, project)
    mine = replace(edit(first.label_id), id=first.id, version=1)
    annotations.save_segments(studio.database, first.video_id, [mine])
    assert importing.undo(studio, made["id"]) == {"removed": 3, "kept": 1}
    assert [row.id for row in segments(studio, project)] == [first.id]
    assert importing.made(studio, project)[0]["undone_us"]
    with pytest.raises(Conflict, match="undone already"):
        importing.undo(studio, made["id"])


def test_a_long_preview_shows_the_beginning_and_counts_all(studio, tmp_path):
    project = make(studio, tmp_path)
    table = tmp_path / "labels.csv"
    rows = "".join(f"tea.mp4,{i / 100},{i / 100 + 0.005},stir\n" for i in range(1200))
    table.write_text("video,start,end,label\n" + rows)
    shown = importing.preview(studio, project, [table])
    assert (len(shown["taken"]), shown["counts"]["taken"], shown["segments"]) == (1000, 1200, 1200)


def shell(folder, *words) -> str:
    data = ("--project", "kitchen", "--data-dir", str(folder / "data"))
    done = CliRunner().invoke(app, ["import", *map(str, words), *data], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_shell_names_the_columns_of_a_table_and_reads_it_as_said(tmp_path, odd):
    with open_studio(tmp_path / "data") as studio:
        make(studio, tmp_path / "videos")
    told = shell(tmp_path, odd, "--preview")
    assert "--columns what its columns are: 'File', 't0', 't1', 'Action', 'Sure'." in told
    columns = ",".join(f"{role}={name}" for role, name in MAPPED.items())
    how = ("--columns", columns, "--unit", "frames")
    assert "1 rows would be taken, 1 have no video here." in shell(tmp_path, odd, "--preview", *how)
    assert "1 segments of 1 rows in 1 videos" in shell(tmp_path, odd, "--skip-faulty", *how)
    with open_studio(tmp_path / "data") as studio:
        (found,) = segments(studio, 1)
    assert (found.start_us, found.end_us) == (1_000_000, 2_000_000)


def test_the_shell_takes_one_track(tmp_path):
    with open_studio(tmp_path / "data") as studio:
        make(studio, tmp_path / "videos")
    table = tmp_path / "labels.csv"
    table.write_text(FULL + ROWS)
    shell(tmp_path, table, "--track", "right", "--track", "left")
    with open_studio(tmp_path / "data") as studio:
        assert {row.track for row in segments(studio, 1)} == {"left", "right"}


@pytest.mark.parametrize("text", ["start", "=x", "start=t0,,end=t1"])
def test_the_shell_refuses_columns_that_are_no_pairs(tmp_path, text):
    words = ["import", "x.csv", "--columns", text, "--data-dir", str(tmp_path / "data")]
    assert CliRunner().invoke(app, words).exit_code == 2
