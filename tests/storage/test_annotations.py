from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.errors import Conflict, InvalidData, StudioError, UnknownName
from storage import annotations, labels, library, projects
from storage.database import Database
from storage.labels import NewLabel
from storage.segment_rules import LATEST_US
from storage.states import SegmentKind
from tests.storage.samples import Sample, edit


def revision(database: Database, sample: Sample) -> int:
    return library.find_video(database, sample.project, sample.videos[0]).revision


def test_a_saved_segment_reads_back_as_it_was(database: Database, sample: Sample) -> None:
    made = edit(sample.labels["add salt"], confidence=0.5, note="naïve ☕", track="left hand")
    saved = annotations.save_segments(database, sample.videos[0], [made])
    assert annotations.list_segments(database, sample.videos[0]) == saved.segments
    (row,) = saved.segments
    assert (row.id, row.start_us, row.end_us) == (made.id, 1_000_000, 2_000_000)
    assert (row.confidence, row.note, row.track) == (0.5, "naïve ☕", "left hand")
    assert (row.version, saved.revision) == (1, 1)


def test_a_repeated_save_is_one_row_and_one_revision(database: Database, sample: Sample) -> None:
    made = edit(1)
    first = annotations.save_segments(database, sample.videos[0], [made])
    again = annotations.save_segments(database, sample.videos[0], [made])
    assert again == first
    assert len(annotations.history(database, sample.videos[0])) == 1


def test_a_repeated_change_is_answered_like_the_first(database: Database, sample: Sample) -> None:
    """Label Studio #6295: the row was saved, the answer got lost, the retry failed."""
    made = edit(1)
    annotations.save_segments(database, sample.videos[0], [made])
    longer = replace(made, end_us=3_000_000, version=1)
    first = annotations.save_segments(database, sample.videos[0], [longer])
    assert first.segments[0].version == 2
    assert annotations.save_segments(database, sample.videos[0], [longer]) == first


def test_a_change_of_what_was_changed_elsewhere_is_refused(
    database: Database, sample: Sample
) -> None:
    made = edit(1)
    annotations.save_segments(database, sample.videos[0], [made])
    here = replace(made, end_us=3_000_000, version=1)
    there = replace(made, end_us=4_000_000, version=1)
    annotations.save_segments(database, sample.videos[0], [here])
    with pytest.raises(Conflict, match=r"elsewhere.*1.00 s to 3.00 s.*keep yours as a copy"):
        annotations.save_segments(database, sample.videos[0], [there])
    assert annotations.list_segments(database, sample.videos[0])[0].end_us == 3_000_000


def test_two_tabs_that_edit_different_segments_are_both_kept(
    database: Database, sample: Sample
) -> None:
    one, two = edit(1, 1, 2), edit(2, 3, 4)
    annotations.save_segments(database, sample.videos[0], [one, two])
    for changed in (replace(one, end_us=2_500_000), replace(two, end_us=5_000_000)):
        annotations.save_segments(database, sample.videos[0], [replace(changed, version=1)])
    ends = [row.end_us for row in annotations.list_segments(database, sample.videos[0])]
    assert ends == [2_500_000, 5_000_000]


def test_a_split_is_saved_as_a_whole_or_not_at_all(database: Database, sample: Sample) -> None:
    whole = edit(1, 1, 5)
    annotations.save_segments(database, sample.videos[0], [whole])
    left, right = replace(whole, end_us=3_000_000, version=1), edit(1, 3, 5)
    with pytest.raises(InvalidData):
        annotations.save_segments(database, sample.videos[0], [left, replace(right, end_us=0)])
    assert revision(database, sample) == 1
    saved = annotations.save_segments(database, sample.videos[0], [left, right])
    assert saved.revision == 2
    assert len(annotations.list_segments(database, sample.videos[0])) == 2


def test_a_deleted_segment_is_kept_and_can_come_back(database: Database, sample: Sample) -> None:
    made = edit(1)
    video = sample.videos[0]
    annotations.save_segments(database, video, [made])
    annotations.delete_segments(database, video, {made.id: 1})
    assert annotations.list_segments(database, video) == ()
    (row,) = annotations.list_segments(database, video, deleted=True)
    assert (row.deleted, row.version) == (True, 2)
    annotations.save_segments(database, video, [replace(made, version=2)])
    assert [row.version for row in annotations.list_segments(database, video)] == [3]


def test_deleting_twice_is_deleting_once_but_an_edit_of_a_deleted_segment_is_asked(
    database: Database, sample: Sample
) -> None:
    made = edit(1)
    video = sample.videos[0]
    annotations.save_segments(database, video, [made])
    annotations.delete_segments(database, video, {made.id: 1})
    assert annotations.delete_segments(database, video, {made.id: 1}).revision == 2
    with pytest.raises(Conflict, match="changed elsewhere"):
        annotations.save_segments(database, video, [replace(made, end_us=9_000_000, version=1)])


def test_deleting_what_was_changed_elsewhere_is_asked(database: Database, sample: Sample) -> None:
    made = edit(1)
    annotations.save_segments(database, sample.videos[0], [made])
    changed = replace(made, end_us=3_000_000, version=1)
    annotations.save_segments(database, sample.videos[0], [changed])
    with pytest.raises(Conflict, match="changed elsewhere"):
        annotations.delete_segments(database, sample.videos[0], {made.id: 1})


def test_each_edit_raises_the_revision_of_its_video_only(
    database: Database, sample: Sample
) -> None:
    annotations.save_segments(database, sample.videos[0], [edit(1)])
    annotations.save_segments(database, sample.videos[0], [edit(1)])
    found = {row.id: row.revision for row in library.list_videos(database, sample.project)}
    assert [found[video] for video in sample.videos] == [2, 0, 0]


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        ({"id": "1"}, "must be a UUID"),
        ({"start_us": -1}, "must lie in its video"),
        ({"end_us": LATEST_US + 1}, "must lie in its video"),
        ({"end_us": 1_000_000}, "must end after it starts: 1.00 s to 1.00 s"),
        ({"label_id": None}, "needs a label"),
        ({"label_id": 99}, "no such label"),
        ({"confidence": float("nan")}, "between 0 and 1"),
        ({"confidence": 1.5}, "between 0 and 1"),
        ({"note": "\ud800"}, "valid Unicode"),
        ({"note": "x" * 10_001}, "at most 10000 characters"),
        ({"version": 3}, "Unknown segment"),
        ({"kind": SegmentKind.POINT}, "A point must have one time: 1.00 s to 2.00 s"),
        ({"parent_id": "mother"}, "must be a UUID"),
        ({"parent_id": str(UUID(int=1))}, "part of another one of its video"),
    ],
)
def test_a_segment_that_breaks_a_rule_is_refused(
    database: Database, sample: Sample, faulty: dict, message: str
) -> None:
    with pytest.raises(StudioError, match=message):
        annotations.save_segments(database, sample.videos[0], [edit(1), replace(edit(1), **faulty)])
    assert annotations.list_segments(database, sample.videos[0]) == ()


def test_an_ignored_span_needs_no_label(database: Database, sample: Sample) -> None:
    annotations.save_segments(database, sample.videos[0], [edit(None, kind=SegmentKind.IGNORE)])
    assert annotations.list_segments(database, sample.videos[0])[0].kind is SegmentKind.IGNORE


def test_a_point_begins_and_ends_at_one_time(database: Database, sample: Sample) -> None:
    made = edit(1, 5, 5, kind=SegmentKind.POINT)
    annotations.save_segments(database, sample.videos[0], [made])
    (row,) = annotations.list_segments(database, sample.videos[0])
    assert (row.kind, row.start_us, row.end_us) == (SegmentKind.POINT, 5_000_000, 5_000_000)


@pytest.mark.parametrize(
    ("kind", "end"), [("interval", 5), ("ignore", 5), ("point", 6), ("interval", 4)]
)
def test_the_database_itself_refuses_times_that_are_wrong_for_the_kind(
    database: Database, sample: Sample, kind: str, end: int
) -> None:
    annotations.save_segments(database, sample.videos[0], [edit(1)])
    statement = sa.text("UPDATE segment SET kind = :kind, start_us = 5, end_us = :end")
    with pytest.raises(sa.exc.IntegrityError, match="ck_segment_span"), database.write() as session:
        session.execute(statement, {"kind": kind, "end": end})


def test_a_step_and_its_parts_are_saved_in_any_order(database: Database, sample: Sample) -> None:
    step = edit(1, 1, 9)
    parts = [edit(2, start, start + 1, parent_id=step.id) for start in (2, 4)]
    saved = annotations.save_segments(database, sample.videos[0], [parts[0], step, parts[1]])
    assert [row.parent_id for row in saved.segments] == [step.id, None, step.id]
    loose = replace(parts[0], parent_id=None, version=1)
    (row,) = annotations.save_segments(database, sample.videos[0], [loose]).segments
    assert (row.parent_id, row.version) == (None, 2)


def test_a_deleted_step_leaves_its_parts(database: Database, sample: Sample) -> None:
    step = edit(1, 1, 9)
    part = edit(2, 2, 3, parent_id=step.id)
    annotations.save_segments(database, sample.videos[0], [step, part])
    annotations.delete_segments(database, sample.videos[0], {step.id: 1})
    (row,) = annotations.list_segments(database, sample.videos[0])
    assert (row.id, row.parent_id) == (part.id, step.id)


def test_no_segment_is_a_part_of_itself_or_of_another_video(
    database: Database, sample: Sample
) -> None:
    first, *others = [edit(1, 1, 9) for _ in range(3)]
    chain = [first, *(replace(o, parent_id=first.id) for o in others)]
    annotations.save_segments(database, sample.videos[0], chain)
    for parent in (first.id, others[0].id):
        with pytest.raises(InvalidData, match="must not be a part of itself"):
            circle = replace(first, parent_id=parent, version=1)
            annotations.save_segments(database, sample.videos[0], [circle])
    with pytest.raises(InvalidData, match="part of another one of its video"):
        annotations.save_segments(database, sample.videos[1], [edit(1, parent_id=first.id)])
    assert annotations.list_segments(database, sample.videos[1]) == ()


def test_a_label_of_another_project_is_refused(database: Database, sample: Sample) -> None:
    other = projects.create_project(database, "other").id
    label_set = labels.create_label_set(database, other, "steps").id
    (label,) = labels.add_labels(database, label_set, [NewLabel("jump")]).values()
    with pytest.raises(UnknownName, match="no such label"):
        annotations.save_segments(database, sample.videos[0], [edit(label)])


def test_an_archived_label_takes_no_new_segments_but_keeps_its_own(
    database: Database, sample: Sample
) -> None:
    salt = sample.labels["add salt"]
    made = edit(salt)
    annotations.save_segments(database, sample.videos[0], [made])
    labels.archive_label(database, salt)
    longer = replace(made, end_us=3_000_000, version=1)
    assert annotations.save_segments(database, sample.videos[0], [longer]).revision == 2
    with pytest.raises(InvalidData, match="archived label takes no new segments: 'add salt'"):
        annotations.save_segments(database, sample.videos[0], [edit(salt)])


def test_a_segment_stays_in_its_video(database: Database, sample: Sample) -> None:
    made = edit(1)
    annotations.save_segments(database, sample.videos[0], [made])
    with pytest.raises(Conflict, match="stays in its video"):
        annotations.save_segments(database, sample.videos[1], [made])


def test_segments_come_in_the_order_of_their_start(database: Database, sample: Sample) -> None:
    annotations.save_segments(
        database, sample.videos[0], [edit(1, 5, 6), edit(1, 1, 9), edit(1, 1, 2)]
    )
    found = [
        (row.start_us // 1_000_000, row.end_us // 1_000_000)
        for row in annotations.list_segments(database, sample.videos[0])
    ]
    assert found == [(1, 2), (1, 9), (5, 6)]
