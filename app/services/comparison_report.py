"""A comparison of runs to take away: as a page, as one tidy table, as JSON.

Everything is said by one JSON value, which `collect` makes; table and page only lay it out.
"""

import csv
import io
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal, get_args

from app.services import Studio, comparison_page
from app.services.label_effects import label_effects
from app.services.run_answers import compared_runs
from app.services.statistics import analyse
from core.errors import InvalidData, MissingArtifact
from core.formats.sheet import inert
from core.types import Split
from storage import projects, training_data
from storage.runs import Run

Form = Literal["html", "csv", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
MAX_RUNS = 4
MEDIA = {"html": "text/html", "csv": "text/csv", "json": "application/json"}

_VERSIONED = ("gad-studio", "numpy", "scipy", "av")
_OF_RUN = ("classifier", "task", "backbone", "codec", "context", "decoder", "data_hash")
_OF_PAIR = ("accuracy_difference", "same", "double_fault", "q", "kappa")
_TRUST = ("ece", "ece_equal_mass", "brier", "nll")


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table; `n` is how many rows, mistakes or videos the value is of."""

    run: str
    figure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


def collect(
    studio: Studio, project: str | int, names: Sequence[str | int], split: Split
) -> dict[str, Any]:
    """Return what a report says: `about`, `runs`, `analysis` (as `gad analyse`) and `labels`.

    Raises:
        InvalidData: More runs than a report lays beside each other, or not asked the same.
        MissingArtifact: There is no video that all of them have predicted.
    """
    if len(names) > MAX_RUNS:
        raise InvalidData(
            f"A report is of at most {MAX_RUNS} runs", f"{len(names)} were given", "Choose fewer."
        )
    number = projects.find_project(studio.database, project).id
    compared = compared_runs(studio, number, names, split)
    about = {
        "project": projects.find_project(studio.database, number).name,
        "split": split,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {n: version(n) for n in _VERSIONED},
        "data_hash": training_data.data_hash(compared.videos, compared.classes),
    }
    found = {
        "about": about,
        "runs": [_run(run, split) for run in compared.runs.values()],
        "analysis": analyse(studio, number, names, split),
    }
    try:
        return found | {"labels": label_effects(studio, number, names, split)}
    except (InvalidData, MissingArtifact) as error:
        return found | {"labels": None, "no_labels": error.sentence}


def _run(run: Run, split: Split) -> dict[str, Any]:
    settings = {key: getattr(run, key) for key in _OF_RUN} | {"config": run.config}
    metrics = [asdict(metric) for metric in run.metrics if metric.split == split]
    return {"name": run.name, "settings": flat(settings), "metrics": metrics}


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested settings as one level, their keys joined by dots."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def figures(report: Mapping[str, Any]) -> list[Figure]:
    """Return every figure of a report as a row of one table."""
    analysis = report["analysis"]
    rows = sum(each["rows"] for each in analysis["per_class"])
    found = [
        Figure(run["name"], m["key"], m["value"], m["low"], m["high"], m["count"])
        for run in report["runs"]
        for m in run["metrics"]
    ]
    for at, run in enumerate(analysis["runs"]):
        found += _of_run(run, rows)
        found += [
            Figure(run["run"], f"recall of '{each['name']}'", each["recall"][at], n=each["rows"])
            for each in analysis["per_class"]
        ]
    found += _of_agreement(analysis["agreement"])
    for run in (report["labels"] or {"runs": []})["runs"]:
        for kind in ("of_recall", "of_pairs"):
            for key, spread in run[kind].items():
                found.append(_spread(run["run"], f"correlation {kind} with {key}", spread, None))
    return found


def _of_run(run: Mapping[str, Any], rows: int) -> Iterator[Figure]:
    name = run["run"]
    yield _spread(name, "accuracy", run["accuracy"], rows)
    for kind, of_kind in run["diversity"].items():
        matched = of_kind["matched"]
        yield Figure(name, f"diversity {kind}", of_kind["score"], n=of_kind["mistakes"])
        matched = {"value": matched["mean"], "low": matched["low"], "high": matched["high"]}
        yield _spread(name, f"diversity {kind} size_matched", matched, None)
    trust = run["calibration"]
    for key in _TRUST:
        yield Figure(name, key, trust[key], n=trust["rows"])
    for pair in run["confusion"]["pairs"]:
        what = f"rows of '{pair['true']}' taken for '{pair['predicted']}'"
        yield Figure(name, what, pair["count"])


def _of_agreement(found: Mapping[str, Any] | None) -> Iterator[Figure]:
    if not found:
        return
    for pair in found["pairs"]:
        names = " − ".join(pair["runs"])
        for key in _OF_PAIR:
            yield _spread(names, key, pair[key], found["rows"])
        yield Figure(names, "mcnemar p", pair["mcnemar"]["p"], n=found["segments"])
    yield _spread("all", "oracle", found["oracle"], found["rows"])
    for name, count in found["only_right"].items():
        yield Figure(name, "only_right", count, n=found["rows"])


def _spread(run: str, figure: str, found: Mapping[str, Any], n: int | None) -> Figure:
    return Figure(run, figure, found["value"], found["low"], found["high"], n)


def written(report: Mapping[str, Any], form: Form) -> str:
    """Return a report as a page, a table or JSON."""
    if form == "json":
        return json.dumps(report, allow_nan=False)
    if form == "html":
        return comparison_page.render(report)
    table = io.StringIO()
    lines = csv.writer(table)
    lines.writerow(field.name for field in fields(Figure))
    for figure in figures(report):
        run, name, *numbers = astuple(figure)
        lines.writerow([inert(run), inert(name), *numbers])
    return table.getvalue()
