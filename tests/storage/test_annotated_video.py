import uuid
from dataclasses import replace

import pytest

from core.errors import InvalidData, UnknownName
from storage import annotations, imports, labels, operations, projects
from storage.annotated_video import open_annotations, segment_history
from storage.database import Database
from storage.imports import ImportBatch, NewSegment
from storage.labels import NewLabel
from storage.operations import Operation
from storage.segment_edits import ROW
from storage.states import SegmentKind, SegmentSource
from tests.storage.samples import Sample, edit


def imported(database: Database, sample: Sample) -> tuple[str, int]:
    """Import one segment; returns its id and that of the import."""
    segment = NewSegment(sample.videos[0], 0, 1_000_000, 1)
    batch = ImportBatch(token="t", source="a.csv", format="csv", segments=[segment])
    return segment.id, imports.import_segments(database, sample.project, batch).id


def test_segments_are_told_as_they_are_listed(database: Database, sample: Sample) -> None:
    step = edit(1, 1, 9, source=SegmentSource.PROPOSAL, confidence=0.25)
    point = edit(2, 3, 3, kind=SegmentKind.POINT, parent_id=step.id, note="naïve ☕")
    made = [step, point, edit(None, 0, 1, kind=SegmentKind.IGNORE, track="left")]
    annotations.save_segments(database, sample.videos[0], made)
    listed = annotations.list_segments(database, sample.videos[0])
    found = open_annotations(database, sample.videos[0])
    assert found.revision == 1
    assert [dict(zip(ROW, row, strict=True)) for row in found.segments] == [
        {name: getattr(segment, name) for name in ROW} for segment in listed
    ]


def test_labels_are_those_of_the_project_in_their_order_archived_ones_too(
    database: Database, sample: Sample
) -> None:
    labels.order_labels(database, sample.label_set, [3, 1, 2])
    labels.archive_label(database, 1)
    other = projects.create_project(database, "other").id
    labels.add_labels(
        database, labels.create_label_set(database, other, "x").id, [NewLabel("jump")]
    )
    found = open_annotations(database, sample.videos[0]).labels
    assert [(label["id"], label["archived"]) for label in found] == [
        (3, False), (1, True), (2, False),
    ]  # fmt: skip
    assert (found[0]["name"], found[0]["verb"], found[0]["noun"]) == ("add milk", "add", "milk")


def test_what_is_gone_is_told_where_an_operation_speaks_of_it(
    database: Database, sample: Sample
) -> None:
    first, second, spoken_of = edit(1), edit(2, 3, 4), edit(3, 5, 6)
    annotations.save_segments(database, sample.videos[0], [first, second])
    annotations.delete_segments(database, sample.videos[0], {first.id: 1})
    for made in (spoken_of, replace(spoken_of, version=1, deleted=True)):
        operation = Operation(id=str(uuid.uuid4()), name="edit", edits=[made])
        operations.perform(database, sample.videos[0], operation)
    found = open_annotations(database, sample.videos[0])
    assert [row[0] for row in found.segments] == [second.id]
    (gone,) = found.gone
    assert (gone["id"], gone["version"], gone["deleted"]) == (spoken_of.id, 2, True)
    assert found.undo[-1].segments[0]["after"] == gone


def test_history_tells_only_of_the_segment_and_the_newest_first(
    database: Database, sample: Sample
) -> None:
    made, other = edit(1), edit(2, 3, 4)
    annotations.save_segments(database, sample.videos[0], [made, other])
    longer = replace(made, end_us=3_000_000, version=1)
    operation = Operation(id=str(uuid.uuid4()), name="drag", edits=[longer])
    operations.perform(database, sample.videos[0], operation)
    mention = replace(other, version=1, note=f"see {made.id}")
    annotations.save_segments(database, sample.videos[0], [mention])
    last, first = segment_history(database, sample.videos[0], made.id.upper())
    assert (last.name, first.name) == ("drag", "save segments")
    assert last.sequence > first.sequence and last.at_us >= first.at_us
    assert (first.before, last.before) == (None, first.after)
    assert last.after.keys() == set(ROW)
    assert segment_history(database, sample.videos[0], made.id, limit=1) == (last,)


def test_history_begins_with_the_import_and_tells_that_it_was_undone(
    database: Database, sample: Sample
) -> None:
    segment, made = imported(database, sample)
    imports.undo_import(database, made)
    for limit in (1, 50):
        last, *others = segment_history(database, sample.videos[0], segment, limit=limit)
        assert (last.name, last.before and last.before["version"]) == ("undo import", 1)
        assert (last.after["deleted"], last.after["version"]) == (True, 2)
        assert last.after["end_us"] == 1_000_000
        assert [(each.name, each.before) for each in others] == [("import segments", None)][
            : limit - 1
        ]


def test_an_unknown_video_is_a_sentence_and_an_unknown_segment_has_no_history(
    database: Database, sample: Sample
) -> None:
    with pytest.raises(UnknownName, match="Unknown video"):
        open_annotations(database, 99)
    with pytest.raises(UnknownName, match="Unknown video"):
        segment_history(database, 99, str(uuid.uuid4()))
    assert segment_history(database, sample.videos[0], str(uuid.uuid4())) == ()
    with pytest.raises(InvalidData, match="must be a UUID"):
        segment_history(database, sample.videos[0], "%")
