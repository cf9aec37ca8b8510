"""`gad export`: a project's annotations for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import DataDir, Json
from app.cli.reach import print_json
from app.services import read_studio
from core.types import Progress, Split, nobody_listens


def export(
    project: Annotated[str, typer.Argument(help="Name of the project.")],
    name: Annotated[
        str, typer.Argument(metavar="FORMAT", help="Such as table, coin, elan or clip_folder.")
    ],
    target: Annotated[
        Path | None, typer.Argument(help="File or folder to write; it must not exist.")
    ] = None,
    losses: Annotated[bool, typer.Option("--losses", help="Only say what is lost.")] = False,
    split: Annotated[Split | None, typer.Option(help="train, val or test; all by default.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write a project's annotations in another tool's format; says first what that loses."""
    from app.services.exporting import export, statement
    from storage.projects import find_project

    lost = statement(name)
    if not as_json:
        typer.echo(lost)
    if losses:
        if as_json:
            print_json({"format": name, "lost": lost})
        return
    if target is None:
        raise typer.BadParameter("name a file or a folder to write, or --losses")
    with read_studio(data_dir) as studio:
        number = find_project(studio.database, project).id
        report = nobody_listens if as_json else _tell_progress
        done = export(studio, number, name, target, split=split, report=report)
    if as_json:
        print_json(done)
    else:
        typer.echo(
            f"{done['segments']} segments of {done['videos']} videos are in '{done['target']}'."
        )


def _tell_progress(progress: Progress) -> None:
    """Write over one line of stderr how many clips are finished."""
    last = progress.done == progress.total
    typer.echo(f"\r{progress.done}/{progress.total} clips", err=True, nl=last)
