"""What a run folder says of itself, read without torch: `run.json` and `labels.json`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.errors import InvalidFile, MissingArtifact
from core.tasks import Task, load_task
from core.types import LabelSet


@dataclass(frozen=True, slots=True)
class RunCard:
    """A run without its weights. `about` is the whole content of `run.json`."""

    folder: Path
    config: RunConfig
    labels: LabelSet
    about: dict[str, Any]

    @property
    def task(self) -> Task:
        """What the run was asked."""
        return load_task(self.config.task)

    @property
    def classes(self) -> tuple[str, ...]:
        """The output classes in order."""
        return self.task.classes(self.labels)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return float(self.about["recipe"]["rate"])


def read_run_card(folder: Path) -> RunCard:
    """Read what a run folder says of itself.

    Raises:
        MissingArtifact: The folder is not a finished run.
        InvalidFile: Its JSON is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise MissingArtifact(
            "A run is a folder with run.json, adapter/, heads.safetensors and labels.json",
            f"'{folder}' has no run.json",
            "Name a finished run.",
        )
    try:
        about = json.loads(path.read_text())
        names = json.loads((folder / "labels.json").read_text())
        labels = LabelSet(tuple(names["classes"]), tuple(names.get("goals", ())))
        return RunCard(folder, RunConfig.read(about["config"]), labels, about)
    except (ValueError, KeyError, OSError) as error:
        raise InvalidFile(f"A run's description must be readable ({error})", path) from None
