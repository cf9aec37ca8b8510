"""Videos: what a file holds, frames at given times, proxies for the browser, new files."""

from core.video.files import content_hash
from core.video.frames import Sample, frame_at, sample, thumbnail
from core.video.info import Limits, VideoInfo
from core.video.probe import look, probe
from core.video.proxy import make_proxy
from core.video.watched import make
from core.video.writing import write_mp4

__all__ = [
    "Limits",
    "Sample",
    "VideoInfo",
    "content_hash",
    "frame_at",
    "look",
    "make",
    "make_proxy",
    "probe",
    "sample",
    "thumbnail",
    "write_mp4",
]
