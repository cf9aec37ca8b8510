"""Jobs on media: render the demo's videos, look at files, make what players and timelines show."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from app.jobs.worker import JobContext
from app.services.frame_times import keep_frame_times
from core import video
from core.errors import DecoderFailed, Stopped, UnreadableVideo
from core.kitchen.demo import FPS, demo_path, demo_scripts
from core.kitchen.render import render as render_frames
from core.types import Progress
from core.video.watched import Task
from storage.artifacts import write_bytes

_THUMBNAIL = 320


def _render_one(folder: Path, index: int) -> int:
    """Render one demo video unless it is there already."""
    script, _ = demo_scripts()[index]
    path = demo_path(folder, script)
    if not path.exists():
        video.write_mp4(path, render_frames(script, FPS), FPS)
    return index


def render(context: JobContext) -> dict[str, Any]:
    """Render the demo project's videos; each is announced and looked at when it is whole."""
    folder = Path(context.spec["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    plan = demo_scripts()
    # Test videos first: they are what Compare shows.
    order = sorted(range(len(plan)), key=lambda i: ("test", "val", "train").index(plan[i][1]))
    # One more than there are cores, so that on two the first three come together.
    workers = min(4, (os.cpu_count() or 1) + 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_render_one, folder, index) for index in order]
        for done, future in enumerate(as_completed(waiting), start=1):
            script, _ = plan[future.result()]
            _look_at(context, demo_path(folder, script), context.spec["videos"][script.name])
            if context.report(Progress(done, len(plan), f"rendered {script.name}")):
                pool.shutdown(cancel_futures=True)
                raise Stopped("The rendering")
    return {"videos": len(plan)}


def probe_videos(context: JobContext) -> dict[str, Any]:
    """Look at added files: times, health, thumbnail. A bad file is a fact, not a fault."""
    todo = context.spec["videos"]
    for done, item in enumerate(_each(context, todo), start=1):
        _look_at(context, Path(item["path"]), item["id"])
        context.report(Progress(done, len(todo), f"looked at {Path(item['path']).name}"))
    return {"videos": len(todo)}


def _each(context: JobContext, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        if context.stopping:
            raise Stopped("Looking at the files")
        yield item


def make_proxy(context: JobContext) -> dict[str, Any]:
    """Make a copy that browsers play; the original stays as it is."""
    return _make(context, "proxy")


def make_strip(context: JobContext) -> dict[str, Any]:
    """Make the small pictures that a timeline shows."""
    return _make(context, "strip", "duration_us", "grid")


def find_cuts(context: JobContext) -> dict[str, Any]:
    """Find where new shots begin."""
    return _make(context, "cuts", "duration_us")


def _make(context: JobContext, task: Task, *options: str) -> dict[str, Any]:
    """Make a file from a video; where that breaks the decoder, the video is put aside."""
    spec = context.spec
    source, target = Path(spec["source"]), Path(spec["target"])
    given = {name: spec[name] for name in options}
    try:
        video.make(task, source, target, given, report=context.report)
    except DecoderFailed as error:
        context.emit("unreadable", id=spec["video"], path=str(source), **error.as_json())
        raise
    return {}


def _look_at(context: JobContext, path: Path, video_id: int) -> None:
    """Emit what a file is, and keep a thumbnail of its middle."""
    try:
        info, thumbnail = video.look(path, width=_THUMBNAIL)
    except UnreadableVideo as error:
        context.emit("unreadable", id=video_id, path=str(path), **error.as_json())
        return
    picture = Path(context.spec["thumbs"]) / f"{info.content_hash}.jpg"
    if thumbnail and not picture.exists():
        write_bytes(picture, thumbnail)
    if derived := context.spec.get("derived"):  # a job of an earlier version names no such folder
        keep_frame_times(Path(derived), info)
    values = info.as_json()
    values.pop("pts_us")  # long, and just kept
    context.emit("probed", id=video_id, path=str(path), info=values)
