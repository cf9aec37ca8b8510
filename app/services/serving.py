"""One run that answers other programs: a child process, a bounded queue, limits.

A video that breaks a decoder or takes too long costs its own answer and the child, never the
server; the next question starts a new child.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from core.errors import StudioError
from core.video import Limits
from storage.data_directory import DataDirectory

log = logging.getLogger(__name__)

_LINE = 1 << 28  # bytes of an answer: four hours of frames with their likeliest classes
_STOPPING_S = 10.0
_AGAIN_S = 30
_ROOT = Path(__file__).parents[2]
_STATUS = {"UnreadableVideo": 422, "MissingArtifact": 404, "Failure": 500}


@dataclass(frozen=True, slots=True)
class ServeLimits:
    """What a request may cost. `waiting` are requests beside the one that is being answered."""

    upload_bytes: int = 2 << 30
    upload_s: float = 600.0
    answer_s: float = 600.0
    load_s: float = 900.0
    waiting: int = 8
    video: Limits = field(
        default_factory=lambda: Limits(max_duration_us=3600 * 1_000_000, max_pixels=9_000_000)
    )

    def as_json(self) -> dict[str, Any]:
        """Return what whoever asks should know."""
        return {
            "upload_bytes": self.upload_bytes,
            "video_s": self.video.max_duration_us / 1e6,
            "video_pixels": self.video.max_pixels,
            "answer_s": self.answer_s,
            "waiting": self.waiting,
        }


class NotServed(StudioError):
    """A request that gets no prediction: an HTTP status, and when to come back."""

    def __init__(
        self, status: int, rule: str, value: object = "", next_step: str = "", retry_s: int = 0
    ) -> None:
        super().__init__(rule, value, next_step)
        self.status, self.retry_s = status, retry_s


class ServedRun:
    """The run of a folder in a child process, `python -m app.jobs.serve_run`, asked in turn.

    Args:
        folder: The run.
        directory: Its feature cache is read, its log is written.
        work: A folder of this process; uploads and what is computed of them lie here meanwhile.
        limits: What a request may cost.
    """

    def __init__(
        self, folder: Path, directory: DataDirectory, work: Path, limits: ServeLimits
    ) -> None:
        self.folder, self.work, self.limits = folder, work, limits
        self._directory, self._features = directory, work / "features"
        self._process: asyncio.subprocess.Process | None = None
        self._loading: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._turn = asyncio.Lock()
        self._asked = 0  # requests that have a place: waiting, uploading, being answered
        self._took_s = 5.0  # the last answer
        self.about: dict[str, Any] | None = None

    # ---- a request ---------------------------------------------------------------------------

    @property
    def health(self) -> dict[str, Any]:
        """Whether the run is in memory, and how many requests are there."""
        process = self._process
        alive = process is not None and process.returncode is None
        state = "ready" if alive and self.about else "loading" if alive else "not loaded"
        return {"status": state, "requests": self._asked, "places": self.limits.waiting + 1}

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Path]:
        """Hold one of the places of the queue; yields a folder that is deleted afterwards.

        Raises:
            NotServed: All places are taken.
        """
        if self._asked > self.limits.waiting:
            raise NotServed(
                429, "The queue is full", f"{self._asked} requests", "Ask again later.",
                retry_s=max(1, ceil(self._asked * self._took_s)),
            )  # fmt: skip
        self._asked += 1
        folder = self.work / uuid.uuid4().hex
        try:
            folder.mkdir(parents=True)
            yield folder
        finally:
            self._asked -= 1
            shutil.rmtree(folder, ignore_errors=True)

    async def predict(self, path: Path, folder: Path, *, top: int = 0) -> dict[str, Any]:
        """Predict a video file; cancelling stops the work on it.

        Args:
            path: The video.
            folder: What `place` gave.
            top: How many of the likeliest classes of every row are told.

        Raises:
            NotServed: The video cannot be read, it takes too long, or the run cannot be loaded.
        """
        came = time.monotonic()
        async with self._turn:
            began = time.monotonic()
            stop = folder / "stop"
            said = await self._ask({
                "path": str(path), "top": top, "stop": str(stop),
                "limits": self.limits.video.as_json(),
            }, stop)  # fmt: skip
            ended = time.monotonic()
        self._took_s = ended - began
        found = _found(said)
        found["time"] |= {"waited_s": round(began - came, 4), "total_s": round(ended - came, 4)}
        return found

    async def _ask(self, question: dict[str, Any], stop: Path) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        reading = asyncio.ensure_future(process.stdout.readline())
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(self.limits.answer_s):
                line = await asyncio.shield(reading)
        except asyncio.CancelledError:
            stop.touch()
            done, _ = await asyncio.wait([reading], timeout=_STOPPING_S)
            if not done:
                await self._end()
            raise
        except TimeoutError:
            await self._end()
            raise NotServed(
                504, f"A prediction may take at most {self.limits.answer_s:g} s", "it took longer",
                "Send a shorter part of the video.",
            ) from None  # fmt: skip
        except ConnectionError:
            line = b""
        if not line:
            code = await self._end()
            raise NotServed(
                500, "The process that predicts ended on this video", f"with code {code}",
                "Other videos are answered. Its log is logs/serve.log of the data directory.",
            )  # fmt: skip
        return json.loads(line)

    # ---- the process -------------------------------------------------------------------------

    async def load(self) -> None:
        """Load the run before anybody asks; what goes wrong is said to whoever asks."""
        try:
            async with self._turn:
                await self._running()
        except StudioError as error:
            log.error("%s", error)

    async def close(self) -> None:
        """End the child."""
        await self._end()

    async def _running(self) -> asyncio.subprocess.Process:
        """Return the child with the run in memory; a new one where it ended.

        Raises:
            NotServed: The run cannot be loaded.
        """
        if self._loading is None or self._loading.done():
            if self._process is not None and self._process.returncode is None and self.about:
                return self._process
            self._loading = asyncio.create_task(self._load())
        # A client that leaves does not take the loading with it.
        return await asyncio.shield(self._loading)

    async def _load(self) -> asyncio.subprocess.Process:
        await self._end()
        shutil.rmtree(self._features, ignore_errors=True)  # what an ended child left there
        process = self._process = await self._start()
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self.limits.load_s):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        said = json.loads(line or b"{}")
        if "found" in said:
            self.about = said["found"]
            return process
        code = await self._end()
        error = said.get("error", {"rule": "The run could not be loaded", "value": "", "next": ""})
        log.error("the run was not loaded, its process ended with %s", code)
        raise NotServed(503, error["rule"], error["value"], error["next"], retry_s=_AGAIN_S)

    async def _start(self) -> asyncio.subprocess.Process:
        self._directory.logs.mkdir(parents=True, exist_ok=True)
        with (self._directory.logs / "serve.log").open("ab") as words:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app.jobs.serve_run",
                str(self.folder), str(self._directory.features), str(self._features),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=words,
                limit=_LINE, start_new_session=True, cwd=_ROOT,
                env=os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
            )  # fmt: skip

    async def _end(self) -> int | None:
        process, self._process, self.about = self._process, None, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def _found(said: dict[str, Any]) -> dict[str, Any]:
    if "error" in said:
        error = said["error"]
        status = _STATUS.get(said.get("kind", ""), 400)
        raise NotServed(status, error["rule"], error["value"], error["next"])
    return said["found"]
