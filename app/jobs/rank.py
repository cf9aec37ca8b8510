"""One of several processes that train together: `accelerate launch ... -m app.jobs.rank FOLDER`."""

import json
import logging
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import torch.distributed as dist

from app.jobs.lifeline import hold
from app.jobs.protocol import JobFolder
from app.jobs.ranks import FOUND
from app.jobs.train_job import read_training, train_alone
from app.jobs.worker import JobContext
from core.errors import StudioError
from core.together import is_first
from core.training import train


def main() -> None:
    """Train with the other processes; the first one tells what comes of it."""
    hold()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    context = JobContext(JobFolder(Path(sys.argv[1])))
    signal.signal(signal.SIGTERM, context.terminate)
    try:
        said = _train(context)
    except StudioError as error:
        logging.exception("the training failed")
        said = error.as_json()
    if is_first():
        (context.folder.path / FOUND).write_text(json.dumps(said, default=str))
    if dist.is_initialized():
        dist.destroy_process_group()


def _train(context: JobContext) -> dict[str, object]:
    config, data = read_training(context.spec)
    if int(os.environ["RANK"]) == 0:
        context.stage("training")
        return asdict(train_alone(context, config, data))
    folder = Path(context.spec["run_folder"])
    return asdict(train(config, data, folder, forecast=lambda _: None))


if __name__ == "__main__":
    main()
