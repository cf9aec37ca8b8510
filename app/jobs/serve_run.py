"""The process behind `gad serve`: one run in memory, one video after the other.

The first line that it writes says what the run is; then every line of JSON on the standard input
is a question and is answered by one line. It ends when the input ends. Nothing is kept of a video.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.jobs.predict_files import segments_of, video_of
from core.errors import Stopped, StudioError
from core.features import FeatureCache
from core.prediction import Cost
from core.run_folder import load_run
from core.types import SECOND, FrameFeatures, LabelledVideo, Prediction, Progress
from core.video import Limits

log = logging.getLogger(__name__)

_FREE = Cost(0.0, 0.0, 0.0)  # what one answer costs is measured elsewhere


class ServedRun:
    """A run that is asked about whole videos.

    Args:
        folder: The run.
        cache: Features that the data directory has already; nothing is added.
        work: Where the features of a video lie while it is looked at.
    """

    def __init__(self, folder: Path, cache: Path, work: Path) -> None:
        self.run = load_run(folder, merge=True)
        self._predictor = self.run.predictor()
        source = (self.run.config.backbone, self.run.recipe.rate)
        self._known, self._own = FeatureCache(cache, *source), FeatureCache(work, *source)

    @property
    def about(self) -> dict[str, Any]:
        """What it is, for whoever asks."""
        run, card = self.run, self.run.classifier.backbone.card
        return {
            "classifier": run.config.classifier,
            "task": run.task.name,
            "questions": list(run.task.kinds),
            "labels": list(run.labels.classes),
            "goals": list(run.labels.goals),
            "classes": list(run.classifier.classes),
            "decoder": self._predictor.decoder,
            "frames_per_second": run.recipe.rate,
            "base": {"name": card.name, "revision": card.revision, "licence": card.licence},
            "versions": run.about.get("versions", {}),
        }

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Predict one video: its segments, and the likeliest classes of each row if asked for.

        Raises:
            UnreadableVideo: It cannot be decoded, or breaks a limit.
            Stopped: Nobody waits for the answer any longer.
        """
        spent: dict[str, float] = {}
        with _timed(spent, "opening_s"):
            limits = Limits(**asked["limits"])
            video = video_of(Path(asked["path"]), self.run.recipe.rate, limits)
        with _timed(spent, "features_s"):
            features = self._features(video, Path(asked["stop"]))
        with _timed(spent, "answering_s"):
            prediction = self._predictor.predict(video, features, _FREE)
        found = {
            "video": {"duration_s": video.duration_us / SECOND, "frames": len(features)},
            "segments": self._segments(prediction, video.duration_us),
            "time": spent,
        }
        return found | ({"rows": self._rows(prediction, asked["top"])} if asked["top"] else {})

    def _features(self, video: LabelledVideo, stop: Path) -> FrameFeatures:
        def left(_: Progress) -> bool:
            return stop.exists()

        cache = self._own if self._known.missing([video]) else self._known
        cache.compute([video], left)
        features = cache.load(video)  # views of the file, which lives on without its name
        if cache is self._own:
            cache.path(video).unlink()
        if stop.exists():
            raise Stopped("The prediction")
        return features

    def _segments(self, prediction: Prediction, duration_us: int) -> list[dict[str, Any]]:
        found = segments_of(prediction, self.run.classifier.classes, duration_us)
        kinds = prediction.kind if prediction.span_us is not None else None
        names = self.run.task.kinds
        return [
            {
                "start_s": each["start_us"] / SECOND,
                "end_s": each["end_us"] / SECOND,
                "label": each["label"],
                "score": each["confidence"],
                **({} if kinds is None else {"question": names[kinds[row]]}),
            }
            for row, each in enumerate(found)
        ]

    def _rows(self, prediction: Prediction, count: int) -> dict[str, Any]:
        """Return the likeliest classes of every row, as columns."""
        names = self.run.classifier.classes
        classes, probability = prediction.scores.top(count)
        return {
            "time_s": (prediction.time_us / SECOND).tolist(),
            "labels": [[names[c] for c in row] for row in classes.tolist()],
            "scores": [[round(p, 4) for p in row] for row in probability.tolist()],
        }


@contextmanager
def _timed(spent: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    spent[name] = round(time.perf_counter() - started, 4)


def main() -> None:
    """Answer what comes on the standard input, with the run and the cache of the command."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(line: dict[str, Any]) -> None:
        answers.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        answers.flush()

    folder, cache, work = map(Path, sys.argv[1:])
    try:
        served = ServedRun(folder, cache, work)
    except StudioError as error:
        say(error.as_json())
        return
    say({"found": served.about})
    for line in sys.stdin.buffer:
        say(_answered(served, json.loads(line)))


def _answered(served: ServedRun, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"found": served.answer(asked)}
    except StudioError as error:
        return error.as_json() | {"kind": type(error).__name__}
    except Exception as error:
        log.exception("a video could not be predicted")
        return StudioError(
            "The video could not be predicted", f"{type(error).__name__}: {error}",
            "The log logs/serve.log of the data directory holds the details.",
        ).as_json() | {"kind": "Failure"}  # fmt: skip


if __name__ == "__main__":
    main()
