"""The server is killed while a page in Chromium edits: what the page called saved is there."""

from dataclasses import asdict

import pytest

from tests.app.browser import chromium
from tests.app.killed_page import edit_and_kill

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_a_page_loses_nothing_over_twenty_ends_of_its_server(tmp_path, record_property):
    with chromium() as browser:
        found = edit_and_kill(tmp_path / "data", browser, kills=20, seed=6)
    for name, value in asdict(found).items():
        record_property(name, value)
    assert found.lost == 0
    assert found.made == found.called_saved > 100
    assert found.most_waiting > 0
