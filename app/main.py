"""The composition root: a FastAPI parent that owns routes and guard, with Gradio mounted at `/`."""

import logging
import os
import secrets
import socket
import threading
import warnings
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import fastapi
import uvicorn

from app.api import add_routes
from app.jobs.runner import Runner
from app.security import LOOPBACK, Bodies, Guard
from app.security.patience import PatientHTTP
from app.services import Studio, demo, open_studio
from app.services.backups import Keeper
from core.errors import Conflict, InvalidConfig

if TYPE_CHECKING:
    import gradio as gr

# Before Gradio is imported: nothing is sent anywhere, nothing is fetched from anywhere.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

log = logging.getLogger(__name__)

PORT = 7860

_MOST_CONNECTIONS = 500  # a process may commonly have 1,024 files open

_LARGE_BODIES = {"/api/videos/[0-9]+/operations": 32_000_000}
"""Routes that take more than others: an operation may change 20,000 segments."""

# Our pages ask our routes alone. What Gradio has of its own takes uploads, fetches addresses and
# runs functions.
_CLOSED = ("/gradio_api", "/config", "/login", "/logout", "/monitoring")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and what it asks of visitors from outside."""

    host: str = "127.0.0.1"
    port: int = PORT
    password: str | None = None

    def check(self) -> None:
        """Refuse an open door and a taken port.

        Raises:
            InvalidConfig: Another address than loopback without a password.
            Conflict: Something else listens on the port.
        """
        if self.host not in LOOPBACK and not self.password:
            raise InvalidConfig(
                "Listening beyond this machine needs a password", f"--host {self.host}",
                "Set GAD_PASSWORD, then start again.",
            )  # fmt: skip
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise Conflict(
                    "The port must be free", f"{self.host}:{self.port} is not ({error.strerror})",
                    "Choose another with --port.",
                ) from None  # fmt: skip

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "localhost") else self.host
        return f"http://{host}:{self.port}/"


def build_ui() -> "gr.Blocks":
    """Build every page; the first stands at `/`, the others at `/<path>`."""
    import gradio as gr

    from app.pages import PAGES

    (first_name, _, first), *others = PAGES
    with gr.Blocks(
        title=f"{first_name} · GAD Studio", fill_width=True, analytics_enabled=False
    ) as ui:
        first.build()
    for name, path, page in others:
        with ui.route(f"{name} · GAD Studio", path):
            page.build()
    ui.queue(default_concurrency_limit=8)
    return ui


def create_app(studio: Studio, address: Address, token: str) -> fastapi.FastAPI:
    """Put guard, routes and pages together."""
    # Gradio takes two seconds to import. The queue is at work by then.
    import gradio as gr

    from app.pages import PAGES
    from app.widgets.look import HEAD, theme

    closed = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = fastapi.FastAPI(**closed)  # pyright: ignore[reportArgumentType]
    add_routes(app, studio, token)  # before Gradio, which takes every other path
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="gradio")
        gr.mount_gradio_app(
            app, build_ui(), path="/", app_kwargs=closed, theme=theme(), head=HEAD,
            footer_links=[], run_history=False, enable_monitoring=False, show_error=False,
            max_file_size="1mb",
        )  # fmt: skip
    app.add_middleware(Bodies, allowances=_LARGE_BODIES)
    app.add_middleware(
        Guard, hosts=allowed_hosts(address), password=address.password, token=token,
        pages=("/", *(f"/{path}" for _, path, _ in PAGES)), closed=_CLOSED,
    )  # fmt: skip
    return app


def allowed_hosts(address: Address) -> set[str]:
    """Return the names under which a request may know this machine."""
    if address.host != "0.0.0.0":
        return {*LOOPBACK, address.host}
    return {*LOOPBACK, *_own_names()}


def _own_names() -> set[str]:
    """Return the names and addresses of this machine."""
    name = socket.gethostname()
    try:
        return {name, *socket.gethostbyname_ex(name)[2]}
    except OSError:
        return {name}


@contextmanager
def running(data_dir: Path | None, address: Address) -> Iterator[uvicorn.Server]:
    """Hold the data directory, run the queue, and be reachable while the block runs."""
    address.check()
    with open_studio(data_dir) as studio:
        os.environ["GRADIO_TEMP_DIR"] = str(studio.directory.root / "tmp")
        demo.install(studio)
        token = secrets.token_urlsafe(32)
        runner, keeper = Runner(studio), Keeper(studio)
        runner.start()
        keeper.start()
        try:
            config = uvicorn.Config(
                create_app(studio, address, token),
                host=address.host,
                port=address.port,
                http=PatientHTTP,
                ws="none",
                proxy_headers=False,  # anybody could write another address into them
                limit_concurrency=_MOST_CONNECTIONS,
                log_level="warning",
                timeout_graceful_shutdown=3,
            )
            studio.directory.write_server_card(address.url, token)
            yield uvicorn.Server(config)
        finally:
            studio.directory.remove_server_card()
            runner.close()
            keeper.close()


def serve(data_dir: Path | None, address: Address, *, browser: bool = True) -> None:
    """Start the studio and stay until it is ended."""
    with running(data_dir, address) as server:
        if browser:
            threading.Thread(
                target=_open_when_started, args=(server, address.url), daemon=True
            ).start()
        server.run()


def _open_when_started(server: uvicorn.Server, url: str) -> None:
    while not server.started and not server.should_exit:
        threading.Event().wait(0.1)
    if server.started:
        webbrowser.open(url)
