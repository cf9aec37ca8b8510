"""The worker: one process, one job folder. `python -m app.jobs.worker JOB_FOLDER`.

It never opens the database: what it finds goes into files, and the server ingests them.
"""

import errno
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.jobs.lifeline import hold
from app.jobs.protocol import Ending, JobFolder
from core.errors import Stopped, StudioError
from core.registry import resolve
from core.types import Progress

log = logging.getLogger(__name__)

KINDS = {
    "train": "app.jobs.train_job:run",
    "reproduce": "app.jobs.reproduce_job:run",
    "predict": "app.jobs.predict_job:run",
    "render": "app.jobs.media_job:render",
    "probe": "app.jobs.media_job:probe_videos",
    "proxy": "app.jobs.media_job:make_proxy",
    "strip": "app.jobs.media_job:make_strip",
    "cuts": "app.jobs.media_job:find_cuts",
    "clips": "app.jobs.clip_job:run",
    "map": "app.jobs.map_job:run",
    "reel": "app.jobs.reel_job:run",
}
_HEARTBEAT_S = 2.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class JobContext:
    """What a job sees of the outside: its folder, where to report, whether to stop."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder, self.spec = folder, folder.read_spec()
        self._terminated = threading.Event()
        self._stage = ""
        self._looked, self._asked = 0.0, False

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop; the file is looked at twice a second at most."""
        now = time.monotonic()
        if not self._asked and now - self._looked > 0.5:
            self._looked = now
            self._asked = self.folder.stop_request() is not None
        return self._asked or self._terminated.is_set()

    def terminate(self, *_: Any) -> None:
        """Take SIGTERM and SIGINT as a request to stop at the next safe place."""
        self._terminated.set()

    def emit(self, kind: str, **values: Any) -> None:
        """Tell the server that something happened."""
        self.folder.append_event({"at": time.time(), "type": kind, **values})

    def stage(self, name: str) -> None:
        """Say which part of the job begins."""
        self._stage = name
        self.emit("stage", name=name)

    def report(self, progress: Progress) -> bool:
        """Pass progress on; answers whether to stop."""
        self.emit(
            "progress", stage=self._stage, done=progress.done, total=progress.total,
            message=progress.message, values=progress.values,
        )  # fmt: skip
        return self.stopping


def _beat(folder: JobFolder) -> None:
    while True:
        folder.heartbeat.touch()
        time.sleep(_HEARTBEAT_S)


def work(folder: JobFolder, job: Callable[[JobContext], dict[str, Any]] | None = None) -> Ending:
    """Do the job of a folder, or `job` in its place, and write how it ended."""
    context = JobContext(folder)
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, context.terminate)
    threading.Thread(target=_beat, args=(folder,), daemon=True).start()
    context.emit("started", pid=os.getpid())
    try:
        run = job or resolve("kind of job", KINDS, context.spec["kind"])
        result: dict[str, Any] = run(context)
    except Stopped:
        if folder.stop_request() is None:
            # Terminated from outside: without a result the job counts as LOST and can be resumed.
            log.warning("terminated; the job can be resumed")
        else:
            folder.write_result(Ending.STOPPED)
        return Ending.STOPPED
    except StudioError as error:
        log.exception("the job failed")
        folder.write_result(Ending.FAILED, **error.as_json())
        return Ending.FAILED
    except OSError as error:
        log.exception("the job failed")
        folder.write_result(Ending.FAILED, **_about_system(error))
        return Ending.FAILED
    except BaseException as error:
        traceback.print_exc()
        sentence = StudioError(
            "The job ended in a fault of the program", f"{type(error).__name__}: {error}",
            "The log of the job holds the details; please report it.",
        )  # fmt: skip
        folder.write_result(Ending.FAILED, **sentence.as_json())
        return Ending.FAILED
    ending = Ending(result.pop("state", Ending.DONE))
    folder.write_result(ending, result=result)
    return ending


def _about_system(error: OSError) -> dict[str, Any]:
    if error.errno in _NO_ROOM:
        rule, step = "The disk is full", "Free some space, then press Resume."
    else:
        rule, step = (
            f"The system refused: {error.strerror or error}",
            "Correct it, then press Resume.",
        )
    return StudioError(rule, error.filename or "", step).as_json()


def main() -> None:
    """Run the job named on the command line."""
    hold()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    ending = work(JobFolder(Path(sys.argv[1])))
    sys.exit(1 if ending is Ending.FAILED else 0)


if __name__ == "__main__":
    main()
