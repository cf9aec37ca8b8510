import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import Conflict, StudioError, UnknownName
from core.types import Progress
from storage import jobs
from storage.database import Database
from storage.jobs import CurvePoint, Ending, NewJob
from storage.states import JobState, StopRequest
from tests.storage.processes import address, end, lines, start
from tests.storage.samples import Sample

ENDS = (JobState.DONE, JobState.FAILED, JobState.STOPPED, JobState.LOST)

CLAIM_AND_FINISH = """
import sys
from pathlib import Path
from storage import jobs
from storage.database import Database
from storage.jobs import Ending
from storage.states import JobState

with Database(Path(sys.argv[1]), *sys.argv[2:]) as database:
    print("ready")
    sys.stdin.readline()
    misses = 0
    while misses < 200:
        job = jobs.claim(database, "gpu:0")
        if job is None:
            misses += 1
            continue
        others = jobs.list_jobs(database, states=(JobState.RUNNING, JobState.STOPPING))
        print(job.id, len([other for other in others if other.slot == "gpu:0"]))
        jobs.finish(database, job.id, Ending(JobState.DONE, 0))
        if all(each.state.is_finished for each in jobs.list_jobs(database)):
            break
"""


def queue(database: Database, sample: Sample, slot: str = "cpu", priority: int = 0) -> int:
    return jobs.enqueue(database, NewJob(sample.project, "train", slot, {"a": 1}, priority)).id


def in_state(database: Database, sample: Sample, state: JobState) -> int:
    """Bring a job of its own slot into a state by the way that jobs go."""
    job = queue(database, sample, slot=f"slot of {state}")
    if state is JobState.QUEUED:
        return job
    jobs.claim(database, f"slot of {state}")
    if state in (JobState.STOPPING, JobState.STOPPED):
        jobs.request_stop(database, job, StopRequest.KEEP)
    if state.is_finished:
        jobs.finish(database, job, Ending(state))
    return job


def test_a_job_is_queued_with_its_spec_and_claimed_for_its_slot(
    database: Database, sample: Sample
) -> None:
    job = queue(database, sample, "gpu:0")
    assert jobs.find_job(database, job).spec == {"a": 1}
    assert jobs.claim(database, "media") is None
    claimed = jobs.claim(database, "gpu:0")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempt) == (job, JobState.RUNNING, 1)
    assert claimed.started_us is not None


def test_the_higher_priority_goes_first_then_the_older_job(
    database: Database, sample: Sample
) -> None:
    wanted = {queue(database, sample, priority=p): p for p in (0, 5, 0, 5)}
    order = []
    while job := jobs.claim(database, "cpu"):
        order.append(job.id)
        jobs.finish(database, job.id, Ending(JobState.DONE))
    assert order == sorted(wanted, key=lambda job: (-wanted[job], job))


def test_a_free_gpu_takes_the_next_job_whichever_gpu_it_was_queued_for(
    database: Database, sample: Sample
) -> None:
    first, second, third = (queue(database, sample, "gpu:0") for _ in range(3))
    taken = [jobs.claim(database, slot) for slot in ("gpu:0", "gpu:1", "gpu:0", "gpu:1")]
    assert [job and (job.id, job.slot) for job in taken] == [
        (first, "gpu:0"), (second, "gpu:1"), None, None,
    ]  # fmt: skip
    jobs.finish(database, first, Ending(JobState.DONE))
    left = jobs.claim(database, "cpu")  # the machine came back without its GPUs
    assert left is not None
    assert (left.id, left.slot) == (third, "cpu")


def test_a_waiting_job_is_put_before_all_others(database: Database, sample: Sample) -> None:
    running, important, last = (queue(database, sample, priority=p) for p in (9, 5, 0))
    jobs.claim(database, "cpu")
    assert jobs.put_first(database, last).priority == 6
    assert jobs.put_first(database, last).priority == 6  # it is the first already
    with pytest.raises(Conflict, match="Only a waiting job"):
        jobs.put_first(database, running)
    jobs.finish(database, running, Ending(JobState.DONE))
    claimed = jobs.claim(database, "cpu")
    assert claimed is not None
    assert claimed.id == last
    assert jobs.find_job(database, important).state is JobState.QUEUED


@pytest.mark.parametrize("stopping", [False, True])
def test_a_slot_is_free_only_when_its_job_has_ended(
    database: Database, sample: Sample, stopping: bool
) -> None:
    first, second = queue(database, sample), queue(database, sample)
    jobs.claim(database, "cpu")
    if stopping:
        jobs.request_stop(database, first, StopRequest.KEEP)
    assert jobs.claim(database, "cpu") is None
    jobs.finish(database, first, Ending(JobState.FAILED, 1))
    claimed = jobs.claim(database, "cpu")
    assert claimed is not None
    assert claimed.id == second


def test_the_database_itself_refuses_two_running_jobs_in_a_slot(
    database: Database, sample: Sample, file: Path
) -> None:
    queue(database, sample), queue(database, sample)
    with (
        closing(sqlite3.connect(file)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="UNIQUE"),
    ):
        connection.execute("UPDATE job SET state = 'RUNNING'")


def test_processes_that_claim_at_once_never_share_a_slot_or_a_job(
    database: Database, sample: Sample
) -> None:
    queued = [queue(database, sample, "gpu:0") for _ in range(20)]
    database.close()
    processes = [start(CLAIM_AND_FINISH, *address(database)) for _ in range(3)]
    for process in processes:
        lines(process, 1)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    claims = [line.split() for process in processes for line in end(process).splitlines()]
    assert Counter(int(job) for job, _ in claims) == Counter(queued)
    assert all(running == "1" for _, running in claims)


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("ending", ENDS)
def test_a_job_ends_only_as_its_state_allows(
    database: Database, sample: Sample, state: JobState, ending: JobState
) -> None:
    job = in_state(database, sample, state)
    allowed = {
        JobState.RUNNING: {JobState.DONE, JobState.FAILED, JobState.LOST},
        JobState.STOPPING: {JobState.DONE, JobState.FAILED, JobState.LOST, JobState.STOPPED},
    }.get(state, set())
    if ending in allowed:
        assert jobs.finish(database, job, Ending(ending)).state is ending
    else:
        with pytest.raises(Conflict, match=f"is {state} cannot become {ending}"):
            jobs.finish(database, job, Ending(ending))
        assert jobs.find_job(database, job).state is state


@pytest.mark.parametrize("state", JobState)
def test_a_job_is_stopped_only_before_it_has_ended(
    database: Database, sample: Sample, state: JobState
) -> None:
    job = in_state(database, sample, state)
    if state.is_finished:
        with pytest.raises(Conflict, match="cannot become STOPPING"):
            jobs.request_stop(database, job, StopRequest.DISCARD)
    else:
        stopped = jobs.request_stop(database, job, StopRequest.DISCARD)
        begun = state is not JobState.QUEUED
        assert stopped.state is (JobState.STOPPING if begun else JobState.STOPPED)
        assert stopped.stop_request is StopRequest.DISCARD


@pytest.mark.parametrize("state", JobState)
def test_a_job_is_resumed_only_when_it_ended_before_its_time(
    database: Database, sample: Sample, state: JobState
) -> None:
    job = in_state(database, sample, state)
    if state in (JobState.LOST, JobState.FAILED, JobState.STOPPED):
        resumed = jobs.resume(database, job)
        assert (resumed.state, resumed.attempt) == (JobState.QUEUED, 2)
        assert (resumed.ended_us, resumed.stop_request, resumed.pid) == (None, None, None)
    else:
        with pytest.raises(Conflict, match=f"is {state} cannot become QUEUED"):
            jobs.resume(database, job)


def test_the_questions_of_a_state_agree_with_what_may_follow() -> None:
    for state in JobState:
        assert not (state.is_finished and state.is_active)
        assert state.can_resume == state.may_become(JobState.QUEUED)
        assert state.is_active == state.may_become(JobState.DONE)
    assert not any(JobState.DONE.may_become(state) for state in JobState)


def test_discarding_wins_over_keeping_whichever_was_asked_first(
    database: Database, sample: Sample
) -> None:
    job = in_state(database, sample, JobState.STOPPING)
    asked = [StopRequest.KEEP, StopRequest.DISCARD, StopRequest.KEEP]
    answers = [jobs.request_stop(database, job, how).stop_request for how in asked]
    assert answers == [StopRequest.KEEP, StopRequest.DISCARD, StopRequest.DISCARD]


def test_a_failure_is_kept_as_rule_value_and_next_step(database: Database, sample: Sample) -> None:
    job = in_state(database, sample, JobState.RUNNING)
    error = StudioError("The disk is full", "'/data'", "Free some space.")
    ended = jobs.finish(database, job, Ending(JobState.FAILED, 1, error))
    assert ended.error == {
        "rule": "The disk is full",
        "value": "'/data'",
        "next": "Free some space.",
    }
    assert (ended.exit_code, ended.ended_us is not None) == (1, True)


def test_progress_and_process_belong_to_a_job_that_runs(database: Database, sample: Sample) -> None:
    job = in_state(database, sample, JobState.RUNNING)
    jobs.set_process(database, job, 4242, 17.25)
    jobs.report(database, job, Progress(3, 10, "training", {"loss": 0.5}))
    jobs.report(database, job)
    row = jobs.find_job(database, job)
    assert (row.pid, row.pid_start) == (4242, 17.25)
    assert row.progress == Progress(3, 10, "training", {"loss": 0.5})
    assert row.heartbeat_us is not None
    jobs.finish(database, job, Ending(JobState.DONE))
    with pytest.raises(Conflict, match="does not run: job 1 is DONE"):
        jobs.report(database, job, Progress(10, 10))


def test_a_state_that_is_no_end_is_a_programming_mistake(
    database: Database, sample: Sample
) -> None:
    with pytest.raises(TypeError, match="RUNNING is not an end"):
        jobs.finish(database, queue(database, sample), Ending(JobState.RUNNING))


def test_a_resumed_job_leaves_no_double_points_and_no_gaps(
    database: Database, sample: Sample
) -> None:
    job = in_state(database, sample, JobState.RUNNING)
    jobs.add_curve_points(database, job, [CurvePoint(s, "loss", s / 10) for s in (1, 2, 3)])
    repeated = [CurvePoint(s, "loss", s / 5) for s in (3, 4)] + [CurvePoint(4, "f1", 0.5)]
    jobs.add_curve_points(database, job, repeated)
    assert jobs.curve(database, job) == (
        CurvePoint(1, "loss", 0.1),
        CurvePoint(2, "loss", 0.2),
        CurvePoint(3, "loss", 0.6),
        CurvePoint(4, "f1", 0.5),
        CurvePoint(4, "loss", 0.8),
    )
    assert len(jobs.curve(database, job, after_step=3)) == 2


def test_a_value_that_is_not_finite_is_a_point_without_value(
    database: Database, sample: Sample
) -> None:
    job = queue(database, sample)
    points = [CurvePoint(1, "loss", float("nan")), CurvePoint(2, "loss", float("inf"))]
    jobs.add_curve_points(database, job, points)
    jobs.add_curve_points(database, job, [])
    assert [point.value for point in jobs.curve(database, job)] == [None, None]


def test_jobs_are_listed_newest_first_by_project_and_state(
    database: Database, sample: Sample
) -> None:
    done, queued = in_state(database, sample, JobState.DONE), queue(database, sample)
    assert [job.id for job in jobs.list_jobs(database, sample.project)] == [queued, done]
    assert [job.id for job in jobs.list_jobs(database, states=[JobState.DONE])] == [done]
    assert [job.id for job in jobs.list_jobs(database, limit=1)] == [queued]
    assert jobs.list_jobs(database, 99) == ()
    assert [job.spec for job in jobs.list_jobs(database, limit=1)] == [{"a": 1}]
    assert [job.spec for job in jobs.list_jobs(database, limit=1, specs=False)] == [{}]


def test_a_job_that_is_not_there_is_named(database: Database, sample: Sample) -> None:
    with pytest.raises(UnknownName, match="Unknown job: 99"):
        jobs.find_job(database, 99)
    with pytest.raises(UnknownName, match="Unknown project: 99"):
        jobs.enqueue(database, NewJob(99, "train", "cpu"))
