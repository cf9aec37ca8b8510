"""Live predictions in the shell: an answer for every sample, as soon as it is known."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from core.backbones import load_tower
from core.errors import InvalidConfig
from core.run_folder import load_run
from core.streaming import StreamingPredictor
from core.video.live import watch


def predict_stream(
    folder: Path, where: str, *, decoder: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one JSON-able answer a sample; `ms` is what it took from the picture on.

    Raises:
        UnreadableVideo: The source cannot be read.
        StudioError: The folder is no run, or its run answers clips, not frames.
    """
    run = load_run(folder, merge=True)
    if not run.task.dense:
        raise InvalidConfig(
            "Only a run that answers at every frame can be streamed",
            f"'{run.task.name}' asks about clips",
            "Take a run of online detection.",
        )
    tower = load_tower(run.config.backbone).to(run.classifier.tokens.weight.device)
    stream = StreamingPredictor(
        run.classifier,
        run.recipe.window,
        run.classifier.backbone.card.tokens_per_frame,
        decoder=decoder or run.config.decoder,
        scoring=run.config.scoring if decoder in (None, run.config.decoder) else "sum",
    )
    classes = run.classifier.classes
    for time_us, picture in watch(where, run.recipe.rate):
        started = time.perf_counter()
        prepared = torch.from_numpy(tower.prepare(picture)[None])
        with torch.inference_mode():
            (found,) = stream.push(tower(prepared.to(run.classifier.tokens.weight.device)).half())
        index = int(found.predicted[0])
        yield {
            "time_us": time_us,
            "class": index,
            "label": classes[index],
            "probability": round(float(found.scores.confidence(found.predicted)[0]), 4),
            "ms": round(1000 * (time.perf_counter() - started), 2),
        }
