"""What is taken away from Analyse in a real browser: the downloads arrive, and are whole."""

import json
from pathlib import Path

import pytest

from app.services import open_studio
from core.video import probe
from tests.app.analysed import add_run, fill
from tests.app.browser import chromium, serving, visiting

pytestmark = [pytest.mark.browser]

TEA, SOUP, BREAD = 1, 2, 3


@pytest.fixture(scope="module")
def visit(tmp_path_factory, little_folder):
    """A tab on Analyse with two runs, of which the first takes soup for tea."""
    folder = tmp_path_factory.mktemp("out")
    with open_studio(folder / "data") as studio:
        project = fill(studio, little_folder, folder / "labels.csv")
        runs = [add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA))]
        with serving(studio) as base, chromium() as browser, visiting(browser, base) as opened:
            page = f"/analyse?project={project}&runs={runs[0]},{runs[1]}&panel=confusion"
            opened.open(page).wait_for_selector(".ana-pair")
            yield opened


@pytest.mark.parametrize("form", ["html", "csv", "json"])
def test_a_report_arrives_in_every_form(visit, form):
    with visit.page.expect_download() as coming:
        visit.page.get_by_label("Report").select_option(form)
    assert coming.value.suggested_filename == f"report-test.{form}"
    text = Path(coming.value.path()).read_text()
    if form == "json":
        assert len(json.loads(text)["analysis"]["runs"]) == 2
    else:
        assert text.startswith({"html": "<!doctype html>", "csv": "run,figure,value"}[form])
    assert visit.page.get_by_label("Report").input_value() == ""


def test_a_reel_of_the_listed_clips_arrives(visit):
    page = visit.page
    assert page.get_by_role("button", name="Reel").is_hidden()
    page.locator(".ana-pair").first.click()
    page.locator(".ana-clips li[role=button]").first.wait_for()
    clips = page.locator(".ana-clips li[role=button]").count()
    page.get_by_role("button", name="Reel").click()
    page.locator(".ana-side a", has_text="Download").wait_for(timeout=60_000)
    with page.expect_download() as coming:
        page.locator(".ana-side a", has_text="Download").click()
    assert coming.value.suggested_filename.startswith("reel-")
    made = Path(coming.value.path()).rename(Path(coming.value.path()).with_suffix(".mp4"))
    facts = probe(made)
    assert clips > 0 and facts.width == 640 and facts.frame_count >= clips
    assert page.get_by_role("button", name="Reel").is_enabled()
