"""`gad bench analysis`: how long a person waits for figures about a million answers.

A run of online detection over 3,806 labels has answered a million frames. What a page shows first
is compared with the obvious way to it: whole predictions, scikit-learn's dense confusion matrix,
every distribution and every pair of labels laid out. Nothing is kept from one turn to the next, but
for the row that says so. Maps are laid out once each, as a person waits for them.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.calibration import calibration_of, judged
from analysis.label_effects import spearman
from analysis.neighbours import nearest
from analysis.projection import Plane, parameters, place_later, project as laid_out, unit
from analysis.separation import K
from app.services import Studio, analysis_clips, confusions, label_effects, open_studio, statistics
from app.services.large_run import LargeRuns, Size, make_large_runs
from app.services.run_answers import ComparedRuns, answers_of, compared_runs, laid_end_to_end
from core.bench.measuring import Report, Row, Settings, Timed, Way, time_in_turns
from core.prediction_files import prediction_path, read_prediction
from core.scores import Scores
from core.types import Prediction
from storage import statistics as kept

_QUICK = Size(videos=4, segments=80, labels=40)
_POINTS, _WIDTH, _LATER = 20_000, 192, 1_000
_PART = 25  # videos whose distributions the baseline lays out: all would take minutes

Named = tuple[str, float, Callable[[], object]]


def run(settings: Settings) -> Report:
    """Measure confusion, statistics, pairs of labels, a cell's clips, and maps."""
    report = Report("analysis")
    size = _QUICK if settings.quick else Size()
    with tempfile.TemporaryDirectory() as folder, open_studio(Path(folder)) as studio:
        settings.say(f"making {size.segments * 40:,} answers about {size.labels:,} labels")
        made = make_large_runs(studio, size)
        compared = compared_runs(studio, made.project, made.runs, "test")
        for what, unit_name, ours, theirs in _questions(studio, made, compared):
            settings.say(what)
            ways = [Way(*ours), Way(*theirs)]
            first, second = time_in_turns(ways, settings)
            report.rows.append(Row(f"analysis, {what}", unit_name, first, second))
        _clips(report, studio, made, compared)
    _maps(report, settings)
    return report


def _questions(
    studio: Studio, made: LargeRuns, compared: ComparedRuns
) -> list[tuple[str, str, Named, Named]]:
    """Return what is asked, the unit of its rate, our way to answer it, and the obvious one."""
    truth = answers_of(compared.card, compared.videos).rows.truth.values()
    rows = sum(len(of_video) for of_video in truth)
    part = sum(len(of_video) for of_video in list(truth)[:_PART])
    project, runs, split = made.project, made.runs, compared.split

    def anew(call: Callable[[], object], *kinds: str) -> Callable[[], object]:
        def answer() -> str:
            for kind in kinds:
                kept.forget(studio.database, kind)
            return json.dumps(call())

        return answer

    def confusion() -> object:
        return confusions.confusions(studio, project, runs, split)

    def all_statistics() -> object:
        return statistics.look(studio, project, runs, split).value

    def pairs() -> object:
        return label_effects.label_effects(studio, project, runs, split, intervals=False)

    dense = ("predictions read whole, scikit-learn's confusion matrix", 1, lambda: _dense(compared))
    return [
        ("confusion, first opened", "answers/s",
         ("ours, as JSON", 1, anew(confusion, confusions.KIND)), dense),
        ("confusion, opened again", "answers/s",
         ("ours, kept", 1, lambda: json.dumps(confusion())), dense),
        ("all statistics of a run", "frames/s",
         ("ours", rows, anew(all_statistics, confusions.KIND, statistics.KIND)),
         ("calibration alone, every distribution laid out", part, lambda: _laid_out(compared))),
        ("labels and pairs without intervals", "answers/s",
         ("ours", 1, anew(pairs, label_effects.KIND)),
         ("four rank correlations of all pairs laid out", 1, lambda: _all_pairs(compared))),
    ]  # fmt: skip


def _predictions(compared: ComparedRuns, videos: int) -> list[Prediction]:
    folder = compared.card.folder
    some = compared.videos[:videos]
    return [read_prediction(prediction_path(folder, video.content_hash)) for video in some]


def _dense(compared: ComparedRuns) -> object:
    from sklearn.metrics import confusion_matrix

    _predictions(compared, len(compared.videos))
    rows = answers_of(compared.card, compared.videos).rows
    truth, said = laid_end_to_end(rows.truth), laid_end_to_end(rows.predicted)
    return confusion_matrix(truth, said, labels=np.arange(len(compared.classes)))


def _laid_out(compared: ComparedRuns) -> object:
    rows, classes = answers_of(compared.card, compared.videos).rows, len(compared.classes)
    found = []
    for video, each in zip(compared.videos, _predictions(compared, _PART), strict=False):
        whole = Scores(each.scores.matrix(classes))
        found.append(judged(whole, rows.truth[video.name], classes))
    return calibration_of(found)


def _all_pairs(compared: ComparedRuns) -> object:
    rows, classes = answers_of(compared.card, compared.videos).rows, len(compared.classes)
    table = np.zeros((classes, classes))
    np.add.at(table, (laid_end_to_end(rows.truth), laid_end_to_end(rows.predicted)), 1)
    upper = np.triu_indices(classes, 1)
    mixed, frequent = (table + table.T)[upper], table.sum(axis=1)
    return [spearman(mixed, np.multiply.outer(frequent, frequent)[upper]) for _ in range(4)]


def _clips(report: Report, studio: Studio, made: LargeRuns, compared: ComparedRuns) -> None:
    """Tell how long the clips of a cell take: those that a run has right of its first label."""
    name = compared.classes[1]

    def clips() -> object:
        run, split = made.runs[0], compared.split
        return analysis_clips.cell_clips(studio, made.project, run, split, (name, name))

    spent = [_seconds(clips) for _ in range(5)]
    report.figures.append(("the clips of a cell of the confusion", 1e3 * min(spent), "ms"))


def _maps(report: Report, settings: Settings) -> None:
    """Lay segments out once by each method, and place later ones into the map of t-SNE."""
    points = 300 if settings.quick else _POINTS
    later = points * _LATER // _POINTS
    vectors = _vectors(points)
    spent: dict[str, float] = {}
    planes: dict[str, Plane] = {}
    for method in ("pca", "umap", "tsne"):
        settings.say(f"map of {points:,} segments by {method}")
        asked = parameters(method, points)
        started = time.perf_counter()
        planes[method] = laid_out(vectors, asked)
        spent[method] = time.perf_counter() - started
    anew = Timed("scikit-learn's t-SNE", points, (spent["tsne"],))
    for method in ("pca", "umap"):
        ours = Timed(method.upper(), points, (spent[method],))
        report.rows.append(Row(f"map of {points:,} segments", "segments/s", ours, anew))
    old = points - later
    plane, asked = Plane(planes["tsne"].places[:old]), parameters("tsne", points)
    placed = _seconds(lambda: place_later(plane, vectors[:old], vectors[old:], asked))
    ours = Timed("placed into the map", 1, (placed,))
    again = Timed("scikit-learn's t-SNE of all", 1, (spent["tsne"],))
    what = f"{later:,} segments that came after a map of {old:,}"
    report.rows.append(Row(what, "maps/s", ours, again))
    directions = unit(vectors)
    near = _seconds(lambda: nearest(directions, directions, K, without_itself=True))
    report.figures += [(f"map of {points:,} segments, {m}", s, "s") for m, s in spent.items()]
    report.figures.append((f"the {K} nearest of each of {points:,} segments", near, "s"))


def _vectors(points: int) -> NDArray[np.float32]:
    """Return points around a hundred middles. Shape: [points, H]."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((100, _WIDTH))
    noise = 0.7 * rng.standard_normal((points, _WIDTH))
    return (middles[rng.integers(0, 100, points)] + noise).astype(np.float32)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
