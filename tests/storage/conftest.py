import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.storage.samples import Sample, make_sample


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows, made once because migrating takes longer than a test."""
    path = tmp_path_factory.mktemp("empty") / "gad.sqlite"
    with Database(path) as database:
        database.migrate()
    return path


@pytest.fixture
def database(empty_file: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "data" / "gad.sqlite"
    path.parent.mkdir()
    shutil.copy(empty_file, path)
    with Database(path) as opened:
        yield opened


@pytest.fixture
def sample(database: Database) -> Sample:
    return make_sample(database)
