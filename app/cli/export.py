"""`gad export`: a project's annotations for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import DataDir, Json
from app.cli.reach import print_json
from app.services import read_studio
from core.types import Split


def export(
    project: Annotated[str, typer.Argument(help="Name of the project.")],
    name: Annotated[str, typer.Argument(metavar="FORMAT", help="Such as table, coin or elan.")],
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
        done = export(studio, number, name, target, split=split)
    if as_json:
        print_json(done)
    else:
        typer.echo(
            f"{done['segments']} segments of {done['videos']} videos are in '{done['target']}'."
        )
