"""Every family's checkpoint, written once a session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.core.backbones.families import write_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Callable[[str], Path]:
    """Return the folder of a family's tiny checkpoint."""
    return cache(lambda family: write_checkpoint(family, tmp_path_factory.mktemp("hub") / family))
