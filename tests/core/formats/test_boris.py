import json
from collections import Counter

import pytest
from hypothesis import given

from core.errors import InvalidFile
from core.formats import recognise
from core.formats.boris import read, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

COLUMNS = (
    "Observation id", "Observation date", "Description", "Media file", "Total length", "FPS",
    "Subject", "Behavior", "Behavioral category", "Modifiers", "Behavior type", "Start (s)",
    "Stop (s)", "Duration (s)", "Comment start", "Comment stop",
)  # fmt: skip


def behavior(code, kind="State event"):
    return {"type": kind, "key": "f", "code": code, "description": "", "category": "",
            "modifiers": {}, "excluded": "", "coding map": ""}  # fmt: skip


def event(time, code="fill kettle", subject="", modifier="", comment=""):
    return [time, subject, code, modifier, comment, "NA"]


def observation(*events, files=("tea.mp4",), **said):
    info = {"length": dict.fromkeys(files, 20.5), "fps": dict.fromkeys(files, 25.0)}
    return {"type": "MEDIA", "file": {"1": [*files], "2": []}, "time offset": 0.0,
            "media_info": info, "events": [*events]} | said  # fmt: skip


@pytest.fixture
def reading(tmp_path):
    """Write a project of observations and read it."""

    def reads(*observations):
        path = tmp_path / "project.boris"
        conf = [behavior("fill kettle"), behavior("pour"), behavior("drop", "Point event")]
        project = {
            "project_format_version": "7.0",
            "behaviors_conf": {str(number): one for number, one in enumerate(conf)},
            "subjects_conf": {},
            "observations": {f"obs{number}": one for number, one in enumerate(observations)},
        }
        path.write_text(json.dumps(project))
        assert recognise(path) == "boris"
        return read(path)

    return reads


@pytest.fixture
def table(tmp_path):
    """Write a table of (observation, media, subject, code, type, start, stop, comment)."""

    def reads(*rows):
        lines = ["\t".join(COLUMNS)]
        for one, media, subject, code, kind, start, stop, comment in rows:
            lines.append("\t".join([one, "2026-01-01", "", media, "20.0", "25.0", subject, code, "",
                                    "", kind, start, stop, "NA", comment, ""]))  # fmt: skip
        path = tmp_path / "table.tsv"
        path.write_text("\n".join(lines) + "\n")
        assert recognise(path) == "boris"
        return read(path)

    return reads


def said(reading):
    assert reading.faults == ()
    return [
        (row.video, m.start_us / 1e6, m.end_us / 1e6, m.label, m.kind)
        for row in reading.rows
        for m in row.marks
    ]


def test_two_rows_of_a_state_are_a_segment_and_one_of_a_point_is_a_point(reading):
    found = reading(observation(event(2.0), event(3.5, "drop"), event(5.0)))
    assert said(found) == [
        ("tea.mp4", 2, 5, "fill kettle", "interval"), ("tea.mp4", 3.5, 3.5, "drop", "point"),
    ]  # fmt: skip
    assert [(row.line, row.exact) for row in found.rows] == [(1, False), (2, False)]


def test_pairs_belong_to_one_subject_code_and_modifier(reading):
    found = reading(
        observation(
            event(1, subject="ann", comment="slow"), event(2), event(3, modifier="m1"),
            event(4, subject="ann", comment="start"), event(6, modifier="m1"), event(9)[:5],
        )
    )  # fmt: skip
    marks = [mark for row in found.rows for mark in row.marks]
    assert [(m.start_us / 1e6, m.end_us / 1e6, m.track, m.note) for m in marks] == [
        (1, 4, "ann", "slow start"), (2, 9, "", ""), (3, 6, "", ""),
    ]  # fmt: skip


def test_the_order_of_the_rows_does_not_matter(reading):
    found = reading(observation(event(9), event(2), event(5), event(1)))
    assert [span[1:3] for span in said(found)] == [(5, 9), (1, 2)]


def test_files_that_follow_one_another_each_begin_at_zero(reading):
    files = ("/far/away/a.mp4", "b.mp4")
    found = reading(
        observation(event(1), event(20.5), event(20.5, "drop"), event(21), event(30), files=files)
    )
    assert said(found) == [
        ("a.mp4", 1, 20.5, "fill kettle", "interval"), ("b.mp4", 0, 0, "drop", "point"),
        ("b.mp4", 0.5, 9.5, "fill kettle", "interval"),
    ]  # fmt: skip


def test_a_second_player_shows_the_same_at_the_same_time(reading):
    players = {"1": ["tea.mp4"], "2": ["side.mp4"]}
    info = {"offset": {"1": 0.0, "2": 20.0}}
    found = reading(observation(event(1), event(2), file=players, media_info=info))
    assert {row.video for row in found.rows} == {"tea.mp4"}


@pytest.mark.parametrize("times", [(2,), (2, 5, 7)])
def test_a_state_without_its_stop_is_one_fault_for_all_that_it_may_belong_to(reading, times):
    found = reading(observation(*map(event, times), event(8, "pour"), event(9, "pour")))
    assert said_labels(found) == ["pour"]
    (fault,) = found.faults
    assert fault.rule == "A state must have a start and a stop"
    assert fault.line == len(times)
    assert f"{len(times)} events" in fault.value


def said_labels(reading):
    return [mark.label for row in reading.rows for mark in row.marks]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (event("NA", "drop"), "number of seconds"),
        (event(-1, "drop"), "must not be negative"),
        (event(1, "jump"), "behavior of the project"),
        (event(1, 7), "must be text"),
        ([1, "", "drop"], "is written [time"),
        ("drop", "is written [time"),
    ],
)
def test_a_wrong_event_is_one_fault_and_stops_no_other(reading, wrong, rule):
    found = reading(observation(wrong, event(2), event(5)))
    assert [row.line for row in found.rows] == [2]
    (fault,) = found.faults
    assert rule in fault.rule
    assert (fault.line, bool(fault.next_step)) == (1, True)


def test_a_state_of_which_a_time_is_wrong_is_not_paired_with_another(reading):
    found = reading(observation(event(1), event("NA"), event(3), event("NA")))
    assert found.rows == ()
    assert Counter(fault.line for fault in found.faults) == {2: 1, 4: 2}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (observation(event(1), type="LIVE", file={}), "of media files"),
        (observation(event(1), **{"time offset": 3.0}), "from the beginning"),
        (observation(event(1), media_info={"offset": {"1": -2}}), "from the beginning"),
        (observation(event(1), file={"1": []}), "must have a file"),
        (observation(event(1), files=("a", "b"), media_info={}), "number of seconds"),
        (observation(event(1), events={}), "must be a list"),
        (observation(event(1), file={"1": [3]}), "must be text"),
        (3, "of media files"),
    ],
)
def test_an_observation_that_cannot_be_placed_is_one_fault(reading, wrong, rule):
    found = reading(wrong, observation(event(2), event(5)))
    assert [(row.line, len(row.marks)) for row in found.rows] == [(2, 1)]
    (fault,) = found.faults
    assert rule in fault.rule
    assert fault.line == 1


def test_a_state_over_two_files_is_a_fault(reading):
    (fault,) = reading(observation(event(20), event(21), files=("a.mp4", "b.mp4"))).faults
    assert "one of the files that follow one another" in fault.rule


def test_an_observation_without_events_was_looked_at(reading):
    found = reading(observation(files=("a.mp4", "b.mp4")), observation(event(1), event(2)))
    assert [(row.video, row.line, len(row.marks)) for row in found.rows] == [
        ("a.mp4", 1, 0), ("b.mp4", 1, 0), ("tea.mp4", 2, 1),
    ]  # fmt: skip


def test_a_project_without_observations_is_refused(tmp_path):
    path = tmp_path / "project.boris"
    path.write_text('{"project_format_version": "7.0", "observations": []}')
    with pytest.raises(InvalidFile, match="must have observations"):
        read(path)


def test_a_row_of_the_table_is_a_state_or_a_point(table):
    found = table(
        ("o", "/x/tea.mp4", "No focal subject", "fill kettle", "STATE", "2.000", "5.000", ""),
        ("o", "/x/tea.mp4", "ann", "drop", "POINT", "3.5", "3.5", "oops"),
    )
    assert said(found) == [
        ("tea.mp4", 2, 5, "fill kettle", "interval"), ("tea.mp4", 3.5, 3.5, "drop", "point"),
    ]  # fmt: skip
    marks = [mark for row in found.rows for mark in row.marks]
    assert [(m.track, m.note) for m in marks] == [("", ""), ("ann", "oops")]


def test_rows_of_a_table_count_only_in_the_first_file_of_an_observation(table):
    row = ("No focal subject", "pour", "STATE")
    found = table(
        ("o", "b.mp4", *row, "25", "26", ""),
        ("o", "a.mp4", *row, "2", "5", ""),
        ("p", "b.mp4", *row, "1", "2", ""),
    )
    assert [(row.video, row.line) for row in found.rows] == [("a.mp4", 3), ("b.mp4", 4)]
    (fault,) = found.faults
    assert ("other files come before" in fault.rule, fault.line) == (True, 2)


@pytest.mark.parametrize(
    ("kind", "start", "stop", "rule"),
    [
        ("STATE", "5", "2", "end after it starts"),
        ("POINT", "2", "5", "a STATE, or a POINT"),
        ("state", "2", "5", "a STATE, or a POINT"),
        ("STATE", "NA", "5", "written in seconds"),
    ],
)
def test_a_wrong_row_of_a_table_is_one_fault(table, kind, start, stop, rule):
    found = table(
        ("o", "tea.mp4", "", "pour", kind, start, stop, ""),
        ("o", "tea.mp4", "", "pour", "STATE", "2", "5", ""),
    )
    assert [row.line for row in found.rows] == [3]
    assert rule in found.faults[0].rule


def test_the_example_of_the_documentation_is_written(tmp_path):
    note = mark(6, 7, "fill kettle", track="ann", note="late")
    write([labelled_video(*TEA.marks, note, fps=25.0)], tmp_path / "tea.boris")
    written = json.loads((tmp_path / "tea.boris").read_text())
    (found,) = written["observations"].values()
    assert (found["type"], found["file"]) == ("MEDIA", {"1": ["tea.mp4"]})
    assert found["media_info"] == {"length": {"tea.mp4": 20.0}, "fps": {"tea.mp4": 25.0}}
    assert found["events"][:2] == [
        [2.0, "", "fill kettle", "", "", 50], [5.0, "", "fill kettle", "", "", 125],
    ]  # fmt: skip
    assert [6.0, "ann", "fill kettle", "", "late", 150] in found["events"]
    assert [one["name"] for one in written["subjects_conf"].values()] == ["ann"]
    assert written["behaviors_conf"]["0"] == behavior("fill kettle") | {"key": ""}


def test_overlaps_of_one_class_and_points_of_a_state_are_kept_apart(tmp_path):
    marks = [mark(1, 9, "pour"), mark(2, 5, "pour"), mark(3, 3, "pour", kind="point"),
             mark(9, 12, "pour"), mark(4, 4, "drop", kind="point")]  # fmt: skip
    write([labelled_video(*marks)], tmp_path / "tea.boris")
    written = json.loads((tmp_path / "tea.boris").read_text())
    kinds = {one["code"]: one["type"] for one in written["behaviors_conf"].values()}
    assert kinds == {"pour": "State event", "drop": "Point event"}
    assert written["behaviors_conf"]["0"]["modifiers"]["0"]["values"] == ["2", "3"]
    found = Counter(m for row in read(tmp_path / "tea.boris").rows for m in row.marks)
    assert found == Counter(marks)


@given(videos("boris"))
def test_what_is_written_is_read_back(written):
    check_round_trip("boris", written)


@pytest.mark.realdata
def test_every_event_of_the_published_project_is_placed_or_of_a_live_observation(realdata):
    path = realdata / "annotations" / "boris" / "test.boris"
    project = json.loads(path.read_text())
    points = {b["code"] for b in project["behaviors_conf"].values() if b["type"] == "Point event"}
    expected, live = Counter(), 0
    for one in project["observations"].values():
        live += one["type"] == "LIVE"
        if one["type"] == "MEDIA":
            expected.update("point" if e[2] in points else "half" for e in one["events"])
    found = read(path)
    kinds = Counter(mark.kind for row in found.rows for mark in row.marks)
    assert kinds == {"point": expected["point"], "interval": expected["half"] // 2}
    assert (len(found.faults), live, sum(kinds.values())) == (5, 5, 34)
    assert {fault.rule for fault in found.faults} == {"An observation must be of media files"}


@pytest.mark.realdata
def test_the_published_table_agrees_with_its_project(realdata):
    folder = realdata / "annotations" / "boris"
    (path,) = folder.glob("*.tsv")
    assert recognise(path) == "boris"
    found = read(path)
    assert (len(found.rows), len(found.faults)) == (6, 12)
    whole = read(folder / "test.boris")
    marks = Counter((row.video, mark) for row in whole.rows for mark in row.marks)
    assert all(marks[row.video, mark] == 1 for row in found.rows for mark in row.marks)
    late = [row for row in whole.rows if row.marks and row.marks[0].start_us == 47_805_000]
    assert [row.video for row in late] == ["video_test_25fps_360s.mp4"]  # 227.765 s less 179.96 s
