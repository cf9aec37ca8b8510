from pathlib import Path

import pytest

from core.errors import InvalidData, InvalidFile
from core.formats import recognise
from core.formats.cvat import read, write
from core.formats.matching import match
from tests.core.formats.round_trip import TEA, labelled_video, mark

META = "<meta><task><name>tea</name><size>500</size><mode>interpolation</mode></task></meta>"


def box(frame, outside=0):
    return (
        f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" '
        'xtl="0" ytl="0" xbr="1280" ybr="720"></box>'
    )


def track(*boxes, label="fill kettle"):
    return f'<track id="0" label="{label}" source="manual">\n{"".join(boxes)}</track>\n'


def image(number, *labels):
    tags = "".join(f'<tag label="{label}" source="manual"></tag>' for label in labels)
    return f'<image id="{number}" name="frame_{number}" width="9" height="9">{tags}</image>\n'


@pytest.fixture
def reading(tmp_path):
    """Write a task and read it."""

    def reads(*parts, meta=META):
        path = tmp_path / "annotations.xml"
        body = "".join(parts)
        path.write_text(f"<annotations><version>1.1</version>{meta}\n{body}</annotations>")
        assert recognise(path) == "cvat"
        return read(path)

    return reads


def spans(reading):
    assert reading.faults == ()
    assert {row.unit for row in reading.rows} == {"frames"}
    return [(m.start_us, m.end_us, m.label) for row in reading.rows for m in row.marks]


def test_a_track_lasts_up_to_the_frame_where_it_is_outside(reading):
    found = reading(track(box(50), box(125, 1)))
    assert spans(found) == [(50, 125, "fill kettle")]
    (row,) = found.rows
    assert (row.video, row.line, row.rate, row.exact) == ("tea", 2, None, False)
    taken = match(found.rows, {0: Path("/v/tea.mp4")}, frames={0: 25.0}).taken[0][0].marks[0]
    assert (taken.start_us, taken.end_us) == (2_000_000, 5_000_000)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([box(1), box(2), box(3), box(4, 1), box(5, 1)], [(1, 4)]),
        ([box(1), box(4, 1), box(7), box(9, 1)], [(1, 4), (7, 9)]),
        ([box(9, 1), box(1), box(4, 1), box(7)], [(1, 4), (7, 9)]),
        ([box(0, 1), box(3)], [(3, 500)]),
        ([box(499)], [(499, 500)]),
    ],
)
def test_a_track_may_come_back_and_last_to_the_end(reading, boxes, expected):
    assert [span[:2] for span in spans(reading(track(*boxes)))] == expected


@pytest.mark.parametrize(
    ("meta", "video", "end"),
    [
        (META.replace("</task></meta>", "<stop_frame>99</stop_frame></task></meta>"), "tea", 100),
        (META.replace("</task>", "</task><source>day 1/tea.mp4</source>"), "day 1/tea.mp4", 500),
        ("<meta><job><size>20</size></job><source>C:\\v\\tea.mp4</source></meta>", "tea.mp4", 20),
    ],
)
def test_the_task_says_its_video_and_where_it_ends(reading, meta, video, end):
    found = reading(track(box(7)), meta=meta)
    assert (found.rows[0].video, spans(found)[0][1]) == (video, end)


def test_other_shapes_are_tracks_too(reading):
    shape = '<polygon frame="{}" outside="{}" points="1,1;2,2;3,3"/>'
    assert spans(reading(track(shape.format(3, 0), shape.format(9, 1)))) == [(3, 9, "fill kettle")]


def test_tags_of_consecutive_images_are_one_segment(reading):
    images = [image(0), image(1, "pour"), image(2, "pour", "stir"), image(3, "stir"),
              image(5, "pour"), image(6, "pour")]  # fmt: skip
    found = reading(*images)
    assert sorted(spans(found)) == [(1, 3, "pour"), (2, 4, "stir"), (5, 7, "pour")]
    assert sorted(row.line for row in found.rows) == [3, 4, 6]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (track(box("x"), box(9, 1)), "whole number from 0"),
        (track(box(-1), box(9, 1)), "whole number from 0"),
        (track(box(5), box(5, 1)), "end after it starts"),
        (track(box(500)), "end after it starts"),
        (track(box(5, 1)), "must be there"),
        (track(), "must be there"),
        (track(box(5), box(9, 1), label=""), "must have a name"),
        (image("x", "pour"), "whole number from 0"),
    ],
)
def test_a_wrong_track_is_one_fault_and_stops_no_other(reading, wrong, rule):
    found = reading(wrong, track(box(50), box(125, 1)))
    assert len(found.rows) == 1
    (fault,) = found.faults
    assert rule in fault.rule
    assert (fault.line, bool(fault.next_step)) == (2, True)


def test_a_track_without_end_needs_the_size_of_the_task(reading):
    found = reading(track(box(5)), meta="<meta><source>tea.mp4</source></meta>")
    assert "must end with a box that is outside" in found.faults[0].rule


@pytest.mark.parametrize(
    ("parts", "meta", "rule"),
    [
        ([image(0), image(1)], META, "only by their tags"),
        ([track(box(5))], "<meta><project><name>all</name></project></meta>", "of one task"),
        ([track(box(5))], META.replace("500", "many"), "whole number from 0"),
    ],
)
def test_a_file_that_says_nothing_usable_is_refused(reading, parts, meta, rule):
    with pytest.raises(InvalidFile, match=rule) as caught:
        reading(*parts, meta=meta)
    assert caught.value.next_step


def test_a_task_without_tracks_was_looked_at(reading):
    (row,) = reading().rows
    assert (row.video, row.marks) == ("tea", ())


def test_the_example_of_the_documentation_is_written(tmp_path):
    last = mark(19, 20, "drink")
    write([labelled_video(*TEA.marks, last, fps=25.0, size=(1280, 720))], tmp_path / "out")
    text = (tmp_path / "out" / "tea.xml").read_text()
    assert '<track id="0" label="fill kettle" source="manual">' in text
    assert 'frame="50" keyframe="1" outside="0" occluded="0" xtl="0" ytl="0" xbr="1280"' in text
    assert '<box frame="125" keyframe="1" outside="1"' in text
    assert "<size>500</size>" in text
    assert 'frame="500"' not in text  # the video has no such frame


def test_without_frames_nothing_is_written(tmp_path):
    with pytest.raises(InvalidData, match="need the frame rate"):
        write([TEA], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
