"""What runs answered on a split: laid beside each other, and refused where they cannot be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.calibration import Judged, judged
from analysis.confusion import Words
from analysis.segments import Indices
from analysis.within_segments import majority, rows_within
from app.services import Studio
from app.services.evaluation import kind_of, scorable, truth_of
from core.errors import InvalidData, MissingArtifact
from core.prediction_files import prediction_path, read_decisions, read_prediction
from core.run_card import RunCard, read_run_card
from core.scores import Scores
from core.types import LabelledVideo, Split
from storage import labels, projects, runs, training_data
from storage.runs import Run

_CELLS = 1 << 18  # scores looked at at a time: few enough to stay near the processor


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Runs that were asked the same, by name, on the videos that all of them have predicted.

    `left_out` names the videos that only some have; `words` are verb and noun of every label.
    """

    project: int
    split: Split
    runs: Mapping[str, Run]
    cards: Mapping[str, RunCard]
    videos: Sequence[LabelledVideo]
    left_out: tuple[str, ...]
    words: Words

    @property
    def card(self) -> RunCard:
        """Of any of them: task, rate and classes are the same."""
        return next(iter(self.cards.values()))

    @property
    def classes(self) -> tuple[str, ...]:
        """What all of them choose among."""
        return self.card.classes


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers by video: of frames, clips or segments.

    Shapes: `truth` and `predicted` [rows], `asked` [rows] of times, or [rows, 2] of spans.
    """

    truth: dict[str, Indices]
    predicted: dict[str, Indices]
    asked: dict[str, Indices]

    def add(self, video: str, truth: Indices, predicted: Indices, asked: Indices) -> None:
        """Lay the answers about another video beside."""
        self.truth[video], self.predicted[video] = truth, predicted
        self.asked[video] = asked


@dataclass(frozen=True, slots=True)
class RunAnswers:
    """What a run answered: its rows, and whole segments.

    A segment of a dense run is answered with what most of its rows say; of a clip task the rows
    are the segments.
    """

    rows: Answered
    segments: Answered


def compared_runs(
    studio: Studio, project: str | int, names: Sequence[str | int], split: Split
) -> ComparedRuns:
    """Find runs and the videos on which they can be compared.

    Raises:
        InvalidData: The runs were not asked the same questions.
        MissingArtifact: There is no video that all of them have predicted.
    """
    if not names:
        raise InvalidData("An analysis needs at least one run", "none was given", "Choose one.")
    number = projects.find_project(studio.database, project).id
    found = [runs.find_run(studio.database, number, name) for name in names]
    by_name = {run.name: run for run in found}
    cards = {n: read_run_card(studio.directory.root / r.folder) for n, r in by_name.items()}
    _check_same_questions(cards)
    videos = training_data.labelled_videos(studio.database, number, split)
    scored = [{video.name for video in scorable(card, videos)} for card in cards.values()]
    common = [video for video in videos if all(video.name in known for known in scored)]
    if not common:
        raise MissingArtifact(
            "An analysis needs labelled videos of its split that every run has predicted",
            f"{', '.join(cards)}: none in '{split}'",
            "Set the split of some videos, then predict with the runs.",
        )
    left_out = sorted(set().union(*scored) - {video.name for video in common})
    words = _words(studio, number)
    return ComparedRuns(number, split, by_name, cards, common, tuple(left_out), words)


def answers_of(card: RunCard, videos: Sequence[LabelledVideo]) -> RunAnswers:
    """Read what a run decided for, and what was true there."""
    rows = Answered({}, {}, {})
    segments = Answered({}, {}, {}) if card.task.dense else rows
    for video in videos:
        found = read_decisions(prediction_path(card.folder, video.content_hash))
        kept = kind_of(found) == 0  # of a joint task its first question
        truth, said = truth_of(card, video, found)[kept], found.predicted[kept]
        asked = found.time_us if found.span_us is None else found.span_us
        rows.add(video.name, truth, said, asked[kept])
        if card.task.dense:
            segments.add(video.name, *_in_segments(card.classes, video, said, asked[kept]))
    return RunAnswers(rows, segments)


def judged_of(card: RunCard, videos: Sequence[LabelledVideo], rows: Answered) -> list[Judged]:
    """Read a run's distributions; of each only what calibration needs stays."""
    found = []
    for video in videos:
        prediction = read_prediction(prediction_path(card.folder, video.content_hash))
        scores, truth = prediction.scores, rows.truth[video.name]
        if prediction.kind is not None:
            scores = scores.rows(np.flatnonzero(prediction.kind == 0))
        found += judged_rows(scores, truth, len(card.classes))
    return found


def _in_segments(
    classes: tuple[str, ...], video: LabelledVideo, said: Indices, time_us: NDArray[np.int64]
) -> tuple[Indices, Indices, Indices]:
    """Return label, commonest answer and span of every segment that has rows and a known label."""
    index = {name: number for number, name in enumerate(classes)}
    known = [each for each in video.segments if each.label in index]
    span_us = np.array([(s.start_us, s.end_us) for s in known], np.int64).reshape(-1, 2)
    rows = rows_within(time_us, span_us[:, 0], span_us[:, 1])
    some = rows.some
    truth = np.array([index[each.label] for each in known], np.int64)[some]
    # No answer is -1, and a class of its own while answers are counted.
    answer = majority(np.asarray(said + 1, np.int64), rows.of(some), len(classes) + 1) - 1
    return truth, answer, span_us[some]


def judged_rows(scores: Scores, truth: Indices, classes: int) -> list[Judged]:
    """Judge answers some rows at a time."""
    size = max(1, _CELLS // scores.log_p.shape[1])
    pieces = [slice(start, start + size) for start in range(0, max(1, len(truth)), size)]
    return [judged(scores.rows(piece), truth[piece], classes) for piece in pieces]


def check_same_rows(answers: Mapping[str, RunAnswers]) -> None:
    """Refuse predictions that were made for other times, such as before a segment was moved."""
    (first, here), *others = answers.items()
    for name, there in others:
        for video, asked in here.rows.asked.items():
            if not np.array_equal(asked, there.rows.asked[video]):
                raise InvalidData(
                    "Runs are analysed together on the same frames or clips",
                    f"'{first}' and '{name}' answered at other times of '{video}'",
                    "Predict with both runs again.",
                )


def laid_end_to_end(by_video: Mapping[str, Indices]) -> Indices:
    """Return the rows of all videos behind one another."""
    return np.concatenate(list(by_video.values()))


def _check_same_questions(cards: Mapping[str, RunCard]) -> None:
    """Refuse runs whose answers cannot be laid beside each other."""
    for what, of in (
        ("task", lambda card: card.task.name),
        ("frame rate", lambda card: card.rate),
        ("classes", lambda card: card.classes),
    ):
        first, *others = cards.items()
        for name, card in others:
            if of(card) != of(first[1]):
                raise InvalidData(
                    f"Runs are analysed together when they have the same {what}",
                    f"'{first[0]}' and '{name}' have not",
                    "Analyse them one by one.",
                )


def _words(studio: Studio, project: int) -> Words:
    """Return verb and noun of every label, as the project's label set says."""
    known = labels.list_label_sets(studio.database, project)
    listed = labels.list_labels(studio.database, known[0].id, archived=True) if known else ()
    return {label.name: (label.verb, label.noun) for label in listed}
