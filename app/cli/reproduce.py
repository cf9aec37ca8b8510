"""`gad reproduce`: the paper's comparison on the kitchen world, with whatever comes out."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import DataDir, Json
from app.cli.reach import follow, print_json, writer


def reproduce(
    quick: Annotated[
        bool, typer.Option("--quick", help="Step recognition alone, short runs: minutes.")
    ] = False,
    medium: Annotated[
        bool, typer.Option("--medium", help="Everything, three seeds, shorter runs: two hours.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Compare the classifiers on the kitchen world and report each claim of the paper.

    The full form takes hours; stop it at any time, it goes on where it was.
    """
    if quick and medium:
        raise typer.BadParameter("--quick and --medium are two plans: give one of them")
    with writer(data_dir) as run:
        plan = "quick" if quick else "medium" if medium else "full"
        started = run("reproduce", {"plan": plan})
        follow(run, started["jobs"], quiet=as_json)
    folder = Path(started["folder"])
    summary = json.loads((folder / "summary.json").read_text())
    if as_json:
        print_json(summary)
    else:
        _tell(summary)
        typer.echo(f"The whole report: {folder / 'report.html'}")


def _tell(summary: dict[str, Any]) -> None:
    for claim in summary["claims"]:
        typer.echo(f"{claim['verdict']:<15} {claim['sentence']}")
        for found in claim["comparisons"]:
            pair = found["comparison"]
            typer.echo(
                f"    {pair['study']}: {pair['first']} − {pair['second']}, {pair['figure']}: "
                f"{found['value']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}], "
                f"p {found['p']:.3f}, {found['seeds']} seeds"
            )
    for row in summary["speed"]:
        typer.echo(f"{row['asked']:<24} {row['ms']:6.1f} ms  {row['ratio']:.2f} ×")
