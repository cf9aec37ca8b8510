"""The inference worker as the server sees it: started when first asked, ended when it is idle.

A worker that crashes or hangs costs its question, never the server; the next question starts a new
one. On a GPU it gives way to jobs.
"""

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from typing import Any

from app.services import Studio
from core.errors import Conflict, StudioError
from storage import jobs
from storage.states import JobState

log = logging.getLogger(__name__)

IDLE_S = 600.0
TIMEOUT_S = 20.0
HANGS_S = 300.0
"""A worker that has not answered for so long is taken for hung."""

_LOOK_S = 1.0
_BUSY = "One moment is looked into at a time"


class InferenceWorker:
    """One child process, `python -m app.jobs.inspector`, asked one question at a time.

    Args:
        studio: Its queue says who has the device; the worker's words go to its log.
        slot: Where the worker computes: `cpu`, or a GPU that it shares with jobs.
        idle_s: The worker ends when nothing was asked for so long.
        timeout_s: So long a question waits for its answer.
    """

    def __init__(
        self, studio: Studio, slot: str, idle_s: float = IDLE_S, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.slot, self.idle_s, self.timeout_s = slot, idle_s, timeout_s
        self._studio = studio
        self.process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        self._waiting = False  # whether a question was sent that nobody waits for any longer
        self._since = 0.0
        self._read = b""

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask about a moment.

        Raises:
            Conflict: A job has the device, or the answer takes longer; ask again.
            StudioError: What the worker says, or that it is gone.
        """
        ends = time.monotonic() + self.timeout_s
        if not self._turn.acquire(timeout=self.timeout_s):
            raise Conflict(_BUSY, "another question is being answered", "Ask again in a moment.")
        try:
            self._check_device()
            return self._answer(self._running(), question, ends)
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the worker."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    # ---- one question ----------------------------------------------------------------------------

    def _answer(
        self, process: subprocess.Popen[bytes], question: dict[str, Any], ends: float
    ) -> dict[str, Any]:
        assert process.stdin is not None
        try:
            if self._waiting:
                self._line(process, ends)
                self._waiting = False
            self._since, self._waiting = time.monotonic(), True
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            said = json.loads(self._line(process, ends))
            self._waiting = False
        except (BrokenPipeError, EOFError):
            code = process.wait()
            self.close()
            raise StudioError(
                "The process that looks into moments ended", f"with code {code}",
                "Ask again: a new one is started. Its log is logs/inspector.log.",
            ) from None  # fmt: skip
        if "error" in said:
            error = said["error"]
            raise StudioError(error["rule"], error["value"], error["next"])
        return said["found"]

    def _line(self, process: subprocess.Popen[bytes], ends: float) -> bytes:
        """Read one line, until a time."""
        assert process.stdout is not None
        while b"\n" not in self._read:
            left = ends - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise Conflict(
                    "The run is being loaded, or the video is seen for the first time", "",
                    "It is asked again until the answer is there.",
                )  # fmt: skip
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                raise EOFError
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return line

    # ---- the process -----------------------------------------------------------------------------

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the worker, a new one where it ended or hangs."""
        hangs = self._waiting and time.monotonic() - self._since > HANGS_S
        if self.process is None or self.process.poll() is not None or hangs:
            self.close()
            self.process = self._start()
        return self.process

    def _start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        if self._on_gpu:
            environment["CUDA_VISIBLE_DEVICES"] = self.slot.removeprefix("gpu:")
        self._waiting, self._read = False, b""
        with (self._studio.directory.logs / "inspector.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.jobs.inspector", str(self.idle_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
                env=environment,
            )
        if self._on_gpu:
            threading.Thread(target=self._give_way, args=(process,), daemon=True).start()
        return process

    @property
    def _on_gpu(self) -> bool:
        return self.slot.startswith("gpu:")

    def _check_device(self) -> None:
        """Refuse while a job has the GPU; a CPU is shared, at low priority."""
        if self._on_gpu and self._taken():
            raise Conflict(
                "Moments are looked into while the graphics card is free",
                f"a job has {self.slot}",
                "Wait for the job, or stop it on the page Train.",
            )

    def _taken(self) -> bool:
        active = [state for state in JobState if state.is_active]
        listed = jobs.list_jobs(self._studio.database, states=active, specs=False)
        return any(job.slot == self.slot for job in listed)

    def _give_way(self, process: subprocess.Popen[bytes]) -> None:
        """End the worker as soon as a job takes its device."""
        while process.poll() is None:
            if self._taken():
                log.info("the inspector gives way to a job on %s", self.slot)
                process.kill()
                return
            time.sleep(_LOOK_S)
