"""What a run proposes is taken or refused one by one or all at once; what to label next."""

import pytest

from app.services import preferences
from storage import annotations, jobs, library, proposals, runs
from storage.states import JobState, RunState, StopRequest
from tests.app.annotating import (
    LABELS,
    Desk,
    browser as browser,
    desk as desk,
    site as site,
    tab as tab,
)
from tests.app.pointing import click, drag, spot
from tests.app.predicted import make_run, one_hot, predict

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE = LABELS[:3]
SAID = [0] * 2 + [1] * 4 + [0] * 2 + [2] * 4 + [0] + [1] * 3  # at two frames a second
PROPOSED = [(TEA, 25, 75), (BREAD, 100, 150), (TEA, 162, 200)]


def told(desk: Desk, said: list[int] = SAID) -> int:
    """Make a run whose second stretch is less sure than the others; returns its id."""
    database = desk.site.studio.database
    with database.write():  # as a whole, so that nobody begins to train
        run = make_run(desk.site.studio, desk.project, (TEA, BREAD))
        (job, *_) = jobs.list_jobs(database, desk.project, states=[JobState.QUEUED])
        jobs.request_stop(database, job.id, StopRequest.KEEP)
    log_p = one_hot(said, 3)
    log_p[8:12] = one_hot(said[8:12], 3, sure=0.6)
    for video in library.list_videos(database, desk.project):
        if "even.mp4" in video.name and "uneven" not in video.name:
            predict(desk.site.studio, run, video, log_p)
    runs.set_state(database, run, RunState.READY)
    return run


@pytest.fixture
def run(desk: Desk) -> int:
    return told(desk)


def see(desk: Desk, run: int) -> Desk:
    """Open the page with what a run proposes."""
    desk.open(run=run)
    desk.until("() => Studio.editor.proposals && Studio.timeline.lanes.at(-1).kind === 'proposals'")
    return desk


def open_ones(desk: Desk) -> int:
    return desk.js("Studio.editor.open.length")


def lane(desk: Desk) -> int:
    return desk.js("Studio.timeline.lanes.length - 1")


def test_proposals_are_walked_accepted_and_rejected_one_by_one(desk, run):
    see(desk, run).do("nextproposal").shows(25)
    assert f"{TEA}" in desk.page.inner_text(".an-segment")
    assert "confidence 0.90" in desk.page.inner_text(".an-segment")
    desk.do("nextproposal").shows(100).do("nextproposal").shows(162).do("previousproposal")
    desk.shows(100).do("previousproposal").shows(25).do("accept")
    assert desk.spans() == PROPOSED[:1]
    (row,) = desk.rows()
    assert (row["source"], row["confidence"]) == ("proposal", pytest.approx(0.9, abs=1e-4))
    desk.do("reject")  # the one after is chosen by itself
    desk.saved()
    assert [open_ones(desk), len(refused(desk))] == [1, 1]
    desk.do("accept").do("accept")
    assert desk.spans() == [PROPOSED[0], PROPOSED[2]]
    assert open_ones(desk) == 0


def refused(desk: Desk) -> frozenset[str]:
    return proposals.rejected(desk.site.studio.database, desk.video)


def test_what_was_said_to_proposals_holds_after_a_reload_and_is_undone(desk, run):
    see(desk, run).do("nextproposal").do("accept").do("reject")
    desk.saved()
    see(desk, run)
    assert open_ones(desk) == 1
    desk.do("undo").do("undo")
    assert desk.spans() == []
    assert [open_ones(desk), refused(desk)] == [3, frozenset()]
    desk.do("redo")
    assert [desk.spans(), open_ones(desk)] == [PROPOSED[:1], 2]


def test_an_accepted_proposal_that_is_deleted_is_not_proposed_again(desk, run):
    see(desk, run).do("nextproposal").do("accept").do("clear").do("clear").at(0).do("next").do(
        "remove"
    )
    assert desk.spans() == []
    assert open_ones(desk) == 2
    see(desk, run)
    assert open_ones(desk) == 2


def test_all_above_a_confidence_are_accepted_at_once_and_undone_at_once(desk, run):
    see(desk, run).do("above")
    desk.page.get_by_label("Least confidence").fill("0.7")
    assert "2 of 3 open proposals" in desk.page.inner_text("dialog")
    desk.page.get_by_role("button", name="Accept them").click()
    assert desk.spans() == [PROPOSED[0], PROPOSED[2]]
    desk.do("undo")
    assert [desk.spans(), open_ones(desk)] == [[], 3]


def test_all_above_a_confidence_are_rejected_at_once(desk, run):
    see(desk, run).do("above")
    desk.page.get_by_label("Least confidence").fill("0.5")
    desk.page.get_by_role("button", name="Reject them").click()
    desk.saved()
    assert [open_ones(desk), len(refused(desk))] == [0, 3]


def test_nothing_that_a_person_made_is_touched_by_an_accepted_proposal(desk, run):
    mine = desk.lay((FRIDGE, 30, 60), (BREAD, 20, 110), note="mine")
    see(desk, run).do("contiguous").do("nextproposal").do("accept")
    rows = {row["id"]: row for row in desk.saved()}
    assert len(rows) == 3
    assert [(rows[one]["version"], rows[one]["note"]) for one in mine] == [(1, "mine")] * 2


def test_signs_on_a_proposal_accept_and_reject_it_with_the_mouse(desk, run):
    see(desk, run)
    click(desk, spot(desk, 75, lane(desk), dx=-30))
    click(desk, spot(desk, 150, lane(desk), dx=-10))
    assert desk.spans() == PROPOSED[:1]
    assert [open_ones(desk), len(refused(desk))] == [1, 1]
    click(desk, spot(desk, 170, lane(desk))).shows(170)
    assert desk.js("Studio.editor.proposal.label") == TEA


def test_edges_snap_to_where_the_run_changes_its_mind(desk, run):
    desk.lay((FRIDGE, 20, 80), (BREAD, 180, 195))
    see(desk, run).do("next").do("snap")
    assert desk.spans()[0] == (FRIDGE, 25, 75)
    drag(desk, spot(desk, 75, dx=-2), spot(desk, 101), "Alt")
    assert desk.spans()[0] == (FRIDGE, 25, 100)


def test_without_a_run_there_is_nothing_to_accept(desk):
    desk.open().do("nextproposal").do("accept").do("above")
    assert "Choose a run that proposes" in desk.said()
    assert "Choose a proposal first" in desk.said()


def test_the_run_that_proposes_is_chosen_and_remembered(desk, run):
    desk.open()
    desk.page.get_by_label("Proposals of").select_option(str(run))
    desk.until("() => Studio.editor.proposals")
    desk.until("() => fetch('/api/preferences').then(r => r.json()).then(p => p.run)")
    desk.page.goto("about:blank")
    desk.open()
    desk.until("() => Studio.editor.proposals?.rows.length === 3")
    assert preferences.stored(desk.site.studio)["run"] == {str(desk.project): run}


def test_the_queue_leads_to_the_next_video_and_back(desk):
    desk.lay((TEA, 10, 100))
    desk.open().do("nextitem")
    desk.until("id => Studio.editor.video.id === id", desk.videos["uneven"])
    desk.until("() => document.querySelector('.an-item[aria-current=true]')?.textContent"
                ".includes('uneven.mp4')")  # fmt: skip
    desk.do("lastitem")
    desk.until("id => Studio.editor.video.id === id", desk.videos["even"])
    desk.ready()
    assert desk.spans() == [(TEA, 10, 100)]


def test_a_probably_wrong_label_is_played_and_put_right_by_a_key(desk, run):
    desk.lay((BREAD, 25, 75), (BREAD, 100, 150))
    see(desk, run)
    desk.page.get_by_label("List", exact=True).select_option("doubtful")
    desk.page.wait_for_selector(f".an-item:has-text('{BREAD} → {TEA}')")
    desk.do("nextitem").until("() => Studio.editor.chosen.length === 1")
    desk.do("fix")
    assert desk.spans() == [(TEA, 25, 75), (BREAD, 100, 150)]
    desk.do("undo")
    assert desk.spans()[0] == (BREAD, 25, 75)


def test_clips_whose_outcome_a_run_changed_are_listed(desk, run):
    desk.lay((TEA, 25, 75), (BREAD, 100, 150))
    second = told(desk, [2 if label == 1 else label for label in SAID])
    see(desk, run)
    desk.page.get_by_label("List", exact=True).select_option("changed")
    desk.page.get_by_label("Before").select_option(str(run))
    desk.page.get_by_label("After").select_option(str(second))
    desk.page.wait_for_selector(".an-help h2:has-text('Broken 1')")
    desk.do("nextitem").until("() => Studio.editor.chosen.length === 1")
    assert annotations.list_segments(desk.site.studio.database, desk.video)[0].id in desk.chosen()
