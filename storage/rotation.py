"""Which backups stay: the rule alone, without files."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from storage.backup import BEFORE_MIGRATION, Backup

AUTOMATIC = ("start", "daily", BEFORE_MIGRATION)
"""How the reasons begin of copies that nobody asked for. Only they are ever removed."""

ALL_WITHIN = timedelta(days=7)
WEEKS = 8
MIGRATIONS = 5


def superseded(backups: Iterable[Backup], now: datetime) -> frozenset[Backup]:
    """Return the backups that may go.

    All of the last seven days stay; of what is older, the newest of each of the last eight
    calendar weeks that have one, however long ago; and the last five from before a migration.
    Weeks of the calendar, unlike ages, do not move: what stands for a week today does so tomorrow.
    """
    automatic = sorted(
        (backup for backup in backups if backup.reason.startswith(AUTOMATIC)),
        key=lambda backup: backup.made_at,
        reverse=True,
    )
    migrations = [b for b in automatic if b.reason.startswith(BEFORE_MIGRATION)]
    stay = set(migrations[:MIGRATIONS])
    weeks: dict[tuple[int, int], Backup] = {}
    for backup in automatic:
        if now - backup.made_at < ALL_WITHIN:
            stay.add(backup)
        else:
            year, week, _ = backup.made_at.isocalendar()
            weeks.setdefault((year, week), backup)  # the newest comes first
    return frozenset(automatic) - stay - set(list(weeks.values())[:WEEKS])
