"""`gad analyse`: what the mistakes of one or more runs have in common, and what sets them apart."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import DataDir, Json, OfSplit, Project
from app.cli.reach import print_json
from app.services import open_studio, read_studio
from core.errors import Conflict
from core.types import Split


def analyse(
    runs: Annotated[list[str], typer.Argument(help="Names of one or more runs.")],
    split: OfSplit = "test",
    project: Project = "kitchen",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show accuracy, confusion, diversity, agreement, calibration and how labels separate."""
    found = _analysed(data_dir, project, runs, split)
    print_json(found) if as_json else _tell(found)


def _analysed(data_dir: Path | None, project: str, runs: list[str], split: Split) -> dict[str, Any]:
    # scipy, scikit-learn and PyAV take seconds to import
    from app.services.map_figures import map_figures
    from app.services.statistics import keep, look

    with read_studio(data_dir) as studio:
        found = look(studio, project, runs, split)
        separation = map_figures(studio, project, [run["id"] for run in found.value["runs"]], split)
    # Kept where nobody else writes; beside a running server it is computed again the next time.
    with suppress(Conflict):
        if not found.found:
            with open_studio(data_dir) as studio:
                keep(studio, found)
    return {**found.value, "map": separation}


def _tell(found: Mapping[str, Any]) -> None:
    typer.echo(f"{found['videos']} {found['split']} videos")
    typer.echo("  [95 % intervals]: over videos; of size-matched figures over drawn mistakes")
    if found["left_out"]:
        typer.echo(f"  {len(found['left_out'])} more were not predicted by every run")
    separate = {run["id"]: run for run in found["map"]["runs"]}
    for run in found["runs"]:
        typer.echo(run["run"])
        typer.echo(f"  accuracy {_within(run['accuracy'])} % of {_rows(found)}")
        for kind, spread in run["diversity"].items():
            typer.echo(
                f"  diversity, {kind.replace('_', ' '):<28} {_number(spread['score'])} nats"
                f"   size-matched {_within(spread['matched'], 'mean')}"
            )
        trust = run["calibration"]
        typer.echo(
            f"  calibration error {_number(trust['ece'])} %   Brier {_number(trust['brier'])}"
            f"   NLL {_number(trust['nll'])} nats"
        )
        if run["id"] in separate:
            _tell_separation(separate[run["id"]])
        for pair in run["confusion"]["pairs"][:5]:
            typer.echo(f"  {pair['count']:>6} × '{pair['true']}' taken for '{pair['predicted']}'")
    if found["map"]["missing"]:
        typer.echo(f"no figures of the map: {found['map']['missing']}")
    if found["agreement"]:
        _tell_pairs(found)


def _tell_separation(run: Mapping[str, Any]) -> None:
    """Say the figures of the map."""
    figures = (
        f"silhouette {_within(run['silhouette'])}",
        f"same label among the nearest {_within(run['purity'])} %",
        f"linear probe {_within(run['probe'])} %",
    )
    typer.echo(f"  {run['points']} segments: {'   '.join(figures)}")


def _tell_pairs(found: Mapping[str, Any]) -> None:
    """Say of every pair of runs how it differs and agrees."""
    segments = "segments" if found["dense"] else "clips"
    for pair in found["agreement"]["pairs"]:
        first, second = pair["runs"]
        alone = pair["mcnemar"]
        typer.echo(f"{first} and {second}")
        typer.echo(
            f"  accuracy of {first} − {second}: {_within(pair['accuracy_difference'])} points"
            f" of {_rows(found)}"
        )
        typer.echo(
            f"  right alone, of {found['agreement']['segments']} {segments}:"
            f" {first} {alone['only_first']}, {second} {alone['only_second']};"
            f" McNemar's exact test p = {alone['p']:.3g}"
        )
        typer.echo(
            f"  agree in {_within(pair['same'])} %"
            f"   both wrong in {_within(pair['double_fault'])} %"
            f"   Q {_within(pair['q'])}   kappa {_within(pair['kappa'])}"
        )
    typer.echo(f"at least one is right in {_within(found['agreement']['oracle'])} %")


def _rows(found: Mapping[str, Any]) -> str:
    return "frames" if found["dense"] else "clips"


def _within(found: Mapping[str, Any], middle: str = "value") -> str:
    """Return a value and its interval; one video gives none."""
    text = _number(found[middle])
    if found["low"] is None:
        return text
    return f"{text} [{_number(found['low'])}, {_number(found['high'])}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
