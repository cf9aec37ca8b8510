"""A person at the Annotate page: real clips, a served studio, a tab, and what stands where."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from app.services import Studio, film, library as services, open_studio, preferences
from app.services.frame_times import keep_frame_times, shown_us
from core.video import VideoInfo, probe, thumbnail, write_mp4
from core.video.cuts import shot_cuts
from core.video.strip import Grid, filmstrip
from storage import annotations, jobs, library
from storage.annotations import SegmentEdit
from storage.states import StopRequest
from tests.app.browser import Visit, chromium, serving, visiting
from tests.core.video.clips import Clip

FPS, FRAMES = 25, 200
"""Of the even clip: eight seconds."""

CUTS = (50, 125)
"""Its first frames of new shots."""

UNEVEN = Clip(
    times_ms=tuple(np.cumsum([0, *[40, 20, 73, 40, 110, 33, 27, 60] * 8]).tolist()),
    options={"g": "10", "bf": "0"},
)
"""A clip of 65 frames whose gaps run from 20 to 110 ms, which browsers play as it is."""

LABELS = ("stir tea", "cut bread", "open fridge", "pour milk", "wash hands", "spread butter")

KEPT = ("id", "start_us", "end_us", "label_id", "version", "track", "kind", "source", "confidence",
        "note", "parent_id")  # fmt: skip
"""What the page and the database must say alike of a segment."""

KEYS: dict[str, tuple[str, ...]] = {
    "play": ("Space", "k"), "once": ("Shift+Space",), "loop": ("r",), "slower": ("j",),
    "faster": ("l",), "back": (",", "ArrowLeft"), "on": (".", "ArrowRight"),
    "bigback": ("Shift+ArrowLeft",), "bigon": ("Shift+ArrowRight",),
    "secondback": ("Ctrl+ArrowLeft",), "secondon": ("Ctrl+ArrowRight",), "start": ("Home",),
    "end": ("End",), "goto": ("g",),
    "into": ("i",), "out": ("o",), "create": ("Enter",), "extend": ("e",), "gap": ("f",),
    "point": ("t",), "ignore": ("Shift+i",), "contiguous": ("c",),
    "search": ("/",), "split": ("s",), "merge": ("m",), "startback": ("[",), "starton": ("]",),
    "endback": ("{", "Shift+["), "endon": ("}", "Shift+]"), "snapping": ("v",),
    "snap": ("Shift+v",), "nest": ("u",), "unnest": ("Shift+u",), "note": ("w",),
    "remove": ("Delete", "Backspace"), "undo": ("Ctrl+z",), "redo": ("Ctrl+Shift+z", "Ctrl+y"),
    "save": ("Ctrl+s",),
    "next": ("Tab",), "previous": ("Shift+Tab",), "up": ("ArrowUp",), "down": ("ArrowDown",),
    "all": ("Ctrl+a",), "clear": ("Escape",), "zoom": ("z",), "whole": ("Shift+z",),
    "in": ("+", "="), "outwards": ("-",),
    "nextproposal": ("n",), "previousproposal": ("p",), "accept": ("a",), "reject": ("x",),
    "above": ("Shift+a",), "nextitem": ("q",), "lastitem": ("Shift+q",), "fix": ("y",),
    "sheet": ("?",),
}  # fmt: skip
"""The default key map: what the help says, and what people's fingers know."""

Span = tuple[str, int, int]
"""The label of a segment, its first frame, and the frame at which it ends."""


def scenes() -> Iterator[np.ndarray]:
    """Yield the pictures of the even clip: three shots of plain colours."""
    rng = np.random.default_rng(0)
    for index in range(FRAMES):
        colour = ((200, 60, 40), (40, 70, 190), (60, 170, 80))[sum(index >= cut for cut in CUTS)]
        noisy = np.full((36, 64, 3), colour, np.int16) + rng.integers(-9, 9, (36, 64, 3))
        yield noisy.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Site:
    """A served studio, and the clips of every project in it, looked at already."""

    studio: Studio
    base: str
    clips: dict[Path, VideoInfo]

    def project(self, labels: tuple[str, ...] = LABELS) -> tuple[int, dict[str, int]]:
        """Make a project of the clips; returns it and its videos by their names."""
        number = services.new_project(self.studio, uuid.uuid4().hex)
        services.add_labels(self.studio, number, labels)
        folder = next(iter(self.clips)).parent
        added = library.add_videos(self.studio.database, number, folder=folder, paths=self.clips)
        for video, (path, info) in zip(added.new, self.clips.items(), strict=True):
            services.record_look(self.studio, video, path, info.as_json())
        return number, dict(zip((path.stem for path in self.clips), added.new, strict=True))


@contextmanager
def annotate_site(folder: Path) -> Iterator[Site]:
    """Write the clips, prepare all that players and timelines ask for, and serve a studio."""
    clips = folder / "clips"
    clips.mkdir()
    write_mp4(clips / "even.mp4", scenes(), FPS)
    UNEVEN.write(clips / "uneven.mp4")
    with open_studio(folder / "data") as studio:
        looked = {path: probe(path) for path in sorted(clips.iterdir())}
        for path, info in looked.items():
            keep_frame_times(studio.directory.derived, info)
            picture = studio.directory.thumbs / f"{info.content_hash}.jpg"
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_bytes(thumbnail(path, 0, width=320))
        site = Site(studio, "", looked)
        _prepare(site)
        with serving(studio) as base:
            yield Site(studio, base, looked)


def _prepare(site: Site) -> None:
    """Make filmstrips and shot cuts here: jobs of their own take seconds each."""
    number, videos = site.project()
    for video in videos.values():
        film.strip(site.studio, video)
        film.cuts(site.studio, video)
    for job in jobs.list_jobs(site.studio.database, number):
        spec: Any = job.spec
        source, target, length = Path(spec["source"]), Path(spec["target"]), spec["duration_us"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if job.kind == "strip":
            target.write_bytes(filmstrip(source, length, Grid(**spec["grid"])))
        else:
            np.save(target, shot_cuts(source, length))
        jobs.request_stop(site.studio.database, job.id, StopRequest.KEEP)


READY = """frames => {
  const ed = window.Studio?.editor, video = document.querySelector('.pl video');
  return ed?.doc.video && ed.frames.count === frames && video.readyState >= 2 && !video.seeking
    && Studio.timeline.strip && Studio.timeline.length === ed.length
    && document.querySelector('.an-help .an-item');
}"""

STANDS = """() => {
  const {saving} = Studio.editor.doc;
  return !saving.unsent && !saving.sending;
}"""


@dataclass
class Desk:
    """One tab on one video of a project of its own."""

    site: Site
    visit: Visit
    project: int
    videos: dict[str, int]
    name: str = "even"

    @property
    def page(self) -> Page:
        return self.visit.page

    @property
    def video(self) -> int:
        return self.videos[self.name]

    @cached_property
    def starts(self) -> list[int]:
        """When the frames start, and the end of the last, in microseconds."""
        row = library.video_by_id(self.site.studio.database, self.video)
        return shown_us(self.site.studio, row).tolist()

    # ---- before the page -------------------------------------------------------------------------

    def lay(self, *spans: Span, **more: Any) -> list[str]:
        """Store segments, as if labelled on another day; returns their ids."""
        edits = [
            SegmentEdit(id=str(uuid.uuid4()), start_us=self.starts[first], end_us=self.starts[end],
                        label_id=self.label(name), **more)
            for name, first, end in spans
        ]  # fmt: skip
        annotations.save_segments(self.site.studio.database, self.video, edits)
        return [edit.id for edit in edits]

    def label(self, name: str) -> int:
        return self.labels[name]

    @cached_property
    def labels(self) -> dict[str, int]:
        return services.add_labels(self.site.studio, self.project, LABELS)

    def open(self, **query: object) -> "Desk":
        """Open the page and wait until the clip can be played and its frames are known."""
        words = {"project": self.project, "video": self.video, **query}
        self.visit.open("/annotate?" + "&".join(f"{key}={value}" for key, value in words.items()))
        return self.ready()

    def ready(self) -> "Desk":
        self.page.wait_for_function(READY, arg=len(self.starts) - 1, polling=30)
        return self

    # ---- doing -----------------------------------------------------------------------------------

    def js(self, expression: str, arg: object = None) -> Any:
        return self.page.evaluate(expression, arg)

    def until(self, expression: str, arg: object = None) -> None:
        self.page.wait_for_function(expression, arg=arg, polling=20)

    def do(self, action: str, which: int = 0) -> "Desk":
        """Press one of an action's keys."""
        return self.press(KEYS[action][which])

    def press(self, *keys: str) -> "Desk":
        for key in keys:
            self.page.keyboard.press(key.replace("Ctrl", "Control"))
        return self

    def at(self, frame: int) -> "Desk":
        """Put the playhead on a frame and wait until it is on the screen."""
        self.js("n => { Studio.editor.player.pause(); Studio.editor.player.show(n); }", frame)
        return self.shows(frame)

    def shows(self, frame: int) -> "Desk":
        self.until(
            "n => { const p = Studio.editor.player;"
            " return !p.video.seeking && !p.playing && p.frame === n; }", frame,
        )  # fmt: skip
        return self

    # ---- what stands -----------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """The live segments of the page, by time."""
        return self.js(
            "Studio.editor.doc.live.sort((a, b) => a.start_us - b.start_us || a.end_us - b.end_us"
            " || (a.id < b.id ? -1 : 1))"
        )

    def saved(self) -> list[dict[str, Any]]:
        """Wait until the page says that all is saved; the page and the database say the same."""
        self.until(STANDS)
        shown = [{key: row[key] for key in KEPT} for row in self.rows()]
        stored = annotations.list_segments(self.site.studio.database, self.video)
        assert shown == [{key: getattr(row, key) for key in KEPT} for row in stored]
        return shown

    def spans(self, track: str | None = None) -> list[Span]:
        """What is saved, in frames; every edge stands at the start of a frame."""
        names = {number: name for name, number in self.labels.items()} | {None: "ignored"}
        return [
            (names[row["label_id"]], self.frame_of(row["start_us"]), self.frame_of(row["end_us"]))
            for row in self.saved()
            if track is None or row["track"] == track
        ]

    def frame_of(self, us: int) -> int:
        return self.starts.index(us)

    def chosen(self) -> list[str]:
        return self.js("[...Studio.editor.selected]")

    def said(self) -> str:
        """What the page says in passing."""
        return " ".join(self.page.locator(".st-toast").all_inner_texts())

    def foot(self) -> str:
        return self.page.inner_text(".st-saved")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with annotate_site(tmp_path_factory.mktemp("annotate")) as served:
        yield served


@pytest.fixture(scope="module")
def tab(browser: Browser, site: Site) -> Iterator[Visit]:
    """One tab for a module: what the browser has fetched once, it has."""
    with visiting(browser, site.base) as visit:
        visit.page.set_default_timeout(15_000)
        yield visit


@pytest.fixture
def desk(tab: Visit, site: Site) -> Iterator[Desk]:
    """A fresh project in the tab; afterwards nothing has failed in it."""
    preferences.store(site.studio, {})
    project, videos = site.project()
    yield Desk(site, tab, project, videos)
    tab.page.goto("about:blank")
    faults, tab.faults[:] = tab.faults[:], []
    assert faults == [], faults
