from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from core.errors import InvalidData
from core.formats.marks import Mark
from core.formats.values import (
    LABEL_LIMIT,
    confidence_of,
    label_of,
    labelled,
    line_of,
    time_us,
)

HOURS = 30 * 3_600_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        (" 12.5 ", 12_500_000),
        ("3.", 3_000_000),
        (".25", 250_000),
        ("007", 7_000_000),
        ("00:01:02", 62_000_000),
        ("1:00:00.5", 3_600_500_000),
        ("0.0000004", 0),
        ("0.1234565", 123_456),
        ("0.1234567", 123_457),
    ],
)
def test_seconds_and_clock_times_are_read(text, expected):
    assert time_us(text) == expected


@given(st.integers(0, HOURS))
def test_microseconds_survive_both_ways_of_writing(us):
    whole, rest = divmod(us, 1_000_000)
    assert time_us(str(Decimal(us).scaleb(-6))) == us
    minutes, seconds = divmod(whole, 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{rest:06}"
    assert time_us(clock) == time_us(clock.replace(".", ","), decimal_comma=True) == us


@pytest.mark.fault
@pytest.mark.parametrize(
    "text",
    [
        "", "nan", "inf", "-inf", "1_000", "1e3", "1e308", "٣", "１２", "0x10", "+1", "1,5",
        "1 000", "1.2.3", "12:60:00", "00:00:60", "1:2", "1:2:3", "00:01:02,5", "12s", "9" * 400,
        "1.5\n2",
    ],
)  # fmt: skip
def test_what_is_no_plain_time_is_refused(text):
    with pytest.raises(InvalidData, match="in seconds such as"):
        time_us(text)


@pytest.mark.fault
@pytest.mark.parametrize("text", ["-1", "-0.5", "-.5"])
def test_a_negative_time_is_refused_as_such(text):
    with pytest.raises(InvalidData, match="must not be negative: start '-"):
        time_us(text, name="start")


def test_a_decimal_comma_counts_only_where_it_is_allowed():
    assert time_us("1,5", decimal_comma=True) == 1_500_000
    with pytest.raises(InvalidData):
        time_us("1,234.5", decimal_comma=True)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_refusal(text):
    try:
        assert time_us(text, decimal_comma=True) >= 0
    except InvalidData as error:
        assert error.sentence.isprintable()


@pytest.mark.fault
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  pour \t water\n", "pour water"),
        ("cafe\u0301", "caf\u00e9"),
        ("Pour Water", "Pour Water"),
        ("NA", "NA"),
        ("None", "None"),
        ("null", "null"),
        ("007", "007"),
        ("👩🏽\u200d🍳 cook", "👩🏽\u200d🍳 cook"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Robert'); DROP TABLE", "Robert'); DROP TABLE"),
        ("\u202etext", "\u202etext"),
    ],
)
def test_labels_are_kept_as_text_in_one_spelling(text, expected):
    assert label_of(text) == expected


@given(st.text(min_size=1, max_size=40))
def test_the_spelling_of_a_label_is_stable(text):
    try:
        label = label_of(text)
    except InvalidData:
        return
    assert label_of(label) == label
    assert label == label.strip()


@pytest.mark.fault
@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\u00a0\u00a0", "\x00"])
def test_an_empty_label_is_refused(text):
    with pytest.raises(InvalidData, match="must have a name"):
        label_of(text)


@pytest.mark.fault
@pytest.mark.parametrize("text", ["a\x00b", "a\x07b", "a\ud800b"])
def test_control_characters_and_lone_surrogates_are_refused(text):
    with pytest.raises(InvalidData, match="control characters") as caught:
        label_of(text)
    assert caught.value.sentence.encode("utf-8")


@pytest.mark.fault
def test_a_label_of_10_kb_is_refused_in_a_short_sentence():
    assert label_of("x" * LABEL_LIMIT) == "x" * LABEL_LIMIT
    with pytest.raises(InvalidData, match="at most 200 characters: 10240 in") as caught:
        label_of("x" * 10_240)
    assert len(caught.value.sentence) < 200


@pytest.mark.parametrize("name", ["background", "BG", "SIL", "Action_Start", "action_end"])
def test_background_is_no_segment(name):
    assert labelled(0, 5, name) == ()


@pytest.mark.parametrize("name", ["Ambiguous", "ambiguous"])
def test_an_ambiguous_interval_is_an_ignored_span(name):
    assert labelled(2, 5, name) == (Mark(start_us=2, end_us=5, kind="ignore"),)


def test_another_name_is_a_segment():
    mark = Mark(start_us=2, end_us=5, label="background music")
    assert labelled(2, 5, "background music") == (mark,)


@pytest.mark.fault
@pytest.mark.parametrize("name", ["pour", "background", "Ambiguous"])
@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5)])
def test_an_interval_must_end_after_it_starts_whatever_its_name(name, start, end):
    with pytest.raises(InvalidData, match="must end after it starts"):
        labelled(start, end, name)


@given(st.floats(0, 1))
def test_a_confidence_comes_back_from_its_decimal_form(value):
    text = f"{Decimal(repr(value)):f}"
    assert confidence_of(f" {text} ") == value
    assert confidence_of(text.replace(".", ","), decimal_comma=True) == value


@pytest.mark.parametrize("text", ["1.1", "-0.5", "2", "nan", "1e-3", "0,5", "half", "٠"])
def test_what_is_no_confidence_is_refused_and_nothing_is_none(text):
    with pytest.raises(InvalidData, match="number from 0 to 1"):
        confidence_of(text)
    assert confidence_of("  ") is None


def test_a_note_is_one_line_within_its_limit():
    assert line_of("  cafe\u0301\n\n again ", "A note", 20) == "caf\u00e9 again"
    with pytest.raises(InvalidData, match="A track may have at most 3 characters: 4 in 'left'"):
        line_of("left", "A track", 3)
    with pytest.raises(InvalidData, match="A note must not hold control characters"):
        line_of("a\x07b", "A note", 20)
