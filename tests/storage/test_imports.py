from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidData, StudioError
from storage import annotations, imports, labels, library, projects
from storage.database import Database
from storage.imports import ImportBatch, NewSegment
from storage.states import SegmentKind, SegmentSource
from tests.storage.processes import address, end, lines, start
from tests.storage.samples import Sample, edit

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from storage import imports
from storage.database import Database
from storage.imports import ImportBatch, NewSegment
from tests.storage.test_migration_faults import AtChange

made = Path(sys.argv[1])
segments = [NewSegment(1 + second % 3, second, second + 1, 1) for second in range(10_000)]
batch = ImportBatch(token="t", source="big.csv", format="csv", segments=segments)
for number in range(1, 20):
    path = made.with_name(f"{number}.sqlite")
    shutil.copy(made, path)
    child = os.fork()
    if not child:
        with (
            Database(path) as database,
            AtChange(number, lambda: os.kill(os.getpid(), signal.SIGKILL)),
        ):
            imports.import_segments(database, 1, batch)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(path, status, flush=True)
    if status == 0:
        break
"""

IMPORT_AND_SAY_WHEN = """
import sys
from pathlib import Path
from storage import imports
from storage.database import Database
from storage.imports import ImportBatch, NewSegment

class Endless(list):
    def __iter__(self):
        for second in range(10**9):
            if second == 500:
                print("in the middle")
            yield NewSegment(1, second, second + 1, 1)

with Database(Path(sys.argv[1]), *sys.argv[2:]) as database:
    batch = ImportBatch(token="t", source="big.csv", format="csv", segments=Endless())
    imports.import_segments(database, 1, batch)
"""


def batch(sample: Sample, token: str = "t", **other: object) -> ImportBatch:
    tea, juice, _ = sample.videos
    segments = [
        NewSegment(tea, 0, 2_000_000, sample.labels["add salt"], confidence=0.5),
        NewSegment(tea, 2_000_000, 3_000_000, None, SegmentKind.IGNORE),
        NewSegment(juice, 0, 1_000_000, sample.labels["add milk"]),
    ]
    values = {"source": "coin.json", "format": "coin", "segments": segments, **other}
    return ImportBatch(token=token, **values)


def test_an_import_adds_its_segments_and_raises_revisions(
    database: Database, sample: Sample
) -> None:
    made = imports.import_segments(database, sample.project, batch(sample))
    assert (made.segments, made.source, made.undone_us) == (3, "coin.json", None)
    rows = annotations.list_segments(database, sample.videos[0])
    assert [(row.kind, row.source, row.version) for row in rows] == [
        (SegmentKind.INTERVAL, SegmentSource.IMPORT, 1),
        (SegmentKind.IGNORE, SegmentSource.IMPORT, 1),
    ]
    videos = {row.id: row for row in library.list_videos(database, sample.project)}
    assert [videos[video].revision for video in sample.videos] == [1, 1, 0]
    assert [videos[video].segments for video in sample.videos] == [2, 1, 0]


def test_an_import_keeps_track_note_confidence_points_and_parts(
    database: Database, sample: Sample
) -> None:
    tea, milk = sample.videos[0], sample.labels["add milk"]
    step = NewSegment(tea, 0, 9, milk, track="left", confidence=0.25, note="größer")
    part = NewSegment(tea, 1, 2, milk, parent_id=step.id)
    point = NewSegment(tea, 3, 3, milk, SegmentKind.POINT, track="left")
    made = batch(sample, segments=[part, point, step])
    imports.import_segments(database, sample.project, made)
    rows = annotations.list_segments(database, tea)
    assert [
        NewSegment(r.video_id, r.start_us, r.end_us, r.label_id, r.kind, r.track, r.confidence,
                   r.note, r.parent_id, r.id)
        for r in rows
    ] == [step, part, point]  # fmt: skip


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        ({"video_id": 99}, "needs a video of this project"),
        ({"end_us": 0}, "must end after it starts"),
        ({"label_id": 99}, "no such label"),
        ({"label_id": None}, "needs a label"),
        ({"confidence": float("nan")}, "between 0 and 1"),
        ({"kind": SegmentKind.POINT}, "A point must have one time"),
        ({"parent_id": "nobody"}, "part of another one of its video"),
        ({"track": "x" * 101}, "at most 100 characters"),
    ],
)
def test_one_faulty_segment_keeps_all_out(
    database: Database, sample: Sample, faulty: dict, message: str
) -> None:
    good = batch(sample).segments
    segments = [*good, replace(good[0], **faulty)]
    with pytest.raises(StudioError, match=message):
        imports.import_segments(database, sample.project, batch(sample, segments=segments))
    assert imports.list_imports(database, sample.project) == ()
    assert all(row.segments == 0 for row in library.list_videos(database, sample.project))


@pytest.mark.fault
def test_an_import_that_is_killed_in_the_middle_leaves_nothing(
    database: Database, sample: Sample
) -> None:
    database.close()
    process = start(IMPORT_AND_SAY_WHEN, *address(database))
    assert lines(process, 1) == ["in the middle"]
    process.kill()
    process.communicate()
    database.migrate()
    assert imports.list_imports(database, sample.project) == ()
    assert annotations.list_segments(database, sample.videos[0]) == ()


@pytest.mark.fault
def test_an_import_of_ten_thousand_rows_that_is_killed_at_any_statement_is_in_wholly_or_not(
    database: Database, sample: Sample, file: Path
) -> None:
    database.close()
    *killed, whole = end(start(KILLED, file)).splitlines()
    assert len(killed) >= 4
    assert whole.endswith(" 0")
    for line, segments in (*((each, 0) for each in killed), (whole, 10_000)):
        with Database(Path(line.split()[0])) as found:
            found.migrate()
            rows = library.list_videos(found, sample.project)
            assert sum(row.segments for row in rows) == segments
            assert len(imports.list_imports(found, sample.project)) == (segments > 0)


@pytest.mark.fault
def test_asking_twice_imports_once(database: Database, sample: Sample) -> None:
    first = imports.import_segments(database, sample.project, batch(sample))
    assert imports.import_segments(database, sample.project, batch(sample)) == first
    assert len(annotations.list_segments(database, sample.videos[0])) == 2


def test_an_undone_import_is_gone_except_for_what_was_edited_since(
    database: Database, sample: Sample
) -> None:
    video = sample.videos[0]
    annotations.save_segments(database, video, [edit(1, 8, 9)])
    made = imports.import_segments(database, sample.project, batch(sample))
    salt = annotations.list_segments(database, video)[0]
    changed = edit(salt.label_id, 0, 4, id=salt.id, version=1)
    annotations.save_segments(database, video, [changed])
    undone = imports.undo_import(database, made.id)
    assert (undone.removed, undone.kept) == (2, 1)
    left = [row.start_us for row in annotations.list_segments(database, video)]
    assert left == [0, 8_000_000]
    assert library.find_video(database, sample.project, video).revision == 4


def test_an_import_is_undone_once(database: Database, sample: Sample) -> None:
    made = imports.import_segments(database, sample.project, batch(sample))
    imports.undo_import(database, made.id)
    with pytest.raises(Conflict, match=r"undone already: 'coin\.json'"):
        imports.undo_import(database, made.id)
    assert imports.list_imports(database, sample.project)[0].undone_us is not None


def test_an_import_without_segments_changes_no_video(database: Database, sample: Sample) -> None:
    imports.import_segments(database, sample.project, batch(sample, segments=[]))
    assert all(row.revision == 0 for row in library.list_videos(database, sample.project))


def test_an_import_reaches_its_own_project_only(database: Database, sample: Sample) -> None:
    other = projects.create_project(database, "other").id
    with pytest.raises(InvalidData, match="video of this project"):
        imports.import_segments(database, other, batch(sample))


def test_an_archived_label_takes_no_import(database: Database, sample: Sample) -> None:
    labels.archive_label(database, sample.labels["add milk"])
    with pytest.raises(InvalidData, match="archived label"):
        imports.import_segments(database, sample.project, batch(sample))
