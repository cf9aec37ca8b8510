"""`gad metrics`: score predictions of any tool against the truth, frame by frame."""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import Json
from app.cli.reach import print_json


def metrics(
    truth: Annotated[
        Path, typer.Argument(help="JSON: video name → class index of each frame, -100: no target.")
    ],
    prediction: Annotated[
        Path, typer.Argument(help="JSON of the same form: the same videos, the same frames.")
    ],
    fps: Annotated[float, typer.Option(help="Frames a second, in both files.")],
    background: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Class index of the background.")
    ] = 0,
    scores: Annotated[
        Path | None, typer.Option(help="NPZ: video name → scores [frames, C], for map and top5.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score dense predictions of any tool: frames, segments, starts, order; in percent."""
    if not 0 < fps < inf:
        raise typer.BadParameter(f"--fps is a number above 0, not {fps}")
    # numpy takes a while to import, and other commands need neither it nor this
    from analysis.frame_files import read_indices, read_scores
    from analysis.scoring import score_frames

    there, said = read_indices(truth), read_indices(prediction)
    rows = read_scores(scores, there) if scores else None
    found = score_frames(there, said, rows, fps=fps, background=background)
    print_json(found) if as_json else _tell(found)


def _tell(found: Mapping[str, Any]) -> None:
    typer.echo(f"{'in percent':<20} {'':>7} {'precision':>10} {'recall':>7}")
    for key, value in found.items():
        if isinstance(value, Mapping):
            f1, precision, recall = map(_number, value.values())
            typer.echo(f"{key:<20} {f1:>7} {precision:>10} {recall:>7}")
        else:
            typer.echo(f"{key:<20} {_number(value):>7}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
