"""Pages in a real browser: what a person sees and does."""

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from app.services import Studio, experiments, importing, job_queue, library, open_studio, results
from storage import jobs
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import FPS, fill, finish, settings

pytestmark = [pytest.mark.browser, pytest.mark.training]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder, tiny_folder):
    """A studio with a labelled project and two trained runs, being served."""
    from app.jobs.runner import Runner

    with open_studio(tmp_path_factory.mktemp("site") / "data") as studio:
        runner = Runner(studio, ["cpu"])
        project = fill(studio, runner, little_folder)
        for name, steps in (("generative", 6), ("discriminative", 60)):
            experiments.fine_tune(
                studio, project, settings(tiny_folder, classifier=name, training={"steps": steps})
            )
        finish(runner)
        with serving(studio) as base:
            yield studio, project, base


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site[2]) as opened:
        yield opened


def video_of_test(studio: Studio, project: int) -> int:
    return next(row["id"] for row in library.table(studio, project) if row["split"] == "test")


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/train", "/compare"])
def test_every_page_stands_without_a_fault(browser, site, path, theme, size):
    with visiting(browser, site[2], size=size) as visit:
        page = visit.open(f"{path}?__theme={theme}")
        page.wait_for_selector(".st-page > :not([hidden])")
        dark = page.evaluate("document.body.classList.contains('dark')")
        assert dark is (theme == "dark")
        assert page.locator("nav a[aria-current=page]").count() == 1
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        page.wait_for_selector(".lib-row, .tr-run, .cmp-run")
        assert not re.search(r"\b(null|undefined|NaN)\b", page.inner_text(".st-page"))


def test_the_work_of_compare_fits_on_the_screen(visit):
    page = visit.open("/compare")
    page.wait_for_selector(".ln canvas")
    page.wait_for_timeout(300)
    lanes = page.locator(".cmp-lanes").bounding_box()
    assert lanes["y"] + lanes["height"] <= 768 - 28


def test_the_library_lists_videos_with_what_is_known_of_them(visit, site):
    page = visit.open("/")
    page.wait_for_selector(".lib-row")
    row = page.locator(".lib-row", has_text="videos/second/3.mp4")
    assert "0:09" in row.inner_text()
    assert "good" in row.inner_text()
    assert "test" in row.inner_text()
    page.fill("input[type=search]", "second")
    assert page.locator(".lib-row").count() == 1


def test_a_folder_is_added_and_annotations_are_imported_by_hand(browser, site, little_folder):
    studio, _, base = site
    fresh = library.new_project(studio, "by hand")
    with visiting(browser, base) as visit:
        page = visit.open(f"/?project={fresh}")
        page.locator(".st-empty button", has_text="Add folder").click()
        page.fill("dialog input", "/nowhere")
        page.locator("dialog button.main").click()
        page.wait_for_selector("dialog .st-note.bad")
        assert "'/nowhere' is no folder" in page.inner_text("dialog .st-note.bad")
        page.fill("dialog input", str(little_folder))
        page.locator("dialog button.main").click()
        page.wait_for_selector(".lib-row .st-badge.good", timeout=30_000)

        page.locator(".lib-bar button", has_text="Import").click()
        page.fill("dialog textarea", str(little_folder / "labels.csv"))
        page.locator("dialog button", has_text="Preview").click()
        page.wait_for_selector("dialog .st-list")
        text = page.inner_text("dialog .lib-preview")
        for part in ("Rows taken: 8", "Rows whose video is not here: 0", "Faulty rows: 0"):
            assert part in text
        assert library.classes(studio, fresh) == ()  # nothing is written before
        page.locator("dialog button.main").click()
        page.wait_for_selector("dialog", state="detached")
        page.wait_for_function(
            "document.querySelector('.st-foot').innerText.includes('8 segments')"
        )
        visit.faults[:] = [f for f in visit.faults if "400" not in f]  # the refused folder


def test_splits_are_set_for_what_is_chosen(browser, site, little_folder):
    studio, _, base = site
    fresh = library.new_project(studio, "splits")
    library.add_folder(studio, fresh, little_folder)
    with visiting(browser, base) as visit:
        page = visit.open(f"/?project={fresh}")
        page.wait_for_selector(".lib-row")
        page.fill("input[type=search]", "first")
        page.locator(".lib-head input").check()
        page.locator(".lib-bar button", has_text="train").click()
        page.wait_for_selector(".lib-row .st-badge:text-is('train')")
    assert [r["split"] for r in library.table(studio, fresh)] == ["train"] * 3 + [None]


def test_one_click_fine_tunes_to_done_and_the_run_appears_in_compare(browser, site):
    _, project, base = site
    with visiting(browser, base) as visit:
        page = visit.open(f"/train?project={project}")
        page.wait_for_selector(".tr-data:has-text('3 train')")
        page.get_by_text("Advanced").click()
        page.fill("input[aria-label=Steps]", "4")
        page.locator("button.main", has_text="Fine-tune").click()
        page.wait_for_selector(".tr-run:first-child .st-badge:text-is('RUNNING')", timeout=30_000)
        page.wait_for_selector(".tr-chart .plotly", timeout=60_000)
        page.wait_for_selector(".tr-run:first-child .st-badge:text-is('DONE')", timeout=120_000)
        name = page.locator(".tr-run:first-child .tr-name").inner_text().strip()
        page.locator(".tr-run:first-child a").click()
        page.wait_for_selector(f".cmp-chip:has-text('{name}')")
        page.wait_for_selector(".cmp-run")


def test_a_refused_fine_tune_says_why_on_the_page(browser, site):
    studio, _, base = site
    bare = library.new_project(studio, "bare")
    with visiting(browser, base) as visit:
        page = visit.open(f"/train?project={bare}")
        page.wait_for_selector(".tr-notes .st-note")
        page.locator("button.main", has_text="Fine-tune").click()
        page.wait_for_selector(".st-toast.bad")
        assert "at least two classes" in page.inner_text(".st-toast.bad")
        visit.faults[:] = [f for f in visit.faults if "400" not in f]
    assert job_queue.list_jobs(studio, bare) == []


def test_a_job_is_put_first_removed_discarded_after_a_question_and_kept(browser, site, tiny_folder):
    studio, project, base = site
    values = settings(tiny_folder, training={"steps": 5000, "checkpoint_every_s": 0.5})
    made = [experiments.fine_tune(studio, project, values)["job"] for _ in range(3)]
    with visiting(browser, base) as visit:
        page = visit.open(f"/train?project={project}")
        page.wait_for_selector(".tr-meter :text('CPU')")
        page.wait_for_selector(".tr-facts dd:has-text('measured')", timeout=250_000)
        assert "no changes since" in page.inner_text(".tr-facts")
        for row, press in ((0, "Run next"), (1, "Remove"), (2, "Stop and discard")):
            choose(page, row)
            page.click(f"button:text-is('{press}')")
        page.click("dialog button:text-is('Discard')")
        choose(page, 0)
        page.wait_for_selector(".tr-chart .plotly", timeout=250_000)
        page.click("button:text-is('Stop and keep')")
        page.wait_for_selector("button:has-text('Resume at step')", timeout=250_000)
    ended = [jobs.find_job(studio.database, number) for number in made]
    assert [job.state for job in ended] == ["STOPPED"] * 3
    assert [job.priority for job in ended] == [0, 0, 1]
    assert [job.result is not None for job in ended] == [False, False, True]


def choose(page, row: int) -> None:
    """Click a run of the page Train and wait until it is the one that is shown."""
    chosen = page.locator(".tr-run").nth(row)
    name = chosen.locator(".tr-name").inner_text().strip()
    chosen.click()
    page.wait_for_selector(f".tr-detail h2:has-text('{name} ')")


@pytest.mark.fault
def test_closing_the_tab_does_not_stop_a_fine_tune(browser, site, tiny_folder):
    studio, project, base = site
    made = experiments.fine_tune(studio, project, settings(tiny_folder, training={"steps": 150}))
    with visiting(browser, base) as visit:
        page = visit.open(f"/train?project={project}")
        page.wait_for_selector(".tr-run .st-badge:text-is('RUNNING')", timeout=30_000)
    end = time.monotonic() + 90
    while not jobs.find_job(studio.database, made["job"]).state.is_finished:
        assert time.monotonic() < end
        time.sleep(0.3)
    assert jobs.find_job(studio.database, made["job"]).state == "DONE"


def test_compare_shows_truth_runs_and_the_five_likeliest(visit, site):
    studio, project, _ = site
    page = visit.open(f"/compare?video={video_of_test(studio, project)}&t=3.00")
    page.wait_for_selector(".cmp-run")
    page.wait_for_function("document.querySelector('.cmp-now').innerText.startsWith('00:03.0')")
    assert "cut bread" in page.inner_text(".cmp-truth")
    marks = page.locator(".cmp-run .cmp-tag").all_inner_texts()
    assert [m for m in marks if m in ("G", "D")] == ["G", "D"]
    assert page.locator(".cmp-run").first.locator(".cmp-bar1").count() == 3  # all classes there are
    assert re.search(r"\d passes? · \d+\.\d ms", page.inner_text(".cmp-run .cmp-cost"))


def test_what_the_page_shows_is_what_is_stored(visit, site):
    studio, project, _ = site
    video = video_of_test(studio, project)
    runs = [r["id"] for r in experiments.list_runs(studio, project)][-2:]
    shown = visit.open(f"/compare?video={video}&runs={runs[0]}&t=6.10")
    shown.wait_for_selector(".cmp-run .cmp-bar1.first")
    lane = results.compare(studio, video, [runs[0]])["lanes"][0]
    frame = 24  # the last frame at or before 6.1 s, at 4 frames a second
    shown.wait_for_function("document.querySelector('.cmp-now').innerText.startsWith('00:06.0')")
    first = shown.locator(".cmp-run .cmp-bar1.first")
    assert (
        first.locator(".cmp-label").inner_text().rstrip(" ✓")
        == lane["classes"][lane["class"][frame]]
    )
    assert float(first.locator(".cmp-p").inner_text()) == pytest.approx(
        lane["top_p"][frame][0], abs=0.006
    )


def test_keys_play_step_and_jump_to_disagreements(visit, site):
    studio, project, _ = site
    page = visit.open(f"/compare?video={video_of_test(studio, project)}")
    page.wait_for_selector(".cmp-run")
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    now = "Math.round(document.querySelector('video').currentTime * 1000)"
    page.keyboard.press(".")
    page.wait_for_function(f"{now} > 120 && {now} < 250")  # one frame of 8 a second
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{now} > 1100")
    page.keyboard.press("z")
    page.keyboard.press("e")
    page.wait_for_timeout(200)
    page.keyboard.press("?")
    page.wait_for_selector("dialog .st-keys")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("Space")
    page.wait_for_function("!document.querySelector('video').paused")


def test_next_disagreement_is_where_the_stored_runs_differ(visit, site):
    studio, project, _ = site
    video = video_of_test(studio, project)
    runs = [r["id"] for r in experiments.list_runs(studio, project) if r["backbone"] != "nano"][-2:]
    lanes = results.compare(studio, video, runs)["lanes"]
    said = [[lane["classes"][c] for c in lane["class"]] for lane in lanes]
    differ = [a != b for a, b in zip(*said, strict=True)]
    starts = [i for i in range(36) if differ[i] and (i == 0 or not differ[i - 1])]
    assert starts, "the runs must differ somewhere for this test to say anything"
    page = visit.open(f"/compare?video={video}&runs={runs[0]},{runs[1]}")
    page.wait_for_selector(".cmp-run")
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    page.keyboard.press("n")
    expected = next((i for i in starts if i > 0), starts[0]) * 250
    page.wait_for_function(
        f"Math.abs(document.querySelector('video').currentTime * 1000 - {expected} - 62) < 62"
    )


def test_a_reload_shows_the_same_page(visit, site):
    studio, project, _ = site
    page = visit.open(f"/compare?video={video_of_test(studio, project)}&t=4.00")
    page.wait_for_selector(".cmp-run")
    page.wait_for_function("document.querySelector('.cmp-now').innerText.startsWith('00:04.0')")
    before = parse_qs(urlsplit(page.url).query)
    assert before.keys() == {"video", "t", "runs"}
    page.reload()
    page.wait_for_selector(".cmp-run")
    page.wait_for_function("document.querySelector('.cmp-now').innerText.startsWith('00:04.0')")
    after = parse_qs(urlsplit(page.url).query)
    # The address follows the playhead, which stands somewhere in the frame of 4.00 s.
    assert 4.0 <= float(after.pop("t")[0]) < 4.0 + 1 / FPS
    assert after == {key: value for key, value in before.items() if key != "t"}


@pytest.mark.fault
def test_hostile_names_are_only_text(browser, site, little_folder, tmp_path):
    studio, _, base = site
    evil = '<img src=x onerror="window.hit=1">${window.hit=1}'
    fresh = library.new_project(studio, f"evil {evil}")
    library.add_folder(studio, fresh, little_folder)
    end = time.monotonic() + 60
    while any(r["health"] == "pending" for r in library.table(studio, fresh)):
        assert time.monotonic() < end
        time.sleep(0.2)
    table = tmp_path / "evil.csv"
    quoted = evil.replace('"', '""')
    table.write_text(f'video,start,end,label\n3.mp4,0,4,"{quoted}"\n0.mp4,0,4,plain\n')
    importing.commit_import(studio, fresh, [table], token="evil")
    with visiting(browser, base) as visit:
        for path in ("/", "/train", "/compare"):
            page = visit.open(f"{path}?project={fresh}")
            page.wait_for_timeout(700)
            assert page.evaluate("window.hit") is None
        page.wait_for_selector("video")
