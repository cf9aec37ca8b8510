import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.base import Base
from storage.database import Database
from storage.server import checked_url
from tests.storage import postgres
from tests.storage.postgres import Server
from tests.storage.samples import Sample, make_sample

CONTRACT = (
    "test_annotated_video", "test_annotations", "test_changes", "test_frozen_data", "test_imports",
    "test_jobs", "test_operations", "test_project_state", "test_training_data",
)  # fmt: skip
LONGER = (
    "test_feature_videos", "test_labels", "test_library", "test_library_table", "test_projects",
    "test_proposals", "test_run_notes", "test_runs", "test_statistics", "test_undoing",
)  # fmt: skip
"""The tests of what every database must do: on a PostgreSQL server too, the second half if slow
tests are wanted."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of the contract twice, but for those that work on the file itself."""
    module = metafunc.module.__name__.rpartition(".")[2]
    names = metafunc.fixturenames
    if "database" in names and "file" not in names and module in (*CONTRACT, *LONGER):
        marks = [pytest.mark.slow] if module in LONGER else []
        both = ["sqlite", pytest.param("postgresql", marks=marks)]
        metafunc.parametrize("database", both, indirect=True)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows, made once because migrating takes longer than a test."""
    path = tmp_path_factory.mktemp("empty") / "gad.sqlite"
    with Database(path) as database:
        database.migrate()
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a migrated database on the server."""
    url = server.create("contract")
    with Database(tmp_path_factory.mktemp("server") / "gad.sqlite", url) as database:
        database.migrate()
    return url


@pytest.fixture(scope="session")
def emptying(migrated: str) -> Iterator[sa.Engine]:
    """A connection that is kept, since making one takes longer than emptying the tables."""
    engine = sa.create_engine(checked_url(migrated), pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture
def server_url(migrated: str, emptying: sa.Engine) -> str:
    """The same, without rows."""
    with emptying.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
        for name in sa.inspect(connection).get_sequence_names():
            connection.exec_driver_sql(f'ALTER SEQUENCE "{name}" RESTART')
    return migrated


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "data" / "gad.sqlite"
    path.parent.mkdir()
    url = None
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("server_url")
    else:
        shutil.copy(request.getfixturevalue("empty_file"), path)
    with Database(path, url) as opened:
        yield opened


@pytest.fixture
def file(database: Database) -> Path:
    """The SQLite file of the database; who asks for it is tested on SQLite alone."""
    return database.path


@pytest.fixture
def sample(database: Database) -> Sample:
    return make_sample(database)
