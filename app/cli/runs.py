"""`gad train`, `gad evaluate`, `gad predict`: runs from the shell."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import DataDir, Json, OfSplit, Project
from app.cli.reach import follow, print_json, writer
from app.services import read_studio
from storage.data_directory import DataDirectory

_PROMPT = "The action in the video is"


def train(
    classifier: Annotated[
        str, typer.Option(help="generative, discriminative, gad, or all.")
    ] = "gad",
    project: Project = "kitchen",
    task: Annotated[str, typer.Option(help="What is recognised.")] = "online_detection",
    backbone: Annotated[
        str | None, typer.Option(help="A name, or the path of a folder; else the project's own.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    settings: Annotated[str, typer.Option(help="More settings, as JSON.")] = "{}",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Fine-tune a classifier on a project, and predict all its videos."""
    more = _settings(settings)
    training = {"seed": seed, **({"steps": steps} if steps else {}), **more.pop("training", {})}
    chosen = {"task": task, **more, "training": training}
    if backbone:
        chosen["backbone"] = backbone
    _train(data_dir, project, chosen, classifier, as_json)


def _train(
    data_dir: Path | None, project: str, settings: dict[str, Any], classifier: str, as_json: bool
) -> None:
    if classifier != "all":
        settings["classifier"] = classifier
    with writer(data_dir) as run:
        values = {"project": project, "settings": settings, "all": classifier == "all"}
        started = run("train", values)
        if not as_json:
            typer.echo(f"queued as job {', '.join(map(str, started['jobs']))}", err=True)
        follow(run, started["jobs"], quiet=as_json)
    found = [_evaluated(data_dir, project, number, None) for number in started["runs"]]
    if as_json:
        print_json({**started, "evaluation": found})
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


def evaluate(
    run: Annotated[str, typer.Argument(help="Name of a run, or path of its folder.")],
    split: OfSplit = "test",
    project: Project = "kitchen",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Score a run's predictions on a split, with intervals over videos."""
    found = _evaluated(data_dir, project, run, split)
    print_json(found) if as_json else _tell_figures(found)


def _evaluated(
    data_dir: Path | None, project: str, run: str | int, split: str | None
) -> dict[str, Any]:
    from app.services.shell_queries import evaluated

    with read_studio(data_dir) as studio:
        return evaluated(studio, project, run, split)


def _tell_figures(found: Mapping[str, Any]) -> None:
    typer.echo(f"{found['run']} on {found['videos']} {found['split']} videos")
    if seen := found["labels_of"]:
        changed = datetime.fromtimestamp(seen["at_us"] / 1e6).strftime("%Y-%m-%d %H:%M")
        typer.echo(f"  trained on labels of {changed}, {seen['since'] or 'no'} changes since")
    for key, value in found["metrics"].items():
        low, high = found["interval"][key]
        shown = "–" if value is None else f"{value:5.1f}"
        spread = "" if low is None else f"  [{low:.1f}, {high:.1f}]"
        typer.echo(f"  {key:<20} {shown}{spread}")


def predict(
    run: Annotated[str | None, typer.Argument(help="Name of a run, or path of its folder.")] = None,
    videos: Annotated[list[Path] | None, typer.Argument(help="Video files.")] = None,
    untuned: Annotated[
        str | None, typer.Option(help="A backbone: predict the project's videos without training.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option(help="A file, pipe, camera or -: answer as its frames come.")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="Another run over the same videos; may be repeated.")
    ] = None,
    prompt: Annotated[str, typer.Option(help="What an untuned backbone continues.")] = _PROMPT,
    project: Project = "kitchen",
    decoder: Annotated[
        str | None, typer.Option(help="exact, greedy, trie or beam (generative).")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Predict videos with a run or several; one line of JSON a video and run."""
    if untuned:
        settings = {"backbone": untuned, "prompt": prompt, "decoder": decoder or "exact"}
        _train(data_dir, project, {**settings, "training": {"steps": 0}}, "generative", as_json)
        return
    if not run or not (videos or stream):
        raise typer.BadParameter("name a run and video files, or a backbone with --untuned")
    if stream:
        _follow_stream(_run_folder(data_dir, project, run), stream, decoder, as_json)
        return
    from app.jobs.predict_files import predict_files  # torch takes seconds to import

    folders = [_run_folder(data_dir, project, name) for name in (run, *(also or ()))]
    cache = DataDirectory.find(data_dir).features
    for line in predict_files(folders, videos or (), cache, decoder=decoder):
        print_json(line) if as_json else _tell_segments(line)


def _follow_stream(folder: Path, where: str, decoder: str | None, as_json: bool) -> None:
    """Print a line a sample, or a line a change of the answer where a person reads."""
    from app.jobs.predict_stream import predict_stream  # torch takes seconds to import

    label = None
    for found in predict_stream(folder, where, decoder=decoder):
        if as_json:
            print_json(found)
        elif found["label"] != label:
            label = found["label"]
            typer.echo(
                f"{found['time_us'] / 1e6:9.2f} s  {label:<28} {100 * found['probability']:3.0f} %"
                f"  {found['ms']:.0f} ms"
            )


def _run_folder(data_dir: Path | None, project: str, run: str) -> Path:
    from app.services.shell_queries import folder_of

    if Path(run).is_dir():
        return Path(run)
    with read_studio(data_dir) as studio:
        return folder_of(studio, project, run)


def _tell_segments(line: Mapping[str, Any]) -> None:
    typer.echo(f"{line['video']}, {line['run']}: {len(line['segments'])} segments")
    for s in line["segments"]:
        span = f"{s['start_us'] / 1e6:7.2f} – {s['end_us'] / 1e6:7.2f} s"
        typer.echo(f"  {span}  {s['label']:<24} {s['confidence']:.2f}")
