"""Figures as files in a real browser: each is whole, says what it is of, and shows its labels."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from app.services import open_studio
from tests.app.analysed import add_run, fill
from tests.app.browser import chromium, serving, visiting

pytestmark = [pytest.mark.browser]

TEA, SOUP, BREAD = 1, 2, 3
FIGURES = {
    ("confusion", ".ana-tools"): {"stir tea", "cut bread", "background", "taken for another"},
    ("errors", ".ana-card:has-text('repaired')"): {
        "stir soup", "cut bread", "points of recall",
        "D nano-1, D nano-2 · test · D nano-2 against D nano-1",
    },
    ("errors", ".ana-card:has-text('Calibration')"): {"confidence (%)"},
    ("labels", ".ana-card:has-text('Predicted and')"): {"common beginning · nano-1"},
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder):
    """A tab, and the address of Analyse with two runs."""
    folder = tmp_path_factory.mktemp("figures")
    with open_studio(folder / "data") as studio:
        project = fill(studio, little_folder, folder / "labels.csv")
        runs = [add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA))]
        with serving(studio) as base, chromium() as browser, visiting(browser, base) as opened:
            yield opened, f"/analyse?project={project}&runs={runs[0]},{runs[1]}"


def saved(page, place: str, form: str) -> tuple[str, Path]:
    """Save a figure; returns the name it was given and where it is."""
    with page.expect_download() as coming:
        page.locator(place).first.get_by_label(f"Save the figure as {form}").click()
    return coming.value.suggested_filename, Path(coming.value.path())


def svg_of(path: Path) -> tuple[tuple[int, int], set[str]]:
    """Return size and texts of a drawing; it needs nothing but itself."""
    root = ElementTree.parse(path).getroot()
    assert "var(" not in path.read_text() and "oklch" not in path.read_text()
    texts = {"".join(each.itertext()).strip() for each in root.iter() if each.tag.endswith("}text")}
    return (int(root.get("width", "")), int(root.get("height", ""))), texts


def check_picture(path: Path, size: tuple[int, int]) -> None:
    """Assert that a PNG has twice the size of the drawing, an opaque ground and more than that."""
    with Image.open(path) as picture:
        assert picture.size == (2 * size[0], 2 * size[1])
        colours = picture.convert("RGB").getcolors(1 << 24) or []
        alpha = picture.convert("RGBA").getchannel("A").getextrema()
    assert alpha == (255, 255)
    assert max(colours)[1] == (255, 255, 255) and len(colours) > 50


@pytest.mark.parametrize(("panel", "place"), FIGURES)
def test_a_figure_is_saved_as_a_drawing_and_as_a_picture(site, panel, place):
    visit, address = site
    page = visit.open(f"{address}&panel={panel}&__theme=light")
    page.wait_for_selector(".ana-pair" if panel == "confusion" else f"{place} .main-svg")
    name, drawing = saved(page, place, "SVG")
    assert name.endswith("-test.svg") or "-test-" in name
    size, texts = svg_of(drawing)
    assert FIGURES[panel, place] <= texts
    assert any("nano" in text and "test" in text for text in texts), texts
    name, picture = saved(page, place, "PNG")
    assert name.endswith(".png")
    check_picture(picture, size)


def test_a_map_of_thousands_of_classes_is_a_picture_within_the_drawing(site):
    visit, address = site
    page = visit.open(f"{address}&panel=errors")
    page.wait_for_selector(".ana-card")
    root = page.evaluate("""() => {
      const n = 3806, names = Array.from({length: n}, (_, i) => `label ${i}`);
      const map = new Studio.Heatmap(() => '', () => {});
      map.element.style.cssText = 'position:fixed;inset:60px 20px 40px';
      document.body.append(map.element);
      const cells = names.map((_, i) => ({row: i, column: i, value: 1, right: true}));
      map.show({rows: names, columns: names, cells, most: 1});
      const {node} = map.drawing();
      map.element.remove();
      return [node.querySelectorAll('image').length, node.outerHTML.length];
    }""")
    assert root[0] == 1 and root[1] < 200_000
