"""Compare with eight runs, one of which writes: what is generated, and lists of moments."""

import pytest

from app.services import library, open_studio, results
from core.types import SECOND
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import fill
from tests.app.inspected import make_answering_run
from tests.app.test_figure_files import check_picture, saved, svg_of

pytestmark = [pytest.mark.browser, pytest.mark.training]

TREE = ".br-name[data-label]"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder, tiny_folder):
    """A studio with a run that writes and seven that score, being served."""
    from app.jobs.runner import Runner

    with open_studio(tmp_path_factory.mktemp("site") / "data") as studio:
        project = fill(studio, Runner(studio, ["cpu"]), little_folder)
        kinds = ["generative", *["discriminative"] * 7]
        runs = [
            make_answering_run(studio, project, tiny_folder, seed, classifier=kind)
            for seed, kind in enumerate(kinds)
        ]
        video = next(row["id"] for row in library.table(studio, project) if row["split"] == "test")
        with serving(studio) as base:
            yield studio, video, runs, base


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site[3]) as opened:
        yield opened


def address(site, count: int, t: float = 3.10) -> str:
    return f"/compare?video={site[1]}&runs={','.join(map(str, site[2][:count]))}&t={t:.2f}"


def labels_of(branches: list[dict]) -> dict[str, float]:
    found = {}
    for branch in branches:
        found |= {branch["label"]: branch["ends"]} if branch["label"] else {}
        found |= labels_of(branch["children"])
    return found


def test_the_panel_shows_the_probabilities_that_the_route_gives(visit, site):
    page = visit.open(address(site, 2))
    page.wait_for_selector(".insp-body:not(.stale) .br", timeout=180_000)
    page.wait_for_function("document.querySelector('.cmp-now').innerText.startsWith('00:03.0')")
    asked = f"/api/inspect?run={site[2][0]}&video={site[1]}&t={int(3.1 * SECOND)}"
    found = page.request.get(visit.base + asked).json()
    shown = {
        each.get_attribute("data-label"): float(each.get_attribute("data-p") or "nan")
        for each in page.locator(TREE).all()
    }
    assert shown == pytest.approx(labels_of(found["branches"]))
    none = page.locator(".insp-none").get_attribute("data-p")
    assert float(none or "nan") == pytest.approx(found["not_a_label"])
    assert found["written"]["text"] in page.inner_text(".insp-text")
    assert found["decided"]["label"] in page.inner_text(".insp-facts")
    assert page.locator(".insp-token").count() == len(found["written"]["tokens"])
    assert page.locator(".insp-beside .cmp-bar1").count() == 4  # all classes of the other run


def test_the_tree_and_the_lanes_are_saved_as_figures(visit, site):
    page = visit.open(address(site, 2) + "&__theme=light")
    page.wait_for_selector(".insp-body:not(.stale) .br", timeout=180_000)
    size, texts = svg_of(saved(page, ".insp", "SVG")[1])
    names = {each.get_attribute("data-label") for each in page.locator(TREE).all()}
    assert names and all(any(name.split()[-1] in text for text in texts) for name in names if name)
    assert any("at 00:03.0" in text for text in texts)
    check_picture(saved(page, ".insp", "PNG")[1], size)
    page.hover(".cmp-lanes")
    size, texts = svg_of(saved(page, ".cmp-lanes", "SVG")[1])
    assert {"truth", "G", "D", "agree"} <= texts
    check_picture(saved(page, ".cmp-lanes", "PNG")[1], size)


def test_the_panel_follows_the_playhead_and_folds(visit, site):
    page = visit.open(address(site, 2))
    page.wait_for_selector(".insp-body:not(.stale) .br", timeout=180_000)
    before = page.locator(".insp-none").get_attribute("data-p")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".insp-body.stale")
    page.wait_for_selector(".insp-body:not(.stale)", timeout=60_000)
    assert page.locator(".insp-none").get_attribute("data-p") != before
    page.keyboard.press("i")
    assert page.locator(".insp-body").is_hidden()
    page.reload()
    page.wait_for_selector(".insp.folded")
    page.keyboard.press("i")
    page.wait_for_selector(".insp-body", state="visible")


def test_eight_runs_fit_on_the_screen(visit, site):
    page = visit.open(address(site, 8))
    page.wait_for_selector(".insp-body:not(.stale) .br", timeout=180_000)
    assert page.locator(".cmp-chip").count() == 8
    assert page.locator("select[aria-label='Add a run']").count() == 0
    panel, player = (page.locator(each).bounding_box() for each in (".insp", ".pl"))
    assert panel["y"] + panel["height"] <= 768 - 28
    assert player["height"] >= 100
    assert page.evaluate("document.documentElement.scrollHeight - window.innerHeight") <= 0


def moments_of(site, count: int) -> dict[str, list[int]]:
    """Where each set of moments begins, frame by frame in the plainest way."""
    studio, video, runs, _ = site
    lanes = results.compare(studio, video, runs[:count])["lanes"]
    found: dict[str, list[int]] = {}
    before = ""
    for row, time_us in enumerate(lanes[0]["time_us"]):
        right = [lane["class"][row] == lane["truth"][row] for lane in lanes]
        what = {(True, True): "all right", (False, False): "all wrong"}.get(
            tuple(right), f"only {'GD'[right.index(True)]} right" if any(right) else ""
        )
        if what != before:
            found.setdefault(what, []).append(time_us)
        before = what
    return found


def test_moments_are_listed_by_who_is_right_and_a_key_goes_through_them(visit, site):
    expected = moments_of(site, 2)
    page = visit.open(address(site, 2, 0.0))
    page.wait_for_selector(".cmp-sets option", state="attached")
    listed = page.locator(".cmp-sets option").all_inner_texts()
    assert sorted(listed) == sorted(f"{name} · {len(at)}" for name, at in expected.items())
    name, starts = max(expected.items(), key=lambda each: (len(each[1]), each[1][0] > 0))
    assert len(starts) > 1
    page.select_option(".cmp-sets", name)
    for key, at in (("Shift+S", starts[-1]), ("s", starts[0]), ("Shift+S", starts[-1])):
        page.keyboard.press(key)
        page.wait_for_function(
            "at => document.querySelector('video').currentTime - at < 0.13"
            " && document.querySelector('video').currentTime >= at",
            arg=at / SECOND,
        )
    page.keyboard.press("p")
    page.wait_for_function("!document.querySelector('video').paused")
