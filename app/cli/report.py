"""`gad report`: a comparison of runs as one page, one table, or JSON."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import DataDir, Json, OfSplit, Project
from app.cli.reach import print_json, writer
from core.errors import InvalidFile

_FORMS = ("html", "csv", "json")


def report(
    runs: Annotated[list[str], typer.Argument(help="Names of one to four runs.")],
    out: Annotated[Path, typer.Option(help="A new file: .html, .csv or .json.")],
    split: OfSplit = "test",
    project: Project = "kitchen",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write a comparison of runs to a file, overwriting nothing."""
    form = out.suffix.lower().removeprefix(".")
    if form not in _FORMS:
        raise InvalidFile(
            "A report is a page, a table or JSON, as its ending says", out,
            next_step="Name it .html, .csv or .json.",
        )  # fmt: skip
    values = {"project": project, "runs": runs, "split": split, "as": form}
    with writer(data_dir) as run:
        text = run("report", values)["text"]
    try:
        with out.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise InvalidFile(
            "A report overwrites nothing, and this is there already", out,
            next_step="Choose another name, or move it away.",
        ) from None  # fmt: skip
    print_json({"report": str(out)}) if as_json else typer.echo(f"Written: {out}")
