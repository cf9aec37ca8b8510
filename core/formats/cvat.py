"""CVAT's XML 1.1: tracks of a video, whose boxes say from when until when, or tags on its images.

CVAT has no segments. People use a track: it is there from a box with outside=0 up to one with
outside=1, exclusive; a track that is never outside again lasts to the end of the task. Frames count
from 0; the file names no rate. Of CVAT for images the tags are read: consecutive images with the
same tag are one segment. Only boxes are written, and they cover the picture.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.frames import clock_of
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.said import frame_span, named_video, said, spoken
from core.formats.source import quoted
from core.formats.writing import ids_of, write_folder
from core.formats.xml import line_at, parsed, root_of, xml_text

LAYOUT = "CVAT's XML 1.1 of one task: tracks of a video, or tags of images"

SUFFIXES = (".xml",)

LOSSES = Losses(
    tracks=True, hierarchy=True, points=True, confidence=True, notes=True, by_frame=True,
    sentence="A segment shorter than a frame becomes that frame; goals and splits are not kept.",
)  # fmt: skip

_NO_SIZE = (1, 1)
"""The box where the size of the picture is not known; a segment needs one, whatever its size."""


def recognises(head: bytes) -> bool:
    """Return whether the file begins with CVAT's element."""
    return root_of(head) == "annotations"


def read(path: Path) -> Reading:
    """Read one row for every track, and one for every run of a tag."""
    root = parsed(path)
    try:
        video, end = _video(root, path), _end(root)
    except InvalidData as error:
        raise InvalidFile(error.rule, path, line_at(root), error.next_step) from error
    rows: list[Row] = []
    faults: list[Fault] = []
    for track in root.iter("track"):
        try:
            marks = _track(track, end)
            rows.append(Row(path, line_at(track), video, False, marks, "frames"))
        except InvalidData as error:
            faults.append(fault_of(path, line_at(track), error))
    images = list(root.iter("image"))
    if (
        images
        and not rows
        and not faults
        and not any(image.find("tag") is not None for image in images)
    ):
        raise InvalidFile(
            "Images say something about actions only by their tags, and there are none",
            path,
            line_at(images[0]),
            "Export as CVAT for video, or choose another file.",
        )
    for line, found in _runs(images):
        try:
            if isinstance(found, InvalidData):
                raise found
            rows.append(Row(path, line, video, False, said(*found), "frames"))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    if not rows and not faults:
        rows.append(Row(path, line_at(root), video, False))
    return Reading(tuple(rows), tuple(faults))


def _video(root: Element, path: Path) -> str:
    """Return the file that a task was made of, else the task's name."""
    for place in ("meta/source", "meta/task/source", "meta/job/source", "meta/task/name"):
        name = (root.findtext(place) or "").strip()
        if name:
            return named_video(name, path)
    raise InvalidData(
        "A CVAT file must be of one task that names its video",
        next_step="Export the task alone, not its project.",
    )


def _end(root: Element) -> int | None:
    """Return the exclusive end of a task in frames."""
    for name, behind in (("stop_frame", 1), ("size", 0)):
        for part in ("task", "job"):
            text = (root.findtext(f"meta/{part}/{name}") or "").strip()
            if text:
                return _frame(text, name) + behind
    return None


def _frame(text: str | None, name: str) -> int:
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise InvalidData(
            "A frame must be a whole number from 0", f"{name} {quoted(text or '')}", "Correct it."
        )
    return int(text)


def _track(track: Element, end: int | None) -> tuple[Mark, ...]:
    """Return the times at which a track is there."""
    label = track.get("label", "")
    shapes = [shape for shape in track if "frame" in shape.attrib]
    keys = sorted((_frame(s.get("frame"), "frame"), s.get("outside") == "1") for s in shapes)
    spans: list[tuple[int, int]] = []
    start = None
    for frame, outside in keys:
        if start is None and not outside:
            start = frame
        elif start is not None and outside:
            spans.append((start, frame))
            start = None
    if start is not None:
        if end is None:
            raise InvalidData(
                "A track must end with a box that is outside, where the task names no size",
                quoted(label),
                "End the track.",
            )
        spans.append((start, end))
    if not spans:
        raise InvalidData("A track must be there at some frame", quoted(label), "Remove it.")
    return tuple(mark for span in spans for mark in said(*span, label))


def _runs(images: Sequence[Element]) -> Iterator[tuple[int, tuple[int, int, str] | InvalidData]]:
    """Yield the line, the frames and the label of every run of images with the same tag."""
    lines: dict[int, int] = {}
    frames: dict[str, set[int]] = defaultdict(set)
    for image in images:
        tags = image.findall("tag")
        try:
            frame = _frame(image.get("id"), "id")
        except InvalidData as error:
            if tags:
                yield line_at(image), error
            continue
        lines[frame] = line_at(image)
        for tag in tags:
            frames[tag.get("label", "")].add(frame)
    for label, found in frames.items():
        for start in sorted(frame for frame in found if frame - 1 not in found):
            end = start
            while end in found:
                end += 1
            yield lines[start], (start, end, label)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder with a file for each video."""
    names = ids_of(videos)
    write_folder(
        target, {f"{name}.xml": _written(video) for name, video in zip(names, videos, strict=True)}
    )


def _written(video: MarkedVideo) -> str:
    clock = clock_of(video)
    size = max(1, clock.frame(video.duration_us))
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    meta = SubElement(root, "meta")
    task = SubElement(meta, "task")
    said_of = {"name": video.name, "size": size, "mode": "interpolation", "start_frame": 0,
               "stop_frame": size - 1}  # fmt: skip
    for name, value in said_of.items():
        SubElement(task, name).text = str(value)
    if video.size:
        whole = SubElement(task, "original_size")
        SubElement(whole, "width").text, SubElement(whole, "height").text = map(str, video.size)
    SubElement(meta, "source").text = video.name
    for number, mark in enumerate(kept(video.marks, LOSSES)):
        track = SubElement(root, "track", id=str(number), label=spoken(mark), source="manual")
        start, end = frame_span(mark, clock)
        _box(track, start, False, video.size or _NO_SIZE)
        if end != size:  # there is no frame after the last that could be outside
            _box(track, end, True, video.size or _NO_SIZE)
    return xml_text(root)


def _box(track: Element, frame: int, outside: bool, size: tuple[int, int]) -> None:
    width, height = size
    SubElement(
        track,
        "box",
        frame=str(frame),
        keyframe="1",
        outside=str(int(outside)),
        occluded="0",
        xtl="0",
        ytl="0",
        xbr=str(width),
        ybr=str(height),
    )
