"""`gad bench`: figures as ratios against named baselines, measured side by side."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import Json
from app.cli.reach import print_json

# What needs the storage lies above the core.
_OF_THE_STUDIO = {
    "library": "app.services.library_bench:run",
    "analysis": "app.services.analysis_bench:run",
}


def bench(
    which: Annotated[
        list[str] | None, typer.Argument(help="online, ..., library, analysis; all by default.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Times that each way is measured.", min=1)] = 5,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small work: only shows that it runs.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the JSON to a file.")] = None,
    as_json: Json = False,
) -> None:
    """Measure speed and memory against named baselines, on the same weights in one process."""
    from core.bench import BENCHES  # torch takes seconds to import
    from core.bench.hardware import describe
    from core.bench.measuring import Settings
    from core.registry import resolve

    known = {**BENCHES, **_OF_THE_STUDIO}
    chosen = [(name, resolve("benchmark", known, name)) for name in which or known]
    settings = Settings(repeats, quick, lambda text: typer.echo(text, err=True))
    found: dict[str, Any] = {"hardware": describe(), "repeats": repeats, "reports": []}
    if not as_json:
        typer.echo(", ".join(f"{k} {v}" for k, v in found["hardware"].items() if v is not None))
    for name, run in chosen:
        typer.echo(f"measuring {name}", err=True)
        report = run(settings).as_json()
        found["reports"].append(report)
        if not as_json:
            _tell(report)
        if out:
            out.write_text(json.dumps(found, indent=1))
    if as_json:
        print_json(found)


def _tell(report: Mapping[str, Any]) -> None:
    for row in report["rows"]:
        aim = f"  (aim {row['aim']:g} ×)" if row["aim"] else ""
        bound = f"  {100 * row['share_of_bound']:.0f} % of its bound" if row["bound"] else ""
        typer.echo(
            f"{row['figure']}: {row['ratio']:.2f} × [{row['low']:.2f}, {row['high']:.2f}]{aim}"
        )
        for way in (row["ours"], row["baseline"]):
            typer.echo(f"    {way['name']:<44} {way['rate']:>12,.1f} {row['unit']}")
        if bound or row["note"]:
            typer.echo(f"   {bound}  {row['note']}")
    for figure in report["figures"]:
        typer.echo(f"{figure['what']}: {figure['value']:,.4g} {figure['unit']}")
