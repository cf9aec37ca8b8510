from pathlib import Path

import pytest

from core.formats import Row
from core.formats.marks import Mark
from core.formats.matching import match

FILE = Path("/labels/here/labels.csv")
SECOND = 1_000_000


def row(video, *segments, exact=False, line=2, ignored=()):
    marks = [Mark(start_us=start, end_us=end, label="stir") for start, end in segments]
    marks += [Mark(start_us=start, end_us=end, kind="ignore") for start, end in ignored]
    return Row(FILE, line, video, exact, tuple(marks))


def videos(*paths):
    return {index: Path(path) for index, path in enumerate(paths)}


def taken(name, *paths):
    """Return the index of the video that a name reaches, None if it reaches none."""
    matched = match([row(name)], videos(*paths))
    assert not matched.faults
    return next(iter(matched.taken), None)


@pytest.mark.parametrize(
    "name",
    [
        "tea.mp4",
        "b/tea.mp4",
        "./b/tea.mp4",
        "b\\tea.mp4",
        "/videos/b/tea.mp4",
        "videos/b/tea.mp4",
        "tea",
    ],
)
def test_a_path_its_end_or_a_unique_name_reaches_the_video(name):
    assert taken(name, "/videos/a/coffee.mp4", "/videos/b/tea.mp4") == 1


@pytest.mark.parametrize(
    "name",
    [
        "ea.mp4", "c/tea.mp4", "TEA.mp4", "tea.webm", "/tea.mp4", "/elsewhere/videos/b/tea.mp4",
        "../tea.mp4", "C:\\b\\tea.mp4", "\\\\host\\b\\tea.mp4", ".", "b/",
    ],
)  # fmt: skip
def test_another_path_reaches_nothing(name):
    matched = match([row(name)], videos("/videos/b/tea.mp4"))
    assert (matched.taken, matched.faults) == ({}, ())
    assert matched.missing == (row(name),)


def test_a_path_relative_to_the_annotation_file_comes_before_a_name():
    assert taken("tea.mp4", "/videos/tea.mp4", "/labels/here/tea.mp4") == 1
    assert taken("../tea.mp4", "/videos/tea.mp4", "/labels/tea.mp4") == 1


def test_a_name_that_several_videos_have_is_a_fault_that_lists_them():
    matched = match([row("01.mp4", line=7)], videos("/v/adl/01.mp4", "/v/fall/01.mp4"))
    assert (matched.taken, matched.missing) == ({}, ())
    (fault,) = matched.faults
    assert fault.sentence == (
        "A row must mean exactly one video: '01.mp4' can be '/v/adl/01.mp4', '/v/fall/01.mp4' "
        "in line 7 of 'labels.csv'. Write more of the path."
    )


def test_more_of_the_path_settles_it():
    assert taken("fall/01.mp4", "/v/adl/01.mp4", "/v/fall/01.mp4") == 1


def test_many_candidates_are_counted():
    matched = match([row("01.mp4")], videos(*(f"/v/{i}/01.mp4" for i in range(9))))
    assert "'/v/4/01.mp4' and 4 more" in matched.faults[0].value


def test_a_whole_name_comes_before_a_name_without_its_suffix():
    assert taken("tea", "/v/tea.mp4", "/w/tea") == 1
    matched = match([row("tea")], videos("/v/tea.mp4", "/v/tea.webm"))
    assert len(matched.faults) == 1


def test_composed_and_decomposed_names_are_the_same():
    assert taken("cafe\u0301.mp4", "/v/caf\u00e9.mp4") == 0


def test_one_file_under_two_ids_is_ambiguous():
    matched = match([row("/v/tea.mp4")], videos("/v/tea.mp4", "/v/./tea.mp4"))
    assert len(matched.faults) == 1


def test_an_exact_row_reaches_its_own_path_only():
    rows = [row(Path("/v/adl/01.mp4"), exact=True), row(Path("/v/fall/01.mp4"), exact=True)]
    matched = match(rows, videos("/v/fall/01.mp4"))
    assert matched.taken == {0: (rows[1],)}
    assert matched.missing == (rows[0],)


def test_an_exact_row_is_never_matched_by_its_name():
    rows = [row("tea.mp4"), row("tea.mp4", exact=True)]
    matched = match(rows, videos("/v/tea.mp4"))
    assert (matched.taken, matched.missing) == ({0: (rows[0],)}, (rows[1],))


def test_the_same_name_in_two_annotation_files_is_looked_for_beside_each():
    rows = [Row(Path(f"/v/{day}/labels.csv"), 2, "tea.mp4", False) for day in ("mon", "tue")]
    matched = match(rows, videos("/v/mon/tea.mp4", "/v/tue/tea.mp4"))
    assert matched.taken == {0: (rows[0],), 1: (rows[1],)}


def test_links_are_followed_on_both_sides(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "tea.mp4").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    exact = row((tmp_path / "real" / "tea.mp4").resolve(), exact=True)
    assert list(match([exact], {"v": tmp_path / "link" / "tea.mp4"}).taken) == ["v"]


def test_a_loop_of_links_is_a_missing_video(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert match([row(str(tmp_path / "a"))], videos("/v/tea.mp4")).taken == {}


def test_rows_of_one_video_stay_together_in_their_order():
    rows = [row("tea.mp4", (0, 1)), row("coffee.mp4"), row("b/tea.mp4", (1, 2))]
    matched = match(rows, videos("/v/b/tea.mp4", "/v/coffee.mp4"))
    assert matched.taken == {0: (rows[0], rows[2]), 1: (rows[1],)}


def fitted(*segments, ignored=(), seconds=10):
    rows = [row("tea.mp4", *segments, ignored=ignored)]
    return match(rows, videos("/v/tea.mp4"), durations_us={0: seconds * SECOND})


def test_an_end_up_to_a_second_late_is_cut_and_counted():
    matched = fitted((0, 10 * SECOND), (5 * SECOND, 11 * SECOND), (9 * SECOND, 10 * SECOND + 1))
    (found,) = matched.taken[0]
    assert [one.end_us for one in found.segments] == [10 * SECOND] * 3
    assert matched.clipped == 2


def test_an_ignored_span_is_cut_too():
    matched = fitted(ignored=[(5 * SECOND, 11 * SECOND)])
    assert matched.taken[0][0].ignored == ((5 * SECOND, 10 * SECOND),)
    assert matched.clipped == 1


@pytest.mark.fault
@pytest.mark.parametrize(
    "segment",
    [(5 * SECOND, 11 * SECOND + 1), (10 * SECOND, 10 * SECOND + 1), (20 * SECOND, 30 * SECOND)],
)
def test_a_segment_that_does_not_fit_makes_its_row_a_fault(segment):
    matched = fitted((0, SECOND), segment)
    assert (matched.taken, matched.clipped) == ({}, 0)
    assert "within its video of 10.00 s" in matched.faults[0].rule


@pytest.mark.fault
def test_times_in_milliseconds_do_not_pass_as_seconds():
    assert "2000.00 s to 5000.00 s" in fitted((2_000 * SECOND, 5_000 * SECOND)).faults[0].value


@pytest.mark.parametrize(("late", "shown"), [(0, 10), (0.5, 10), (1, 10)])
def test_a_point_up_to_a_second_late_stands_at_the_end(late, shown):
    time = round((10 + late) * SECOND)
    one = Row(
        FILE, 2, "tea.mp4", False, (Mark(start_us=time, end_us=time, label="a", kind="point"),)
    )
    matched = match([one], videos("/v/tea.mp4"), durations_us={0: 10 * SECOND})
    assert [m.start_us for m in matched.taken[0][0].marks] == [shown * SECOND]
    assert matched.clipped == (late > 0)


def framed(spans, *, rate=None, **known):
    """Match a row of frame numbers; returns the times in it, or the rule of its fault."""
    marks = tuple(Mark(start_us=a, end_us=b, label="stir") for a, b in spans)
    one = Row(FILE, 2, "tea.mp4", False, marks, "frames", rate)
    matched = match([one], videos("/v/tea.mp4"), **known)
    if matched.faults:
        return matched.faults[0].rule
    ((found,),) = matched.taken.values()
    assert (found.unit, found.rate) == ("us", None)
    return [(mark.start_us, mark.end_us) for mark in found.marks]


def test_frames_start_at_their_presentation_times_and_the_last_ends_with_the_video():
    times = {0: [0, 33_000, 100_000, 140_000]}
    known = {"frames": times, "durations_us": {0: 200_000}}
    spans = [(0, 1), (1, 3), (3, 4)]
    expected = [(0, 33_000), (33_000, 140_000), (140_000, 200_000)]
    assert framed(spans, **known) == expected
    assert framed([(3, 5)], **known) == [(140_000, 200_000)]  # a frame too many is cut


def test_even_frames_are_counted_and_the_last_ends_with_the_video():
    known = {"frames": {0: 30000 / 1001}, "durations_us": {0: 1_001_100}}
    assert framed([(0, 1), (29, 30)], **known) == [(0, 33_367), (967_633, 1_001_100)]
    assert framed([(0, 25)], frames={0: 25}) == [(0, SECOND)]  # a length that is not known


def test_a_rate_that_a_person_chose_comes_before_all_others():
    known = {"frames": {0: 30.0}, "durations_us": {0: 10 * SECOND}, "frame_rate": 15.0}
    assert framed([(15, 30), (149, 150)], **known) == [(SECOND, 2 * SECOND), (9_933_333, 10**7)]
    assert framed([(15, 30)], rate=5.0, **known) == [(SECOND, 2 * SECOND)]


def test_a_rate_that_the_file_names_is_the_videos_own_or_even():
    times = [0, *(40_000 * i + 9_000 for i in range(1, 250))]
    known = {"frames": {0: times}, "durations_us": {0: 10 * SECOND}}
    assert framed([(1, 2)], rate=25.0, **known) == [(49_000, 89_000)]
    assert framed([(1, 2)], rate=12.5, **known) == [(80_000, 160_000)]
    assert framed([(1, 2)], rate=12.5) == [(80_000, 160_000)]


def test_numbers_of_frames_without_any_rate_are_a_fault():
    assert framed([(0, 1)]) == "Numbers of frames need a frame rate"
    assert framed([(0, 1)], frames={1: 25.0}) == "Numbers of frames need a frame rate"
    assert framed([(0, 1)], frames={0: 0.0}) == "A frame rate is a number above 0"
    assert framed([(0, 1)], frames={0: []}) == "A video must have frames"


def test_an_unknown_duration_checks_nothing():
    rows = [row("tea.mp4", (0, 99 * SECOND))]
    assert match(rows, videos("/v/tea.mp4")).taken == {0: tuple(rows)}
