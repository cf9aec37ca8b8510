"""The map that a request continues: segments that came later are placed into it, others stay.

Whoever looks at a map has learned where things lie; a few new segments must not shuffle it. So the
newest map of a choice is remembered with what it was made of, until somebody asks for a new one,
its predictions change, or more would be placed into it than it has.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.projection import Method, parameters
from app.services import Studio
from app.services.map_points import Choice, Points
from app.services.predictions import Asked
from app.services.statistics import file_hash
from core.prediction_files import prediction_path
from storage import statistics

KIND = "map"

Spans = list[dict[str, Any]]
"""Videos with their segments: `hash`, `name` and `spans` of start and end."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How points are laid out; unless given, neighbours follow from their number.

    `fresh` asks for a new map where an old one could be continued.
    """

    method: Method = "tsne"
    seed: int = 0
    neighbours: int | None = None
    fresh: bool = False

    def settings(self, points: int) -> dict[str, Any]:
        """Return all that a map of so many points depends on besides the vectors."""
        return parameters(self.method, points, seed=self.seed, neighbours=self.neighbours)


BY_TSNE = Layout()


@dataclass(frozen=True, slots=True)
class Ask:
    """Which map is asked for, whatever segments there are."""

    project: int
    choice: Choice
    layout: Layout

    def key(self, run: Asked) -> str:
        """Return the key under which its newest map of a run is remembered."""
        choice, layout = self.choice, self.layout
        asked = {
            "project": self.project, "run": run.id, "splits": list(choice.splits),
            "verb": choice.verb, "noun": choice.noun, "method": layout.method,
            "seed": layout.seed, "neighbours": layout.neighbours,
        }  # fmt: skip
        return statistics.key_of(f"{KIND} base", asked)


@dataclass(frozen=True, slots=True)
class Base:
    """A map that was made: under which key its places are, of which segments, with what settings.

    `predictions` are the hashes of the files that it was made of.
    """

    places: str
    videos: Spans
    predictions: list[str]
    settings: dict[str, Any]

    @property
    def segments(self) -> dict[tuple[str, int, int], int]:
        """The number of each point, by content of its video, start and end."""
        spans = ((v["hash"], *span) for v in self.videos for span in v["spans"])
        return {span: number for number, span in enumerate(spans)}


def hashes(run: Asked, videos: Spans) -> list[str]:
    """Return the hash of a run's prediction of each video."""
    return [file_hash(prediction_path(run.card.folder, video["hash"])) for video in videos]


def find_base(studio: Studio, ask: Ask, run: Asked, points: Points) -> Base | None:
    """Return the map of a run that can be continued with these points, if there is one."""
    kept = statistics.get(studio.database, ask.key(run))
    if kept is None or ask.layout.fresh:
        return None
    base = Base(**kept)
    known = base.segments
    there = sum((v["hash"], *span) in known for v in points.by_video() for span in v["spans"])
    if 2 * there < len(points) or ask.layout.settings(len(known)) != base.settings:
        return None
    if not _unchanged(run, base) or statistics.get(studio.database, base.places) is None:
        return None
    return base


def _unchanged(run: Asked, base: Base) -> bool:
    paths: Sequence[Path] = [prediction_path(run.card.folder, v["hash"]) for v in base.videos]
    return all(path.is_file() for path in paths) and hashes(run, base.videos) == base.predictions


def remember(studio: Studio, ask: Ask, run: Asked, base: Base) -> None:
    """Keep a map as the one that is continued."""
    key = ask.key(run)
    kept = statistics.get(studio.database, key)
    if kept is None or kept["places"] != base.places:
        statistics.put(studio.database, key, KIND, asdict(base))
