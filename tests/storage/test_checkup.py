"""What a database holds, in numbers, of a file and of a server alike."""

import pytest

from core.errors import StudioError
from storage import jobs
from storage.checkup import check_up
from storage.jobs import Ending, NewJob
from storage.states import JobState

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


@pytest.mark.parametrize("database", BOTH, indirect=True)
def test_rows_are_counted_by_state_and_failures_are_told(database, sample):
    for number in range(3):
        job = jobs.enqueue(database, NewJob(sample.project, "train", "cpu"))
        jobs.claim(database, "cpu")
        error = StudioError("It failed", str(number))
        jobs.finish(database, job.id, Ending(JobState.FAILED, 1, error))
    found = check_up(database, failures=2)
    assert found["faults"] == []
    assert found["on_server"] is (database.server is not None)
    assert found.get("integrity", "ok") == "ok"
    assert found["projects"] == 1
    assert sum(found["videos"].values()) == len(sample.videos)
    assert found["jobs"] == {"train FAILED": 3}
    assert [each["error"]["value"] for each in found["failed_jobs"]] == ["2", "1"]
