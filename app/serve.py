"""The composition root of `gad serve`: one run behind REST routes and one Gradio endpoint."""

import asyncio
import importlib.metadata
import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import fastapi
import psutil
import uvicorn

from app.api import explain_errors
from app.api.served import MOST_TOP, VideoOf, explain, routes
from app.api.token_guard import TokenGuard
from app.main import Address, allowed_hosts
from app.security import Bodies, Guard
from app.security.patience import PatientHTTP
from app.security.refusing import refuse
from app.services.access_tokens import AccessTokens
from app.services.served_runs import FoundRun, video_path
from app.services.serving import NotServed, ServedRun, ServeLimits
from core.errors import MissingArtifact, StudioError
from storage.data_directory import DataDirectory

_WORK = "serve-"
"""How the folders of served runs begin; the number of their process follows."""

_MOST_CONNECTIONS = 200
_UPLOADS = ("/v1/predict", "/gradio_api/upload")

# Of Gradio, what its client needs. The rest serves files, fetches addresses and runs functions.
_OPEN = ("/v1/", "/config", *(f"/gradio_api/{name}" for name in (
    "info", "upload", "queue/", "call/", "heartbeat/", "cancel", "reset", "startup-events",
)))  # fmt: skip


class _Doors(Bodies):
    """Lets requests to open paths in, uploads as they come and anything else whole and small."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer it with 404, 408 or 413."""
        path = scope.get("path", "")
        if scope["type"] == "http" and not path.startswith(_OPEN):
            await refuse(send, 404, StudioError("Nothing is here"))
        elif path in _UPLOADS:  # limited where they are written to the disk
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def serve(data_dir: Path | None, found: FoundRun, address: Address, limits: ServeLimits) -> None:
    """Load a run and answer until the process is ended.

    Raises:
        MissingArtifact: There is no token yet, so that nobody could ask.
        Conflict: Something else listens on the port.
    """
    directory = DataDirectory.find(data_dir)
    tokens = AccessTokens(directory)
    if not tokens.listed():
        raise MissingArtifact(
            "A served run is asked with a token", "there is none yet",
            "Make one: gad token create NAME",
        )  # fmt: skip
    address.check()
    with _work_folder(directory) as work:
        served = ServedRun(found.folder, directory, work, limits)
        app = create_app(served, found, tokens, address, lambda number: video_path(
            directory, found, number))  # fmt: skip
        uvicorn.run(
            app, host=address.host, port=address.port, http=PatientHTTP, ws="none",
            proxy_headers=False, limit_concurrency=_MOST_CONNECTIONS, log_level="warning",
            timeout_graceful_shutdown=3,
        )  # fmt: skip


def create_app(
    served: ServedRun, found: FoundRun, tokens: AccessTokens, address: Address, video_of: VideoOf
) -> fastapi.FastAPI:
    """Put guards, routes and the Gradio endpoint together."""
    # Gradio takes two seconds to import; the run is being loaded by then.
    import gradio as gr

    from app.pages.served import build

    @asynccontextmanager
    async def living(_: fastapi.FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(served.load())
        yield
        loading.cancel()
        await served.close()

    about = {"run": found.about, "version": importlib.metadata.version("gad-studio")}

    uploads: Counter[Path] = Counter()  # Gradio keeps equal uploads as one file

    async def predict(path: Path, top: int) -> dict[str, Any]:
        # It is deleted below, so that whoever gave it is not asked alone.
        if not path.resolve().is_relative_to(served.work.resolve()):
            raise NotServed(400, "A video must be uploaded")
        uploads[path] += 1
        try:
            async with served.place() as folder:
                return {**about, **await served.predict(path, folder, top=top)}
        finally:
            uploads[path] -= 1
            if not uploads[path]:
                del uploads[path]
                path.unlink(missing_ok=True)

    closed = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = fastapi.FastAPI(lifespan=living, **closed)  # pyright: ignore[reportArgumentType]
    app.include_router(routes(served, about, video_of))
    explain_errors(app)
    explain(app)
    page = build(predict, most_top=MOST_TOP, at_once=served.limits.waiting + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="gradio")
        gr.mount_gradio_app(
            app, page, path="/", app_kwargs=closed, footer_links=[], run_history=False,
            enable_monitoring=False, show_error=False, max_file_size=served.limits.upload_bytes,
        )  # fmt: skip
    app.add_middleware(_Doors)
    app.add_middleware(TokenGuard, tokens=tokens)
    app.add_middleware(Guard, hosts=allowed_hosts(address))
    return app


@contextmanager
def _work_folder(directory: DataDirectory) -> Iterator[Path]:
    """Make a folder for uploads, removed at the end; remove those of processes that were killed."""
    root = directory.root / "tmp"
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f"{_WORK}*"):
        number = left.name.removeprefix(_WORK)
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    work = root / f"{_WORK}{os.getpid()}"
    work.mkdir(exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(work / "gradio")
    tempfile.tempdir = str(work)  # where a form is kept while it comes
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
