"""Every layout is written once a session."""

import pytest

from core.video import make_proxy
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from tests.core.video.clips import LONG, Clip
from tests.core.video.layouts import LAYOUTS, Layout


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Return the file of a layout."""
    folder = tmp_path_factory.mktemp("layouts")

    def file(layout: Layout):
        path = folder / layout.name
        return path if path.exists() else layout.clip.write(path)

    return file


@pytest.fixture(scope="session")
def found(written):
    """Return what is found in the file of a layout when all of it is decoded."""
    known = {}

    def facts(layout: Layout):
        if layout.name not in known:
            known[layout.name] = examine(written(layout), DEFAULT_LIMITS)
        return known[layout.name]

    return facts


@pytest.fixture(scope="session")
def copied(tmp_path_factory, written):
    """Return the proxy of the file of a layout, and what is found in it."""
    folder, known = tmp_path_factory.mktemp("proxies"), {}

    def proxy(layout: Layout):
        path = folder / f"{layout.name}.mp4"
        if layout.name not in known:
            make_proxy(written(layout), path)
            known[layout.name] = examine(path, DEFAULT_LIMITS)
        return path, known[layout.name]

    return proxy


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.name)
def layout(request) -> Layout:
    return request.param


@pytest.fixture
def clip(tmp_path):
    """A plain mp4 of two seconds at 25 frames a second."""
    return Clip().write(tmp_path / "clip.mp4")


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory):
    """A mp4 of forty seconds at 10 frames a second with a key frame a second."""
    return LONG.write(tmp_path_factory.mktemp("long") / "long.mp4")
