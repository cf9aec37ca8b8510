"""What all tables share: the clock, how words are stored, how constraints are called."""

import time
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from storage.states import Health, JobState, RunState, SegmentKind, SegmentSource, StopRequest


def now_us() -> int:
    """Return the time of day in microseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000


def _word(words: type[StrEnum]) -> sa.Enum:
    """Store the words of an enumeration as text; a new word then needs no migration."""
    return sa.Enum(
        words, native_enum=False, length=16, values_callable=lambda w: [each.value for each in w]
    )


class Base(DeclarativeBase):
    """What all tables share: names for constraints, so that a migration can address them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it once, at class creation)
        str: sa.Text(),
        float: sa.Double(),
        dict[str, Any]: sa.JSON(),
        Health: _word(Health),
        SegmentKind: _word(SegmentKind),
        SegmentSource: _word(SegmentSource),
        StopRequest: _word(StopRequest),
        RunState: _word(RunState),
        JobState: _word(JobState),
    }
