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
    """Show confusion, misclassification diversity, agreement and calibration of runs."""
    found = _analysed(data_dir, project, runs, split)
    print_json(found) if as_json else _tell(found)


def _analysed(data_dir: Path | None, project: str, runs: list[str], split: Split) -> dict[str, Any]:
    from app.services.statistics import keep, look  # scipy and PyAV take a second to import

    with read_studio(data_dir) as studio:
        found = look(studio, project, runs, split)
    # Kept where nobody else writes; beside a running server it is computed again the next time.
    with suppress(Conflict):
        if not found.found:
            with open_studio(data_dir) as studio:
                keep(studio, found)
    return found.value


def _tell(found: Mapping[str, Any]) -> None:
    typer.echo(f"{found['videos']} {found['split']} videos")
    if found["left_out"]:
        typer.echo(f"  {len(found['left_out'])} more were not predicted by every run")
    for run in found["runs"]:
        typer.echo(run["run"])
        for kind, spread in run["diversity"].items():
            matched = spread["matched"]
            typer.echo(
                f"  diversity, {kind.replace('_', ' '):<28} {_number(spread['score'])} nats"
                f"   size-matched {_number(matched['mean'])}"
                f" [{_number(matched['low'])}, {_number(matched['high'])}]"
            )
        trust = run["calibration"]
        typer.echo(
            f"  calibration error {_number(trust['ece'])} %   Brier {_number(trust['brier'])}"
            f"   NLL {_number(trust['nll'])} nats"
        )
        for pair in run["confusion"]["pairs"][:5]:
            typer.echo(f"  {pair['count']:>6} × '{pair['true']}' taken for '{pair['predicted']}'")
    for pair in (found["agreement"] or {}).get("pairs", []):
        figures = "   ".join(
            f"{name} {_number(pair[key]['value'])}"
            for key, name in (("same", "agree in %"), ("double_fault", "both wrong in %"),
                              ("q", "Q"), ("kappa", "kappa"))
        )  # fmt: skip
        typer.echo(f"{' and '.join(pair['runs'])}: {figures}")
    if found["agreement"]:
        typer.echo(f"at least one is right in {_number(found['agreement']['oracle']['value'])} %")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
