"""Label Studio's JSON: a list of tasks, each a video with regions on its timeline.

Regions of `timelinelabels` are numbered by frames from 1, both ends inside, at the rate that was
typed into the labeling config. The config is not in the file, so the video's own frames are meant
unless `data` names an `fps`. Regions of the older `labels` template are in seconds. What several
people said about a task comes as one; a task that was skipped says nothing.

The `line` of a row is the number of its region, counted through the file from 1.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.frames import clock_of
from core.formats.json_files import parsed_value, seconds_us, shown, text_in
from core.formats.marks import Losses, MarkedVideo, kept
from core.formats.said import frame_span, named_video, said, spoken
from core.formats.source import encoding_of
from core.formats.writing import json_text, write_text

LAYOUT = "Label Studio's JSON export of video timelines, a list of tasks"

SUFFIXES = (".json",)

LOSSES = Losses(
    tracks=True, hierarchy=True, points=True, notes=True, by_frame=True,
    sentence="A segment shorter than a frame becomes that frame; goals and splits are not kept. "
    "What has a confidence becomes a prediction.",
)  # fmt: skip

_NOBODY = object()
"""The score of what a person said."""

_EMPTY: Mapping[str, Any] = {}
"""The region of an annotation that has none: the video was looked at."""

_RATES = ("fps", "framerate")
_UPLOADED = re.compile(r"/data/upload/[0-9]+/[0-9a-f]{8}-(.+)")
_RATE_LIMIT = 10**6
_FRAMES_LIMIT = 10**9


def recognises(head: bytes) -> bool:
    """Return whether the file begins as a list of tasks."""
    text = head.decode(encoding_of(head), errors="replace")
    tasks = re.match(r"\s*\[\s*\{", text)
    said_of = '"annotations"' in text or '"predictions"' in text
    return bool(tasks) and said_of and ('"data"' in text or '"result"' in text)


def read(path: Path) -> Reading:
    """Read the regions of annotations, and those of predictions with their scores."""
    tasks = parsed_value(path)
    if not isinstance(tasks, list):
        raise InvalidFile(
            "An export of Label Studio must be a list of tasks", path, next_step="Export as JSON."
        )
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, (task, region, score) in enumerate(_regions(tasks), start=1):
        try:
            rows.append(_row(path, line, task, region, score))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    return Reading(tuple(rows), tuple(faults))


def _regions(tasks: Sequence[object]) -> Iterator[tuple[object, object, object]]:
    """Yield every region with its task and score; what is no region is refused as one later."""
    for task in tasks:
        if not isinstance(task, dict):
            yield task, task, _NOBODY
            continue
        for annotation in _listed(task.get("annotations")):
            if not isinstance(annotation, dict) or "result" not in annotation:
                yield task, annotation, _NOBODY
            elif not annotation.get("was_cancelled"):
                for region in _listed(annotation["result"]) or [_EMPTY]:
                    yield task, region, _NOBODY
        for prediction in _listed(task.get("predictions")):
            if not isinstance(prediction, dict) or "result" not in prediction:
                yield task, prediction, _NOBODY
                continue
            for region in _listed(prediction["result"]):
                own = region.get("score") if isinstance(region, dict) else None
                yield task, region, prediction.get("score") if own is None else own


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _row(path: Path, line: int, task: object, region: object, score: object) -> Row:
    task = _object(task, "A task")
    data = _object(task.get("data"), "The 'data' of a task")
    video = named_video(_video(data), path)
    rate = _rate(data)
    if region is _EMPTY:
        return Row(path, line, video, False)
    region = _object(region, "A region")
    confidence = None if score is _NOBODY else _confidence(score)
    value = _object(region.get("value"), "The 'value' of a region")
    kind = region.get("type")
    if kind == "timelinelabels":
        marks = [
            mark
            for span in _listed(value.get("ranges"))
            for label in _labels(value, kind)
            for mark in said(*_frames(span), label, confidence=confidence)
        ]
        if not _listed(value.get("ranges")):
            raise InvalidData("A region must have ranges", shown(value), "Give it a range.")
        return Row(path, line, video, False, tuple(marks), "frames", rate)
    if kind != "labels":
        raise InvalidData(
            "A region must be of the type timelinelabels or labels",
            shown(kind),
            "Leave it out: other regions say nothing about actions.",
        )
    start, end = seconds_us(value.get("start"), "start"), seconds_us(value.get("end"), "end")
    found = [said(start, end, label, confidence=confidence) for label in _labels(value, kind)]
    return Row(path, line, video, False, tuple(mark for marks in found for mark in marks))


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidData(f"{what} must be an object", shown(value), "Export as JSON again.")
    return value


def _video(data: Mapping[str, Any]) -> str:
    """Return the video of a task, without what Label Studio adds to the name of an upload."""
    texts = [value for value in data.values() if isinstance(value, str)]
    found = data.get("video", texts[0] if len(texts) == 1 else None)
    if not isinstance(found, str):
        raise InvalidData(
            "The 'data' of a task must name its video", shown(data), "Call it 'video'."
        )
    if found.startswith("/data/local-files/"):
        return parse_qs(urlsplit(found).query).get("d", [""])[0]
    uploaded = _UPLOADED.fullmatch(found)
    return uploaded[1] if uploaded else found


def _rate(data: Mapping[str, Any]) -> float | None:
    named = [data[name] for name in _RATES if data.get(name) is not None]
    if not named:
        return None
    number = _number(named[0])
    if number is None or not 0 < number < _RATE_LIMIT:
        raise InvalidData("A frame rate is a number above 0", shown(named[0]), "Correct it.")
    return float(number)


def _number(value: object) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _confidence(score: object) -> float:
    number = _number(score)
    if number is None or not 0 <= number <= 1:
        raise InvalidData(
            "A prediction must have a score from 0 to 1, or it would count as said by a person",
            shown(score),
            "Give it a score, or export without predictions.",
        )
    return float(number)


def _labels(value: Mapping[str, Any], kind: str) -> list[str]:
    found = [text_in(label, "label") for label in _listed(value.get(kind))]
    if not found:
        raise InvalidData("A region must have a label", shown(value), "Give it one.")
    return found


def _frames(span: object) -> tuple[int, int]:
    """Return a range, from 1 and with its end, as 0-based frames with an exclusive end."""
    span = _object(span, "A range")
    start, end = (_frame(span.get(name), name) for name in ("start", "end"))
    return start - 1, end


def _frame(value: object, name: str) -> int:
    number = _number(value)
    if number is None or not 1 <= number < _FRAMES_LIMIT or number != int(number):
        raise InvalidData(
            "A frame must be a whole number from 1", f"{name} {shown(value)}", "Correct it."
        )
    return int(number)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one file with a task for each video."""
    tasks = [_task(number, video) for number, video in enumerate(videos, start=1)]
    write_text(target, json_text(tasks))


def _task(number: int, video: MarkedVideo) -> dict[str, Any]:
    clock, ids = clock_of(video), count(1)
    people: list[dict[str, Any]] = []
    model: list[dict[str, Any]] = []
    for mark in kept(video.marks, LOSSES):
        start, end = frame_span(mark, clock)
        region = {
            "id": f"r{number}_{next(ids)}",
            "type": "timelinelabels",
            "from_name": "videoLabels",
            "to_name": "video",
            "origin": "manual" if mark.confidence is None else "prediction",
            "value": {
                "ranges": [{"start": start + 1, "end": end}],
                "timelinelabels": [spoken(mark)],
            },
        }
        if mark.confidence is None:
            people.append(region)
        else:
            model.append({**region, "score": mark.confidence})
    data: dict[str, Any] = {"video": video.name}
    if video.fps and video.frame_times_us is None:  # uneven frames have no rate to be named by
        data["fps"] = video.fps
    return {
        "id": number,
        "data": data,
        "annotations": [{"result": people}] if people or not model else [],
        "predictions": [_prediction(model)] if model else [],
    }


def _prediction(regions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mean = sum(region["score"] for region in regions) / len(regions)
    return {"model_version": "GAD Studio", "score": mean, "result": regions}
