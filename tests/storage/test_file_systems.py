"""Data directories on other machines: found, warned of, and used without a write-ahead log."""

import logging
import threading
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from app.services import open_studio
from storage import annotations, projects
from storage.database import Database
from storage.file_systems import network_kind
from tests.storage.samples import edit, make_sample

pytestmark = pytest.mark.fault

Mount = namedtuple("Mount", "mountpoint fstype opts", defaults=["rw"])


def mount(monkeypatch: pytest.MonkeyPatch, *mounts: Mount) -> None:
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Mount("/", "ext4"), *mounts])


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ([], None),
        ([Mount("/mnt", "nfs4")], "nfs4"),
        ([Mount("/mnt/lab", "CIFS")], "cifs"),
        ([Mount("/mnt/lab", "fuse.sshfs")], "fuse.sshfs"),
        ([Mount("/mnt/lab", "", "rw,remote")], "network drive"),
        ([Mount("/mnt/laboratory", "nfs")], None),
        ([Mount("/mnt", "nfs"), Mount("/mnt/lab", "xfs")], None),
        ([Mount("/mnt/lab", "ext4"), Mount("/mnt/lab", "nfs")], "nfs"),
    ],
)
def test_the_nearest_mount_says_where_a_folder_lies(monkeypatch, mounts, kind) -> None:
    mount(monkeypatch, *mounts)
    assert network_kind(Path("/mnt/lab/data")) == kind


def test_a_disk_of_this_machine_is_none_of_a_network(tmp_path: Path) -> None:
    assert network_kind(tmp_path / "not there yet") is None


def test_on_a_network_there_is_no_write_ahead_log_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database(tmp_path / "gad.sqlite") as database:  # in use before it was moved
        database.migrate()
        make_sample(database)
    mount(monkeypatch, Mount(str(tmp_path), "nfs"))
    with Database(tmp_path / "gad.sqlite") as database:
        database.migrate()
        saving = [threading.Thread(target=save, args=(database,)) for _ in range(3)]
        for thread in saving:
            thread.start()
        for thread in saving:
            thread.join()
        with database.write() as session:
            pragmas = ("journal_mode", "synchronous")
            modes = [session.scalar(sa.text(f"PRAGMA {pragma}")) for pragma in pragmas]
        assert modes == ["delete", 3]
        assert len(annotations.list_segments(database, 1)) == 15
    assert not [*tmp_path.glob("*-wal")]


def save(database: Database) -> None:
    for _ in range(5):
        annotations.save_segments(database, 1, [edit(1)])
        assert annotations.list_segments(database, 1)


def test_who_starts_on_a_network_is_warned(tmp_path: Path, monkeypatch, caplog) -> None:
    mount(monkeypatch, Mount(str(tmp_path), "nfs"))
    with caplog.at_level(logging.WARNING), open_studio(tmp_path / "data") as studio:
        assert projects.list_projects(studio.database) == ()
    assert "lies on a network file system (nfs)" in caplog.text
