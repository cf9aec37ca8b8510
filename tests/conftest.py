"""What tests of all packages share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are shared: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real videos and annotations; tests that ask for it are skipped without it."""
    folder = Path(os.environ.get("GAD_TEST_DATA", Path(__file__).parents[1] / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"the real files are not at {folder}")
    return folder.resolve()
