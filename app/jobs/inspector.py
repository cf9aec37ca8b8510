"""The inspector: one process that keeps the last runs in memory and looks into single moments.

Questions come as lines of JSON on the standard input, answers go as lines to the standard output.
It ends by itself when the input ends or nothing is asked for a while; it never opens the database.
"""

import json
import logging
import os
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from core.classifiers.generative import GenerativeClassifier
from core.decoding.answering import Answering
from core.decoding.branches import drawn
from core.decoding.inspection import Inspection, inspect
from core.errors import InvalidData, StudioError
from core.features import FeatureCache
from core.loaded_runs import LoadedRuns
from core.manifest import video_from_json
from core.run_folder import Run
from core.tasks import IGNORED
from core.types import FrameFeatures, LabelledVideo
from core.watching import Question, Watching, question_at

log = logging.getLogger(__name__)

KEPT = 4
"""Runs that are kept in memory."""

_NICE = 10


class _Looking:
    """A run that is kept: its tries, and the video that it looks at."""

    def __init__(self, run: Run) -> None:
        if not isinstance(run.classifier, GenerativeClassifier):
            raise InvalidData(
                "Only a run that writes its answers can be inspected",
                f"the classifier '{run.classifier.name}' answers by scores",
                "Choose a generative run.",
            )
        self.run = run
        self.answering = Answering(run.classifier, run.config.decoder, run.config.scoring)
        self._watching: Watching | None = None
        self._video: str | None = None

    def look(self, video: LabelledVideo, features: FrameFeatures, question: Question) -> Inspection:
        """Look into one moment; going on in the same clip reads only the frames between."""
        clip, before = question.clip, self._watching
        same = self._video == video.content_hash and before is not None
        if not same or before is None or before.clip.span != clip.span:
            dense = self.run.task.dense
            window = self.run.recipe.window if dense else clip.last - clip.first
            before = Watching(self.run.classifier, features, clip, window)
            self._watching, self._video = before, video.content_hash
        return inspect(self.answering, before.moment(question.frame), question.kind)


class Inspector:
    """Answers questions about moments; runs of one base share it."""

    def __init__(self) -> None:
        self._runs = LoadedRuns(KEPT)
        self._looking: dict[Path, _Looking] = {}  # the least recently used first

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one question.

        Raises:
            StudioError: The run, the video or the moment cannot be looked at.
        """
        started = time.perf_counter()
        video, folder = video_from_json(asked["video"]), Path(asked["run_folder"])
        with self._runs.using(folder) as run:
            looking = self._kept(folder, run)
            cache = FeatureCache(Path(asked["cache"]), run.config.backbone, run.recipe.rate)
            cache.compute([video])
            features = cache.load(video)
            at = (asked["time_us"], asked["question"])
            question = question_at(run.task, video, features, run.labels, at)
            found = looking.look(video, features, question)
            truth = question.target
            names = run.classifier.classes
            true = names[truth] if truth != IGNORED else None
            about = {
                "time_us": int(features.time_us[question.frame]),
                "question": run.task.kinds[question.kind],
                "decoder": looking.answering.decoder,
                "scoring": looking.answering.scoring,
                "ms": 1000 * (time.perf_counter() - started),
            }
            return about | described(found, true)

    def _kept(self, folder: Path, run: Run) -> _Looking:
        looking = self._looking.pop(folder, None)
        if looking is None or looking.run is not run:
            looking = _Looking(run)
        self._looking[folder] = looking
        while len(self._looking) > KEPT:
            del self._looking[next(iter(self._looking))]
        return looking


def described(found: Inspection, truth: str | None) -> dict[str, Any]:
    """Return a moment as JSON values."""
    p = np.exp(found.log_p.astype(np.float64))
    best = int(p.argmax())
    wanted = {found.decision.label, found.classes[best], *([truth] if truth else [])}
    tree, written = drawn(found, wanted), found.written
    return {
        "truth": truth,
        "truth_p": float(p[found.classes.index(truth)]) if truth in found.classes else None,
        "labels": len(found.classes),
        "not_a_label": found.not_a_label,
        "rest": {"p": tree.rest, "labels": tree.others},
        "branches": [branch.as_json() for branch in tree.branches],
        "written": {
            "text": written.text,
            "tokens": [{"text": t.text, "p": t.p, "entropy": t.entropy} for t in written.tokens],
            "nearest": [list(each) for each in written.nearest],
            "nodes": list(written.nodes),
        },
        "decided": {
            "label": found.decision.label,
            "runner_up": found.decision.runner_up,
            "margin": found.decision.margin,
            "unit": found.decision.unit,
        },
    }


def lines(source: IO[bytes], idle_s: float) -> Iterator[bytes]:
    """Yield lines until the input ends or nothing comes for a while."""
    while select.select([source], [], [], idle_s)[0]:
        line = source.readline()
        if not line:
            return
        yield line


def main() -> None:
    """Answer what comes on the standard input, for as many idle seconds as the command says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.nice(_NICE)
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inspector = Inspector()
    with open(0, "rb", buffering=0, closefd=False) as questions:
        for line in lines(questions, float(sys.argv[1])):
            try:
                found: dict[str, Any] = {"found": inspector.answer(json.loads(line))}
            except StudioError as error:
                found = error.as_json()
            except Exception as error:
                log.exception("a question could not be answered")
                found = StudioError(
                    "The moment could not be looked at", f"{type(error).__name__}: {error}",
                    "The log logs/inspector.log of the data directory holds the details.",
                ).as_json()  # fmt: skip
            answers.write(json.dumps(found).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    main()
