"""Nothing is lost: undo over a reload, random edits, two tabs, a server that is away."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from storage import annotations
from tests.app.annotating import (
    LABELS,
    Desk,
    Span,
    browser as browser,
    desk as desk,
    site as site,
    tab as tab,
)
from tests.app.browser import Visit
from tests.storage.faulty import disk_full

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE, MILK = LABELS[:4]
OPERATIONS = "**/operations"


def excuse(desk: Desk, *words: str) -> None:
    """Take out of the faults what the test itself brought about."""
    faults = desk.visit.faults
    faults[:] = [fault for fault in faults if not any(word in fault for word in words)]


@contextmanager
def another(desk: Desk) -> Iterator[Desk]:
    """Open a second tab of the same person on the same video."""
    page = desk.page.context.new_page()
    page.set_default_timeout(15_000)
    second = Desk(desk.site, Visit(page, desk.visit.base), desk.project, desk.videos, desk.name)
    page.on("pageerror", lambda error: desk.visit.faults.append(str(error)))
    yield second.open()
    if not page.is_closed():
        page.close()


def test_undo_and_redo_reach_over_a_reload(desk):
    desk.open().at(20).do("extend").at(50).press("2").do("extend").at(30).do("split")
    states = [desk.spans()]
    for _ in range(3):
        desk.open().do("undo")
        states.append(desk.spans())
    assert [len(state) for state in states] == [3, 2, 1, 0]
    for state in states[-2::-1]:
        desk.open().do("redo")
        assert desk.spans() == state


class Model:
    """What the segments must be, worked out by the test itself."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.now: list[Span] = []
        self.done: list[list[Span]] = []
        self.undone: list[list[Span]] = []
        self.active = 0

    def become(self, after: list[Span]) -> None:
        if sorted(after) != sorted(self.now):
            self.done.append(self.now)
            self.undone = []
            self.now = after

    def frames(self) -> tuple[int, int]:
        low, high = sorted(self.rng.choice(195, 2, replace=False).tolist())
        return low, high

    def step(self, desk: Desk) -> None:
        """Do something by keys, and to the model."""
        kinds = ["create", "create", "extend", "undo", "redo", "reload"]
        kinds += ["delete", "split", "nudge", "relabel", "split", "nudge"] if self.now else []
        getattr(self, kinds[self.rng.integers(len(kinds))])(desk.do("clear").do("clear"))

    def create(self, desk: Desk) -> None:
        low, high = self.frames()
        self.active = int(self.rng.integers(6))
        desk.at(low).do("into").at(high).do("out").press(str(self.active + 1))
        self.become([*self.now, (LABELS[self.active], low, high)])

    def extend(self, desk: Desk) -> None:
        at = self.frames()[1]
        before = max([end for _, first, end in self.now if first < at], default=0)
        desk.at(at).do("extend")
        if before < at:
            self.become([*self.now, (LABELS[self.active], before, at)])

    def undo(self, desk: Desk) -> None:
        desk.do("undo")
        if self.done:
            self.undone.append(self.now)
            self.now = self.done.pop()

    def redo(self, desk: Desk) -> None:
        desk.do("redo")
        if self.undone:
            self.done.append(self.now)
            self.now = self.undone.pop()

    def reload(self, desk: Desk) -> None:
        desk.open()
        self.active = 0

    def chosen(self, desk: Desk) -> tuple[Span, list[Span]]:
        """Choose a segment; returns it and the others."""
        row = desk.rows()[self.rng.integers(len(self.now))]
        desk.js("id => Studio.editor.pick(Studio.editor.doc.rows.get(id))", row["id"])
        names = {number: name for name, number in desk.labels.items()}
        one = (names[row["label_id"]], desk.frame_of(row["start_us"]), desk.frame_of(row["end_us"]))
        rest = list(self.now)
        rest.remove(one)
        return one, rest

    def delete(self, desk: Desk) -> None:
        _, rest = self.chosen(desk)
        desk.do("remove")
        self.become(rest)

    def split(self, desk: Desk) -> None:
        (label, first, end), rest = self.chosen(desk)
        at = int(self.rng.integers(first, end))
        desk.at(at).do("split")
        if first < at:
            self.become([*rest, (label, first, at), (label, at, end)])
        elif any(a < at < b for _, a, b in rest):  # those below the playhead are split instead
            halves = [(n, *half) for n, a, b in rest if a < at < b for half in ((a, at), (at, b))]
            kept = [row for row in rest if not row[1] < at < row[2]]
            self.become([(label, first, end), *kept, *halves])

    def nudge(self, desk: Desk) -> None:
        (label, first, end), rest = self.chosen(desk)
        action = str(self.rng.choice(["startback", "starton", "endback", "endon"]))
        desk.do(action)
        by = 1 if action.endswith("on") else -1
        if action.startswith("start"):
            first = min(max(0, first + by), end - 1)
        else:
            end = max(min(200, end + by), first + 1)
        self.become([*rest, (label, first, end)])

    def relabel(self, desk: Desk) -> None:
        (_, first, end), rest = self.chosen(desk)
        self.active = int(self.rng.integers(6))
        desk.press(str(self.active + 1))
        self.become([*rest, (LABELS[self.active], first, end)])


def test_thirty_random_edits_leave_what_a_model_of_them_says(desk):
    model = Model(seed=5)
    desk.open()
    for _ in range(30):
        model.step(desk)
        assert sorted(desk.spans()) == sorted(model.now)


def test_an_edit_that_changes_nothing_leaves_nothing_to_undo(desk):
    desk.lay((TEA, 0, 20))
    desk.open().do("next").do("startback").press("1").at(0).do("into")
    assert desk.js("Studio.editor.doc.done.length") == 0
    assert desk.foot() == ""


def conflict(desk: Desk, second: Desk) -> None:
    """Nudge one segment here and, without knowing of it, there."""
    desk.do("next").do("starton")
    desk.saved()
    second.do("next").do("endon")
    second.page.wait_for_selector("dialog", state="visible")
    assert "Changed elsewhere" in second.page.inner_text("dialog")
    assert "not saved" in second.foot()


def test_two_tabs_on_one_segment_are_asked_and_theirs_can_be_taken(desk):
    desk.lay((TEA, 10, 20), (BREAD, 30, 40))
    desk.open()
    with another(desk) as second:
        conflict(desk, second)
        second.page.get_by_role("button", name="Take theirs").click()
        second.until("() => !document.querySelector('dialog') && !Studio.editor.doc.stale")
        assert second.spans() == [(TEA, 11, 20), (BREAD, 30, 40)]
        second.do("endon")  # what was taken can be edited
        assert second.spans() == [(TEA, 11, 21), (BREAD, 30, 40)]


@pytest.mark.fault
def test_two_tabs_on_one_segment_are_asked_and_both_can_be_kept(desk):
    (one, _) = desk.lay((TEA, 10, 20), (BREAD, 30, 40))
    desk.open()
    with another(desk) as second:
        conflict(desk, second)
        second.page.get_by_role("button", name="Keep both").click()
        second.until("() => Studio.editor.doc.live.length === 3")
        assert second.spans() == [(TEA, 10, 21), (TEA, 11, 20), (BREAD, 30, 40)]
        assert [row["id"] == one for row in second.rows()] == [False, True, False]
    desk.open()
    assert len(desk.spans()) == 3


@pytest.mark.fault
def test_edits_of_different_segments_in_two_tabs_never_ask(desk):
    desk.lay((TEA, 10, 20), (BREAD, 30, 40))
    desk.open()
    with another(desk) as second:
        for _ in range(3):
            desk.do("clear").at(0).do("next").do("endon")
            second.do("clear").at(25).do("next").do("endon")
            second.until("() => !Studio.editor.doc.saving.unsent")
        desk.until("() => !Studio.editor.doc.saving.unsent")
        assert second.page.locator("dialog").count() == desk.page.locator("dialog").count() == 0
    desk.open()
    assert desk.spans() == [(TEA, 10, 23), (BREAD, 30, 43)]


def test_while_the_server_is_away_edits_go_on_and_are_sent_when_it_returns(desk):
    desk.open().at(20)
    desk.page.context.set_offline(True)
    desk.do("extend").at(50).press("2").do("extend").do("undo").do("redo").at(80).do("extend")
    desk.until("() => document.querySelector('.st-saved').textContent.startsWith('5 not saved')")
    assert "bad" in (desk.page.locator(".st-saved").get_attribute("class") or "")
    assert annotations.list_segments(desk.site.studio.database, desk.video) == ()
    assert len(desk.rows()) == 3
    desk.do("save")
    assert "5 edits wait" in desk.said()
    desk.page.context.set_offline(False)
    assert desk.spans() == [(TEA, 0, 20), (BREAD, 20, 50), (BREAD, 50, 80)]
    assert desk.foot().startswith("saved ")
    excuse(desk, "ERR_INTERNET_DISCONNECTED")


@pytest.mark.fault
def test_while_the_disk_is_full_edits_wait_in_the_browser_and_are_sent_when_there_is_space(desk):
    desk.lay((TEA, 10, 20), note="x" * 4000)  # an edit of it needs new pages
    desk.open()
    with disk_full(desk.site.studio.database):
        desk.do("next").do("endon").do("endon")
        desk.until("() => document.querySelector('.st-saved').textContent.includes('disk is full')")
        assert "2 not saved yet, they wait in this browser" in desk.foot()
    assert desk.spans() == [(TEA, 10, 22)]
    assert desk.foot().startswith("saved ")
    excuse(desk, "503")


def test_a_tab_that_is_closed_meanwhile_leaves_its_edits_to_the_next(desk):
    desk.lay((TEA, 10, 20))
    desk.open()
    with another(desk) as second:
        second.page.route(OPERATIONS, lambda route: route.abort())
        second.do("next").do("endon").at(60).do("clear").do("point")
        second.until("() => document.querySelector('.st-saved').textContent.startsWith('2 not')")
        second.page.close()
    desk.open()
    assert desk.spans() == [(TEA, 10, 21), (TEA, 60, 60)]
    assert desk.js("Object.keys(localStorage).filter(k => k.startsWith('gad-unsent'))") == []


def test_what_is_not_sent_yet_outlives_a_reload(desk):
    desk.open().at(20)
    desk.page.route(OPERATIONS, lambda route: route.abort())
    desk.do("extend").until("() => document.querySelector('.st-saved.bad')")
    desk.page.unroute(OPERATIONS)
    desk.open()
    assert desk.spans() == [(TEA, 0, 20)]
    desk.do("undo")
    assert desk.spans() == []
    excuse(desk, "ERR_FAILED")


@pytest.mark.fault
def test_an_edit_whose_answer_is_lost_is_applied_once(desk):
    desk.open().at(20)
    sent = []

    def lose(route) -> None:
        sent.append(route.fetch().status)
        route.abort() if len(sent) == 1 else route.continue_()

    desk.page.route(OPERATIONS, lose)
    desk.do("extend").press("1").at(40)
    assert desk.spans() == [(TEA, 0, 20)]
    assert (sent, desk.rows()[0]["version"]) == ([200, 200], 1)
    desk.page.unroute(OPERATIONS)
    desk.do("undo")
    assert desk.spans() == []
    excuse(desk, "ERR_FAILED")


def test_where_a_page_is_no_secure_context_edits_are_saved_too(browser, desk):
    page = browser.new_page()  # as over plain HTTP from another machine
    page.add_init_script(
        "delete Crypto.prototype.randomUUID;"
        "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined});"
    )
    page.on("pageerror", lambda error: desk.visit.faults.append(str(error)))
    away = Desk(desk.site, Visit(page, desk.visit.base), desk.project, desk.videos)
    away.open().at(20).do("extend").at(10).do("split").do("undo")
    assert away.spans() == [(TEA, 0, 20)]
    page.close()
