"""Undoing and redoing: what the log says after any reload, whoever did what in which tab."""

import random
import uuid
from dataclasses import replace

import pytest

from core.errors import ChangedElsewhere
from storage import imports, labels, operations
from storage.annotated_video import open_annotations
from storage.database import Database
from storage.imports import ImportBatch, NewSegment
from storage.segment_edits import SegmentEdit
from tests.storage.doing import do, names, redo, rows, undo
from tests.storage.samples import Sample, edit


def test_imports_are_not_on_the_stack_and_redo_survives_them(
    database: Database, sample: Sample
) -> None:
    do(database, sample.videos[0], edit(1), name="create")
    undo(database, sample.videos[0])
    segment = NewSegment(sample.videos[0], 0, 1_000_000, 1)
    batch = ImportBatch(token="t", source="a.csv", format="csv", segments=[segment])
    imports.import_segments(database, sample.project, batch)
    found = open_annotations(database, sample.videos[0])
    assert (names(found.undo), names(found.redo)) == ([], ["create"])
    assert len(found.segments) == 1


def test_an_undone_relabelling_gives_each_segment_its_own_label_back(
    database: Database, sample: Sample
) -> None:
    made = [edit(label, label, label + 1) for label in sample.labels.values()]
    do(database, sample.videos[0], *made)
    do(database, sample.videos[0], *(replace(each, label_id=1, version=1) for each in made))
    undo(database, sample.videos[0])
    found = rows(open_annotations(database, sample.videos[0]))
    assert {i: row["label_id"] for i, row in found.items()} == {e.id: e.label_id for e in made}
    redo(database, sample.videos[0])
    assert {
        row["label_id"] for row in rows(open_annotations(database, sample.videos[0])).values()
    } == {1}


def test_what_was_undone_elsewhere_is_not_undone_twice(database: Database, sample: Sample) -> None:
    made = edit(1)
    done, _ = do(database, sample.videos[0], made, name="create")
    gone = replace(made, version=1, deleted=True)
    with pytest.raises(ChangedElsewhere, match="redone elsewhere in the meantime: 'create'"):
        do(database, sample.videos[0], redoes=done)
    do(database, sample.videos[0], gone, undoes=done)
    do(database, sample.videos[0], edit(2), name="another")
    with pytest.raises(ChangedElsewhere, match="undone elsewhere in the meantime: 'create'"):
        do(database, sample.videos[0], gone, undoes=done)
    do(database, sample.videos[0], replace(made, version=2), redoes=done)
    assert names(open_annotations(database, sample.videos[0]).undo) == ["another", "create"]


def test_a_stack_tells_the_newest_and_stops_before_it_becomes_too_large(
    database: Database, sample: Sample, monkeypatch
) -> None:
    monkeypatch.setattr(operations, "_WIDEST", 5)
    for number, width in enumerate((1, 1, 3, 1)):
        do(database, sample.videos[0], *(edit(1) for _ in range(width)), name=f"{number}")
    assert names(open_annotations(database, sample.videos[0]).undo) == ["1", "2", "3"]
    do(database, sample.videos[0], *(edit(1) for _ in range(9)), name="wide")
    assert names(open_annotations(database, sample.videos[0]).undo) == ["wide"]
    monkeypatch.setattr(operations, "DEEPEST", 2)
    monkeypatch.setattr(operations, "_WIDEST", 500)
    assert names(open_annotations(database, sample.videos[0]).undo) == ["3", "wide"]


def test_what_can_be_redone_is_found_behind_more_redone_operations_than_a_stack_tells(
    database: Database, sample: Sample, monkeypatch
) -> None:
    monkeypatch.setattr(operations, "DEEPEST", 2)
    done = [do(database, sample.videos[0], edit(1))[0] for _ in range(4)]
    for each in reversed(done):
        do(database, sample.videos[0], undoes=each)
    for each in done[:3]:
        do(database, sample.videos[0], redoes=each)
    found = open_annotations(database, sample.videos[0])
    assert [each.id for each in found.undo] == done[1:3]
    assert [each.id for each in found.redo] == done[3:]


def test_an_archived_label_is_no_hindrance_to_undoing_a_deletion(
    database: Database, sample: Sample
) -> None:
    made = edit(1)
    do(database, sample.videos[0], made)
    do(database, sample.videos[0], replace(made, version=1, deleted=True))
    labels.archive_label(database, 1)
    undo(database, sample.videos[0])
    assert len(open_annotations(database, sample.videos[0]).segments) == 1


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_operations_is_undone_and_redone_as_a_pile_of_snapshots_says(
    database: Database, sample: Sample, seed: int
) -> None:
    """The reference keeps the whole list of segments before and after every operation."""
    dice, video = random.Random(seed), sample.videos[0]
    state: dict[str, tuple] = {}
    past: list[tuple[str, dict, dict]] = []
    future: list[tuple[str, dict, dict]] = []
    for step in range(60):
        found = open_annotations(database, video)
        shown = {v[0]: v[1:4] for v in found.segments}
        assert shown == state
        assert (names(found.undo), names(found.redo)) == (
            [name for name, _, _ in past], [name for name, _, _ in future],
        )  # fmt: skip
        match dice.choice(["edit", "edit", "undo", "undo", "redo"]):
            case "undo" if past:
                undo(database, video)
                future.append(past.pop())
                state = future[-1][1]
            case "redo" if future:
                redo(database, video)
                past.append(future.pop())
                state = past[-1][2]
            case "edit":
                edits, after = random_edits(dice, rows(found), state)
                do(database, video, *edits, name=f"step {step}")
                past.append((f"step {step}", state, after))
                state, future = after, []


def random_edits(
    dice: random.Random, known: dict[str, dict], state: dict[str, tuple]
) -> tuple[list[SegmentEdit], dict[str, tuple]]:
    """Create, change and delete some segments; returns the edits, and what there is then."""
    after = dict(state)
    chosen = dice.sample(sorted(state), min(len(state), dice.randrange(3)))
    edits = []
    for segment in chosen or [str(uuid.UUID(int=dice.getrandbits(128)))]:
        first = dice.randrange(100)
        values = (first, first + 1 + dice.randrange(9), dice.choice([1, 2, 3]))
        version = known[segment]["version"] if segment in known else None
        gone = segment in state and dice.random() < 0.4
        if gone:
            values = after.pop(segment)
        else:
            after[segment] = values
        start, end, label = values
        edits.append(SegmentEdit(id=segment, start_us=start, end_us=end, label_id=label,
                                 version=version, deleted=gone))  # fmt: skip
    return edits, after


@pytest.mark.parametrize("seed", range(4))
def test_two_tabs_that_undo_in_any_order_leave_the_stacks_that_two_lists_say(
    database: Database, sample: Sample, seed: int, monkeypatch
) -> None:
    monkeypatch.setattr(operations, "DEEPEST", 4)
    dice, video = random.Random(seed), sample.videos[0]
    done: list[str] = []
    undone: list[str] = []
    cleared: list[str] = []
    for _ in range(60):
        match dice.choice(["do", "undo", "undo", "redo", "redo late"]):
            case "do":
                done.append(do(database, video, edit(1))[0])
                cleared += undone
                undone = []
            case "undo" if done:
                name = done.pop(dice.randrange(len(done)))
                do(database, video, undoes=name)
                undone.append(name)
            case "redo" if undone:
                name = undone.pop(dice.randrange(len(undone)))
                do(database, video, redoes=name)
                done.append(name)
            case "redo late" if cleared:
                name = cleared.pop()
                do(database, video, redoes=name)
                done.append(name)
        found = open_annotations(database, video)
        assert [each.id for each in found.undo] == done[-4:]
        assert [each.id for each in found.redo] == undone[-4:]
