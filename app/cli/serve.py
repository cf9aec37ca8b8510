"""`gad serve`: a run that answers other programs."""

from dataclasses import replace
from typing import Annotated

import typer

from app.cli.options import DataDir, Project
from app.services import served_runs
from app.services.serving import ServeLimits

_USUAL = ServeLimits()


def serve(
    run: Annotated[str, typer.Argument(help="Number or name of a run, or path of its folder.")],
    project: Project = "kitchen",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7861,
    waiting: Annotated[
        int, typer.Option(min=0, max=1000, help="Requests that may wait beside the running one.")
    ] = _USUAL.waiting,
    seconds: Annotated[
        float, typer.Option(min=1, help="Longest time that one answer may take.")
    ] = _USUAL.answer_s,
    megabytes: Annotated[
        float, typer.Option(min=0.01, help="Largest upload.")
    ] = _USUAL.upload_bytes / 1e6,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Longest video.")
    ] = _USUAL.video.max_duration_us / 60e6,
    data_dir: DataDir = None,
) -> None:
    """Answer predictions of a run over HTTP, to whoever has a token of `gad token`."""
    from app.main import Address
    from app.serve import serve as serve_run  # it imports Gradio

    found = served_runs.find(data_dir, run, project)
    limits = replace(
        _USUAL,
        upload_bytes=int(megabytes * 1e6),
        answer_s=seconds,
        waiting=waiting,
        video=replace(_USUAL.video, max_duration_us=int(minutes * 60e6)),
    )
    # Whoever asks needs a token, which is more than the password that other hosts must have.
    address = Address(host, port, password="a token")
    typer.echo(f"Run '{found.about['name']}' at {address.url}v1/predict", err=True)
    serve_run(data_dir, found, address, limits)
