"""The shell command `gad`. With `--json`, stdout holds JSON and nothing else."""

import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.analyse import analyse
from app.cli.metrics import metrics
from app.cli.options import DataDir, Json, Project
from app.cli.overlap import overlap
from app.cli.reach import Command, follow, writer
from app.services import read_studio
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
            _print(error.as_json())
        else:
            typer.secho(str(error), fg="red", err=True)
        sys.exit(1)


def _print(values: Any) -> None:
    typer.echo(json.dumps(values, allow_nan=False))


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
        _print(started)
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
        list[Path] | None, typer.Argument(help="Annotation files or folders.")
    ] = None,
    project: Project = "my videos",
    videos: Annotated[list[Path] | None, typer.Option(help="Folder or file to add first.")] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="TEXT=train|val|test: videos whose name holds TEXT.")
    ] = None,
    preview: Annotated[bool, typer.Option(help="Only say what would happen.")] = False,
    skip_faulty: Annotated[bool, typer.Option(help="Import the rows that are right.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Add videos and import annotations; all rows or none unless told otherwise."""
    chosen = [_split_option(text) for text in split or []]
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
                "token": str(uuid.uuid4()),
            }
            done["import"] = run("import", values)
    _print(done) if as_json else _tell_import(done)


def _split_option(text: str) -> tuple[str, str]:
    match, _, split = text.rpartition("=")
    if not match or split not in SPLITS:
        raise typer.BadParameter(f"'{text}' is not TEXT=train, TEXT=val or TEXT=test")
    return match, split


def _tell_import(done: Mapping[str, Any]) -> None:
    if "videos" in done:
        typer.echo(f"{done['videos']['found']} videos, {done['videos']['new']} of them new.")
    said = done.get("import", {})
    if "taken" in said:
        typer.echo(
            f"{len(said['taken'])} rows would be taken, {len(said['missing'])} have no video here."
        )
        for fault in said["faults"]:
            typer.secho(f"  {fault['sentence']}", fg="yellow")
    elif said:
        typer.echo(
            f"{said['segments']} segments of {said['rows']} rows in {said['videos']} videos; "
            f"{said['missing']} rows have no video here, {said['skipped']} faulty rows skipped."
        )


@app.command()
def train(
    classifier: Annotated[
        str, typer.Option(help="generative, discriminative, gad, or all.")
    ] = "gad",
    project: Project = "kitchen",
    task: Annotated[str, typer.Option(help="What is recognised.")] = "online_detection",
    backbone: Annotated[str, typer.Option(help="A name, or the path of a folder.")] = "nano",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    settings: Annotated[str, typer.Option(help="More settings, as JSON.")] = "{}",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Fine-tune a classifier on a project, and predict all its videos."""
    more = _settings(settings)
    training = {"seed": seed, **({"steps": steps} if steps else {}), **more.pop("training", {})}
    chosen = {"task": task, "backbone": backbone, **more, "training": training}
    if classifier != "all":
        chosen["classifier"] = classifier
    with writer(data_dir) as run:
        values = {"project": project, "settings": chosen, "all": classifier == "all"}
        started = run("train", values)
        if not as_json:
            typer.echo(f"queued as job {', '.join(map(str, started['jobs']))}", err=True)
        follow(run, started["jobs"], quiet=as_json)
    found = [_evaluated(data_dir, project, number, None) for number in started["runs"]]
    if as_json:
        _print({**started, "evaluation": found})
    else:
        for each in found:
            _tell_figures(each)


def _settings(text: str) -> dict[str, Any]:
    """Read settings as JSON; names and values are checked where they are used."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--settings must be JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("training", {}), dict):
        raise typer.BadParameter(
            '--settings must be an object, such as {"codec": "random", "training": {"batch": 8}}'
        )
    return found


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="Name of a run, or path of its folder.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    project: Project = "kitchen",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Score a run's predictions on a split, with intervals over videos."""
    if split not in SPLITS:
        raise typer.BadParameter(f"--split is train, val or test, not '{split}'")
    found = _evaluated(data_dir, project, run, split)
    _print(found) if as_json else _tell_figures(found)


def _evaluated(
    data_dir: Path | None, project: str, run: str | int, split: str | None
) -> dict[str, Any]:
    from app.services.shell_queries import evaluated

    with read_studio(data_dir) as studio:
        return evaluated(studio, project, run, split)


def _tell_figures(found: Mapping[str, Any]) -> None:
    typer.echo(f"{found['run']} on {found['videos']} {found['split']} videos")
    for key, value in found["metrics"].items():
        low, high = found["interval"][key]
        shown = "–" if value is None else f"{value:5.1f}"
        spread = "" if low is None else f"  [{low:.1f}, {high:.1f}]"
        typer.echo(f"  {key:<20} {shown}{spread}")


@app.command()
def predict(
    run: Annotated[str, typer.Argument(help="Name of a run, or path of its folder.")],
    videos: Annotated[list[Path], typer.Argument(help="Video files.")],
    project: Project = "kitchen",
    decoder: Annotated[
        str | None, typer.Option(help="exact, greedy, trie or beam (generative).")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Predict videos with a run; one line of JSON a video."""
    from app.jobs.predict_files import predict_files  # torch takes seconds to import

    folder = _run_folder(data_dir, project, run)
    cache = DataDirectory.find(data_dir).features
    for line in predict_files(folder, videos, cache, decoder=decoder):
        _print(line) if as_json else _tell_segments(line)


def _run_folder(data_dir: Path | None, project: str, run: str) -> Path:
    from app.services.shell_queries import folder_of

    if Path(run).is_dir():
        return Path(run)
    with read_studio(data_dir) as studio:
        return folder_of(studio, project, run)


def _tell_segments(line: Mapping[str, Any]) -> None:
    typer.echo(f"{line['video']}: {len(line['segments'])} segments")
    for s in line["segments"]:
        span = f"{s['start_us'] / 1e6:7.2f} – {s['end_us'] / 1e6:7.2f} s"
        typer.echo(f"  {span}  {s['label']:<24} {s['confidence']:.2f}")


app.command()(analyse)
app.command()(metrics)
app.command()(overlap)
