"""Files made from a video by a process that may crash, stand still, or be stopped."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.errors import Stopped, UnreadableVideo
from core.video import make, probe
from tests.core.video.clips import Clip

pytestmark = pytest.mark.fault


def strike(name: str, blow: signal.Signals) -> None:
    """Send a signal to the child process that works on a file, as soon as there is one."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for child in psutil.Process().children(recursive=True):
            if any(name in part for part in child.cmdline()):
                os.kill(child.pid, blow)
                return
        time.sleep(0.005)


def made(source: Path, target: Path, blow: signal.Signals, silence_s: float) -> None:
    striker = threading.Thread(target=strike, args=(source.name, blow))
    striker.start()
    try:
        make("proxy", source, target, silence_s=silence_s)
    finally:
        striker.join()


def children_at_work() -> list[psutil.Process]:
    """Return the children of this process that make something of a video."""
    found = psutil.Process().children(recursive=True)
    return [child for child in found if "core.video.making" in " ".join(child.cmdline())]


def test_a_proxy_is_made_by_a_child(clip, tmp_path):
    heard = []
    make("proxy", clip, tmp_path / "new" / "proxy.mp4", report=heard.append)
    assert probe(tmp_path / "new" / "proxy.mp4").frame_count == probe(clip).frame_count
    assert heard[-1].done == heard[-1].total
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["proxy.mp4"]


@pytest.mark.parametrize(
    ("blow", "silence_s", "rule"),
    [
        (signal.SIGSEGV, 60, "broke down on this file"),
        (signal.SIGSTOP, 2, "stand still for at most 2 s"),
    ],
)
def test_a_decoder_that_crashes_or_stands_still_is_a_sentence(
    clip, tmp_path, blow, silence_s, rule
):
    with pytest.raises(UnreadableVideo, match=f"{rule}.*'clip.mp4'"):
        made(clip, tmp_path / "out" / "proxy.mp4", blow, silence_s)
    assert list((tmp_path / "out").iterdir()) == []
    assert not children_at_work()


def test_a_making_that_is_stopped_leaves_nothing(tmp_path):
    long = replace(Clip(), times_ms=tuple(range(0, 20_000, 40))).write(tmp_path / "long.mp4")
    with pytest.raises(Stopped):
        make("proxy", long, tmp_path / "out" / "proxy.mp4", report=lambda _: True)
    assert list((tmp_path / "out").iterdir()) == []
    assert not children_at_work()


def test_what_is_no_video_is_refused_with_its_own_sentence(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(UnreadableVideo, match="not a video"):
        make("cuts", tmp_path / "text.mp4", tmp_path / "cuts.npy", {"duration_us": 1})
    assert not (tmp_path / "cuts.npy").exists()
