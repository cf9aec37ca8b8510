"""A project without video files in a real browser: everything but watching."""

import pytest

from app.services import experiments, importing, library, open_studio, results
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import finish, settings
from tests.app.test_features import take, with_tiny_decoder
from tests.core.frame_targets import write_data_set

pytestmark = [pytest.mark.browser, pytest.mark.training]

NOW = "document.querySelector('.cmp-now').innerText"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory, tiny_folder):
    """A studio whose only project was published as features, with a run, being served."""
    from app.jobs.runner import Runner

    folder = tmp_path_factory.mktemp("site")
    with open_studio(folder / "data") as studio:
        runner = Runner(studio, ["cpu"])
        project = take(studio, write_data_set(folder / "TOY", train=2))
        with_tiny_decoder(studio, project, tiny_folder)
        more = settings(tiny_folder, classifier="discriminative", training={"steps": 6})
        del more["backbone"]
        experiments.fine_tune(studio, project, more)
        finish(runner)
        with serving(studio) as base:
            yield studio, project, base, folder


@pytest.fixture
def page(browser, site):
    with visiting(browser, site[2]) as visit:
        page = visit.open("/compare?t=3.00")
        page.wait_for_selector(".cmp-run")
        yield page


def test_compare_shows_the_lanes_without_a_player(page):
    assert page.locator(".pl").is_hidden()
    assert page.locator(".ln canvas").bounding_box()["height"] > 100
    page.wait_for_function(f"{NOW}.startsWith('00:03.00')")
    assert page.locator(".cmp-bar1").count() == 5
    page.wait_for_timeout(3000)  # nothing asks for a copy that will never come
    assert page.locator(".st-toast").count() == 0


def test_clicks_and_keys_move_through_time(page):
    box = page.locator(".ln canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + 60)
    page.wait_for_function(f"{NOW} > '00:15'")
    page.wait_for_function("new URLSearchParams(location.search).get('t') > 15")
    page.mouse.click(box["x"] + 77, box["y"] + 60)
    page.wait_for_function(f"{NOW} < '00:00.50'")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{NOW} >= '00:01.00' && {NOW} < '00:01.50'")
    page.keyboard.press(".")
    page.wait_for_function(f"{NOW} >= '00:01.25' && {NOW} < '00:01.75'")


def test_an_error_is_jumped_to_where_the_stored_run_is_wrong(page, site):
    studio, project, _, _ = site
    run = experiments.list_runs(studio, project)[0]["id"]
    (lane,) = results.compare(studio, results.first_video(studio, project), [run])["lanes"]
    wrong = [a >= 0 and a != b for a, b in zip(lane["truth"], lane["class"], strict=True)]
    starts = [i for i in range(1, len(wrong)) if wrong[i] and not wrong[i - 1]]
    assert starts, "the run must be wrong somewhere for this test to say anything"
    at = next((i for i in starts if i > 12), 0 if wrong[0] else starts[0]) / 4
    page.keyboard.press("e")
    page.wait_for_function(f"{NOW} === '00:{at:05.2f}'")


def test_space_lets_the_time_run_and_stops_it(page):
    page.keyboard.press("Space")
    page.wait_for_function(f"{NOW} > '00:03.30'")
    page.keyboard.press("Space")
    stopped = page.evaluate(NOW)
    page.wait_for_timeout(400)
    assert page.evaluate(NOW) == stopped


def test_the_library_says_that_there_are_features_and_asks_for_no_picture(browser, site):
    with visiting(browser, site[2]) as visit:
        page = visit.open("/")
        page.wait_for_selector(".lib-row")
        assert page.locator(".lib-row .st-badge:text-is('features')").count() == 4
        assert page.locator(".lib-thumb img").count() == 0


def test_train_offers_the_projects_own_backbone_first(browser, site):
    with visiting(browser, site[2]) as visit:
        page = visit.open("/train")
        page.wait_for_selector(".tr-run")
        chosen = page.locator("select[aria-label=Backbone] option:checked").inner_text()
        assert chosen == "TOY-rgb_resnet (features)"
        assert "nano knows only" not in page.inner_text(".tr-notes")


def test_a_folder_of_features_is_imported_by_hand(browser, site):
    studio, _, base, folder = site
    fresh = library.new_project(studio, "by hand")
    with visiting(browser, base) as visit:
        page = visit.open(f"/?project={fresh}")
        page.locator(".lib-bar button", has_text="Import").click()
        page.fill("dialog textarea", str(folder / "TOY"))
        page.locator("dialog button", has_text="Preview").click()
        page.wait_for_selector("dialog .st-list")
        text = page.inner_text("dialog .lib-preview")
        for part in ("4 videos will be there without video files", "Rows taken: 4", "pour milk"):
            assert part in text
        page.locator("dialog button.main").click()
        page.wait_for_selector(".lib-row")
    again = importing.preview(studio, fresh, [folder / "TOY"])
    assert again["notes"][-1].startswith("4 videos are labelled here already")
