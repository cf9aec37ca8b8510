"""How quick is the Annotate page with 20,000 segments? Frame times, seeks and edits in Chromium.

python -m scripts.measure_annotate [--turns 3] [--out docs/performance/annotate_20000.json]

Two videos of one film are opened in turns, in one browser: one with 20 segments, the baseline, and
one with 20,000 on five tracks. Times are taken inside the page. A frame counts as dropped for every
whole 60th of a second by which it came late. An edit is drawn when the frame after it was painted,
and saved when the foot says so.
"""

import argparse
import json
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from playwright.sync_api import CDPSession, Page

from app.jobs.runner import Runner
from app.services import Studio, library, open_studio
from storage import imports
from storage.imports import ImportBatch, NewSegment
from storage.states import SegmentSource
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import finish
from tests.app.drill import OPENED, Film, make_film

TRACKS = ("", "hands", "left hand", "objects", "overlapping")
KINDS = {"few": 20, "many": 20_000}

WATCH = """() => {
  const watch = window.watch = {frames: [], long: [], rows: []};
  new PerformanceObserver(list => watch.long.push(...list.getEntries().map(e => e.duration)))
    .observe({entryTypes: ['longtask']});
  let last = 0;
  const tick = now => {
    if (last) watch.frames.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  document.addEventListener('keydown', e => {
    const row = {key: e.key, at: e.timeStamp};
    watch.rows.push(row);
    requestAnimationFrame(() => { const {port1, port2} = new MessageChannel();
      port1.onmessage = () => { row.drawn = performance.now() - row.at; }; port2.postMessage(0); });
    Studio.editor.player.video.addEventListener('seeked',
      () => { row.seeked = performance.now() - row.at; }, {once: true});
    const foot = document.querySelector('.st-saved'), seen = new MutationObserver(() => {
      if (!foot.textContent.startsWith('saved') || Studio.editor.doc.saving.unsent) return;
      row.saved = performance.now() - row.at; seen.disconnect(); });
    seen.observe(foot, {childList: true, characterData: true, subtree: true});
  }, {capture: true});
}"""

ZOOM_AND_PAN = """seconds => new Promise(done => {
  const {timeline} = Studio, {canvas} = timeline, end = performance.now() + 1000 * seconds;
  const box = canvas.getBoundingClientRect();
  let n = 0;
  const turn = () => {
    if (performance.now() > end) { timeline.whole(); return done(n); }
    n += 1;
    const x = timeline.side + (timeline.width - timeline.side) * (.5 + .4 * Math.sin(n / 30));
    canvas.dispatchEvent(new WheelEvent('wheel', {
      bubbles: true, cancelable: true, shiftKey: n % 2 === 1,
      clientX: box.x + x, clientY: box.y + 60, deltaY: Math.sin(n / 40) > 0 ? -100 : 100,
    }));
    requestAnimationFrame(turn);
  };
  requestAnimationFrame(turn);
})"""


def make_studio(studio: Studio, folder: Path) -> dict[str, int]:
    """Make two videos of one film with few and many segments; returns them by kind."""
    project = library.new_project(studio, "dense")
    film = make_film(folder / "few.mp4", [("make tea", 7), ("make soup", 8)], seconds=20.0)
    (folder / "many.mp4").write_bytes(film.path.read_bytes())
    library.add_files(studio, project, [folder / f"{kind}.mp4" for kind in KINDS])
    finish(Runner(studio, ["cpu"]))
    ids = {Path(row["name"]).stem: row["id"] for row in library.table(studio, project)}
    labels = list(library.add_labels(studio, project, film.labels).values())
    for kind, number in KINDS.items():
        segments = _segments(film, ids[kind], labels, number)
        batch = ImportBatch(
            token=kind, source=kind, format="script", segments=segments,
            made_by=SegmentSource.SCRIPT,
        )  # fmt: skip
        imports.import_segments(studio.database, project, batch)
    return ids


def _segments(film: Film, video: int, labels: list[int], number: int) -> list[NewSegment]:
    """Return 20 segments on the first track, and tiny ones side by side on all the others."""
    dice = Random("dense")
    edges = np.linspace(0, film.length_us, 21).round().astype(int).tolist()
    found = [NewSegment(video, a, b, dice.choice(labels)) for a, b in pairwise(edges)]
    each = (number - len(found)) // (len(TRACKS) - 1)
    for track in TRACKS[1:] if each else ():
        step = film.length_us / each
        for n in range(each):
            start, long = round(n * step), step * (2.6 if track == "overlapping" else 0.9)
            end = min(film.length_us, start + max(1, round(long)))
            found.append(NewSegment(video, start, end, dice.choice(labels), track=track))
    return found


def measure(page: Page, base: str, video: int, seconds: float) -> dict[str, Any]:
    """Measure one video once."""
    page.goto(f"{base}/annotate?video={video}")
    page.wait_for_function(OPENED, timeout=90_000)
    page.wait_for_timeout(2500)  # the filmstrip comes
    opened = page.evaluate("Studio.editor.doc.rows.size")
    page.evaluate(WATCH)
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    playing = _frames(page, lambda: page.wait_for_timeout(1000 * seconds))
    page.keyboard.press("Space")
    moving = _frames(page, lambda: page.evaluate(ZOOM_AND_PAN, seconds))
    page.keyboard.press("Home")
    keys = [".", "Shift+ArrowRight", ",", "Control+ArrowRight"] * 5
    seeks = [_pressed(page, key, "seeked") for key in keys]
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    keys = ["]", "[", "2", "1", "Shift+[", "Shift+]", "Control+z", "Control+Shift+z"] * 3
    edits = [_pressed(page, key, "saved") for key in keys]
    return {
        "segments": opened,
        "playing": playing,
        "moving": moving,
        "seeks": seeks,
        "edits": edits,
    }


def _frames(page: Page, act: Any) -> dict[str, list[float]]:
    page.evaluate("() => { watch.frames.length = watch.long.length = 0; }")
    act()
    return page.evaluate("() => ({frames: [...watch.frames], long: [...watch.long]})")


def _pressed(page: Page, key: str, until: str) -> dict[str, float]:
    """Press a key and wait; returns the milliseconds from the press."""
    page.wait_for_timeout(300)
    page.keyboard.press(key)
    return page.wait_for_function(
        f"() => watch.rows.at(-1).{until} && watch.rows.at(-1).drawn && watch.rows.at(-1)"
    ).json_value()


def percentiles(values: list[float]) -> dict[str, float]:
    """Return what a list of milliseconds comes to."""
    found = np.asarray(values)
    return {f"p{p}": round(float(np.percentile(found, p)), 2) for p in (50, 95, 99)} | {
        "max": round(float(found.max()), 2),
        "n": len(values),
    }


def summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the percentiles of all turns of one video."""
    told: dict[str, Any] = {"segments": turns[0]["segments"]}
    for what in ("playing", "moving"):
        frames = [ms for turn in turns for ms in turn[what]["frames"]]
        late = [ms for turn in turns for ms in turn[what]["long"]]
        dropped = sum(max(0, round(ms * 60 / 1000) - 1) for ms in frames)
        told[what] = percentiles(frames) | {
            "dropped": dropped, "long_tasks": len(late), "longest_task": max(late, default=0),
        }  # fmt: skip
    for rows, what in (("seeks", "seeked"), ("edits", "drawn"), ("edits", "saved")):
        told[f"{rows}_{what}"] = percentiles(
            [r[what] for turn in turns for r in turn[rows] if what in r]
        )
    return told


def profile(client: CDPSession, act: Any, shown: int = 25) -> list[str]:
    """Return where the page's time goes: self time of functions."""
    client.send("Profiler.enable")
    client.send("Profiler.start")
    act()
    found = client.send("Profiler.stop")["profile"]
    nodes = {node["id"]: node["callFrame"] for node in found["nodes"]}
    spent: dict[str, float] = {}
    for node, us in zip(found["samples"], found["timeDeltas"], strict=True):
        frame = nodes[node]
        place = f"{Path(frame['url']).name}:{frame['lineNumber'] + 1}"
        name = f"{frame['functionName'] or '(anonymous)'} {place}"
        spent[name] = spent.get(name, 0) + us / 1000
    return [f"{ms:9.1f} ms {n}" for n, ms in sorted(spent.items(), key=lambda i: -i[1])[:shown]]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--profile", action="store_true", help="show where the time goes, only")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as place,
        open_studio(Path(place) / "data") as studio,
        chromium() as browser,
    ):
        ids = make_studio(studio, Path(place))
        with serving(studio) as base, visiting(browser, base) as visit:
            if options.profile:
                client = visit.page.context.new_cdp_session(visit.page)
                told = profile(
                    client, lambda: measure(visit.page, base, ids["many"], options.seconds)
                )
                print("\n".join(told))  # noqa: T201
                return
            load = [os.getloadavg()[0]]
            turns: dict[str, list[Any]] = {kind: [] for kind in KINDS}
            for _ in range(options.turns):
                for kind in KINDS:
                    turns[kind].append(measure(visit.page, base, ids[kind], options.seconds))
            load.append(os.getloadavg()[0])
    told = {kind: summary(each) for kind, each in turns.items()}
    ratios = {
        what: round(told["many"][what]["p50"] / told["few"][what]["p50"], 2)
        for what in told["few"]
        if what != "segments"
    }
    report = {"cores": os.cpu_count(), "load": load, "ratios of p50": ratios, **told}
    text = json.dumps(report, indent=1)
    print(text)  # noqa: T201
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
