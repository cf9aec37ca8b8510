"""The Library page in a real browser: files in and out, the label set, long tables."""

import re
import time
from pathlib import Path

import pytest

from app.jobs.runner import Runner
from app.services import importing, label_sets, library, open_studio
from storage import annotations, library as videos
from tests.app.annotated import ids, make
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import fill
from tests.app.test_exporting import annotate
from tests.storage.samples import edit

pytestmark = [pytest.mark.browser]

ODD = "File;t0;t1;Action;Sure\ntea.mp4;25;50;stir tea;0,5\ntea.mp4;75;90;cut;\ntea.mp4;95;x;cut;\n"
FULL = "video,start,end,label,track\ntea.mp4,1,2,stir,left\ntea.mp4,3,4,cut,right\n"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_studio(tmp_path_factory.mktemp("site") / "data") as studio, serving(studio) as base:
        yield studio, base


@pytest.fixture
def kitchen(site, tmp_path) -> int:
    """A project of three videos without files, with all that a segment can be."""
    project = make(site[0], tmp_path / "videos", tmp_path.name)
    annotate(site[0], project)
    return project


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site[1]) as opened:
        yield opened
        opened.page.goto("about:blank")  # what is still on its way is told before we look
        # these videos have no pictures, and refusals are what some tests ask for
        opened.faults[:] = [f for f in opened.faults if not re.search(r"\b(404|400|409)\b", f)]


def library_of(visit, project: int):
    page = visit.open(f"/?project={project}")
    page.wait_for_selector(".lib-row, .st-empty:not([hidden])")
    return page


def dialog(visit, project: int, name: str):
    page = library_of(visit, project)
    page.locator(".lib-bar button", has_text=name).click()
    page.wait_for_selector("dialog[open]")
    return page


def until(what, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


# ---- the table -----------------------------------------------------------------------------------


def test_a_row_opens_the_video_in_annotate(visit, site, kitchen):
    page = library_of(visit, kitchen)
    link = page.locator(".lib-row", has_text="tea.mp4").locator("a")
    assert link.count() == 1  # no run has predicted it: nothing to compare
    assert link.get_attribute("href") == f"/annotate?video={ids(site[0], kitchen)['tea.mp4']}"


def test_the_table_is_fetched_again_only_when_something_changed(visit, site, kitchen):
    asked = []
    visit.page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/table") else None)
    page = library_of(visit, kitchen)
    page.wait_for_timeout(4000)
    assert len(asked) == 1
    studio = site[0]
    label = label_sets.listed(studio, kitchen)["labels"][0]["id"]
    video = ids(studio, kitchen)["toast.mp4"]
    annotations.save_segments(studio.database, video, [edit(label) for _ in range(7)])
    page.wait_for_selector(".lib-row:has-text('toast.mp4') span:text-is('7')")
    assert len(asked) == 2


def test_ten_thousand_videos_are_filtered_with_a_screenful_of_rows_in_the_page(
    visit, site, tmp_path
):
    project = library.new_project(site[0], "many")
    paths = [tmp_path / f"{i:05}.mp4" for i in range(10_000)]
    videos.add_videos(site[0].database, project, folder=tmp_path, paths=paths)
    page = library_of(visit, project)
    assert "10,000 videos" in page.inner_text(".lib-bar")
    page.locator(".lib-body").evaluate("body => { body.scrollTop = body.scrollHeight; }")
    page.wait_for_selector(".lib-row:has-text('09999')")
    assert page.locator(".lib-row").count() < 40
    page.fill(".lib-bar input[type=search]", "0421")
    page.wait_for_selector(".lib-row:has-text('00421.mp4')")
    assert page.locator(".lib-row").count() == 11  # 00421, and 04210 to 04219
    assert "11 of 10,000 videos" in page.inner_text(".lib-bar")


# ---- export --------------------------------------------------------------------------------------


def test_an_export_says_what_is_lost_then_writes_and_says_where_it_lies(visit, kitchen, tmp_path):
    page = dialog(visit, kitchen, "Export")
    page.locator(".lib-formats button", has_text="MS-TCN").click()
    told = page.inner_text(".lib-told")
    assert "Not kept: overlapping segments" in told
    assert "Lost of this project: 1 point event, 1 ignored span, 3 segments that overlap" in told
    assert page.inner_text("dialog button.main") == "Export 3 videos, 6 segments"
    page.locator(".lib-formats button", has_text="Table").click()
    page.select_option(".lib-side select", "val")
    page.wait_for_selector("dialog button.main:has-text('Export 1 video, 2 segments')")
    page.fill("dialog input[type=text]", str(tmp_path / "labels.csv"))
    page.locator("dialog button.main").click()
    page.wait_for_selector(".lib-path")
    assert page.inner_text(".lib-path") == str(tmp_path / "labels.csv")
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 3
    page.locator("dialog button.main").click()
    page.wait_for_selector(".lib-result .bad")
    assert "overwrites nothing" in page.inner_text(".lib-result")


def test_clips_are_cut_with_progress_and_say_where_they_lie(visit, site, tmp_path, little_folder):
    studio = site[0]
    runner = Runner(studio, ["cpu"])  # `fill` waits for its queue; the site's own has it by then
    project = fill(studio, runner, little_folder, "little clips")
    page = dialog(visit, project, "Export")
    page.locator(".lib-formats button", has_text="clips").click()
    assert "no sound" in page.inner_text(".lib-told")
    page.fill("dialog input[type=text]", str(tmp_path / "clips"))
    page.locator("dialog button.main", has_text="Cut 8 clips of 4 videos").click()
    page.wait_for_selector(".lib-path", timeout=60_000)
    assert len(list((tmp_path / "clips").rglob("*.mp4"))) == 8


# ---- import --------------------------------------------------------------------------------------


def import_of(visit, project: int, path: Path):
    page = dialog(visit, project, "Import")
    page.fill("dialog textarea", str(path))
    page.locator("dialog button", has_text="Preview").click()
    return page


def test_columns_of_an_unknown_table_are_chosen_and_read_as_frames(visit, site, tmp_path):
    project = make(site[0], tmp_path / "videos", "columns")
    (tmp_path / "odd.csv").write_text(ODD)
    page = import_of(visit, project, tmp_path / "odd.csv")
    page.wait_for_selector(".lib-columns")
    assert page.input_value("select[aria-label='Column of start']") == "t0"
    assert page.locator(".lib-rows tbody tr").count() == 3
    page.select_option("select[aria-label='Column of confidence']", "Sure")
    page.select_option("select[aria-label='Unit of times']", "frames")
    page.locator("dialog button", has_text="Preview").click()
    page.wait_for_selector("dialog .st-list")
    assert "Rows taken: 2" in page.inner_text(".lib-preview")
    assert page.locator("dialog button.main").is_disabled()  # a row is faulty
    page.get_by_label("Skip faulty rows").check()
    page.locator("dialog button.main").click()
    page.wait_for_selector("dialog", state="detached")
    found = annotations.list_segments(site[0].database, ids(site[0], project)["tea.mp4"])
    assert [(s.start_us, s.end_us, s.confidence) for s in found] == [
        (1_000_000, 2_000_000, 0.5), (3_000_000, 3_600_000, None),
    ]  # fmt: skip


def test_a_table_without_names_gets_numbers_for_them(visit, site, tmp_path):
    project = make(site[0], tmp_path / "videos", "unnamed")
    (tmp_path / "bare.csv").write_text("tea.mp4,1,2,stir\ntea.mp4,3,4,cut\n")
    page = import_of(visit, project, tmp_path / "bare.csv")
    page.wait_for_selector(".lib-columns")
    assert page.input_value("select[aria-label='Column of label']") == "column 4"
    page.get_by_label("The first line holds").check()
    page.wait_for_selector(".lib-rows th:has-text('tea.mp4')")
    page.get_by_label("The first line holds").uncheck()
    page.wait_for_selector(".lib-rows th:has-text('column 1')")
    page.locator("dialog button", has_text="Preview").click()
    page.wait_for_selector("dialog .st-list")
    assert "Rows taken: 2" in page.inner_text(".lib-preview")


def test_tracks_are_chosen_and_an_import_is_undone_but_for_what_was_edited(visit, site, tmp_path):
    studio = site[0]
    project = make(studio, tmp_path / "videos", "tracks")
    (tmp_path / "full.csv").write_text(FULL + "tea.mp4,6,7,cut,left\n")
    page = import_of(visit, project, tmp_path / "full.csv")
    page.locator("label", has_text="right (1)").locator("input").uncheck()
    page.wait_for_selector(".lib-preview:has-text('Rows taken: 2')")
    page.locator("dialog button.main").click()
    page.wait_for_selector("dialog", state="detached")
    first, second = annotations.list_segments(studio.database, ids(studio, project)["tea.mp4"])
    assert (first.track, second.track) == ("left", "left")
    annotations.save_segments(
        studio.database, first.video_id, [edit(first.label_id, id=first.id, version=1)]
    )
    page.locator(".lib-bar button", has_text="Import").click()
    page.locator(".lib-made summary", has_text="Imports made: 1").click()
    page.locator(".lib-made li", has_text="full.csv").locator("button").click()
    page.wait_for_selector(".lib-made li:has-text('undone')")
    assert "Removed 1; 1 kept because they were edited since." in page.inner_text(".st-toasts")
    assert importing.made(studio, project)[0]["undone_us"]


def test_a_refusal_is_read_in_the_dialog(visit, kitchen, tmp_path):
    (tmp_path / "no.csv").write_text("this is, no table\n")
    page = import_of(visit, kitchen, tmp_path / "no.csv")
    page.wait_for_selector(".lib-preview .bad")
    assert "supported format" in page.inner_text(".lib-preview")
    assert page.locator("dialog button.main").is_disabled()


# ---- labels --------------------------------------------------------------------------------------


def labels_of(studio, project: int) -> dict[str, dict]:
    return {row["name"]: row for row in label_sets.listed(studio, project)["labels"]}


def row_of(page, name: str):
    return page.locator(f".lab-row:has(input[aria-label='name of {name}'])")


def test_a_label_is_renamed_and_described_where_it_stands(visit, site, kitchen):
    page = dialog(visit, kitchen, "Labels")
    row = row_of(page, "cut")
    row.locator("input[name=name]").fill("cut bread")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "verb"  # the row stays as it is
    row.locator("input[name=noun]").fill("bread")
    page.keyboard.press("Enter")
    until(lambda: labels_of(site[0], kitchen).get("cut bread", {}).get("noun") == "bread")
    row.locator("input[name=name]").fill("stir tea")
    page.keyboard.press("Enter")
    page.wait_for_selector(".st-toast.bad:has-text('A label of this name exists')")
    until(lambda: row.locator("input[name=name]").input_value() == "cut bread")


def test_a_hotkey_that_two_labels_have_is_pointed_out(visit, site, kitchen):
    page = dialog(visit, kitchen, "Labels")
    for name in ("cut", "stir tea"):
        row_of(page, name).locator("input.lab-key").press("q")
        until(lambda name=name: labels_of(site[0], kitchen)[name]["hotkey"] == "q")
    page.wait_for_selector("dialog .st-note:has-text('Q is the key of stir tea and cut')")
    assert page.locator(".lab-row.twice").count() == 2
    row_of(page, "cut").locator("input.lab-key").press("Backspace")
    page.wait_for_selector("dialog .st-note", state="hidden")
    assert labels_of(site[0], kitchen)["cut"]["hotkey"] == ""


def test_a_colour_of_its_own_wins_until_it_is_derived_again(visit, site, kitchen):
    page = dialog(visit, kitchen, "Labels")
    row = row_of(page, "cut")
    row.wait_for()
    derived = page.evaluate("Studio.colour('cut')")
    row.locator("input[type=color]").fill("#12ab34")
    page.wait_for_function("Studio.colour('cut') === '#12ab34'")
    assert labels_of(site[0], kitchen)["cut"]["colour"] == "#12ab34"
    row.get_by_title("Derive the colour again").click()
    page.wait_for_function("colour => Studio.colour('cut') === colour", arg=derived)
    assert labels_of(site[0], kitchen)["cut"]["colour"] == ""


def test_labels_are_added_archived_and_brought_back(visit, site, kitchen):
    page = dialog(visit, kitchen, "Labels")
    page.fill("input[aria-label='New label']", "pour  milk")
    page.keyboard.press("Enter")
    row = row_of(page, "pour milk")
    row.wait_for()
    assert labels_of(site[0], kitchen)["pour milk"]["noun"] == "milk"
    row.get_by_text("Archive").click()
    row.wait_for(state="detached")
    assert "3 labels, 1 archived" in page.inner_text("dialog")
    page.get_by_label("Show archived").check()
    row.get_by_text("Bring back").click()
    until(lambda: not labels_of(site[0], kitchen)["pour milk"]["archived"])


def test_labels_are_put_into_order_by_buttons_and_by_dragging(visit, site, kitchen):
    page = dialog(visit, kitchen, "Labels")
    row_of(page, "cut").wait_for()
    row_of(page, "cut").get_by_title("Up").click()
    assert page.evaluate("document.activeElement.title") == "Up"
    page.keyboard.press("Enter")
    until(lambda: list(labels_of(site[0], kitchen)) == ["cut", "stir tea", "größe messen"])
    box = row_of(page, "größe messen").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    for up in (10, 45, 60, 85):
        page.mouse.move(box["x"] + 20, box["y"] + 20 - up)
    page.mouse.up()
    until(lambda: list(labels_of(site[0], kitchen)) == ["größe messen", "cut", "stir tea"])


def test_an_order_that_is_not_sent_yet_is_sent_when_the_dialog_closes(visit, site, kitchen):
    page = dialog(visit, kitchen, "Labels")
    row_of(page, "cut").get_by_title("Up").click()
    page.keyboard.press("Escape")
    until(lambda: list(labels_of(site[0], kitchen))[1] == "cut")


def test_thousands_of_labels_are_searched_and_scrolled_with_a_screenful_in_the_page(visit, site):
    project = library.new_project(site[0], "thousands")
    library.add_labels(site[0], project, [f"take thing {i}" for i in range(3806)])
    page = dialog(visit, project, "Labels")
    page.wait_for_selector(".lab-row[data-label]")
    assert "3,806 labels" in page.inner_text("dialog")
    page.locator(".lab-body").evaluate("body => { body.scrollTop = body.scrollHeight; }")
    row_of(page, "take thing 3805").wait_for()
    assert page.locator(".lab-row").count() < 40
    page.fill("dialog input[type=search]", "thing 1234")
    row_of(page, "take thing 1234").wait_for()
    assert page.locator(".lab-row[data-label]").count() == 1


# ---- light and dark ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_dialog_fits_the_screen(browser, site, kitchen, tmp_path, theme, size):
    (tmp_path / "odd.csv").write_text(ODD)
    with visiting(browser, site[1], size=size) as visit:
        page = visit.open(f"/?project={kitchen}&__theme={theme}")
        page.wait_for_selector(".lib-row")
        for name, ready in (("Labels", ".lab-row[data-label]"), ("Export", ".lib-formats button")):
            page.locator(".lib-bar button", has_text=name).click()
            page.wait_for_selector(ready)
            check(page, size)
        page.locator(".lib-bar button", has_text="Import").click()
        page.fill("dialog textarea", str(tmp_path / "odd.csv"))
        page.locator("dialog button", has_text="Preview").click()
        page.wait_for_selector(".lib-columns")
        check(page, size)
        page.goto("about:blank")
        visit.faults[:] = [f for f in visit.faults if "404" not in f]  # no pictures


def check(page, size) -> None:
    """Assert that the open dialog lies on the screen and nothing is cut off; close it."""
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    assert box["y"] >= 0 and box["y"] + box["height"] <= size[1]
    body = page.locator(".st-dialog-body")
    assert body.evaluate("body => body.scrollWidth - body.clientWidth") <= 0
    assert not re.search(r"\b(null|undefined|NaN)\b", page.inner_text("dialog"))
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
