"""The panel Runs in a real browser: notes, putting away, two runs beside each other."""

import re

import pytest

from app.services import open_studio
from tests.app import trained
from tests.app.analysed import add_run
from tests.app.browser import chromium, serving, visiting

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder):
    folder = tmp_path_factory.mktemp("runs")
    with open_studio(folder / "data") as studio:
        project, runs = trained.make(studio, little_folder, folder / "labels.csv")
        runs.append(add_run(studio, project, []))
        with serving(studio) as base:
            address = f"/analyse?project={project}&runs={runs[0]},{runs[1]}&panel=runs"
            yield address, base, project, runs


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site[1]) as opened:
        yield opened


def shown(visit, site):
    page = visit.open(site[0])
    page.wait_for_selector(".runs-two .ana-plot .main-svg")
    return page


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panel_stands_without_a_fault(browser, site, theme, size):
    with visiting(browser, site[1], size=size) as visit:
        page = visit.open(site[0] + f"&__theme={theme}")
        page.wait_for_selector(".runs-two .ana-plot .main-svg")
        wider = "document.documentElement.scrollWidth > innerWidth"
        inside = "(p => p.scrollWidth > p.clientWidth)(document.querySelector('#panel-runs'))"
        assert not any(page.evaluate(over) for over in (wider, inside))
        assert not re.search(r"\b(null|undefined|NaN)\b", page.inner_text(".st-page"))


def test_a_note_and_tags_are_kept_and_found(visit, site):
    page = shown(visit, site)
    page.fill("[aria-label='note of nano-2']", "for the paper")
    page.fill("[aria-label='tags of nano-2']", "base, second")
    page.keyboard.press("Enter")
    page.wait_for_selector(".st-toast:has-text('Saved')")
    page.wait_for_load_state("networkidle")
    page.reload()
    page.wait_for_selector(".runs-table tbody tr")
    assert page.input_value("[aria-label='note of nano-2']") == "for the paper"
    assert page.input_value("[aria-label='tags of nano-2']") == "base, second"
    page.fill("[aria-label='Filter runs']", "paper")
    assert page.locator(".runs-table tbody tr").count() == 1


def test_an_archived_run_is_hidden_until_asked_for_and_comes_back(visit, site):
    page = shown(visit, site)
    rows = page.locator(".runs-table tbody tr")
    page.click("[aria-label='Archive nano-3']")
    page.wait_for_function("document.querySelectorAll('.runs-table tbody tr').length === 2")
    assert page.locator(".ana-chips option", has_text="nano-3").count() == 0
    page.check("text=archived ones too")
    assert rows.count() == 3
    page.click("[aria-label='Bring back nano-3']")
    page.wait_for_selector("[aria-label='Archive nano-3']")
    assert page.locator(".ana-chips option", has_text="nano-3").count() == 1


def test_a_column_sorts_and_sorts_back(visit, site):
    page = shown(visit, site)
    order = [r.split("\n")[0] for r in page.locator(".runs-table tbody tr").all_inner_texts()]
    page.click(".runs-table th button >> text=Run")
    down = [r.split("\n")[0] for r in page.locator(".runs-table tbody tr").all_inner_texts()]
    page.click(".runs-table th button >> text=Run")
    up = [r.split("\n")[0] for r in page.locator(".runs-table tbody tr").all_inner_texts()]
    assert down == up[::-1] == order[::-1]


def test_two_runs_tell_what_differs_and_a_segment_plays(visit, site):
    page = shown(visit, site)
    query = f"first={site[3][0]}&second={site[3][1]}"
    change = page.request.get(f"{site[1]}/api/projects/{site[2]}/accuracy-change?{query}").json()
    why = page.locator(".ana-card", has_text="Why did accuracy change?")
    points = [row.locator("td").first.inner_text() for row in why.locator("tbody tr").all()]
    values = [f"{place['points']['value']:.2f}" for place in change["places"]]
    assert [each.split(" ")[0] for each in points] == values
    assert why.locator("li[role=button]").count() == len(change["clips"])
    segment = page.locator(".runs-list li", has_text="relabelled")
    assert "stir tea → cut bread" in segment.inner_text()
    segment.click()
    page.wait_for_function("document.querySelector('.ana-side video')?.currentTime > 0")
    page.wait_for_function("document.querySelector('.ana-side video').paused")
    assert 2.5 <= page.evaluate("document.querySelector('.ana-side video').currentTime") < 3.5
    videos = page.locator(".ana-card", has=page.locator("h2", has_text="Videos")).inner_text()
    assert "Added: 1 · Removed: 0 · Other split: 1" in videos
    assert page.evaluate("document.querySelector('.runs-two .ana-plot').data.length") == 2
