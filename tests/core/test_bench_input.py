"""The benchmarks of the input path run, and what they compare is the same work."""

import re

import numpy as np

from core.bench import benchmark
from core.bench.footage import number_in, write_numbered
from core.bench.measuring import Settings
from core.video import sample

QUICK = Settings(quick=True)


def test_numbered_videos_carry_their_numbers_at_their_times(tmp_path):
    frames = [n for n in range(40) if n % 5 != 3]
    write_numbered(tmp_path / "a.mp4", frames)
    times_us = [n * 1_000_000 // 30 for n in frames]
    for size in (None, (160, 90)):
        taken = list(sample(tmp_path / "a.mp4", times_us, size=size))
        assert [number_in(picture) for _, picture in taken] == frames
        assert np.abs([a - b for (a, _), b in zip(taken, times_us, strict=True)]).max() <= 1


def test_decoding_is_compared_with_ffmpeg_on_frames_that_are_exact():
    report = benchmark("decode")(QUICK)
    assert [row.figure.rpartition(", ")[2] for row in report.rows] == [
        "2 frames/s", "4 frames/s", "4 frames/s",
    ]  # fmt: skip
    for row in report.rows:
        due, ours, theirs = re.findall(r"\b\d+(?=[:,;])", row.note)
        assert due == ours == theirs
        assert row.ours.work == row.baseline.work == int(due)


def test_features_are_compared_where_both_ways_give_the_same():
    report = benchmark("features")(QUICK)
    assert len(report.rows) == 4
    for row in report.rows[:2]:
        assert row.note.startswith("equal to the bit")
    assert [row.ours.work for row in report.rows] == [8, 16, 64, 1]
