"""What server and worker say to each other: files in a job's folder, nothing else.

`spec.json`     what to do, frozen; written by the server before the worker starts
`events.jsonl`  what happened, appended by the worker, ingested by the server
`heartbeat`     touched by the worker every two seconds
`cancel`        written by the server: `keep` or `discard`
`result.json`   written last by the worker, by rename; its absence in a dead job means LOST
`forecast.json` what a training checked, measured and expects; rewritten whenever that changes
`log.txt`       the worker's output and tracebacks
"""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

PROCESSES = "GAD_PROCESSES"
"""The variable that tells a worker how many processes train: one a GPU."""


class Ending(StrEnum):
    """How a worker ended."""

    DONE = "DONE"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The files of one job."""

    path: Path

    @property
    def log(self) -> Path:
        """Where the worker's output goes."""
        return self.path / "log.txt"

    @property
    def heartbeat(self) -> Path:
        """Touched while the worker lives."""
        return self.path / "heartbeat"

    def write_spec(self, spec: dict[str, Any]) -> None:
        """Freeze what to do."""
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self.path / "spec.json", spec)

    def read_spec(self) -> dict[str, Any]:
        """Read what to do."""
        return json.loads((self.path / "spec.json").read_text())

    def forget_ending(self) -> None:
        """Make the folder ready for another attempt; checkpoints and events stay."""
        for name in ("result.json", "cancel", "heartbeat"):
            (self.path / name).unlink(missing_ok=True)

    def ask_to_stop(self, how: str) -> None:
        """Ask the worker to stop and `keep` what it learned, or to `discard` it."""
        (self.path / "cancel").write_text(how)

    def stop_request(self) -> str | None:
        """Return what was asked: 'keep', 'discard' or None."""
        try:
            return (self.path / "cancel").read_text().strip() or None
        except FileNotFoundError:
            return None

    def append_event(self, event: dict[str, Any]) -> None:
        """Append one event as one line, at once."""
        with (self.path / "events.jsonl").open("a") as file:
            file.write(json.dumps(event) + "\n")

    def read_events(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return the whole lines after a byte offset, and the offset behind them.

        A line that a full disk or the end of a worker cut short, and that the next attempt went on
        with, is passed over.
        """
        try:
            with (self.path / "events.jsonl").open("rb") as file:
                file.seek(offset)
                text = file.read()
        except FileNotFoundError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        events = [_event(line) for line in whole.splitlines()]
        return [event for event in events if event is not None], offset + len(whole)

    def write_forecast(self, forecast: dict[str, Any]) -> None:
        """Say what a training checked, measured and expects, as `core.preflight.Forecast`."""
        _write(self.path / "forecast.json", forecast)

    def read_forecast(self) -> dict[str, Any] | None:
        """Return the newest forecast, None where there is none."""
        try:
            return json.loads((self.path / "forecast.json").read_text())
        except FileNotFoundError:
            return None

    def write_result(self, ending: Ending, **values: Any) -> None:
        """Say how it ended; the last thing a worker does."""
        _write(self.path / "result.json", {"state": ending, **values})

    def read_result(self) -> dict[str, Any] | None:
        """Return how it ended, None while nobody said so."""
        try:
            return json.loads((self.path / "result.json").read_text())
        except FileNotFoundError:
            return None


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _write(path: Path, values: dict[str, Any]) -> None:
    beside = path.with_suffix(".tmp")
    with beside.open("w") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
