"""Training on several GPUs of one machine: a process each, started by `accelerate launch`.

The worker starts them for the training only, and they end with it. The first of them reports into
the job's folder and leaves `trained.json`; the others only compute.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from app.jobs.lifeline import start_bound
from app.jobs.protocol import PROCESSES, JobFolder
from app.jobs.worker import JobContext
from core.config import RunConfig
from core.errors import Stopped, StudioError
from core.training import Trained

FOUND = "trained.json"
_LOOK_EVERY_S = 0.2


def trains_together(config: RunConfig) -> bool:
    """Say whether several processes train; a choice of context is left to one."""
    chooses = config.context == "auto" and config.classifier == "gad"
    return _asked() > 1 and not chooses and config.training.steps > 0


def train_together(context: JobContext) -> Trained:
    """Train what a job's folder says with as many processes as the worker was given.

    Raises:
        StudioError: What the first process raised, or that one ended without a word.
        Stopped: Whoever started the worker wants it to end; a checkpoint is kept.
    """
    folder = context.folder
    (folder.path / FOUND).unlink(missing_ok=True)
    with folder.log.open("ab") as output:
        launcher = start_bound(_command(folder, _asked()), os.environ, output)
    terminated = False
    while launcher.poll() is None:
        time.sleep(_LOOK_EVERY_S)
        if context.stopping and folder.stop_request() is None and not terminated:
            terminated = True
            launcher.terminate()
    return _found(folder, launcher, terminated)


def _asked() -> int:
    return int(os.environ.get(PROCESSES, "1"))


def _command(folder: JobFolder, count: int) -> list[str]:
    return [
        *(sys.executable, "-m", "accelerate.commands.launch"),
        *("--multi_gpu", "--num_machines", "1", "--num_processes", str(count)),
        *("--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no"),
        *("--module", "app.jobs.rank", str(folder.path)),
    ]


def _found(folder: JobFolder, launcher: subprocess.Popen[bytes], terminated: bool) -> Trained:
    try:
        said = json.loads((folder.path / FOUND).read_text())
    except FileNotFoundError:
        if terminated:
            raise Stopped("The training") from None
        raise StudioError(
            "A process of the training ended without a word", f"exit code {launcher.returncode}",
            "The log of the job holds the details; press Resume to go on from the last checkpoint.",
        ) from None  # fmt: skip
    if "error" in said:
        raise StudioError(*said["error"].values())
    return Trained(**{**said, "folder": Path(said["folder"])})
