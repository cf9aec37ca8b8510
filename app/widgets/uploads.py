"""Fields of a page that programs may call: an uploaded file is taken, and nothing else.

A value from outside may look like a file of Gradio's with any path, in any field. A mounted Gradio
would copy that file, or fetch that address, to where it is served from; these fields refuse it.
"""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.utils import is_in_or_equal
from gradio_client.utils import is_http_url_like


class _UploadsOnly:
    GRADIO_CACHE: str

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str:
        """Leave an upload where it is.

        Raises:
            gr.Error: It is an address, or a file that was not uploaded.
        """
        return self.uploaded(str(url_or_file_path))

    def uploaded(self, path: str) -> str:
        """Return a path that lies where uploads lie, and raise at any other."""
        if is_http_url_like(path) or not is_in_or_equal(path, self.GRADIO_CACHE):
            raise gr.Error("A video must be uploaded.", print_exception=False)
        return path


class UploadedVideo(_UploadsOnly, gr.File):
    """A file that was uploaded here."""

    def preprocess(self, payload: FileData | None) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the path of the upload."""
        return self.uploaded(payload.path) if payload else None


class PlainNumber(_UploadsOnly, gr.Number):
    """A number."""

    def preprocess(self, payload: Any) -> float | int | None:
        """Return the number."""
        if not isinstance(payload, int | float | None):
            raise gr.Error("It must be a number.", print_exception=False)
        return super().preprocess(payload)
