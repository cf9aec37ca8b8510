"""Why two runs are not equally good: where the difference lies, and in which segments."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy_change import VideoRows, where_it_changed
from analysis.data_difference import DataDifference, data_difference
from app.services import Studio
from app.services.run_answers import (
    Answered,
    ComparedRuns,
    answers_of,
    check_same_rows,
    compared_runs,
)
from core.errors import InvalidData
from core.types import SECOND, LabelledVideo, Span, Split, runs_of_equal
from storage import frozen_data, library

PLACES = ("segments", "videos", "labels", "rest")
"""Where a row may lie; the first that holds counts.

| place    | its rows                                                                       |
|----------|--------------------------------------------------------------------------------|
| segments | in a segment that the two trainings have otherwise                             |
| videos   | of a video that only one training had, or had in another split                 |
| labels   | of a label of which the two trainings learned other segments                   |
| rest     | all others: their data are the same, so settings or what learning makes of them |
"""

MOST_CLIPS = 1_000
_SEGMENTS, _VIDEOS, _LABELS, _REST = range(len(PLACES))


def accuracy_change(
    studio: Studio, project: int, first: int, second: int, split: Split
) -> dict[str, Any]:
    """Return accuracy of the second run − of the first, split by where its rows lie.

    Both are judged by the present labels, on the videos of the split that both have predicted. With
    a run that was not trained here nothing is known of its data, and all lies in the rest.

    Raises:
        InvalidData: The runs were not asked the same, or are one run.
        MissingArtifact: There is no video that both have predicted.
    """
    if first == second:
        raise InvalidData("Two runs are compared", "one was chosen twice", "Choose another run.")
    compared = compared_runs(studio, project, [first, second], split)
    answers = {name: answers_of(card, compared.videos) for name, card in compared.cards.items()}
    check_same_rows(answers)
    one, other = (each.rows for each in answers.values())
    changed = _difference(studio, first, second)
    places = _Places(compared.classes, changed)
    rows = {
        video.name: VideoRows(
            truth=one.truth[video.name],
            first=one.predicted[video.name],
            second=other.predicted[video.name],
            place=places.of(video, one),
        )
        for video in compared.videos
    }
    whole, parts = where_it_changed(rows, PLACES)
    return {
        "split": split,
        "videos": len(compared.videos),
        "left_out": list(compared.left_out),
        "dense": compared.card.task.dense,
        "data_known": changed is not None,
        "difference": asdict(whole),
        "places": [asdict(part) for part in parts],
        "clips": _clips(studio, compared, one, rows),
    }


def _difference(studio: Studio, first: int, second: int) -> DataDifference | None:
    one, other = (frozen_data.frozen_data(studio.database, run) for run in (first, second))
    return None if one is None or other is None else data_difference(one.videos, other.videos)


class _Places:
    """Tells the place of every row from what differs between two trainings."""

    def __init__(self, classes: tuple[str, ...], changed: DataDifference | None) -> None:
        self._spans: dict[str, list[Span]] = {}
        self._videos: set[str] = set()
        names: set[str] = set()
        if changed is not None:
            moved = [video for pair in changed.moved_videos for video in pair]
            others = (*changed.added, *changed.removed, *moved)
            self._videos = {video.content_hash for video in others}
            names = {s.label for v in others if v.split == "train" for s in v.segments}
            for change in changed.segments:
                self._spans.setdefault(change.video.content_hash, []).extend(change.spans)
                if change.video.split == "train":
                    names |= {s.label for s in (change.before, change.after) if s is not None}
        self._labels = np.array([n for n, name in enumerate(classes) if name in names], np.int64)

    def of(self, video: LabelledVideo, answered: Answered) -> NDArray[np.int64]:
        """Return the place of every row of a video. Shape: [rows]."""
        asked, truth = answered.asked[video.name], answered.truth[video.name]
        place = np.where(np.isin(truth, self._labels), _LABELS, _REST)
        if video.content_hash in self._videos:
            place[:] = _VIDEOS
        # A frame lies in a span that holds its time, a clip in every span that it overlaps.
        start, end = (asked, asked + 1) if asked.ndim == 1 else (asked[:, 0], asked[:, 1])
        for first, last in self._spans.get(video.content_hash, ()):
            place[(start < last) & (end > first)] = _SEGMENTS
        return place


def _clips(
    studio: Studio, compared: ComparedRuns, answered: Answered, rows: dict[str, VideoRows]
) -> list[dict[str, Any]]:
    """Return the stretches of one label and place in which one run is better, the most first."""
    listed = library.list_videos(studio.database, compared.project)
    numbers = {video.name: video.id for video in listed}
    step, clips = round(SECOND / compared.card.rate), []
    for video in compared.videos:
        of, asked = rows[video.name], answered.asked[video.name]
        gain, alone = of.gain, asked.ndim == 2
        kinds = of.truth * len(PLACES) + of.place
        cuts = runs_of_equal(np.arange(len(kinds)) if alone else kinds)
        for first, end, _ in cuts:
            part = gain[first:end]
            if not part.sum():
                continue
            span = asked[first] if alone else (asked[first], asked[end - 1] + step)
            clips.append(
                {
                    "video": numbers[video.name],
                    "name": video.name,
                    "label": compared.classes[of.truth[first]],
                    "place": PLACES[of.place[first]],
                    "start_us": int(span[0]),
                    "end_us": min(int(span[1]), video.duration_us),
                    "gained": int((part > 0).sum()),
                    "lost": int((part < 0).sum()),
                }
            )
    clips.sort(key=lambda c: (-abs(c["gained"] - c["lost"]), c["name"], c["start_us"]))
    return clips[:MOST_CLIPS]
