"""The embedding map on the page Analyse: real clips, made-up embeddings, a real browser."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.services import library as services
from core.types import grid_us
from storage import library
from storage.annotations import list_segments
from tests.app.annotating import Desk, browser as browser, desk as desk, site as site, tab as tab
from tests.app.predicted import finished_run, one_hot, predict
from tests.app.test_figure_files import check_picture, saved, svg_of

pytestmark = [pytest.mark.browser]

SPANS = {
    "even": [("stir tea" if k % 2 else "cut bread", 20 * k + 4, 20 * k + 16) for k in range(10)],
    "uneven": [("cut bread", 4, 14), ("stir tea", 24, 34), ("cut bread", 44, 54)],
}
KNOWN = ("cut bread", "stir tea")
RATE = 10.0


class MapDesk:
    """A person at the map of two runs."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page, self.database = desk, desk.page, desk.site.studio.database
        self.ids: dict[str, list[str]] = {}
        for name, spans in SPANS.items():
            desk.name = name
            desk.__dict__.pop("starts", None)
            self.ids[name] = desk.lay(*spans)
        videos = list(desk.videos.values())
        services.set_splits(desk.site.studio, desk.project, videos, "test")
        self.runs = [self._run(seed) for seed in (0, 1)]

    def _run(self, seed: int) -> int:
        """Make a run whose embeddings are random; it calls every segment the first label."""
        studio, rng = self.desk.site.studio, np.random.default_rng(seed)
        run = finished_run(studio, self.desk.project, KNOWN, rate=RATE)
        for video in self.desk.videos.values():
            row = library.video_by_id(self.database, video)
            times = grid_us(row.duration_us or 0, RATE)
            vectors = rng.standard_normal((len(times), 6))
            log_p = one_hot([1] * len(times), 3)
            predict(studio, run, row, log_p, rate=RATE, embedding=vectors)
        return run

    def open(self, **query: object) -> "MapDesk":
        words = {"project": self.desk.project, "runs": ",".join(map(str, self.runs)),
                 "panel": "map", "method": "pca", **query}  # fmt: skip
        address = "&".join(f"{key}={value}" for key, value in words.items())
        self.desk.visit.open(f"/analyse?{address}")
        self.page.wait_for_selector(".map-figures b", timeout=60_000)
        return self

    def js(self, expression: str, arg: object = None) -> Any:
        script = "([arg, text]) => { const map = document.querySelector('#panel-map').map;"
        return self.page.evaluate(f"{script} return {expression}; }}", [arg, ""])

    def until(self, expression: str) -> None:
        script = "() => { const map = document.querySelector('#panel-map')?.map;"
        self.page.wait_for_function(f"{script} return {expression}; }}", polling=30)

    def point(self, number: int, picture: int = 0) -> tuple[float, float]:
        """Return where a point is on the screen."""
        x, y = self.js(
            "(s => { const box = s.top.getBoundingClientRect();"
            " return [box.x + s.px(arg[0]), box.y + s.py(arg[0])]; })(map.scatters()[arg[1]])",
            [number, picture],
        )
        return x, y

    def lasso(self, numbers: list[int]) -> "MapDesk":
        """Draw around one point, or around the whole picture; these points are chosen."""
        box = self.page.locator(".map-canvas").first.bounding_box()
        assert box is not None
        around = [(2, 2), (box["width"] - 2, 2), (box["width"] - 2, box["height"] - 2),
                  (2, box["height"] - 2)]  # fmt: skip
        corners = [(box["x"] + dx, box["y"] + dy) for dx, dy in around]
        if len(numbers) == 1:
            x, y = self.point(numbers[0])
            corners = [(x - 5, y - 5), (x + 5, y - 5), (x + 5, y + 5), (x - 5, y + 5)]
        self.page.keyboard.down("Shift")
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=3)
        self.page.mouse.up()
        self.page.keyboard.up("Shift")
        self.until(f"map.chosen().length === {len(numbers)}")
        return self

    def labels(self) -> dict[str, int | None]:
        """The label of every segment in the database."""
        return {
            each.id: each.label_id
            for video in self.desk.videos.values()
            for each in list_segments(self.database, video)
        }


@pytest.fixture
def at_map(desk: Desk) -> Iterator[MapDesk]:
    yield MapDesk(desk)


def test_a_click_on_a_point_plays_exactly_its_segment(at_map):
    at_map.open()
    segment = at_map.js("map.data().points.segment[4]")
    assert segment == at_map.ids["even"][4]  # 84 to 96 of 25 frames a second
    at_map.page.evaluate(
        "() => { window.seen = []; const v = document.querySelector('.ana-side video');"
        " const look = (_, m) => { if (!v.paused) seen.push(m.mediaTime);"
        " v.requestVideoFrameCallback(look); }; v.requestVideoFrameCallback(look); }"
    )
    at_map.page.mouse.click(*at_map.point(4))
    at_map.page.wait_for_function(
        "() => { const v = document.querySelector('.ana-side video');"
        " return v.paused && !v.seeking && seen.length && v.currentTime > 95 / 25; }",
        polling=30,
    )
    shown = at_map.page.evaluate("[...seen, document.querySelector('.ana-side video').currentTime]")
    frames = [int(time * 25 + 0.01) for time in shown]
    assert frames[-1] == 95 and min(frames[1:]) >= 84
    assert max(frames) <= 96  # the browser may show one more before it is stopped
    assert "00:03.36 – 00:03.84" in at_map.page.inner_text(".ana-clip")


def test_what_is_pointed_at_or_chosen_in_one_picture_is_so_in_all(at_map):
    at_map.open()
    at_map.page.mouse.move(*at_map.point(2, picture=1))
    at_map.until("map.marked().join() === '2,2'")
    at_map.page.wait_for_selector(".map-film:not([hidden])")
    tip = at_map.page.inner_text(".map-tip")
    assert "cut bread" in tip and "even.mp4" in tip and "00:01.76 – 00:02.24" in tip
    tile = int(at_map.page.get_attribute(".map-film", "data-tile"))
    strip = at_map.page.evaluate(f"fetch('/api/videos/{at_map.desk.videos['even']}/strip')"
                                 ".then(r => r.json())")  # fmt: skip
    assert 44 / 200 - 1 / strip["count"] <= tile / strip["count"] <= 56 / 200
    at_map.lasso([7])
    assert at_map.js("map.scatters().map(s => [...s.chosen].join())") == ["7", "7"]
    at_map.page.keyboard.press("Escape")
    assert at_map.js("map.scatters().map(s => s.chosen)") == [None, None]


def test_a_lasso_is_relabelled_and_undone_in_the_database(at_map):
    before = at_map.labels()
    at_map.open().lasso(list(range(13)))
    assert at_map.page.inner_text(".ana-side h2") == "13 chosen"
    assert at_map.page.locator(".ana-clips li").count() == 13
    at_map.page.select_option("select[aria-label='New label']", label="stir tea")
    at_map.page.click(".map-actions button.main")
    at_map.page.wait_for_selector("text=Undo: 7 segments relabelled")
    stir = at_map.desk.label("stir tea")
    assert set(at_map.labels().values()) == {stir}
    at_map.until("map.data().names.includes('cut bread') && map.data().points.label"
                 ".every(n => map.data().names[n] === 'stir tea')")  # fmt: skip
    assert len(at_map.js("map.chosen()")) == 13  # the same segments, though the map is a new one
    at_map.page.click("text=Undo: 7 segments relabelled")
    at_map.until("new Set(map.data().points.label).size === 2")
    assert at_map.labels() == before
    undone = at_map.page.evaluate(
        f"fetch('/api/videos/{at_map.desk.videos['even']}/annotations').then(r => r.json())"
    )
    assert undone["redo"][-1]["name"] == "relabel"  # Annotate can redo it


def test_the_figures_on_the_page_are_those_of_the_route(at_map):
    at_map.open()
    told = at_map.page.evaluate(
        f"fetch('/api/projects/{at_map.desk.project}/map?runs={','.join(map(str, at_map.runs))}"
        "&split=test&method=pca').then(r => r.json())"
    )
    for at, run in enumerate(told["runs"]):
        assert at_map.js("[...map.scatters()[arg].x]", at) == pytest.approx(run["x"], rel=1e-6)
        for key, figure in run["figures"].items():
            if not isinstance(figure, dict):
                continue
            shown = at_map.page.locator(f".map-card >> nth={at} >> [data-figure={key}]")
            value, digits = figure["value"], 2 if key == "silhouette" else 1
            text = shown.locator("b").inner_text().replace("−", "-").removesuffix(" %")
            assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits)
            low, high = shown.locator(".map-interval").inner_text().replace("−", "-").split(" to ")
            assert float(low) == pytest.approx(figure["low"], abs=0.51 * 10**-digits)
            assert float(high) == pytest.approx(figure["high"], abs=0.51 * 10**-digits)


def test_what_the_legend_hides_is_not_chosen_and_colours_follow(at_map):
    at_map.open()
    at_map.page.click(".map-legend button:has-text('stir tea')")
    stirred = at_map.js("map.data().points.label.map(n => map.data().names[n] === 'stir tea')")
    at_map.lasso([number for number, hidden in enumerate(stirred) if not hidden])
    assert not any(stirred[number] for number in at_map.js("map.chosen()"))
    at_map.page.select_option("select[aria-label='Colour by']", f"run:{at_map.runs[0]}")
    legend = at_map.page.locator(".map-legend button").all_inner_texts()
    assert [" ".join(each.split()) for each in legend] == ["right 7", "wrong 6"]
    assert f"colour=run%3A{at_map.runs[0]}" in at_map.page.url


def test_what_is_chosen_becomes_a_table_and_the_first_opens_in_annotate(at_map, tmp_path: Path):
    at_map.open().lasso([4])
    with at_map.page.expect_download() as download:
        at_map.page.click("text=Save as CSV")
    download.value.save_as(tmp_path / "segments.csv")
    with (tmp_path / "segments.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["segment"] == at_map.ids["even"][4] and row["label"] == "cut bread"
    assert (float(row["start"]), float(row["end"])) == (3.36, 3.84)
    at_map.page.click("text=To the labelling queue")
    at_map.page.wait_for_url("**/annotate?*")
    assert f"video={at_map.desk.videos['even']}&t=3.36" in at_map.page.url
    at_map.page.wait_for_selector(".an-help .an-item")


def test_several_that_are_chosen_are_a_list_to_work_through_in_annotate(at_map):
    at_map.open().lasso(list(range(13)))
    at_map.page.click("text=To the labelling queue")
    at_map.page.wait_for_selector(".an-help .an-item:nth-child(13)")
    assert at_map.page.input_value("select[aria-label=List]") == "chosen"
    at_map.page.wait_for_function("() => window.Studio.editor?.doc.rows?.size")
    at_map.page.locator(".an-help .an-item").nth(4).click()
    chosen = at_map.ids["even"][4]
    picked = "id => Studio.editor.selected.has(id)"
    at_map.page.wait_for_function(picked, arg=chosen, timeout=60_000)
    at_map.page.keyboard.press("q")
    at_map.page.wait_for_function(picked, arg=at_map.ids["even"][5])


def test_a_verb_that_is_chosen_is_in_the_address_and_all_of_it_is_shown(at_map):
    at_map.open(verb="cut")
    assert at_map.js("map.data().points.segment.length") == 7
    assert at_map.page.input_value("select[aria-label=Verb]") == "cut"
    at_map.page.select_option("select[aria-label=Verb]", "")
    at_map.until("map.data().points.segment.length === 13")
    assert "verb=" not in at_map.page.url


def test_a_link_to_the_map_opens_what_was_played_chosen_and_hidden(at_map):
    page = at_map.open().page
    at_map.lasso(list(range(13)))
    page.mouse.click(*at_map.point(4))
    page.wait_for_selector(".ana-clip:has-text('00:03.36')")
    page.select_option("select[aria-label='Colour by']", "verb")
    page.click(".map-legend button:has-text('stir')")
    page.reload()
    page.wait_for_selector(".map-figures b")
    at_map.until("map.chosen().length === 13 && map.marked().join() === '4,4'")
    assert page.input_value("select[aria-label='Colour by']") == "verb"
    assert page.locator(".map-legend button[aria-pressed=false]").inner_text().startswith("stir")
    assert page.inner_text(".ana-side h2") == "13 chosen"
    page.wait_for_selector(".ana-clip:has-text('00:03.36')")


def test_a_picture_of_the_map_is_saved_with_its_legend(at_map):
    page = at_map.open().page
    name, drawing = saved(page, ".map-card", "SVG")
    size, texts = svg_of(drawing)
    assert {"Segments by PCA", *KNOWN} <= texts and name.startswith("segments-by-pca-")
    circles = drawing.read_text().count("a4 4 0 1 0 -8 0")
    assert circles == len(at_map.js("map.data().points.segment")) == 13
    check_picture(saved(page, ".map-card", "PNG")[1], size)


def test_a_click_shows_the_nearest_in_the_embeddings_of_its_run_and_they_play(at_map):
    at_map.open()
    at_map.page.mouse.click(*at_map.point(4, picture=1))
    cards = at_map.page.locator(".map-nearest")
    cards.first.wait_for()
    shown = cards.evaluate_all("cards => cards.map(card => card.dataset.segment)")
    near = at_map.js("map.data().runs[1].near[4]")
    assert shown == [at_map.js("map.data().points.segment[arg]", n) for n in near]
    said = [text.split()[-1] for text in cards.all_inner_texts()]
    alike = at_map.js("map.data().runs[1].alike[4]")
    assert [float(each) for each in said] == pytest.approx(alike, abs=0.0051)
    cards.nth(2).click()
    at_map.until(f"map.marked().join() === '{near[2]},{near[2]}'")
    start = at_map.js("map.data().points.start_us[arg]", near[2])
    at_map.page.wait_for_selector(f".ana-clip :text('00:0{start // 1_000_000}.')")
    at_map.page.keyboard.press("Escape")
    at_map.page.wait_for_selector(".map-near", state="hidden")


def test_segments_that_came_later_are_hollow_until_a_new_map_is_made(at_map):
    at_map.open()
    before = at_map.js("[...map.scatters()[0].x]")
    (new,) = at_map.desk.lay(("stir tea", 58, 62))
    at_map.open()
    number = at_map.js("map.data().points.segment.indexOf(arg)", new)
    assert at_map.js("map.scatters().map(s => [...s.later].indexOf(1))") == [number, number]
    stay = at_map.js("[...map.scatters()[0].x].filter((_, i) => i !== arg)", number)
    assert stay == before
    told = at_map.page.locator(".map-later").first
    assert told.inner_text() == "1 placed later (hollow)"
    assert told.get_attribute("title").endswith("projected by its axes, exactly")
    at_map.page.locator("text=New map").first.click()
    at_map.until("map.data().runs.every(run => !run.later.length)")
    assert not at_map.page.locator(".map-later").first.is_visible()
