"""`gad doctor`: what to send along when something is wrong."""

from typing import Any

import typer

from app.cli.options import DataDir, Json
from app.cli.reach import print_json
from app.services.doctor import examine
from storage.data_directory import DataDirectory


def doctor(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Tell versions, machine, data directory, database, backups and last errors; change nothing."""
    found = examine(DataDirectory.find(data_dir))
    if as_json:
        print_json(found)
        return
    for part, values in found.items():
        typer.echo(part.replace("_", " "))
        _tell(values, "  ")


def _tell(values: dict[str, Any], indent: str) -> None:
    for name, value in values.items():
        title = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, dict) and value:
            typer.echo(title)
            _tell(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            typer.echo(title)
            for each in value:
                typer.echo(f"{indent}  " + ", ".join(f"{k} {v}" for k, v in each.items()))
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            typer.echo(f"{title:<28} {'–' if shown in (None, '', {}) else shown}")
