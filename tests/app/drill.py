"""A scripted person who labels a video on the Annotate page and counts what the hands do."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, Page

from app.jobs.runner import Runner
from app.services import Studio, library, open_studio
from core.kitchen.recipes import DEMO_TASKS
from core.kitchen.render import render
from core.kitchen.scripts import Script, write_script
from core.types import SECOND
from core.video import probe, write_mp4
from storage import annotations, jobs
from storage.states import JobState
from tests.app.browser import serving, visiting
from tests.app.conftest import finish

FPS = 12
PART_S = 24.0

TWO_MINUTES = (("make tea", 7), ("make salad", 9), ("make soup", 8), ("make pancakes", 8),
               ("make tea", 8))  # fmt: skip
"""Tasks and their steps: 40 segments in five parts."""

SAVED = """() => !Studio.editor.doc.saving.unsent
  && document.querySelector('.st-saved').textContent.startsWith('saved')"""
OPENED = """() => window.Studio?.timeline?.width && Studio.editor.doc.video
  && Studio.editor.frames.count === Studio.editor.video.frame_count
  && Studio.editor.player.video.readyState > 2 && document.querySelector('.an-label')"""
"""In a page: the video can be played, its frames are known, and its labels stand there."""


@dataclass(frozen=True, slots=True, order=True)
class Done:
    """A segment, from the start of one frame to the start of another."""

    start_us: int
    end_us: int
    label: str


@dataclass(frozen=True, slots=True)
class Film:
    """A video and everything that happens in it, in order."""

    path: Path
    length_us: int
    truth: tuple[Done, ...]

    @property
    def labels(self) -> list[str]:
        """Its labels, the most frequent first: the first ten get digits."""
        counts = Counter(done.label for done in self.truth)
        return sorted(counts, key=lambda name: (-counts[name], name))


def make_film(path: Path, parts: Sequence[tuple[str, int]], seconds: float = PART_S) -> Film:
    """Render kitchen scripts one after the other: each a task in so many steps."""
    scripts = [_script(task, steps, seconds, seed) for seed, (task, steps) in enumerate(parts)]
    write_mp4(path, (frame for script in scripts for frame in render(script, FPS)), FPS)
    info = probe(path)
    edges = [int(us) for us in (*info.pts_us, info.usable_us)]
    truth = []
    for part, script in enumerate(scripts):
        for step in script.steps:
            # A frame shows an action from the first one at or after its start.
            first, last = (math.ceil(us * FPS / SECOND) for us in (step.start_us, step.end_us))
            before = part * round(seconds * FPS)
            truth.append(Done(edges[before + first], edges[before + last], step.action.name))
    return Film(path, info.usable_us, tuple(truth))


def _script(task: str, steps: int, seconds: float, seed: int) -> Script:
    drawn = (
        write_script(DEMO_TASKS[task], f"drill/{seed}/{i}", length_s=(seconds, seconds))
        for i in count()
    )
    return next(script for script in drawn if len(script.steps) == steps)


@contextmanager
def annotating(browser: Browser, data: Path, film: Film) -> Iterator[tuple[Page, Studio]]:
    """Open a film without segments on the Annotate page of a new studio."""
    with open_studio(data) as studio:
        project = library.new_project(studio, "drill")
        library.add_files(studio, project, [film.path])
        library.add_labels(studio, project, film.labels)
        finish(Runner(studio, ["cpu"]))
        with serving(studio) as base, visiting(browser, base) as visit:
            page = visit.open("/annotate")
            page.wait_for_function(OPENED, timeout=90_000)
            yield page, studio
            _settle(studio)


def _settle(studio: Studio) -> None:
    """Wait until the film's small pictures are made: a worker outlives no test."""
    waiting = [JobState.QUEUED, JobState.RUNNING]
    while jobs.list_jobs(studio.database, states=waiting, limit=1):
        time.sleep(0.1)


def stored(studio: Studio) -> tuple[Done, ...]:
    """Return what the database holds, by time."""
    (video,) = library.table(studio, 1)
    found = library.document(studio, video["id"])["segments"]
    assert len(found) == len(annotations.list_segments(studio.database, video["id"]))
    return tuple(sorted(Done(s["start_us"], s["end_us"], s["label"]) for s in found))


@dataclass
class Person:
    """Hands on a page. Whoever asks for `tremor_s` presses that much early or late (sigma)."""

    page: Page
    tremor_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    travel_px: float = 0.0
    at: tuple[float, float] = (0.0, 0.0)
    dice: Random = field(default_factory=lambda: Random("tremor"))

    # ---- hands ---------------------------------------------------------------------------------

    def press(self, key: str, times: int = 1) -> None:
        """Press a key, or keys together; each is counted."""
        for _ in range(times):
            self.counts["keys"] += key.count("+") + 1
            self.page.keyboard.press(key)

    def point(self, x: float, y: float) -> None:
        """Move the mouse somewhere in a few steps."""
        self.counts["moves"] += 1
        self.travel_px += math.dist(self.at, (x, y))
        self.page.mouse.move(x, y, steps=4)
        self.at = (x, y)

    def click(self, x: float, y: float) -> None:
        """Move somewhere and click."""
        self.point(x, y)
        self.counts["buttons"] += 2
        self.page.mouse.down()
        self.page.mouse.up()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press here, let go there."""
        self.point(*start)
        self.counts["buttons"] += 2
        self.page.mouse.down()
        self.point(*end)
        self.page.mouse.up()

    def wheel(self, notches: int) -> None:
        """Turn the wheel: downwards is positive."""
        for _ in range(abs(notches)):
            self.counts["notches"] += 1
            self.page.mouse.wheel(0, math.copysign(100, notches))

    def see(self, us: int, speed: float) -> None:
        """Wait until the playing video is at a time, and as much longer as hands are late."""
        late = self.dice.gauss(0, self.tremor_s) * speed * SECOND
        self.page.wait_for_function(
            "us => Studio.editor.player.time >= us || !Studio.editor.player.playing",
            arg=us + late - 15_000 * speed,
        )

    # ---- by keyboard -----------------------------------------------------------------------------

    def label_by_keyboard(self, film: Film, speed: float = 1.0) -> None:
        """Record while it plays, then mend the edges that are off by frames."""
        digits = dict(zip(film.labels, "1234567890", strict=False))
        self.press("Home")
        self.press("c")
        self.press("l", {1.0: 0, 1.5: 1, 2.0: 2}[speed])
        self.press("Space")
        for done, after in zip(film.truth, (*film.truth[1:], None), strict=True):
            joined = (
                after is not None
                and after.start_us == done.end_us
                and (after.label in digits and after.label != done.label)
            )
            if done.label in digits:
                self._record(done, digits, speed, joined=joined)
            else:
                self._type(done, speed)
        if self.page.evaluate("Studio.editor.player.playing"):
            self.press("Space")
        self.press("c")
        self.press("Home")
        self.page.wait_for_function("() => Studio.editor.player.frame === 0")
        for done in film.truth:
            self._mend(done)

    def _record(self, done: Done, digits: dict[str, str], speed: float, *, joined: bool) -> None:
        """A label's key begins a segment; the same key ends it, or the next one's begin."""
        self.see(done.start_us, speed)
        self.press(digits[done.label])
        self.counts["decisions"] += 2
        if not joined:
            self.see(done.end_us, speed)
            self.press(digits[done.label])
            self.counts["decisions"] += 1

    def _type(self, done: Done, speed: float) -> None:
        """Mark in and out, and find the label by its first letters while the video waits."""
        self.counts["decisions"] += 3
        self.see(done.start_us, speed)
        self.press("i")
        self.see(done.end_us, speed)
        self.press("o")
        self.press("Space")
        self.press("/")
        for letter in done.label:
            self.press("Space" if letter == " " else letter)
            if self.page.locator(".an-label.first > span").inner_text() == done.label:
                break
        self.press("Enter")
        self.press("Escape")
        self.press("Space")

    def _mend(self, done: Done) -> None:
        """Go to the next segment and move its edges by frames."""
        self.press("Tab")
        off_start, off_end = self.page.evaluate(
            """([start, end]) => {
              const {chosen: [row], frames} = Studio.editor;
              const edge = us => us >= frames.length ? frames.count : frames.index(us);
              return [edge(start) - edge(row.start_us), edge(end) - edge(row.end_us)];
            }""",
            [done.start_us, done.end_us],
        )
        self.counts["mended"] += bool(off_start) + bool(off_end)
        self.counts["decisions"] += bool(off_start) + bool(off_end)
        self.press("]" if off_start > 0 else "[", abs(off_start))
        self.press("Shift+]" if off_end > 0 else "Shift+[", abs(off_end))

    # ---- by mouse --------------------------------------------------------------------------------

    def label_by_dragging(self, film: Film, px_a_frame: float = 4.0) -> None:
        """Drag every segment on the ruler and click its label."""
        self._zoom(px_a_frame)
        for done in film.truth:
            self.counts["decisions"] += 3
            self._bring(done)
            self.drag(self._ruler(done.start_us), self._ruler(done.end_us))
            self._click_label(done.label)

    def _ruler(self, us: int) -> tuple[float, float]:
        """Where a time is on the ruler."""
        x, y = self.page.evaluate(
            """us => { const t = Studio.timeline, box = t.canvas.getBoundingClientRect();
              return [box.x + t.x(us), box.y + t.rulerTop + 10]; }""",
            us,
        )
        return round(x), round(y)

    def _zoom(self, px_a_frame: float) -> None:
        """Turn the wheel over the ruler until frames are wide enough."""
        self.point(*self._ruler(0))
        width = "() => Studio.timeline.x(Studio.editor.frames.start(1)) - Studio.timeline.x(0)"
        while (now := self.page.evaluate(width)) < px_a_frame:
            self.wheel(-1)
            self.page.wait_for_function(f"was => ({width})() > was", arg=now)

    def _bring(self, done: Done) -> None:
        """Click on the small map until a segment is in sight."""
        place = """us => { const t = Studio.timeline, box = t.canvas.getBoundingClientRect();
          const span = t.to - t.from, middle = Math.min(us - 1e5 + span / 2, t.length);
          return [box.x + t.side + middle / t.length * (t.width - t.side - 1), box.y + 8]; }"""
        seen = "([a, b]) => a >= Studio.timeline.from && b <= Studio.timeline.to"
        if not self.page.evaluate(seen, [done.start_us, done.end_us]):
            x, y = self.page.evaluate(place, done.start_us)
            self.click(round(x), round(y))

    def _click_label(self, name: str) -> None:
        """Turn the wheel over the labels until one is in sight, and click it."""
        label = self.page.locator(".an-label", has=self.page.get_by_text(name, exact=True))
        box = self.page.locator(".an-labels").bounding_box()
        assert box is not None
        while True:
            place = label.bounding_box()
            assert place is not None
            middle = place["y"] + place["height"] / 2
            below = middle - (box["y"] + box["height"])
            if box["y"] < middle and below < 0:
                break
            self.point(box["x"] + 60, box["y"] + box["height"] / 2)
            self.wheel(1 if below >= 0 else -1)
            self.page.wait_for_timeout(150)
        self.click(place["x"] + 60, middle)

    def wait(self) -> None:
        """Wait until the page calls everything saved."""
        self.page.wait_for_function(SAVED)
