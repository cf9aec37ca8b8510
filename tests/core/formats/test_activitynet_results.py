import json

import pytest
from hypothesis import given

from core.errors import InvalidData, InvalidFile
from core.formats import read, recognise, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

FOUND = {"label": "pour water", "score": 0.91, "segment": [5.1, 8.3]}


@pytest.fixture
def reading(tmp_path):
    """Write a prediction file and read it."""

    def read_it(results):
        path = tmp_path / "predictions.json"
        path.write_text(json.dumps({"version": "VERSION 1.3", "results": results}))
        assert recognise(path) == "activitynet_results"
        return read(path)

    return read_it


@given(videos("activitynet_results"))
def test_what_was_written_comes_back_but_for_the_declared_losses(written):
    check_round_trip("activitynet_results", written)


def test_a_score_is_the_confidence_of_its_mark(reading):
    (row,) = reading({"tea": [FOUND]}).rows
    assert (row.video, row.marks) == ("tea", (mark(5.1, 8.3, "pour water", confidence=0.91),))


@pytest.mark.parametrize("score", [None, "0.9", True, -0.1, 1.01, float("nan"), 1e300])
def test_what_is_no_confidence_is_a_fault(score, reading):
    found = reading({"tea": [FOUND, FOUND | {"score": score}, FOUND]})
    assert [row.line for row in found.rows] == [1, 3]
    assert [(one.line, one.rule) for one in found.faults] == [
        (2, "A score is a number from 0 to 1")
    ]


def test_a_file_without_results_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"results": []}')
    with pytest.raises(InvalidFile, match="'results' must be an object"):
        read(tmp_path / "a.json", "activitynet_results")


def test_a_segment_without_a_confidence_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InvalidData, match=r"needs a confidence: 'fill kettle' in 'tea\.mp4'"):
        write("activitynet_results", [TEA], tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


def test_the_file_has_the_published_fields(tmp_path):
    video = labelled_video(mark(5.1, 8.3, "pour water", confidence=0.91))
    write("activitynet_results", [video], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "version": "VERSION 1.3",
        "results": {"tea": [FOUND]},
        "external_data": {"used": False, "details": ""},
    }
