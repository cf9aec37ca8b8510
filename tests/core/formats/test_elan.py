from collections import Counter
from xml.etree import ElementTree

import pytest
from hypothesis import given

from core.errors import InvalidData, InvalidFile
from core.formats import recognise
from core.formats.elan import read, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

TYPES = """<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="step" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="time" CONSTRAINTS="Time_Subdivision" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="inside" CONSTRAINTS="Included_In" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="share" CONSTRAINTS="Symbolic_Subdivision"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="same" CONSTRAINTS="Symbolic_Association"/>"""
MEDIUM = '<MEDIA_DESCRIPTOR MEDIA_URL="{}" MIME_TYPE="{}" RELATIVE_MEDIA_URL="{}"/>'
VIDEO = MEDIUM.format("file:///v/tea.mp4", "video/mp4", "./tea.mp4")


def aligned(name, first, second, text):
    return (
        f'<ANNOTATION>\n<ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="{first}" '
        f'TIME_SLOT_REF2="{second}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>\n"
    )


def referring(name, whole, text, previous=""):
    after = f' PREVIOUS_ANNOTATION="{previous}"' if previous else ""
    return (
        f'<ANNOTATION>\n<REF_ANNOTATION ANNOTATION_ID="{name}" ANNOTATION_REF="{whole}"{after}>'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>\n"
    )


def tier(name, *annotations, parent="", kind="step"):
    above = f' PARENT_REF="{parent}"' if parent else ""
    return (
        f'<TIER LINGUISTIC_TYPE_REF="{kind}" TIER_ID="{name}"{above}>{"".join(annotations)}</TIER>'
    )


@pytest.fixture
def reading(tmp_path):
    """Write a file of tiers and read it; slots are ts0, ts1, … in milliseconds."""

    def reads(*tiers, slots=(2000, 5000, 8400), header=VIDEO, units="milliseconds"):
        times = "".join(
            f'<TIME_SLOT TIME_SLOT_ID="ts{number}"'
            + ("/>" if time is None else f' TIME_VALUE="{time}"/>')
            for number, time in enumerate(slots)
        )
        path = tmp_path / "tea.eaf"
        path.write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT VERSION="3.0">'
            f'<HEADER MEDIA_FILE="" TIME_UNITS="{units}">{header}</HEADER>'
            f"<TIME_ORDER>{times}</TIME_ORDER>\n{''.join(tiers)}{TYPES}</ANNOTATION_DOCUMENT>"
        )
        assert recognise(path) == "elan"
        return read(path)

    return reads


def said(reading):
    assert reading.faults == ()
    marks = [mark for row in reading.rows for mark in row.marks]
    names = {mark.key: mark.label for mark in marks if mark.key}
    return [
        (m.start_us // 1000, m.end_us // 1000, m.label, m.track, names.get(m.parent, ""))
        for m in marks
    ]


def test_a_tier_is_a_track_and_an_annotation_a_segment(reading):
    found = reading(tier("steps", aligned("a1", "ts0", "ts1", "fill\n kettle")), tier("empty"))
    assert said(found) == [(2000, 5000, "fill kettle", "steps", "")]
    (row,) = found.rows
    assert (row.video, row.line, row.exact, row.unit) == ("tea.mp4", 4, False, "us")
    assert row.marks[0].key == ""  # nothing refers to it


def test_a_child_tier_holds_parts_by_reference_or_by_time(reading):
    whole = tier("steps", aligned("a1", "ts0", "ts1", "make"), aligned("a2", "ts1", "ts2", "pour"))
    parts = tier("parts", aligned("a3", "ts3", "ts4", "tilt"), parent="steps", kind="inside")
    notes = tier("kinds", referring("a4", "a3", "verb"), parent="parts", kind="same")
    found = reading(notes, parts, whole, slots=(2000, 5000, 8400, 5500, 6000))
    assert sorted(said(found)) == [
        (2000, 5000, "make", "steps", ""), (5000, 8400, "pour", "steps", ""),
        (5500, 6000, "tilt", "parts", "pour"), (5500, 6000, "verb", "kinds", "tilt"),
    ]  # fmt: skip


def test_a_part_outside_every_whole_has_none(reading):
    whole = tier("steps", aligned("a1", "ts0", "ts1", "make"))
    part = tier("parts", aligned("a2", "ts1", "ts2", "tilt"), parent="steps", kind="inside")
    assert said(reading(whole, part))[1] == (5000, 8400, "tilt", "parts", "")


def test_symbolic_parts_share_the_time_of_their_whole_in_their_order(reading):
    whole = tier("steps", aligned("a1", "ts0", "ts1", "make"))
    parts = [referring("a3", "a1", "two", "a2"), referring("a2", "a1", "one"),
             referring("a4", "a1", "three", "a3")]  # fmt: skip
    found = said(reading(whole, tier("parts", *parts, parent="steps", kind="share")))
    assert sorted(found)[:1] == [(2000, 3000, "one", "parts", "make")]
    assert sorted(found)[2:] == [
        (3000, 4000, "two", "parts", "make"), (4000, 5000, "three", "parts", "make"),
    ]  # fmt: skip


def test_slots_without_a_time_lie_evenly_in_the_chain_of_their_tier(reading):
    words = [aligned(f"a{i}", f"ts{i}", f"ts{j}", f"w{i}") for i, j in ((0, 1), (1, 2), (2, 4))]
    other = tier("other", aligned("b1", "ts3", "ts4", "gesture"))
    found = said(reading(tier("words", *words), other, slots=(2000, None, None, 2100, 5000)))
    assert [span[:3] for span in found] == [
        (2000, 3000, "w0"), (3000, 4000, "w1"), (4000, 5000, "w2"), (2100, 5000, "gesture"),
    ]  # fmt: skip


def test_without_a_chain_the_order_of_all_slots_counts(reading):
    found = reading(
        tier("a", aligned("a1", "ts0", "ts1", "one"), aligned("a2", "ts2", "ts3", "two")),
        slots=(0, None, None, 3000),
    )
    assert [span[:2] for span in said(found)] == [(0, 1000), (2000, 3000)]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (aligned("b", "ts1", "ts0", "pour"), "end after it starts"),
        (aligned("b", "ts0", "ts0", "pour"), "end after it starts"),
        (aligned("b", "ts0", "ts9", "pour"), "between two times"),
        (aligned("b", "ts0", "ts3", "pour"), "between two times"),
        (aligned("b", "ts0", "ts4", "pour"), "between two times"),
        (aligned("b", "ts0", "ts1", " "), "must have a name"),
        (referring("b", "a1", "pour"), "must refer to one of the tier above"),
    ],
)
def test_a_wrong_annotation_is_one_fault_and_stops_no_other(reading, wrong, rule):
    tiers = tier("steps", wrong, aligned("a1", "ts0", "ts1", "make"))
    found = reading(tiers, slots=(2000, 5000, 8400, "x1", None))
    assert len(found.rows) == 1
    (fault,) = found.faults
    assert rule in fault.rule
    assert (fault.line, bool(fault.next_step)) == (4, True)


def test_an_id_names_one_annotation(reading):
    both = tier("steps", aligned("a1", "ts0", "ts1", "make"), aligned("a1", "ts1", "ts2", "pour"))
    found = reading(both, tier("kinds", referring("a2", "a1", "verb"), parent="steps", kind="same"))
    assert [mark.label for row in found.rows for mark in row.marks] == ["make", "verb"]
    (fault,) = found.faults
    assert (fault.rule, fault.line) == ("An annotation must have an id of its own", 6)


def test_what_a_faulty_whole_holds_keeps_its_time_and_has_no_whole(reading):
    whole = tier("steps", aligned("a1", "ts0", "ts1", ""))
    found = reading(
        whole, tier("kinds", referring("a2", "a1", "verb"), parent="steps", kind="same")
    )
    assert len(found.faults) == 1
    (row,) = found.rows
    assert (row.marks[0].start_us, row.marks[0].parent) == (2_000_000, "")


@pytest.mark.parametrize(
    ("header", "video"),
    [
        (MEDIUM.format("file:///v/a.wav", "audio/x-wav", "") + VIDEO, "tea.mp4"),
        (MEDIUM.format("file:///v/my%20tea.mp4", "video/mp4", ""), "my tea.mp4"),
        (MEDIUM.format("file:///v/a.wav", "audio/x-wav", "../v/a.wav"), "a.wav"),
    ],
)
def test_the_video_comes_before_a_sound(reading, header, video):
    (row,) = reading(header=header).rows
    assert (row.video, row.marks) == (video, ())


@pytest.mark.parametrize(
    ("said_of", "rule"),
    [
        ({"header": ""}, "must name its video"),
        ({"units": "PAL-frames"}, "must count milliseconds"),
    ],
)
def test_a_file_that_says_nothing_usable_is_refused(reading, said_of, rule):
    with pytest.raises(InvalidFile, match=rule) as caught:
        reading(tier("steps", aligned("a1", "ts0", "ts1", "make")), **said_of)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "tiers",
    [
        (tier("a", parent="b"),),
        (tier("a", parent="b"), tier("b", parent="a")),
        (tier("a", parent="a"),),
        (tier("a"), tier("a")),
    ],
)
def test_tiers_must_hang_together(reading, tiers):
    with pytest.raises(InvalidFile, match=r"another tier of the file|different names"):
        reading(*tiers)


def test_the_example_of_the_documentation_is_written(tmp_path):
    write([TEA], tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out" / "tea.eaf").getroot()
    assert (root.tag, root.get("FORMAT")) == ("ANNOTATION_DOCUMENT", "3.0")
    medium = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert medium.get("MEDIA_URL") == "file:///v/tea.mp4"
    assert (medium.get("MIME_TYPE"), medium.get("RELATIVE_MEDIA_URL")) == ("video/mp4", "./tea.mp4")
    slots = [slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")]
    assert slots == ["2000", "5000", "5000", "8400"]
    assert [tier.get("TIER_ID") for tier in root.iter("TIER")] == ["steps"]
    assert [one.text for one in root.iter("ANNOTATION_VALUE")] == ["fill kettle", "pour water"]


def test_no_two_annotations_of_a_written_tier_overlap(tmp_path):
    marks = [mark(0, 9, "make", key="m"), mark(1, 5, "pour", parent="m"),
             mark(2, 6, "tilt", parent="m"), mark(3, 8, "hold", track="steps"),
             mark(3, 8, "turn", track="steps")]  # fmt: skip
    write([labelled_video(*marks)], tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out" / "tea.eaf").getroot()
    tiers = {t.get("TIER_ID"): len(list(t.iter("ANNOTATION"))) for t in root.iter("TIER")}
    assert tiers == {"steps": 1, "steps 2": 1, "steps 3": 1, "steps 4": 1, "steps 5": 1}
    assert [t.get("PARENT_REF") for t in root.iter("TIER")].count("steps") == 2
    found = read(tmp_path / "out" / "tea.eaf")
    assert {(m.label, m.track) for row in found.rows for m in row.marks} == {
        ("make", ""), ("pour", ""), ("tilt", ""), ("hold", "steps"), ("turn", "steps"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "rule"),
    [
        ([mark(0, 5, "make", key="m"), mark(4, 6, "pour", parent="m")], "within its whole"),
        ([mark(0, 5, "make", key="m", parent="m")], "part of itself"),
    ],
)
def test_a_part_that_elan_cannot_say_is_refused(marks, rule, tmp_path):
    with pytest.raises(InvalidData, match=rule):
        write([labelled_video(*marks)], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@given(videos("elan"))
def test_what_is_written_is_read_back(written):
    check_round_trip("elan", written)


@pytest.mark.realdata
def test_the_published_file_has_as_many_annotations_as_it_has_elements(realdata):
    path = realdata / "annotations" / "elan" / "sample_2.8.eaf"
    assert recognise(path) == "elan"
    found = read(path)
    expected, empty = Counter(), 0
    for one in ElementTree.parse(path).getroot().iter("TIER"):
        for text in one.iter("ANNOTATION_VALUE"):
            named = bool((text.text or "").strip())
            expected[one.get("TIER_ID")] += named
            empty += not named
    marks = [mark for row in found.rows for mark in row.marks]
    assert Counter(mark.track for mark in marks) == expected
    assert (len(expected), len(marks), len(found.faults), empty) == (6, 6786, 1992, 1992)
    assert {fault.rule for fault in found.faults} == {"An action must have a name"}


@pytest.mark.realdata
def test_words_of_the_published_file_share_the_time_of_their_sentence(realdata):
    found = read(realdata / "annotations" / "elan" / "sample_2.8.eaf")
    marks = [mark for row in found.rows for mark in row.marks]
    wholes = {mark.key: mark for mark in marks if mark.track == "text"}
    for track, count in (("words-timesub", 5), ("words-symsub", 5), ("gest_included", 3)):
        parts = [mark for mark in marks if mark.track == track]
        assert Counter(mark.parent for mark in parts) == dict.fromkeys(wholes, count)
        inside = [wholes[m.parent].start_us <= m.start_us < m.end_us <= wholes[m.parent].end_us
                  for m in parts]  # fmt: skip
        assert all(inside)
