"""The errors a person may see, drawn once.

StudioError                 rule, value, next step
├── UnknownName             a name that no table holds; suggests the nearest
├── InvalidConfig           a setting outside its rule
├── InvalidData             labels, splits or segments that cannot be used
│   └── InvalidFile         the same, in a file, with its line where known
├── UnreadableVideo         a file that cannot be played or decoded
│   └── DecoderFailed       the same, because reading it crashed the decoder or stood still
├── MissingArtifact         a file that an earlier step should have made
├── Unavailable             the database or its disk takes nothing now; asked again later, it may
├── Conflict                somebody else changed or holds it
│   └── ChangedElsewhere    the same, of segments, with what they are now
└── Stopped                 the person asked to stop

Programming mistakes stay `TypeError` or `AssertionError` and are never caught.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class StudioError(Exception):
    """A failure that a person can act on: the rule, the value that broke it, the next step."""

    def __init__(self, rule: str, value: object = "", next_step: str = "") -> None:
        self.rule = rule.rstrip(".")
        self.value = str(value)
        self.next_step = next_step
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """Rule, value and next step as running text."""
        head = f"{self.rule}: {self.value}." if self.value else f"{self.rule}."
        return f"{head} {self.next_step}".strip()

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--json` and the REST routes print."""
        return {"error": {"rule": self.rule, "value": self.value, "next": self.next_step}}


class UnknownName(StudioError):
    """A name that no table holds."""


class InvalidConfig(StudioError):
    """A setting outside its rule."""


class InvalidData(StudioError):
    """Labels, splits or segments that cannot be used."""


class InvalidFile(InvalidData):
    """A file whose content breaks a rule."""

    def __init__(
        self, rule: str, path: Path | str, line: int | None = None, next_step: str = ""
    ) -> None:
        self.path, self.line = str(path), line
        where = f"'{path}', line {line}" if line else f"'{path}'"
        super().__init__(rule, where, next_step)


class UnreadableVideo(StudioError):
    """A file that cannot be played or decoded."""


class DecoderFailed(UnreadableVideo):
    """A file whose reading crashed the decoder, or stood still."""


class MissingArtifact(StudioError):
    """A file that an earlier step should have made."""


class Unavailable(StudioError):
    """The database or its disk takes nothing now; the same request may succeed later."""


class Conflict(StudioError):
    """Somebody else changed or holds what was asked for."""


class ChangedElsewhere(Conflict):
    """Segments were changed since whoever edits them saw them; `current` is what they are now."""

    def __init__(
        self,
        rule: str,
        value: object = "",
        next_step: str = "",
        *,
        current: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.current = list(current)
        super().__init__(rule, value, next_step)

    def as_json(self) -> dict[str, Any]:
        """Return the error with the present state of the segments."""
        return {**super().as_json(), "current": self.current}


class Stopped(StudioError):
    """The person asked to stop; what was finished is kept."""

    def __init__(self, what: str = "The work") -> None:
        super().__init__(f"{what} was stopped on request")
