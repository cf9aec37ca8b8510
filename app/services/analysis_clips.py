"""Which clips a figure of the analysis is made of, so that each can be looked at."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.confusion import NO_ANSWER, verb_and_noun
from analysis.segments import IGNORED, Indices
from app.services import Studio
from app.services.run_answers import Answered, ComparedRuns, answers_of, compared_runs
from core.errors import UnknownName
from core.types import SECOND, Split
from storage import library

MOST_CLIPS = 1_000

By = Literal["class", "verb", "noun"]
Unit = Literal["rows", "segments"]

_Wanted = Callable[[str], NDArray[np.bool_]]
"""Which rows of a video are wanted, by its name."""


def cell_clips(
    studio: Studio,
    project: int,
    run: str | int,
    split: Split,
    cell: tuple[str, str | None],
    *,
    by: By = "class",
    unit: Unit = "rows",
) -> list[dict[str, Any]]:
    """Return the clips of a cell of a confusion, the longest first.

    Of frames, a clip is a maximal stretch of neighbours in the cell; `frames` counts them.

    Args:
        studio: Where the project is.
        project: Its number.
        run: The run whose answers are counted.
        split: Whose videos are counted.
        cell: The true class and the answer, None for no answer.
        by: Whether these are classes, verbs or nouns.
        unit: Whether rows or whole segments are counted.

    Raises:
        UnknownName: No class of the run has this name, verb or noun.
    """
    compared = compared_runs(studio, project, [run], split)
    found = answers_of(compared.card, compared.videos)
    answered = found.segments if unit == "segments" else found.rows
    true = _named(compared, cell[0], by)
    said = np.array([NO_ANSWER]) if cell[1] is None else _named(compared, cell[1], by)

    def wanted(name: str) -> NDArray[np.bool_]:
        return np.isin(answered.truth[name], true) & np.isin(answered.predicted[name], said)

    return _clips(studio, compared, answered, wanted)


def only_right_clips(
    studio: Studio, project: int, names: Sequence[str | int], split: Split, run: str | int
) -> list[dict[str, Any]]:
    """Return the clips that one of several runs alone has right, the longest first."""
    compared = compared_runs(studio, project, names, split)
    own = next((n for n, r in compared.runs.items() if run in (r.id, n)), None)
    if own is None:
        raise UnknownName("The run must be one of the compared ones", f"'{run}'", "Choose it too.")
    answers = {n: answers_of(card, compared.videos).rows for n, card in compared.cards.items()}

    def wanted(video: str) -> NDArray[np.bool_]:
        truth = answers[own].truth[video]
        right = {n: each.predicted[video] == truth for n, each in answers.items()}
        mine = right.pop(own) & (truth != IGNORED)
        return mine & ~np.any(list(right.values()), axis=0) if right else mine

    return _clips(studio, compared, answers[own], wanted)


def _named(compared: ComparedRuns, name: str, by: By) -> Indices:
    """Return the classes of a name, a verb or a noun."""
    at = 0 if by == "verb" else 1
    found = [
        number
        for number, known in enumerate(compared.classes)
        if (known if by == "class" else verb_and_noun(known, compared.words)[at]) == name
    ]
    if not found:
        raise UnknownName(f"Unknown {by}", f"'{name}'", "Choose one that the run was trained on.")
    return np.array(found, np.int64)


def _clips(
    studio: Studio, compared: ComparedRuns, answered: Answered, wanted: _Wanted
) -> list[dict[str, Any]]:
    numbers = {v.name: v.id for v in library.list_videos(studio.database, compared.project)}
    clips = []
    for video in compared.videos:
        asked, step = answered.asked[video.name], round(SECOND / compared.card.rate)
        for first, last in _stretches(wanted(video.name), alone=asked.ndim == 2):
            if asked.ndim == 2:
                start, end = asked[first].tolist()
            else:
                start, end = int(asked[first]), int(asked[last]) + step
            clips.append(
                {
                    "video": numbers[video.name],
                    "name": video.name,
                    "start_us": start,
                    "end_us": min(end, video.duration_us),
                    "frames": last - first + 1,
                }
            )
    clips.sort(key=lambda c: (c["start_us"] - c["end_us"], c["name"], c["start_us"]))
    return clips[:MOST_CLIPS]


def _stretches(wanted: NDArray[np.bool_], *, alone: bool) -> list[tuple[int, int]]:
    """Return the first and the last row of each maximal stretch, or of each row `alone`."""
    places = np.flatnonzero(wanted)
    if not len(places) or alone:
        return [(at, at) for at in places.tolist()]
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(places, breaks)]
