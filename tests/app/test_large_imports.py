"""Files that are larger than anybody thought: a day of pictures, a label ten times a second."""

import gzip
import zipfile
from dataclasses import replace

import pytest

from app.services import importing, label_sets
from core.errors import InvalidFile
from core.types import SECOND
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from storage import annotations
from tests.app.annotated import ids, make
from tests.core.video.clips import Clip

HOURS_4_US = 4 * 3600 * SECOND


def import_track(studio, folder, rows: int, names: int) -> int:
    """Import a label every tenth of a second of one long video; return the project."""
    project = make(studio, folder, names=("day.mp4",), duration_us=HOURS_4_US)
    table = folder / "labels.csv"
    lines = (f"day.mp4,{i / 10},{(i + 1) / 10},action {i % names}\n" for i in range(rows))
    table.write_text("video,start,end,label\n" + "".join(lines))
    done = importing.commit_import(studio, project, [table], token="track")
    assert (done["segments"], done["skipped"]) == (rows, 0)
    return project


@pytest.mark.fault
def test_a_time_lapse_of_four_hours_is_examined_whole(tmp_path):
    slow = replace(Clip(), times_ms=tuple(range(0, HOURS_4_US // 1000, 16_000)))
    info = examine(slow.write(tmp_path / "day.mp4"), DEFAULT_LIMITS)
    assert (info.frame_count, info.duration_us) == (900, HOURS_4_US)
    assert info.pts_us.tolist() == slow.times_us


@pytest.mark.fault
@pytest.mark.parametrize(
    ("rows", "names"), [(5_000, 500), pytest.param(144_000, 50_000, marks=pytest.mark.slow)]
)
def test_a_label_every_tenth_of_a_second_is_imported_whole(studio, tmp_path, rows, names):
    project = import_track(studio, tmp_path, rows, names)
    segments = annotations.list_segments(studio.database, ids(studio, project)["day.mp4"])
    assert [s.start_us for s in segments] == [i * SECOND // 10 for i in range(rows)]
    known = [label["id"] for label in label_sets.listed(studio, project)["labels"]]
    assert len(known) == names
    assert {s.label_id for s in segments} == set(known)


@pytest.mark.fault
@pytest.mark.parametrize("name", ["labels.csv.gz", "labels.zip", "labels.csv"])
def test_an_archive_is_no_annotation_file_whatever_its_name(studio, tmp_path, name):
    project = make(studio, tmp_path)
    path, text = tmp_path / name, b"video,start,end,label\n" + b"tea.mp4,0,1,stir\n" * 100_000
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(text))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../labels.csv", text)
    with pytest.raises(InvalidFile, match=r"supported format|must be UTF-8"):
        importing.preview(studio, project, [path])
    assert not (tmp_path.parent / "labels.csv").exists()
