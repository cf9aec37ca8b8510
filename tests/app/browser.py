"""A real server and a real Chromium for tests of pages."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from app.jobs.runner import Runner
from app.main import Address, create_app
from app.services import Studio

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium; where it is missing, skip, or fail if GAD_REQUIRE asks for it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if "browser" in os.environ.get("GAD_REQUIRE", ""):
            pytest.fail("Chromium is required but missing: apt-get install chromium")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, headless=True, args=ARGS)
        yield browser
        browser.close()


@contextmanager
def serving(studio: Studio) -> Iterator[str]:
    """Serve a studio with its queue; yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(studio, Address(port=port), "token")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    runner = Runner(studio, ["cpu"])
    thread.start()
    runner.start()
    while not server.started:
        threading.Event().wait(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
        runner.close()


@dataclass
class Visit:
    """One tab, with everything that went wrong in it."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a page and wait until its frame stands."""
        self.page.goto(self.base + path)
        self.page.wait_for_selector(".st-head")
        return self.page


@contextmanager
def visiting(
    browser: Browser, base: str, *, size: tuple[int, int] = (1366, 768)
) -> Iterator[Visit]:
    """Open a tab; afterwards assert that nothing failed and nothing was fetched from elsewhere."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    visit = Visit(context.new_page(), base)
    page = visit.page
    page.on("pageerror", lambda error: visit.faults.append(f"page error: {error}"))
    page.on("console", lambda m: visit.faults.append(m.text) if m.type == "error" else None)

    def elsewhere(request) -> None:
        if not request.url.startswith((base, "data:", "blob:")):
            visit.faults.append(f"external request: {request.url}")

    page.on("request", elsewhere)
    yield visit
    context.close()
    assert visit.faults == []
