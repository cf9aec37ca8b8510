"""ActivityNet's prediction file, one JSON object: what a model found in every video, with scores.

`{"results": {"tea": [{"label": "pour water", "score": 0.91, "segment": [5.1, 8.3]}]}}`; the score
becomes the confidence of the mark. The line of a row is the number of its annotation.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats import Reading
from core.formats.activitynet import segment_us, written
from core.formats.json_files import begins, parsed, read_lists, shown, text_in
from core.formats.marks import INTERVALS, Mark, MarkedVideo
from core.formats.source import quoted
from core.formats.values import label_of, labelled
from core.formats.writing import ids_of, intervals, json_text, write_text

LAYOUT = "a JSON file with 'results', in which every segment has a score"

SUFFIXES = (".json",)

LOSSES = replace(
    INTERVALS,
    confidence=False,
    sentence="Lengths, splits and goals are not kept; every segment needs a confidence.",
)

_RESULTS = re.compile(r'"results"\s*:\s*\{')


def recognises(head: bytes) -> bool:
    """Return whether the file begins as an object with results of videos."""
    return bool(_RESULTS.search(begins(head)))


def read(path: Path) -> Reading:
    """Read the segments that were found in every video."""
    results = parsed(path).get("results")
    if not isinstance(results, dict):
        raise InvalidFile(
            "'results' must be an object with a list under the name of each video",
            path,
            next_step="Choose another file or format.",
        )
    return read_lists(path, results.items(), _marks_of)


def _marks_of(annotation: Mapping[str, Any]) -> tuple[Mark, ...]:
    start_us, end_us = segment_us(annotation)
    confidence = _confidence(annotation.get("score"))
    label = label_of(text_in(annotation.get("label"), "label"))
    marks = labelled(start_us, end_us, label)
    return tuple(replace(mark, confidence=confidence) for mark in marks)


def _confidence(score: object) -> float:
    if isinstance(score, int | Decimal) and not isinstance(score, bool) and 0 <= score <= 1:
        return float(score)
    raise InvalidData("A score is a number from 0 to 1", shown(score), "Correct it.")


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one file."""
    results = {
        name: [_entry(video, mark) for mark in intervals(video)]
        for name, video in zip(ids_of(videos), videos, strict=True)
    }
    about = {"used": False, "details": ""}
    write_text(
        target, json_text({"version": "VERSION 1.3", "results": results, "external_data": about})
    )


def _entry(video: MarkedVideo, mark: Mark) -> dict[str, Any]:
    if mark.confidence is None:
        raise InvalidData(
            "Every segment of a prediction file needs a confidence",
            f"{quoted(mark.label)} in {quoted(video.name)}",
            "Export what a person labelled in the format 'activitynet'.",
        )
    return {"label": mark.label, "score": mark.confidence, "segment": written(mark)}
