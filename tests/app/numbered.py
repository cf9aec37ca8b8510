"""Which number a browser shows when it is sent to a time of a video whose frames carry numbers."""

import base64
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from playwright.sync_api import Page

from tests.core.video.clips import picture

_SHOWN = """async ({url, times, offset}) => {
  const video = document.createElement('video');
  Object.assign(video, {muted: true, preload: 'auto', src: url});
  document.body.append(video);
  const once = name => new Promise((done, fail) => {
    video.addEventListener(name, done, {once: true});
    video.addEventListener('error', () => fail(new Error(video.error.message)), {once: true});
  });
  if (video.readyState < 2) await once('loadeddata');
  const canvas = Object.assign(document.createElement('canvas'), {width: 160, height: 96});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const bit = index => {
    const seen = pen.getImageData(32 * (index % 5) + 14, 48 * (index / 5 | 0) + 22, 4, 4).data;
    let sum = 0;
    for (let at = 0; at < seen.length; at += 4) sum += seen[at] + seen[at + 1] + seen[at + 2];
    return sum / 48 > 130 ? 1 << index : 0;
  };
  const found = [];
  for (const time of times) {
    // A seek to the frame that is shown already presents none.
    const presented = new Promise(done => {
      video.requestVideoFrameCallback(done);
      setTimeout(done, 400);
    });
    const arrived = once('seeked');
    video.currentTime = (time + offset) / 1e6;
    await arrived;
    await presented;
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    found.push(Array.from({length: 10}, (_, index) => bit(index)).reduce((a, b) => a | b));
  }
  video.remove();
  return found;
}"""

_CLOCK = """async id => {
  const times = await (await fetch(`/api/videos/${id}/frames`)).arrayBuffer();
  const {video} = await (await fetch(`/api/videos/${id}`)).json();
  return [Array.from(new Float64Array(times)), video.offset_us];
}"""


def write_even(path: Path, rate: Fraction, count: int, **options: str) -> Path:
    """Write a video of numbered frames at a rate that is no whole number of milliseconds."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate, options={"preset": "ultrafast", **options})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(count):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        output.mux(stream.encode())
    return path


def clock_of(page: Page, video: int) -> tuple[list[float], int]:
    """Return the start of every frame and the end, as a page hears it, and the player's offset."""
    times, offset = page.evaluate(_CLOCK, video)
    return times, offset


def middles(times: list[float]) -> list[float]:
    """Return the middle of each frame."""
    return [(start + end) / 2 for start, end in pairwise(times)]


def numbers_shown(page: Page, url: str, times_us: list[float], offset_us: int) -> list[int]:
    """Send a video to times on our clock, one after another; returns the numbers it shows there."""
    return page.evaluate(_SHOWN, {"url": url, "times": times_us, "offset": offset_us})


def as_blob(page: Page, path: Path) -> str:
    """Give a page a file that no server knows; returns its address."""
    data = base64.b64encode(path.read_bytes()).decode()
    make = "async url => URL.createObjectURL(await (await fetch(url)).blob())"
    return page.evaluate(make, f"data:video/{path.suffix[1:]};base64,{data}")
