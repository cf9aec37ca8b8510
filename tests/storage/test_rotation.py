"""The rule of which backups stay, against a slow obvious one on random dates."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from storage.backup import Backup
from storage.rotation import superseded

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REASONS = ("start", "daily", "before-migration-from-0002", "manual", "before-restore")


def made(hours_ago: float, reason: str = "daily") -> Backup:
    return Backup(Path(f"{hours_ago}-{reason}"), NOW - timedelta(hours=hours_ago), reason)


def obvious(backups: list[Backup]) -> set[Backup]:
    """Go through every rule for every backup, by counting what is newer."""
    gone = set()
    asked_for = ("manual", "before-restore")
    automatic = [b for b in backups if b.reason not in asked_for]
    old = [b for b in automatic if NOW - b.made_at >= timedelta(days=7)]
    monday = {b: b.made_at.date() - timedelta(days=b.made_at.weekday()) for b in automatic}
    last_weeks = sorted({monday[b] for b in old})[-8:]
    for backup in automatic:
        newer = [b for b in automatic if b.made_at > backup.made_at]
        is_young = backup not in old
        is_of_week = monday[backup] in last_weeks and not any(
            monday[b] == monday[backup] for b in newer if b in old
        )
        migrations = [b for b in newer if b.reason.startswith("before-migration")]
        is_migration = backup.reason.startswith("before-migration") and len(migrations) < 5
        if not (is_young or is_of_week or is_migration):
            gone.add(backup)
    return gone


@given(
    st.lists(st.tuples(st.integers(-30, 4000), st.sampled_from(REASONS)), unique_by=lambda t: t[0])
)
def test_what_may_go_is_what_the_slow_rule_says(drawn):
    backups = [made(hours, reason) for hours, reason in drawn]
    assert superseded(backups, NOW) == obvious(backups)


def test_years_of_daily_backups_leave_a_week_and_eight_weeks():
    here: set[Backup] = set()
    day = NOW
    for number in range(800):
        day = NOW + timedelta(days=number, minutes=number % 50)
        here.add(Backup(Path(str(number)), day, "daily"))
        here -= superseded(here, day)
    ages = sorted((day - backup.made_at).days for backup in here)
    assert ages[:7] == list(range(7))
    assert len(ages) in (15, 16)
    assert 56 <= ages[-1] <= 70


def test_a_studio_that_rested_for_years_keeps_its_last_backups():
    backups = [made(24 * (900 + day)) for day in range(20)] + [made(0)]
    assert len(set(backups) - superseded(backups, NOW)) == 1 + 4  # weeks


@pytest.mark.parametrize("reason", ["manual", "before-restore"])
def test_what_a_person_made_stays_for_good(reason):
    assert superseded([made(24 * days, reason) for days in range(0, 2000, 3)], NOW) == frozenset()
