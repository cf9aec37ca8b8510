"""`gad agreement`: how far two people agree who labelled the same videos."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app.cli.options import DataDir, Json, Project
from app.cli.reach import print_json
from app.services import read_studio
from storage import projects


def agreement(
    second: Annotated[str, typer.Option(help="The other person's track.")],
    first: Annotated[str, typer.Option(help="One person's track; '' is the main one.")] = "",
    project: Project = "kitchen",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Compare two tracks: Cohen's kappa per frame and segment F1, with intervals over videos."""
    from app.services.track_agreement import of_project  # scipy takes a second to import

    with read_studio(data_dir) as studio:
        number = projects.find_project(studio.database, project).id
        found = of_project(studio, number, first, second)
    print_json(found) if as_json else _tell(found)


def _tell(found: Mapping[str, Any]) -> None:
    typer.echo(
        f"{len(found['videos'])} videos, {found['frames']} frames at {found['rate']} a second, "
        f"{found['first_segments']} and {found['second_segments']} segments"
    )
    typer.echo(f"kappa  {_spread(found['kappa'])}")
    for percent, each in found["f1"].items():
        typer.echo(f"F1@{percent}  {_spread(each)} %")


def _spread(figure: Mapping[str, float | None]) -> str:
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    if value is None:
        return "–"
    return f"{value:.2f}" if low is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"
