"""Hostile and broken files never hurt the one who asks."""

import json
import os
import signal
import sys
from dataclasses import replace

import av
import numpy as np
import psutil
import pytest

from core.errors import UnreadableVideo
from core.video import Limits, VideoInfo, content_hash, probe
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from core.video.probe import Answer, ask, read_answer
from tests.core.video.clips import Clip

ffconcat = "ffconcat version 1.0\nfile {target}\n"
playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n"
page = "<!doctype html><html><body>404</body></html>"


def test_the_child_finds_what_reading_here_finds(clip):
    found, here = probe(clip), examine(clip, DEFAULT_LIMITS)
    assert found == here
    assert np.array_equal(found.pts_us, here.pts_us)


def test_what_was_found_survives_json(clip):
    info = probe(clip)
    again = VideoInfo.from_json(json.loads(json.dumps(info.as_json())))
    assert again == info
    assert np.array_equal(again.pts_us, info.pts_us)


def test_the_hash_is_of_the_content_alone(clip, tmp_path):
    copy = tmp_path / "copy.mov"
    copy.write_bytes(clip.read_bytes())
    assert probe(clip).content_hash == content_hash(copy)


@pytest.mark.parametrize(
    "name",
    [
        "-dash.mp4",
        "two words.mp4",
        "quo'te\"s.mp4",
        "$(touch x).mp4",
        "new\nline.mp4",
        "kütti 🍵.mp4",
        "concat:a|b.mp4",
        "%03d.mp4",
        "no suffix",
        "bad\udcff.mp4",
    ],
)
@pytest.mark.fault
def test_any_name_is_read_as_it_stands(clip, tmp_path, name):
    assert probe(clip.rename(tmp_path / name)).frame_count == 50


@pytest.mark.fault
@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must not be empty"),
        (b"\x00" * 5000, "not a video"),
        (np.random.default_rng(0).bytes(50_000), "not a video"),
        (page.encode(), "not a video"),
        (ffconcat, "not a video"),
        (playlist, "not a video"),
    ],
    ids=["empty", "zeros", "random", "page", "ffconcat", "playlist"],
)
def test_what_only_pretends_to_be_a_video_is_refused(clip, tmp_path, content, rule):
    path = tmp_path / "pretender.mp4"
    if isinstance(content, str):
        content = content.format(target=clip).encode()
    path.write_bytes(content)
    with pytest.raises(UnreadableVideo, match=f"{rule}.*'pretender.mp4'"):
        probe(path)


@pytest.mark.fault
def test_a_still_picture_is_no_video(tmp_path):
    path = tmp_path / "still.mp4"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as output:
        stream = output.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
        output.mux([*stream.encode(av.VideoFrame(16, 16, "rgb24")), *stream.encode()])
    with pytest.raises(UnreadableVideo, match="not a video"):
        probe(path)


@pytest.mark.fault
def test_a_bare_stream_without_timestamps_is_no_video(tmp_path):
    path = tmp_path / "stream.h264"
    with av.open(str(path), "w", format="h264") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        output.mux([*stream.encode(av.VideoFrame(32, 32, "yuv420p")), *stream.encode()])
    assert path.stat().st_size
    with pytest.raises(UnreadableVideo, match="not a video"):
        probe(path)


@pytest.mark.fault
def test_an_index_that_never_came_is_refused(clip):
    """A download that broke off before the moov box at the end."""
    clip.write_bytes(clip.read_bytes()[:-500])
    with pytest.raises(UnreadableVideo, match="not a video"):
        probe(clip)


@pytest.mark.fault
def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        output.mux([*stream.encode(frame), *stream.encode()])
    with pytest.raises(UnreadableVideo, match="must have pictures"):
        probe(path)


@pytest.mark.fault
def test_a_pipe_does_not_hang(tmp_path):
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    with pytest.raises(UnreadableVideo, match="ordinary file"):
        probe(path)


@pytest.mark.fault
def test_what_is_not_there_is_named(tmp_path):
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / "gone.mp4", tmp_path / "nul\0.mp4", tmp_path / ("a" * 300)):
        with pytest.raises(UnreadableVideo, match="can be reached"):
            probe(path)
    with pytest.raises(UnreadableVideo, match="ordinary file"):
        probe(tmp_path)


@pytest.mark.fault
def test_a_file_that_takes_too_long_is_given_up(clip):
    # Over before it began: a limit above 0 would race against the child.
    with pytest.raises(UnreadableVideo, match=r"at most -1 s: 'clip\.mp4'"):
        probe(clip, limits=Limits(seconds=-1))


@pytest.mark.fault
def test_a_file_that_needs_too_much_memory_is_given_up(tmp_path):
    path = replace(Clip(), size=(4000, 3000), times_ms=(0, 40)).write(tmp_path / "big.mp4")
    with pytest.raises(UnreadableVideo, match=r"150 MB of memory|broke down"):
        probe(path, limits=Limits(memory_bytes=150 << 20))


@pytest.mark.fault
def test_a_huge_picture_in_a_small_file_is_refused(tmp_path):
    path = tmp_path / "bomb.mov"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 9000, 9000, "gray"
        output.mux([*stream.encode(av.VideoFrame(9000, 9000, "gray")), *stream.encode()])
    with pytest.raises(UnreadableVideo, match="has 9000 x 9000"):
        probe(path)


@pytest.mark.fault
def test_a_decoder_that_crashes_is_an_unreadable_video(tmp_path):
    answer = ask([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"], 20)
    assert answer is not None
    assert answer.code == -signal.SIGSEGV
    with pytest.raises(UnreadableVideo, match=r"broke down on this file: 'a\.mp4'"):
        read_answer(tmp_path / "a.mp4", answer)


@pytest.mark.fault
def test_a_decoder_that_stands_still_is_ended_with_its_children(tmp_path):
    ids = tmp_path / "ids"
    program = (
        "import os, signal, sys\n"
        "child = os.fork()\n"
        f"open({str(ids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    assert ask([sys.executable, "-c", program], 1.5) is None
    left = [psutil.Process(int(i)) for i in ids.read_text().split() if psutil.pid_exists(int(i))]
    _, alive = psutil.wait_procs(left, 1)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_a_silent_child_is_not_taken_for_an_answer(tmp_path):
    with pytest.raises(UnreadableVideo, match="broke down"):
        read_answer(tmp_path / "a.mp4", Answer(0, b"", ""))
