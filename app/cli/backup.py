"""`gad backup` and `gad restore`: a copy of the database, and a copy put back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import DataDir, Json
from app.cli.reach import print_json
from app.services import backups
from core.errors import InvalidConfig
from storage.data_directory import DataDirectory
from storage.restore import find_backup


def backup(
    to: Annotated[
        Path | None, typer.Option(help="File or folder to write to, instead of the data directory.")
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Only list the backups there are.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Copy the database, checked, also while the studio runs."""
    directory = DataDirectory.find(data_dir)
    if only_list:
        found = backups.listed(directory)
        print_json({"backups": found}) if as_json else _tell_list(found, directory.backups)
        return
    made = backups.make(directory, to.expanduser() if to else None)
    print_json(made) if as_json else typer.echo(f"{made['backup']} ({_megabytes(made)})")


def restore(
    wanted: Annotated[
        str, typer.Argument(metavar="FILE|latest", help="A backup by its file or its name.")
    ] = backups.LATEST,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database; the present one is kept beside the backups."""
    directory = DataDirectory.find(data_dir)
    backups.check_closed(directory)  # before anything is asked
    path = None if wanted == backups.LATEST else Path(wanted).expanduser()
    found = find_backup(directory.database, path)
    if not yes:
        if as_json:
            raise InvalidConfig("JSON cannot be asked", "restore --json", "Add --yes.")
        typer.confirm(f"Put '{found}' in the place of '{directory.database}'?", abort=True)
    done = backups.put_back(directory, found)
    print_json(done) if as_json else _tell(done)


def _tell(done: Mapping[str, Any]) -> None:
    typer.echo(f"Restored {done['restored']}.")
    if done["kept"]:
        typer.echo(f"The former database is {done['kept']}.")
    if done["lacking"]:
        typer.echo(f"{done['lacking']} changes were made after the backup: {done['log']}")


def _tell_list(found: Sequence[Mapping[str, Any]], folder: Path) -> None:
    typer.echo(f"{len(found)} backups in {folder}")
    for each in found:
        typer.echo(f"{each['backup']:<60} {each['made_at']} {_megabytes(each):>10}")


def _megabytes(values: Mapping[str, Any]) -> str:
    return f"{values['bytes'] / 1e6:,.1f} MB"
