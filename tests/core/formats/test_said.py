import pytest

from core.errors import InvalidData
from core.formats import Row
from core.formats.frames import make_clock
from core.formats.marks import Mark
from core.formats.matching import match
from core.formats.said import frame_span, named_video, point, said, spoken


@pytest.mark.parametrize(
    ("text", "video"),
    [
        ("tea.mp4", "tea.mp4"),
        ("cam1/tea.mp4", "cam1/tea.mp4"),
        ("/home/somebody/videos/tea.mp4", "tea.mp4"),
        ("C:\\videos\\tea.mp4", "tea.mp4"),
        ("../../videos/tea.mp4", "tea.mp4"),
        ("file:///v/my%20tea.mp4", "my tea.mp4"),
        ("file:///C:/v/tea.mp4", "tea.mp4"),
        ("https://example.org/v/tea.mp4?token=a/b#t", "tea.mp4"),
        ("s3://bucket/tea%20%231.mp4", "tea #1.mp4"),
    ],
)
def test_a_path_of_another_machine_leaves_the_name_of_the_video(text, video, tmp_path):
    assert named_video(text, tmp_path / "labels.json") == video


def test_a_path_that_leads_to_a_file_from_here_is_kept(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tea.mp4").touch()
    file = tmp_path / "a" / "labels.json"
    videos = {folder: tmp_path / folder / "tea.mp4" for folder in ("a", "b")}
    for text in ("../b/tea.mp4", str(tmp_path / "b" / "tea.mp4"), f"file://{tmp_path}/b/tea.mp4"):
        row = Row(file, 1, named_video(text, file), False)
        assert list(match([row], videos).taken) == ["b"]


@pytest.mark.parametrize(
    "text", ["", "  ", "/", "https://example.org", "a\0b", "/a/\ud800", "x:///%00"]
)
def test_a_name_that_no_file_can_have_is_refused(text, tmp_path):
    with pytest.raises(InvalidData, match="must name its video"):
        named_video(text, tmp_path / "labels.json")


def test_background_is_nothing_and_an_ambiguous_span_comes_back_as_it_was_written():
    assert said(0, 5, "Background") == point(3, "BG") == ()
    (ignored,) = said(2, 5, " Ambiguous", track="left", note="why")
    assert (ignored.kind, ignored.label, ignored.track, ignored.note) == (
        "ignore",
        "",
        "left",
        "why",
    )
    assert said(2, 5, spoken(ignored), track="left", note="why") == (ignored,)
    assert spoken(Mark(start_us=0, end_us=1, label="pour")) == "pour"


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        (40_000, 80_000, (1, 2)),
        (41_000, 79_000, (1, 2)),
        (50_000, 59_000, (1, 2)),
        (61_000, 79_000, (1, 2)),
        (0, 1, (0, 1)),
        (999_000, 1_000_000, (24, 25)),
    ],
)
def test_a_segment_shorter_than_a_frame_is_the_frame_it_lies_in(start, end, span):
    clock = make_clock(25, 1_000_000)
    assert frame_span(Mark(start_us=start, end_us=end, label="pour"), clock) == span
