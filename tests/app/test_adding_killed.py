"""A server that is killed while a folder is added: its videos with the look at them, or nothing."""

import os
import signal
from pathlib import Path

import pytest

from app.services import library, open_studio
from storage import jobs
from tests.storage.processes import end, start

pytestmark = pytest.mark.fault

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from app.services import library, open_studio
from tests.storage.test_migration_faults import AtChange

made, folder = Path(sys.argv[1]), Path(sys.argv[2])
for number in range(1, 20):
    data = made.with_name(str(number))
    shutil.copytree(made, data)
    child = os.fork()
    if not child:
        with open_studio(data) as studio:
            with AtChange(number, lambda: os.kill(os.getpid(), signal.SIGKILL)):
                library.add_folder(studio, 1, folder)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    print(data, status, flush=True)
    if status == 0:
        break
"""


def test_a_folder_is_added_with_the_look_at_its_files_or_not_at_all(tmp_path, little_folder):
    made = tmp_path / "made"
    with open_studio(made) as studio:
        library.new_project(studio, "little")
    *killed, (last, status) = [
        line.rsplit(maxsplit=1) for line in end(start(KILLED, made, little_folder)).splitlines()
    ]
    assert len(killed) >= 2
    assert status == "0"
    for data, status in killed:
        assert os.WTERMSIG(int(status)) == signal.SIGKILL
        assert found(data) == ([], [])
    videos, looked_at = found(last)
    assert len(videos) == 4
    assert looked_at == [videos]


def found(data: str) -> tuple[list[int], list[list[int]]]:
    """Return the videos of a data directory, and those of each look that is queued."""
    with open_studio(Path(data)) as studio:
        videos = [row["id"] for row in library.table(studio, 1)]
        queued = jobs.list_jobs(studio.database, 1)
        return sorted(videos), [sorted(v["id"] for v in job.spec["videos"]) for job in queued]
