"""Looking into one moment of a generative run: what it would write, and how sure of it it is."""

from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.inference import InferenceWorker
from app.services.library import document
from app.services.predictions import end_of
from app.services.results import labelled_video
from core.errors import Conflict, InvalidData, MissingArtifact
from core.manifest import video_as_json
from core.run_card import read_run_card
from storage import library, runs


def inspect(
    studio: Studio, worker: InferenceWorker, run_id: int, video_id: int, time_us: int, question: str
) -> dict[str, Any]:
    """Return what a run would write at a moment of a video: the label trie with its probabilities.

    Where the answer takes its time or the device is taken, `waiting` says so; ask again.

    Args:
        studio: Where run and video are.
        worker: Computes it.
        run_id: A generative run of the video's project.
        video_id: The video.
        time_us: The moment, in microseconds.
        question: The name of a kind of question; the first of the run's where it is empty.

    Raises:
        InvalidData: The run does not write, or nothing is asked there.
        MissingArtifact: The run or the video is not there.
        StudioError: The worker could not answer.
    """
    video = library.video_by_id(studio.database, video_id)
    run = runs.find_run(studio.database, video.project_id, run_id)
    card = read_run_card(studio.directory.root / run.folder)
    if card.config.classifier != "generative":
        raise InvalidData(
            "Only a run that writes its answers can be inspected",
            f"'{run.name}' answers by scores",
            "Choose a generative run.",
        )
    if not video.content_hash:
        raise MissingArtifact("A video must be read before runs look at it", f"'{video.name}'")
    labelled = labelled_video(video, document(studio, video_id)["segments"], end_of(video))
    asked = {
        "run_folder": str(Path(card.folder).resolve()),
        "cache": str(studio.directory.features),
        "video": video_as_json(labelled),
        "time_us": min(max(0, time_us), max(0, end_of(video) - 1)),
        "question": question,
    }
    try:
        found = worker.ask(asked)
    except Conflict as error:
        found = {"waiting": error.sentence}
    return {"run": run.id, "name": run.name, "video": video.id} | found
