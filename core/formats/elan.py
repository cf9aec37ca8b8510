"""ELAN's .eaf: tiers are tracks, the annotations of child tiers are parts of those above.

Times are milliseconds. A child annotation is a part of the one that it refers to, or of the one in
the tier above that holds it. Where this program had to spread a track over several tiers, because
annotations of one tier cannot overlap, a property of the file says which track a tier is of.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.elan_times import aligned, referring, slots_of
from core.formats.elan_writing import TRACK_OF, written
from core.formats.marks import Losses, MarkedVideo
from core.formats.said import named_video, said, track_of
from core.formats.source import quoted
from core.formats.writing import ids_of, write_folder
from core.formats.xml import line_at, parsed, root_of
from core.types import Span

LAYOUT = "ELAN's .eaf, whose tiers are tracks"

SUFFIXES = (".eaf",)

LOSSES = Losses(
    points=True, confidence=True, notes=True, grid_us=1000,
    sentence="Goals and splits are not kept. Overlapping segments of a track go to several tiers.",
)  # fmt: skip

_ALIGNED, _REFERRING = "ANNOTATION/ALIGNABLE_ANNOTATION", "ANNOTATION/REF_ANNOTATION"


def recognises(head: bytes) -> bool:
    """Return whether the file begins with ELAN's element."""
    return root_of(head) == "ANNOTATION_DOCUMENT"


def read(path: Path) -> Reading:
    """Read one row for every annotation."""
    root = parsed(path)
    try:
        video = _video(root, path)
        tiers = _tiers(root)
    except InvalidData as error:
        raise InvalidFile(error.rule, path, line_at(root), error.next_step) from error
    slots = slots_of(root, tiers.values())
    divided = {
        one.get("LINGUISTIC_TYPE_ID")
        for one in root.iterfind("LINGUISTIC_TYPE")
        if one.get("CONSTRAINTS") == "Symbolic_Subdivision"
    }
    tracks = {
        one.get("NAME", "").removeprefix(TRACK_OF): one.text or ""
        for one in root.iterfind("HEADER/PROPERTY")
        if one.get("NAME", "").startswith(TRACK_OF)
    }
    rows: list[Row] = []
    faults: list[Fault] = []
    times: dict[str, dict[str, Span]] = {}
    seen: set[str] = set()
    taken: set[str] = set()
    for name, tier in tiers.items():
        above = times.get(tier.get("PARENT_REF", ""), {})
        symbolic = tier.get("LINGUISTIC_TYPE_REF") in divided
        known = referring(tier.findall(_REFERRING), above, divided=symbolic)
        holders = sorted((*span, key) for key, span in above.items() if key in taken)
        times[name] = {}
        for one in [*tier.iterfind(_ALIGNED), *tier.iterfind(_REFERRING)]:
            key = one.get("ANNOTATION_ID", "")
            try:
                if key in seen:
                    raise InvalidData(
                        "An annotation must have an id of its own", quoted(key), "Give it another."
                    )
                seen.add(key)
                if one.tag == "REF_ANNOTATION":
                    span, parent = _referred(one, known), one.get("ANNOTATION_REF", "")
                else:
                    span = aligned(one, slots)
                    parent = _holder(span, holders)
                times[name][key] = span
                marks = said(
                    *span,
                    one.findtext("ANNOTATION_VALUE") or "",
                    track=track_of(tracks.get(name, name)),
                    key=key,
                    parent=parent if parent in taken else "",
                )
            except InvalidData as error:
                faults.append(fault_of(path, line_at(one), error))
                continue
            if marks:
                taken.add(key)
            rows.append(Row(path, line_at(one), video, False, marks))
    if not rows and not faults:
        rows.append(Row(path, line_at(root), video, False))
    found = sorted(_named(rows), key=lambda row: row.line)
    return Reading(tuple(found), tuple(sorted(faults, key=lambda fault: fault.line)))


def _video(root: Element, path: Path) -> str:
    """Return the first video that the file is of, else its first sound."""
    header = root.find("HEADER")
    if header is None or header.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise InvalidData(
            "An ELAN file must count milliseconds", next_step="Save it with ELAN 3 or later."
        )
    media = header.findall("MEDIA_DESCRIPTOR")
    media.sort(key=lambda one: not one.get("MIME_TYPE", "").startswith("video/"))
    for one in media:
        for name in ("RELATIVE_MEDIA_URL", "MEDIA_URL"):
            if address := one.get(name, "").strip():
                return named_video(address, path)
    raise InvalidData("An ELAN file must name its video", next_step="Link the video in ELAN.")


def _tiers(root: Element) -> Mapping[str, Element]:
    """Return the tiers by name, each after its parent."""
    tiers = root.findall("TIER")
    waiting = {tier.get("TIER_ID", ""): tier for tier in tiers}
    if len(waiting) < len(tiers):
        raise InvalidData("Tiers must have different names", next_step="Rename one in ELAN.")
    found: dict[str, Element] = {}
    while waiting:
        ready = [
            name for name, tier in waiting.items() if tier.get("PARENT_REF", "") in {"", *found}
        ]
        if not ready:
            raise InvalidData(
                "The parent of a tier must be another tier of the file",
                quoted(next(iter(waiting))),
                "Save the file with ELAN again.",
            )
        found |= {name: waiting.pop(name) for name in ready}
    return found


def _referred(annotation: Element, known: Mapping[str, Span]) -> Span:
    key = annotation.get("ANNOTATION_ID", "")
    if key not in known:
        raise InvalidData(
            "An annotation must refer to one of the tier above, in an order without gaps",
            quoted(annotation.get("ANNOTATION_REF", "")),
            "Save the file with ELAN again.",
        )
    return known[key]


def _holder(span: Span, holders: Sequence[tuple[int, int, str]]) -> str:
    """Return the annotation that holds a time; those of a tier follow one another."""
    at = bisect_right(holders, span[0], key=lambda one: one[0]) - 1
    return holders[at][2] if at >= 0 and span[1] <= holders[at][1] else ""


def _named(rows: Sequence[Row]) -> list[Row]:
    """Return rows whose marks have a key where another refers to it."""
    used = {mark.parent for row in rows for mark in row.marks}
    return [
        replace(row, marks=tuple(m if m.key in used else replace(m, key="") for m in row.marks))
        for row in rows
    ]


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder with a file for each video."""
    names = ids_of(videos)
    write_folder(
        target,
        {f"{name}.eaf": written(video, LOSSES) for name, video in zip(names, videos, strict=True)},
    )
