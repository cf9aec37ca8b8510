"""Analyse in a real browser: every figure is the route's, and what is clicked plays."""

import re

import pytest

from app.services import open_studio
from tests.app.analysed import add_run, fill
from tests.app.browser import chromium, serving, visiting

pytestmark = [pytest.mark.browser]

TEA, SOUP, BREAD = 1, 2, 3
PANELS = {"confusion": ".ana-pair", "errors": ".ana-plot .main-svg", "labels": ".ana-tree li"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder):
    """A served studio with two runs: one takes soup for tea, the other bread for tea."""
    folder = tmp_path_factory.mktemp("analyse")
    with open_studio(folder / "data") as studio:
        project = fill(studio, little_folder, folder / "labels.csv")
        runs = [add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA))]
        with serving(studio) as base:
            yield f"{base}/analyse?project={project}&runs={runs[0]},{runs[1]}", base, project, runs


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site[1]) as opened:
        yield opened


def shown(visit, site, panel: str):
    page = visit.open(site[0].removeprefix(site[1]) + f"&panel={panel}")
    page.wait_for_selector(PANELS[panel])
    return page


def figures(page, site, path: str = ""):
    runs = ",".join(map(str, site[3]))
    address = f"{site[1]}/api/projects/{site[2]}/analysis{path}?runs={runs}&split=test"
    return page.request.get(address).json()


def rows_of(page, heading: str) -> list[list[str]]:
    """Return the cells of the table in a card."""
    card = page.locator(".ana-card", has=page.locator("h2", has_text=heading)).first
    card.locator("tbody tr").first.wait_for()
    return [row.locator("th, td").all_inner_texts() for row in card.locator("tbody tr").all()]


def plain(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}"


def spread(found: dict, digits: int = 1) -> str:
    low, high = plain(found["low"], digits), plain(found["high"], digits)
    return f"{plain(found['value'], digits)} [{low},\u00a0{high}]"


@pytest.mark.parametrize(
    ("theme", "size"),
    [
        ("light", (1366, 768)),
        ("dark", (1920, 1080)),
        pytest.param("dark", (1366, 768), marks=pytest.mark.slow),
        pytest.param("light", (1920, 1080), marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_stands_without_a_fault(browser, site, panel, theme, size):
    with visiting(browser, site[1], size=size) as visit:
        page = visit.open(site[0].removeprefix(site[1]) + f"&panel={panel}&__theme={theme}")
        page.wait_for_selector(PANELS[panel])
        page.wait_for_load_state("networkidle")
        wider = "document.documentElement.scrollWidth > innerWidth"
        higher = "document.documentElement.scrollHeight > innerHeight"
        inside = "(p => p.scrollWidth > p.clientWidth)(document.querySelector('.ana-panel'))"
        assert not any(page.evaluate(over) for over in (wider, higher, inside))
        assert not re.search(r"\b(null|undefined|NaN)\b", page.inner_text(".st-page"))


def test_the_table_of_mistakes_is_that_of_the_route(visit, site):
    page = shown(visit, site, "confusion")
    pairs = figures(page, site)["runs"][0]["confusion"]["pairs"]
    rows = [row.locator("td").all_inner_texts() for row in page.locator(".ana-pair").all()]
    assert rows == [
        [p["true"], p["predicted"], str(p["count"]), f"{plain(p['share'], 1)} %"] for p in pairs
    ]


def test_a_cell_lists_its_clips_and_a_clip_plays_from_its_start_to_its_end(visit, site):
    page = shown(visit, site, "confusion")
    page.locator(".ana-pair").first.press("Enter")
    page.wait_for_selector(".ana-clips li[role=button]")
    assert "stir soup → stir tea" in page.inner_text(".ana-side h2")
    assert page.locator(".ana-clips li").count() == 4
    page.locator(".ana-clips li").nth(1).click()
    page.wait_for_function("document.querySelector('.ana-side video').currentTime >= 6")
    page.wait_for_function("document.querySelector('.ana-side video').paused")
    assert 6 <= page.evaluate("document.querySelector('.ana-side video').currentTime") < 6.5
    assert "t=6.00" in page.locator(".ana-side a").get_attribute("href")


def test_the_map_tells_a_cell_and_opens_it(visit, site):
    page = shown(visit, site, "confusion")
    page.select_option("[aria-label=Order]", "frequency")
    page.wait_for_timeout(300)
    box = page.locator(".ana-heat canvas").bounding_box()
    # Names take 132 pixels at the left and 96 above.
    size = min((box["width"] - 132) / 4, (box["height"] - 96) / 4, 44)
    page.mouse.move(box["x"] + 132 + size / 2, box["y"] + 96 + size / 2)
    page.wait_for_selector(".ana-tip:not([hidden])")
    told = page.inner_text(".ana-tip")
    assert re.fullmatch(r".+ found: \d+ · \d+\.\d %", told), told
    page.mouse.click(box["x"] + 132 + size / 2, box["y"] + 96 + size / 2)
    page.wait_for_selector(".ana-clips li[role=button]")
    assert "found by" in page.inner_text(".ana-side h2")


def test_the_difference_of_two_runs_is_first_minus_second(visit, site):
    page = shown(visit, site, "confusion")
    page.select_option(".ana-tools [aria-label=Run]", "1-0")
    page.select_option("[aria-label=Share]", "count")
    rows = {
        tuple(cells[:2]): cells[3]
        for cells in (
            row.locator("td").all_inner_texts() for row in page.locator(".ana-pair").all()
        )
    }
    one, other = (
        {(a, b): n for a, b, n in run["confusion"]["cells"]} for run in figures(page, site)["runs"]
    )
    assert rows["stir soup", "stir tea"] == f"−{one[SOUP, TEA]}"
    assert rows["cut bread", "stir tea"] == f"+{other[BREAD, TEA]}"
    assert rows["stir soup", "✓"] == f"+{other[SOUP, SOUP] - one[SOUP, SOUP]}"


def test_verbs_and_segments_are_counted_too(visit, site):
    page = shown(visit, site, "confusion")
    page.select_option("[aria-label='Grouped by']", "verb")
    page.wait_for_function("!document.querySelector('.ana-pair')")  # soup for tea: both stirred
    page.select_option("[aria-label='Grouped by']", "noun")
    page.wait_for_selector(".ana-pair >> text=soup")
    page.select_option("[aria-label='What is counted']", "segments")
    page.fill("input[aria-label='Find a class']", "soup")
    cells = page.locator(".ana-pair td").all_inner_texts()
    assert cells[0] == "soup"
    assert cells[2] == "1"


def test_the_error_board_shows_the_figures_of_the_route(visit, site):
    page = shown(visit, site, "errors")
    found = figures(page, site)
    (pair,) = found["agreement"]["pairs"]
    (compared,) = rows_of(page, "Accuracy")
    assert compared[1] == spread(pair["accuracy_difference"])
    assert compared[2:] == [str(pair["mcnemar"]["only_first"]), str(pair["mcnemar"]["only_second"]),
                            plain(pair["mcnemar"]["p"], 3)]  # fmt: skip
    (agreed,) = rows_of(page, "Agreement")
    assert agreed[1:] == [spread(pair["same"]), spread(pair["double_fault"]), spread(pair["q"], 2),
                          spread(pair["kappa"], 2)]  # fmt: skip
    for cells, run in zip(rows_of(page, "Diversity"), found["runs"], strict=True):
        of = run["diversity"]["rows"]
        assert (cells[1], cells[3]) == (plain(of["score"]), str(of["mistakes"]))
    for cells, run in zip(rows_of(page, "Calibration"), found["runs"], strict=True):
        of = run["calibration"]
        assert cells[1:4] == [plain(of["ece"]), plain(of["brier"], 3), plain(of["nll"], 3)]
    oracle = spread(found["agreement"]["oracle"])
    assert oracle in page.locator(".ana-card", has_text="Agreement of the runs").inner_text()


def test_what_only_one_run_has_right_opens_its_clips(visit, site):
    page = shown(visit, site, "errors")
    counts = figures(page, site)["agreement"]["only_right"]
    buttons = page.locator(".ana-only button")
    assert [b.locator("b").inner_text() for b in buttons.all()] == [str(n) for n in counts.values()]
    buttons.first.click()
    page.wait_for_selector(".ana-clips li[role=button]")
    assert page.inner_text(".ana-side h2").startswith("Only D ")


def test_the_gains_are_the_change_of_recall_of_the_route(visit, site):
    page = shown(visit, site, "errors")
    page.wait_for_selector(".ana-card:has-text('repaired') .main-svg")
    drawn = page.evaluate(
        "(() => { const [d] = [...document.querySelectorAll('.ana-plot')].map(b => b.data[0])"
        ".filter(d => d.type === 'bar'); return d.y.map((name, i) => [name, d.x[i]]) })()"
    )
    expected = {
        each["name"]: each["recall"][1] - each["recall"][0]
        for each in figures(page, site)["per_class"]
        if each["recall"][1] != each["recall"][0]
    }
    assert dict(drawn) == pytest.approx(expected)


def test_the_label_panel_shows_the_figures_of_its_routes(visit, site):
    page = shown(visit, site, "labels")
    check = page.request.get(f"{site[1]}/api/projects/{site[2]}/analysis/label-check").json()
    shares = dict(rows_of(page, "What the labels share"))
    assert shares["tokens that another label has too"] == (
        f"{plain(check['overlap']['shared_occurrences'], 1)} %"
    )
    assert shares["nodes of the tree"] == str(check["overlap"]["trie_nodes"])
    effects = figures(page, site, "/labels")
    cells = rows_of(page, "Predicted and actual")[0]
    assert [c.split(" ")[0] for c in cells[1:]] == [
        plain(run["of_pairs"]["prefix"]["value"]) for run in effects["runs"]
    ]
    (soup, *_) = [row for row in rows_of(page, "The pairs themselves") if "soup" in row[0]]
    pair = next(p for p in effects["pairs"] if f"{p['a']} · {p['b']}" == soup[0])
    assert soup[3:] == [plain(value, 1) for value in pair["mixed"]]


def test_runs_split_and_panel_are_in_the_address(visit, site):
    page = shown(visit, site, "errors")
    page.locator("[role=tab]", has_text="Confusion").click()
    page.wait_for_selector(".ana-pair")
    page.locator(".cmp-chip button").last.click()
    page.wait_for_function("!location.search.includes(',')")
    page.locator("[role=tab][aria-selected=true]").press("ArrowRight")
    assert "panel=errors" in page.url
    page.reload()
    page.wait_for_selector(".ana-card")
    assert page.locator(".cmp-chip").count() == 1
    page.select_option("[aria-label=Split]", "val")
    page.wait_for_selector(".ana-note:has-text(\"none in 'val'\")")
    visit.faults[:] = [fault for fault in visit.faults if "404" not in fault]


BIG = """() => {
  const n = 3806, right = i => ({row: i, column: i, value: 50, right: true});
  const cells = Array.from({length: n}, (_, i) => right(i));
  cells.push({row: 3000, column: 200, value: 40, right: false}, {row: 3001, column: 201, value: 1});
  const names = Array.from({length: n}, (_, i) => `label ${i}`);
  const map = new Studio.Heatmap(cell => `${names[cell.row]} as ${names[cell.column]}`, () => {});
  map.element.style.cssText = 'position:fixed;inset:60px 20px 40px;z-index:99';
  document.body.append(map.element);
  map.show({rows: names, columns: names, cells, most: 50});
  const middle = (place, from) => (place + .5) * map.size - from;
  const at = c => [132 + middle(c.column, map.x0), 96 + middle(c.row, map.y0)];
  const [x, y] = at(cells[n]), small = map.size, far = map.tell(map.at(x, y));
  const ink = map.canvas.getContext('2d').getImageData(x, y, 1, 1).data;
  for (let i = 0; i < 30; i++) map.zoom(1.25, ...at(cells[n]));
  const near = at(cells[n + 1]);
  return {small, far, ink: [...ink], size: map.size, near: map.tell(map.at(...near))};
}"""


def test_thousands_of_classes_fit_and_the_largest_cell_of_a_pixel_is_shown(visit, site):
    page = shown(visit, site, "errors")
    found = page.evaluate(BIG)
    assert found["small"] < 0.2
    assert found["far"] == "label 3000 as label 200"
    assert found["ink"][0] > found["ink"][2]  # orange: a mistake
    assert (found["size"], found["near"]) == (44, "label 3001 as label 201")
