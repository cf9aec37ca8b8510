"""`gad export-model`: a run as files for transformers and peft."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import DataDir, Json, Project
from app.cli.reach import print_json
from app.services import served_runs


def export_model(
    run: Annotated[str, typer.Argument(help="Number or name of a run, or path of its folder.")],
    to: Annotated[Path, typer.Option(help="A new folder for the model.")],
    adapter: Annotated[
        bool, typer.Option("--adapter/--merged", help="The LoRA alone, or merged into its decoder.")
    ] = False,
    project: Project = "kitchen",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write a run as a Hugging Face model or a PEFT adapter, with a model card."""
    found = served_runs.find(data_dir, run, project)
    from core.model_card import Figure  # torch takes seconds to import
    from core.run_export import export_run

    stored = found.stored
    figures = tuple(
        Figure(m.split, m.key, m.value, m.low, m.high, m.count)
        for m in (stored.metrics if stored else ())
        if m.value is not None
    )
    done = export_run(
        found.folder,
        to.expanduser().absolute(),
        "adapter" if adapter else "merged",
        name=found.about["name"],
        data_hash=stored.data_hash if stored else "",
        figures=figures,
    )
    if as_json:
        print_json(done)
        return
    typer.echo(f"{done['folder']}: its README.md says how to use it.")
    if "difference" in done:
        typer.echo(f"Read back, its logits differ by at most {done['difference']:.2g}.")
