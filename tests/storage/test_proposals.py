import uuid

import pytest

from core.errors import InvalidData, UnknownName
from storage import annotations, operations, projects, proposals, runs
from storage.database import Database
from storage.operations import Operation
from storage.proposals import ProposalAnswer
from storage.runs import NewRun
from tests.storage.samples import Sample, edit

GHOST, OTHER = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))


def new_run(database: Database, project: int) -> int:
    made = NewRun(project_id=project, classifier="gad", task="online", backbone="nano",
                  data_hash="f" * 64)  # fmt: skip
    return runs.create_run(database, made).id


@pytest.fixture
def run(database: Database, sample: Sample) -> int:
    return new_run(database, sample.project)


def say(database: Database, video: int, *answers: ProposalAnswer, **more) -> None:
    operation = Operation(**{"id": str(uuid.uuid4()), "name": "no", "answers": answers, **more})
    operations.perform(database, video, operation)


def test_a_rejected_proposal_stays_rejected_until_that_is_taken_back(
    database: Database, sample: Sample, run: int
) -> None:
    tea, juice, _ = sample.videos
    say(database, tea, ProposalAnswer(GHOST, run, True), ProposalAnswer(OTHER.upper(), run, True))
    assert proposals.rejected(database, tea) == {GHOST, OTHER}
    assert proposals.rejected(database, juice) == frozenset()
    say(database, tea, ProposalAnswer(GHOST, run, False))
    assert proposals.rejected(database, tea) == {OTHER}
    told = [each.detail["answers"] for each in annotations.history(database, tea)]
    assert told[0] == [{"proposal": GHOST, "run": run, "before": True, "after": False}]
    assert [each["before"] for each in told[1]] == [False, False]


def test_an_answer_and_its_segment_are_saved_together_or_not_at_all(
    database: Database, sample: Sample, run: int
) -> None:
    no = ProposalAnswer(GHOST, run, True)
    with pytest.raises(InvalidData):
        say(database, sample.videos[0], no, edits=[edit(1, 2, 1)])
    assert proposals.rejected(database, sample.videos[0]) == frozenset()
    with pytest.raises(UnknownName, match="Unknown run"):
        say(database, sample.videos[0], ProposalAnswer(GHOST, 99, True), edits=[edit(1)])
    assert annotations.list_segments(database, sample.videos[0]) == ()
    say(database, sample.videos[0], no, edits=[edit(1)])
    assert proposals.rejected(database, sample.videos[0]) == {GHOST}
    assert len(annotations.list_segments(database, sample.videos[0])) == 1


def test_a_proposal_is_of_one_video_and_of_one_run_of_its_project(
    database: Database, sample: Sample, run: int
) -> None:
    tea, juice, _ = sample.videos
    say(database, tea, ProposalAnswer(GHOST, run, True))
    second = new_run(database, sample.project)
    stranger = new_run(database, projects.create_project(database, "other").id)
    for video, answer in (
        (juice, ProposalAnswer(GHOST, run, False)),
        (tea, ProposalAnswer(GHOST, second, False)),
        (tea, ProposalAnswer(OTHER, stranger, True)),
        (tea, ProposalAnswer("7", run, True)),
    ):
        with pytest.raises(InvalidData):
            say(database, video, answer)
    assert proposals.rejected(database, tea) == {GHOST}
