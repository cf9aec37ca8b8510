"""Operations: saved as one, answered twice, refused as a whole."""

import json
import uuid
from dataclasses import replace

import pytest

from core.errors import ChangedElsewhere, InvalidData, StudioError, UnknownName
from storage import annotations, library, operations
from storage.annotated_video import open_annotations
from storage.database import Database
from storage.operations import Operation
from tests.storage.doing import do, new, rows
from tests.storage.samples import Sample, edit


def test_an_operation_is_one_change_with_what_was_before_and_after(
    database: Database, sample: Sample
) -> None:
    whole = edit(1, 1, 5)
    do(database, sample.videos[0], whole, name="create")
    left, right = replace(whole, end_us=3_000_000, version=1), edit(1, 3, 5)
    split, saved = do(database, sample.videos[0], left, right, name="split")
    assert [(row["end_us"], row["version"]) for row in saved.segments] == [
        (3_000_000, 2), (5_000_000, 1),
    ]  # fmt: skip
    last, _ = annotations.history(database, sample.videos[0])
    assert (last.at_us, last.detail["name"]) == (saved.saved_us, "split")
    assert [each["before"] is None for each in last.detail["segments"]] == [False, True]
    line = json.loads(
        database.path.with_name("changes.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    )
    assert (line["operation"], line["name"], line["revision"]) == (split, "split", 2)


@pytest.mark.fault
def test_a_repeated_operation_is_answered_like_the_first_even_when_its_segments_changed_since(
    database: Database, sample: Sample
) -> None:
    made, untouched = edit(1), edit(2, 5, 6)
    do(database, sample.videos[0], made, untouched)
    longer = Operation(
        id=new(), name="longer", edits=[replace(made, end_us=3_000_000, version=1), untouched]
    )
    first = operations.perform(database, sample.videos[0], longer)
    assert [row["version"] for row in first.segments] == [2, 1]
    do(database, sample.videos[0], replace(made, version=2, deleted=True))
    again = operations.perform(database, sample.videos[0], replace(longer, id=longer.id.upper()))
    assert again == first
    assert [s.id for s in annotations.list_segments(database, sample.videos[0])] == [untouched.id]
    assert len(annotations.history(database, sample.videos[0])) == 3


@pytest.mark.fault
def test_an_operation_with_one_stale_edit_saves_nothing_and_tells_what_each_is_now(
    database: Database, sample: Sample
) -> None:
    made = [edit(1, second, second + 1) for second in range(4)]
    do(database, sample.videos[0], *made)
    moved = replace(made[2], end_us=9_000_000, version=1)
    do(database, sample.videos[0], moved, replace(made[3], version=1, deleted=True))
    before = open_annotations(database, sample.videos[0])
    for order in (made, made[::-1]):
        wanted = [replace(each, label_id=2, version=1) for each in order]
        with pytest.raises(ChangedElsewhere, match="changed elsewhere") as caught:
            do(database, sample.videos[0], *wanted)
        told = {row["id"]: row for row in caught.value.current}
        assert told.keys() == {made[2].id, made[3].id}
        assert told[made[2].id] == rows(before)[made[2].id]
        assert (told[made[3].id]["deleted"], told[made[3].id]["version"]) == (True, 2)
    assert open_annotations(database, sample.videos[0]) == before


@pytest.mark.fault
def test_two_tabs_with_different_segments_of_one_video_never_conflict(
    database: Database, sample: Sample
) -> None:
    one, two = edit(1, 1, 2), edit(2, 3, 4)
    do(database, sample.videos[0], one, two)
    for version in range(1, 6):
        for each in (one, two):
            moved = replace(each, end_us=each.end_us + version, version=version)
            do(database, sample.videos[0], moved)
    assert {
        row["version"] for row in rows(open_annotations(database, sample.videos[0])).values()
    } == {6}


@pytest.mark.fault
@pytest.mark.parametrize("first", ["delete", "edit"])
def test_a_deletion_in_one_tab_and_an_edit_in_the_other_are_a_conflict(
    database: Database, sample: Sample, first: str
) -> None:
    made = edit(1)
    do(database, sample.videos[0], made)
    deleted = replace(made, version=1, deleted=True)
    longer = replace(made, version=1, end_us=8_000_000)
    here, there = (deleted, longer) if first == "delete" else (longer, deleted)
    do(database, sample.videos[0], here)
    with pytest.raises(ChangedElsewhere) as caught:
        do(database, sample.videos[0], there)
    assert [row["deleted"] for row in caught.value.current] == [first == "delete"]


def test_deleting_what_was_changed_and_deleted_elsewhere_is_no_conflict(
    database: Database, sample: Sample
) -> None:
    made = edit(1)
    do(database, sample.videos[0], made)
    do(database, sample.videos[0], replace(made, version=1, end_us=8_000_000, deleted=True))
    _, saved = do(database, sample.videos[0], replace(made, version=1, deleted=True))
    assert [(row["end_us"], row["version"]) for row in saved.segments] == [(8_000_000, 2)]


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        ({"id": "1"}, "id of an operation must be a UUID"),
        ({"name": "x" * 201}, "name of an operation has at most 200 characters"),
        ({"undoes": new()}, "Only an operation of this video is undone"),
        ({"undoes": "x"}, "must be a UUID"),
        ({"edits": [edit(1, 2, 1)]}, "must end after it starts"),
        ({"edits": [edit(1), edit(99)]}, "no such label"),
        ({"edits": [edit(1, id=str(uuid.UUID(int=1)))] * 2}, "edited once"),
    ],
)
def test_an_operation_that_breaks_a_rule_saves_nothing(
    database: Database, sample: Sample, faulty: dict, message: str
) -> None:
    with pytest.raises(StudioError, match=message):
        do(database, sample.videos[0], **{"edits": [edit(1)], **faulty})
    assert annotations.history(database, sample.videos[0]) == ()
    assert annotations.list_segments(database, sample.videos[0], deleted=True) == ()


def test_an_operation_is_of_one_video_and_undoes_no_undoing(
    database: Database, sample: Sample
) -> None:
    tea, juice, _ = sample.videos
    made = edit(1)
    done, _ = do(database, tea, made)
    with pytest.raises(InvalidData, match="operation is of one video"):
        do(database, juice, edit(1), id=done)
    with pytest.raises(InvalidData, match="operation of this video"):
        do(database, juice, undoes=done)
    undone, _ = do(database, tea, replace(made, version=1, deleted=True), undoes=done)
    for wrong in ({"undoes": undone}, {"redoes": undone}, {"undoes": done, "redoes": done}):
        with pytest.raises(InvalidData):
            do(database, tea, **wrong)
    with pytest.raises(UnknownName, match="Unknown video"):
        do(database, 99, edit(1))


def test_the_revision_of_a_video_grows_with_each_operation_that_changed_something(
    database: Database, sample: Sample
) -> None:
    made = edit(1)
    assert do(database, sample.videos[0], made)[1].revision == 1
    assert do(database, sample.videos[0], made)[1].revision == 1
    assert do(database, sample.videos[0], edit(2))[1].revision == 2
    assert library.video_by_id(database, sample.videos[0]).revision == 2
