import random
from pathlib import Path

import pytest

from core.errors import InvalidData
from core.formats.frames import FrameClock, check_rate, clock_of, make_clock
from core.formats.marks import MarkedVideo

END = 10**7


def uneven(seed: int) -> FrameClock:
    rng = random.Random(seed)
    return make_clock([0, *sorted(rng.sample(range(1, END), 99))], END)


@pytest.mark.parametrize("seed", range(8))
def test_the_nearest_frame_is_found_among_uneven_ones(seed):
    clock = uneven(seed)
    starts = [clock.time_us(frame) for frame in range(101)]
    assert starts[100] == END
    for time in (*random.Random(seed).sample(range(END), 200), *starts):
        distances = [abs(start - time) for start in starts]
        assert distances[clock.frame(time)] == min(distances)


@pytest.mark.parametrize("rate", [25.0, 30000 / 1001, 59.94, 15, 0.5])
@pytest.mark.parametrize("duration", [END, END + 17_000, None])
def test_every_frame_comes_back_from_its_time(rate, duration):
    clock = make_clock(rate, duration)
    count = round((duration or END) * rate / 10**6)
    times = [clock.time_us(frame) for frame in range(count + 1)]
    assert times == sorted(set(times))
    assert [clock.frame(time) for time in times] == list(range(count + 1))
    assert duration is None or times[-1] == duration


def test_frames_after_the_last_go_on_at_the_mean_rate():
    clock = make_clock([0, 40_000, 100_000], 150_000)
    assert [clock.time_us(frame) for frame in (2, 3, 4, 5)] == [100_000, 150_000, 200_000, 250_000]
    assert make_clock([0, 40_000]).time_us(2) == 60_000  # a length that is not known
    assert make_clock([0]).time_us(0) == 0


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_a_number_above_zero(rate):
    with pytest.raises(InvalidData, match="number above 0"):
        check_rate(rate)
    with pytest.raises(InvalidData, match="number above 0"):
        make_clock(rate)


def test_a_writer_of_frames_takes_their_times_before_their_rate():
    video = MarkedVideo(name="a.mp4", path=Path("a.mp4"), duration_us=END, marks=())
    with pytest.raises(InvalidData, match=r"need the frame rate of the video: 'a\.mp4'"):
        clock_of(video)
    known = {"name": "a", "path": Path("a"), "duration_us": END, "marks": (), "fps": 25.0}
    assert clock_of(MarkedVideo(**known)).time_us(1) == 40_000
    assert clock_of(MarkedVideo(**known, frame_times_us=[0, 7])).time_us(1) == 7
