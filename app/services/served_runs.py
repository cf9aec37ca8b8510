"""Which run `gad serve` and `gad export-model` are about: a folder, a number, or a name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.services import Studio, read_studio
from core.errors import MissingArtifact, UnknownName
from core.run_card import read_run_card
from storage import library, projects, runs
from storage.data_directory import DataDirectory
from storage.runs import Run


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A finished run's folder; `stored` is its row where it is one of the data directory."""

    folder: Path
    stored: Run | None = None

    @property
    def about(self) -> dict[str, Any]:
        """Its number and name, for whoever asks."""
        if self.stored is None:
            return {"id": None, "name": self.folder.resolve().name}
        return {"id": self.stored.id, "name": self.stored.name}


def find(data_dir: Path | None, wanted: str, project: str) -> FoundRun:
    """Find a finished run by the path of its folder, its number, or its name in a project.

    Raises:
        UnknownName: There is none.
        MissingArtifact: It is not finished.
    """
    if Path(wanted).is_dir():
        found = FoundRun(Path(wanted).resolve())
    else:
        with read_studio(data_dir) as studio:
            stored = _stored(studio, wanted, project)
            found = FoundRun(studio.directory.root / stored.folder, stored)
    read_run_card(found.folder)
    return found


def _stored(studio: Studio, wanted: str, project: str) -> Run:
    if not wanted.isdigit():
        number = projects.find_project(studio.database, project).id
        return runs.find_run(studio.database, number, wanted)
    for each in projects.list_projects(studio.database):
        for run in runs.list_runs(studio.database, each.id, archived=True):
            if run.id == int(wanted):
                return run
    raise UnknownName("Unknown run", wanted, "The page Train lists the runs of a project.")


def video_path(directory: DataDirectory, run: FoundRun, number: int) -> Path:
    """Return the path of a video of the project that a run belongs to.

    Raises:
        UnknownName: The run belongs to no project, or its project has no such video.
        MissingArtifact: Its file is gone.
    """
    if run.stored is None:
        raise UnknownName(
            "Only the run of a project knows videos by number", number, "Send the file itself."
        )
    with read_studio(directory.root) as studio:
        path = Path(library.find_video(studio.database, run.stored.project_id, number).path)
    if not path.is_file():
        raise MissingArtifact("The video's file must be there", f"video {number}", "Add it again.")
    return path
