"""What `gad serve` shows of itself to `gradio_client`: one endpoint, `predict`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from app.widgets.uploads import PlainNumber, UploadedVideo
from core.errors import StudioError

Predict = Callable[[Path, int], Awaitable[dict[str, Any]]]

_SWEEP_S = 3600
"""An upload that nobody asked about is deleted after so long."""


def build(predict: Predict, *, most_top: int, at_once: int) -> gr.Blocks:
    """Build the page of a served run; nothing of it but `predict` has a name.

    Args:
        predict: Answers for an uploaded file, and deletes it.
        most_top: Most classes a row that can be asked for.
        at_once: Requests that are let through; whoever comes later is told that it is full.
    """

    async def answer(video: str | None, top: float) -> dict[str, Any]:
        if not video:
            raise gr.Error("A prediction needs a video.", print_exception=False)
        try:
            return await predict(Path(video), max(0, min(most_top, int(top))))
        except StudioError as error:
            raise gr.Error(error.sentence, print_exception=False) from None

    with gr.Blocks(
        title="GAD Studio · predict", analytics_enabled=False, delete_cache=(_SWEEP_S, _SWEEP_S)
    ) as page:
        video = UploadedVideo(label="Video", file_count="single")
        top = PlainNumber(0, label="Likeliest classes a row", precision=0)
        found = gr.JSON(label="Segments and scores")
        gr.Button("Predict").click(answer, [video, top], found, api_name="predict")
    page.queue(default_concurrency_limit=at_once, max_size=at_once)
    return page
