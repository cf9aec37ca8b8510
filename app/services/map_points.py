"""The points of an embedding map: one for each labelled segment that all chosen runs know."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.confusion import verb_and_noun
from app.services import Studio
from app.services.predictions import Asked, asked_run, end_of
from app.services.tracks import left_out
from core.errors import InvalidData, MissingArtifact
from core.prediction_files import prediction_path
from core.types import SPLITS, Split
from storage import labels, library
from storage.library import Video
from storage.segment_queries import LabelledSpan, labelled_spans

MOST = 50_000
"""Points of a map: more can be neither computed in minutes nor told apart."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which segments a map shall show; an empty verb or noun means all."""

    runs: tuple[int, ...]
    splits: tuple[Split, ...] = SPLITS
    verb: str = ""
    noun: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A label with the words that it is made of."""

    name: str
    verb: str
    noun: str


@dataclass(frozen=True, slots=True)
class Points:
    """Segments by video; `verbs` and `nouns` count all before one of them was chosen."""

    runs: tuple[Asked, ...]
    videos: list[tuple[Video, list[LabelledSpan]]] = field(default_factory=list)
    words: dict[int, Word] = field(default_factory=dict)
    verbs: Counter[str] = field(default_factory=Counter)
    nouns: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return sum(len(spans) for _, spans in self.videos)

    def spans(self, video: Video, spans: Sequence[LabelledSpan]) -> list[tuple[int, int]]:
        """Return start and end of segments; none reaches beyond its video."""
        return [(each.start_us, min(each.end_us, end_of(video))) for each in spans]

    @property
    def label_names(self) -> list[str]:
        """The label of every point."""
        return [self.words[span.label_id].name for _, spans in self.videos for span in spans]

    def as_asked(self) -> dict[str, Any]:
        """Return segments by video and the number of each label, as `map_making` is asked."""
        names = self.label_names
        numbers = {name: number for number, name in enumerate(sorted(set(names)))}
        return {"videos": self.by_video(), "labels": [numbers[name] for name in names]}

    def by_video(self) -> list[dict[str, Any]]:
        """Return start and end of segments by video."""
        return [
            {"hash": v.content_hash, "name": v.name, "spans": self.spans(v, spans)}
            for v, spans in self.videos
        ]


def find_points(studio: Studio, project: int, choice: Choice) -> Points:
    """Return the segments of a map.

    They lie in videos that all chosen runs have predicted, on tracks that count, and carry labels
    that all runs know.

    Raises:
        InvalidData: No run was chosen, or there are too many points.
        MissingArtifact: There is no such segment.
    """
    if not choice.runs:
        raise InvalidData("A map shows runs", "none is chosen", "Choose one or more.")
    runs = tuple(asked_run(studio, project, number) for number in dict.fromkeys(choice.runs))
    found = Points(runs, words=_words(studio, project, runs))
    without = left_out(studio, project)
    for video in library.list_videos(studio.database, project):
        if video.split not in choice.splits or not _predicted(runs, video):
            continue
        spans = _counted(found, labelled_spans(studio.database, video.id, without=without), video)
        chosen = [span for span in spans if _is_chosen(choice, found.words[span.label_id])]
        if chosen:
            found.videos.append((video, chosen))
    if not len(found):
        raise MissingArtifact(
            "A map shows labelled segments of videos that every run has predicted",
            f"{', '.join(run.name for run in runs)}: none in {', '.join(choice.splits)}",
            "Choose another split or verb, or predict with the runs.",
        )
    if len(found) > MOST:
        raise InvalidData(
            f"A map has {MOST:,} points at most", f"{len(found):,} segments",
            "Choose a verb, a noun or a split.",
        )  # fmt: skip
    return found


def _counted(found: Points, spans: Sequence[LabelledSpan], video: Video) -> list[LabelledSpan]:
    """Return the segments that count, and count their words."""
    kept = [s for s in spans if s.label_id in found.words and s.start_us < end_of(video)]
    for span in kept:
        found.verbs[found.words[span.label_id].verb] += 1
        found.nouns[found.words[span.label_id].noun] += 1
    return kept


def _is_chosen(choice: Choice, word: Word) -> bool:
    return choice.verb in ("", word.verb) and choice.noun in ("", word.noun)


def _predicted(runs: Sequence[Asked], video: Video) -> bool:
    content = video.content_hash
    return bool(content) and all(
        prediction_path(run.card.folder, content or "").is_file() for run in runs
    )


def _words(studio: Studio, project: int, runs: Sequence[Asked]) -> dict[int, Word]:
    """Return the labels that all runs know, by id."""
    known = labels.list_label_sets(studio.database, project)
    listed = labels.list_labels(studio.database, known[0].id) if known else ()
    common = set.intersection(*({run.classes[c] for c in run.labels} for run in runs))
    return {each.id: _word(each) for each in listed if each.name in common}


def _word(label: labels.Label) -> Word:
    return Word(label.name, *verb_and_noun(label.name, {label.name: (label.verb, label.noun)}))


def by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return words with their counts, by name."""
    return sorted(counts.items())
