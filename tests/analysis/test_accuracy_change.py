"""Where a difference of accuracies lies, against counting row by row."""

import numpy as np
import pytest

from analysis.accuracy_change import VideoRows, where_it_changed
from analysis.reports import Tally
from analysis.segments import IGNORED
from analysis.significance import difference

PLACES = ("here", "there", "nowhere", "rest")


def random_rows(seed: int, videos: int = 8) -> dict[str, VideoRows]:
    rng = np.random.default_rng(seed)

    def video(rows: int) -> VideoRows:
        truth = rng.choice([0, 1, 2, IGNORED], rows)
        first, second = rng.integers(0, 3, rows), rng.integers(-1, 3, rows)
        return VideoRows(truth, first, second, rng.choice([0, 1, 3], rows))

    return {f"v{n}": video(int(rng.integers(5, 60))) for n in range(videos)}


def test_each_place_holds_what_counting_row_by_row_finds() -> None:
    videos = random_rows(0)
    rows = [row for v in videos.values()
            for row in zip(v.truth, v.first, v.second, v.place, strict=True)
            if row[0] != IGNORED]  # fmt: skip
    _, places = where_it_changed(videos, PLACES)
    for number, place in enumerate(places):
        inside = [row for row in rows if row[3] == number]
        gained = sum(b == t and a != t for t, a, b, _ in inside)
        lost = sum(a == t and b != t for t, a, b, _ in inside)
        assert (place.rows, place.gained, place.lost) == (len(inside), gained, lost)
        assert place.points.value == pytest.approx(100 * (gained - lost) / len(rows))
    assert places[2].rows == 0


def test_the_places_add_up_to_the_paired_difference_and_its_interval() -> None:
    videos = random_rows(1)

    def tally(said: str) -> Tally:
        known = [v.truth != IGNORED for v in videos.values()]
        right = [
            [float(((getattr(v, said) == v.truth) & k).sum())]
            for v, k in zip(videos.values(), known, strict=True)
        ]
        return Tally(np.array(right), np.array([[float(k.sum())] for k in known]))

    whole, places = where_it_changed(videos, PLACES)
    plain = difference(tally("second"), tally("first"))
    assert (whole.value, whole.low, whole.high) == pytest.approx(
        (plain.value, plain.low, plain.high)
    )
    assert sum(place.points.value or 0 for place in places) == pytest.approx(whole.value)


def test_one_video_has_a_difference_but_no_interval() -> None:
    whole, places = where_it_changed(random_rows(2, videos=1), PLACES)
    assert whole.value is not None
    assert (whole.low, whole.high, places[0].points.low) == (None, None, None)
