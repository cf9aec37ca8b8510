"""What stands in an .eaf: tiers that know no overlap, for tracks that do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from mimetypes import guess_type
from xml.etree.ElementTree import Element, SubElement

from core.errors import InvalidData
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.said import spoken
from core.formats.source import quoted
from core.formats.xml import xml_text
from core.types import SECOND

TRACK_OF = "track of "
"""Begins the name of the property that says which track a tier is of, then the tier's name."""

_UNNAMED = "steps"
_WHOLE, _PART = "step", "part"
_CONSTRAINT = "Included_In"


@dataclass(slots=True)
class _Tier:
    name: str
    track: str
    above: str
    end_us: int = 0
    marks: list[Mark] = field(default_factory=list)


def written(video: MarkedVideo, losses: Losses) -> str:
    """Return the file of one video.

    Raises:
        InvalidData: A part is not within its whole.
    """
    tiers = _tiers(kept(video.marks, losses))
    root = Element(
        "ANNOTATION_DOCUMENT",
        AUTHOR="",
        DATE=datetime.now(UTC).isoformat(timespec="seconds"),
        FORMAT="3.0",
        VERSION="3.0",
    )
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    SubElement(
        header,
        "MEDIA_DESCRIPTOR",
        MEDIA_URL=f"file:///{video.path.absolute().as_posix().lstrip('/')}",
        MIME_TYPE=guess_type(video.name)[0] or "video/*",
        RELATIVE_MEDIA_URL=f"./{video.name}",
    )
    for tier in tiers:
        if tier.name != tier.track:
            SubElement(header, "PROPERTY", NAME=TRACK_OF + tier.name).text = tier.track
    order = SubElement(root, "TIME_ORDER")
    slots: dict[tuple[int, int], str] = {}
    for time_us, number, side in _edges(tiers):  # annotations that share a slot move together
        slots[number, side] = name = f"ts{len(slots) + 1}"
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(time_us // 1000))
    number = 0
    for tier in tiers:
        above = {"PARENT_REF": tier.above} if tier.above else {}
        kind = _PART if tier.above else _WHOLE
        element = SubElement(root, "TIER", above, LINGUISTIC_TYPE_REF=kind, TIER_ID=tier.name)
        for mark in tier.marks:
            number += 1
            annotation = SubElement(
                SubElement(element, "ANNOTATION"),
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=f"a{number}",
                TIME_SLOT_REF1=slots[number, 0],
                TIME_SLOT_REF2=slots[number, 1],
            )
            SubElement(annotation, "ANNOTATION_VALUE").text = spoken(mark)
    said_of = {"TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    SubElement(root, "LINGUISTIC_TYPE", said_of, LINGUISTIC_TYPE_ID=_WHOLE)
    SubElement(root, "LINGUISTIC_TYPE", said_of, LINGUISTIC_TYPE_ID=_PART, CONSTRAINTS=_CONSTRAINT)
    SubElement(
        root,
        "CONSTRAINT",
        STEREOTYPE=_CONSTRAINT,
        DESCRIPTION="Time alignable annotations within the parent annotation's time interval, "
        "gaps are allowed",
    )
    return xml_text(root)


def _edges(tiers: Sequence[_Tier]) -> list[tuple[int, int, int]]:
    """Return the start (0) and end (1) of every annotation, by its number, in the order of time."""
    marks = [mark for tier in tiers for mark in tier.marks]
    starts = [(mark.start_us, number, 0) for number, mark in enumerate(marks, start=1)]
    ends = [(mark.end_us, number, 1) for number, mark in enumerate(marks, start=1)]
    return sorted([*starts, *ends])


def _tiers(marks: Sequence[Mark]) -> list[_Tier]:
    """Return marks on tiers, each in the first of its track and parent where it is free."""
    wholes = {mark.key: mark for mark in marks if mark.key}
    homes: dict[str, _Tier] = {}
    groups: dict[tuple[str, str], list[_Tier]] = {}
    names: set[str] = set()
    for _, mark in sorted(((_depth(m, wholes), m) for m in marks), key=lambda pair: pair[0]):
        whole = wholes.get(mark.parent) if mark.parent else None
        if whole and not (whole.start_us <= mark.start_us and mark.end_us <= whole.end_us):
            raise InvalidData(
                "A part must lie within its whole in an ELAN file",
                f"{quoted(mark.label)} at {mark.start_us / SECOND:.3f} s",
                "Change its times, or choose another format.",
            )
        above = homes[mark.parent].name if whole else ""
        group = groups.setdefault((mark.track, above), [])
        tier = next((one for one in group if one.end_us <= mark.start_us), None)
        if tier is None:
            tier = _Tier(_free_name(mark.track or _UNNAMED, names), mark.track, above)
            names.add(tier.name)
            group.append(tier)
        tier.marks.append(mark)
        tier.end_us = mark.end_us
        if mark.key:
            homes[mark.key] = tier
    return [tier for group in groups.values() for tier in group]


def _depth(mark: Mark, wholes: dict[str, Mark]) -> int:
    """Return how many wholes a mark is a part of."""
    depth = 0
    while mark.parent:
        mark = wholes[mark.parent]
        depth += 1
        if depth > len(wholes):
            raise InvalidData(
                "A segment must not be a part of itself", quoted(mark.label), "Correct its parent."
            )
    return depth


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name
