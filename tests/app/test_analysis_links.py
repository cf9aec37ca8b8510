"""An address of Analyse brings back the same figure and the same open list, after a reload too."""

import pytest

from tests.app.test_figure_files import site as site

pytestmark = [pytest.mark.browser]

CHOICES = {"Run": "1-0", "What is counted": "segments", "Grouped by": "noun", "Share": "count",
           "Order": "name"}  # fmt: skip


def again(page, ready: str):
    """Reload, as who was sent the address."""
    page.reload()
    page.wait_for_selector(ready)
    return page


def chosen(page, names) -> dict[str, str]:
    return {
        name: page.input_value(f".ana-panel:not([hidden]) [aria-label='{name}']") for name in names
    }


def listed(page) -> tuple[str, list[str], str]:
    """Return the heading of the list, its clips and which of them is open."""
    page.wait_for_selector(".ana-clips li[role=button]")
    clips = page.locator(".ana-clips li[role=button]").all_inner_texts()
    page.wait_for_selector(".ana-clips li[aria-current]")
    now = page.locator(".ana-clips li[aria-current]").inner_text()
    page.wait_for_selector(".ana-clip .ana-name")
    assert page.inner_text(".ana-clip .st-dim") in now
    return page.inner_text(".ana-side h2"), clips, now


def test_a_link_to_a_confusion_opens_its_choices_and_the_clips_of_its_cell(site):
    visit, address = site
    page = visit.open(f"{address}&panel=confusion")
    page.wait_for_selector(".ana-pair")
    page.locator(".ana-pair").first.press("Enter")
    page.locator(".ana-clips li[role=button]").nth(1).click()
    before = listed(page)
    for name, value in CHOICES.items():
        page.select_option(f".ana-tools [aria-label='{name}']", value)
    page.fill("[aria-label='Find a class']", "soup")
    table = page.locator(".ana-pairs").inner_text()
    again(page, ".ana-pair")
    assert chosen(page, CHOICES) == CHOICES
    assert page.locator(".ana-pairs").inner_text() == table
    assert listed(page) == before and "stir soup → stir tea" in before[0]
    assert page.evaluate("document.querySelector('.ana-side video').paused")


def test_a_link_to_the_error_board_opens_what_was_chosen_there(site):
    visit, address = site
    page = visit.open(f"{address}&panel=errors")
    page.wait_for_selector(".ana-only button")
    page.select_option("[aria-label='Diversity of']", "columns")
    page.locator(".ana-only button").last.click()
    page.locator(".ana-clips li[role=button]").first.click()
    before = listed(page)
    again(page, ".ana-only button")
    assert chosen(page, ["Diversity of"]) == {"Diversity of": "columns"}
    assert listed(page) == before and before[0].startswith("Only D ")


def test_a_link_to_the_runs_opens_the_pair_the_order_and_the_filter(site):
    visit, address = site
    page = visit.open(f"{address}&panel=runs")
    page.wait_for_selector(".runs-two .ana-card")
    page.locator(".runs-table th button", has_text="Run").click()
    page.fill("[aria-label='Filter runs']", "nano-2")
    page.locator(".runs-table tbody input[type=checkbox]").click()
    page.wait_for_selector(".runs-two:has-text('Tick two runs')")
    again(page, ".runs-table tbody tr")
    assert chosen(page, ["Filter runs"]) == {"Filter runs": "nano-2"}
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Run")
    page.wait_for_selector(".runs-two:has-text('Tick two runs')")
