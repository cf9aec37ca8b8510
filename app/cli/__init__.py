"""The shell command `gad`. With `--json`, stdout holds JSON and nothing else."""

import csv
import logging
import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.agreement import agreement
from app.cli.analyse import analyse
from app.cli.backup import backup, restore
from app.cli.bench import bench
from app.cli.doctor import doctor
from app.cli.export import export
from app.cli.export_model import export_model
from app.cli.metrics import metrics
from app.cli.options import DataDir, Json, Project
from app.cli.overlap import overlap
from app.cli.reach import Command, follow, print_json, writer
from app.cli.report import report
from app.cli.reproduce import reproduce
from app.cli.runs import evaluate, predict, train
from app.cli.serve import serve
from app.cli.token import token
from core.errors import StudioError
from core.types import SPLITS
from storage.data_directory import DataDirectory

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Annotate actions in video, fine-tune three kinds of classifiers, see why they differ.",
)


def main() -> None:
    """Run the command line; a failure is one sentence, or JSON, and exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    as_json = "--json" in sys.argv
    try:
        app()
    except StudioError as error:
        if as_json:
            print_json(error.as_json())
        else:
            typer.secho(str(error), fg="red", err=True)
        sys.exit(1)


@app.command("app")
def start(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7860,
    data_dir: DataDir = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
) -> None:
    """Start the studio and open it in a browser."""
    from app.main import Address, serve  # Gradio takes seconds to import; other commands need none

    address = Address(host, port, os.environ.get("GAD_PASSWORD"))
    typer.echo(
        f"GAD Studio: {address.url}  (data in {DataDirectory.find(data_dir).root})", err=True
    )
    serve(data_dir, address, browser=not no_browser)


@app.command("demo")
def make_demo(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the built-in kitchen project: videos, labels, trained runs with predictions."""
    with writer(data_dir) as run:
        started = run("demo", {})
        follow(run, started["jobs"], quiet=as_json)
        if started["jobs"]:
            follow(run, _predictions(run, started["jobs"][0]), quiet=as_json)
    if as_json:
        print_json(started)
    else:
        typer.echo("The kitchen project is there.")


def _predictions(run: Command, render: int) -> list[int]:
    """Return the jobs that the end of a rendering queued."""
    time.sleep(0.6)
    found = []
    for number in range(render + 1, render + 4):
        try:
            run("job", {"job": number})
        except StudioError:
            break
        found.append(number)
    return found


@app.command("import")
def import_(
    annotations: Annotated[
        list[Path] | None, typer.Argument(help="Annotation files, folders, or one of features.")
    ] = None,
    project: Project = "my videos",
    videos: Annotated[list[Path] | None, typer.Option(help="Folder or file to add first.")] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="TEXT=train|val|test: videos whose name holds TEXT.")
    ] = None,
    preview: Annotated[bool, typer.Option(help="Only say what would happen.")] = False,
    skip_faulty: Annotated[bool, typer.Option(help="Import the rows that are right.")] = False,
    frame_rate: Annotated[
        float | None, typer.Option(help="Frames a second of labels by frame, if not the video's.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Of any table: video=File,start=t0,end=t1,label=Action.")
    ] = None,
    unit: Annotated[
        str, typer.Option(help="Of these times: seconds, milliseconds, frames or clock.")
    ] = "seconds",
    track: Annotated[
        list[str] | None, typer.Option(help="Take only this track; may be repeated.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Add videos and import annotations; all rows or none unless told otherwise."""
    chosen = [_split_option(text) for text in split or []]
    mapping = None if columns is None else {"columns": _columns_option(columns), "unit": unit}
    with writer(data_dir) as run:
        done: dict[str, Any] = {}
        if videos:
            paths = [str(path.expanduser().absolute()) for path in videos]
            done["videos"] = run("add", {"project": project, "paths": paths})
            follow(run, done["videos"]["jobs"], quiet=as_json)
        for match, name in chosen:
            run("split", {"project": project, "match": match, "split": name})
        if annotations:
            values = {
                "project": project,
                "paths": [str(path.expanduser().absolute()) for path in annotations],
                "preview": preview,
                "skip_faulty": skip_faulty,
                "frame_rate": frame_rate,
                "mapping": mapping,
                "tracks": track,
                "token": str(uuid.uuid4()),
            }
            done["import"] = run("import", values)
    print_json(done) if as_json else _tell_import(done)


def _split_option(text: str) -> tuple[str, str]:
    match, _, split = text.rpartition("=")
    if not match or split not in SPLITS:
        raise typer.BadParameter(f"'{text}' is not TEXT=train, TEXT=val or TEXT=test")
    return match, split


def _columns_option(text: str) -> dict[str, str]:
    found = {}
    for part in next(csv.reader([text], skipinitialspace=True), []):
        role, _, name = part.partition("=")
        if not role.strip() or not name.strip():
            raise typer.BadParameter(f"'{part}' is not ROLE=COLUMN, such as start=t0")
        found[role.strip()] = name.strip()
    return found


def _tell_import(done: Mapping[str, Any]) -> None:
    if "videos" in done:
        typer.echo(f"{done['videos']['found']} videos, {done['videos']['new']} of them new.")
    said = done.get("import", {})
    if "columns" in said:
        names = ", ".join(f"'{name}'" for name in said["columns"]["names"])
        typer.echo(f"{said['why']}\nOr say with --columns what its columns are: {names}.")
    elif "taken" in said:
        counts = said.get("counts") or {name: len(said[name]) for name in ("taken", "missing")}
        typer.echo(
            f"{counts['taken']} rows would be taken, {counts['missing']} have no video here."
        )
        for note in said.get("notes", ()):
            typer.echo(f"  {note}")
        for fault in said["faults"]:
            typer.secho(f"  {fault['sentence']}", fg="yellow")
    elif said:
        typer.echo(
            f"{said['segments']} segments of {said['rows']} rows in {said['videos']} videos; "
            f"{said['missing']} rows have no video here, {said['skipped']} faulty rows skipped."
        )


app.command()(export)
app.command("export-model")(export_model)
app.command()(train)
app.command()(evaluate)
app.command()(predict)
app.command()(analyse)
app.command()(agreement)
app.command()(metrics)
app.command()(overlap)
app.command()(report)
app.command()(reproduce)
app.command()(bench)
app.command()(backup)
app.command()(restore)
app.command()(serve)
app.add_typer(token, name="token")
app.command()(doctor)
