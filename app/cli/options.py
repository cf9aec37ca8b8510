"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from core.types import Split

DataDir = Annotated[Path | None, typer.Option(help="Where projects, runs and the database live.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]
OfSplit = Annotated[Split, typer.Option(help="train, val or test.")]
Project = Annotated[str, typer.Option(help="Name of the project; a new name makes a new one.")]
