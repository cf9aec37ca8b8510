"""When the annotations of an ELAN file begin and end.

Slots without a time lie evenly between those around them: in the chain of annotations of their
tier, as ELAN draws it, else in the order of all slots. Annotations without slots have the time of
the one that they refer to, or an even part of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element

from core.errors import InvalidData
from core.formats.source import quoted
from core.types import Span

_MS = 1000
_DIGITS = 12

Slots = dict[str, int | None]
"""Microseconds by the name of a slot, none where the file gives no time."""


def slots_of(root: Element, tiers: Iterable[Element]) -> Slots:
    """Return the time of every slot that has one or lies between others, without wrong ones."""
    slots: Slots = {}
    for slot in root.iterfind("TIME_ORDER/TIME_SLOT"):
        text = slot.get("TIME_VALUE")
        if text is None:
            slots[slot.get("TIME_SLOT_ID", "")] = None
        elif text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
            slots[slot.get("TIME_SLOT_ID", "")] = int(text) * _MS
    for tier in tiers:
        for chain in _chains(tier, slots):
            _spread(chain, slots)
    _spread(list(slots), slots)
    return slots


def _chains(tier: Element, slots: Mapping[str, int | None]) -> list[list[str]]:
    """Return the slots that annotations connect, from each with a time to the next with one."""
    after = {
        one.get("TIME_SLOT_REF1", ""): one.get("TIME_SLOT_REF2", "")
        for one in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION")
    }
    chains = []
    for first, second in after.items():
        if slots.get(first) is None or slots.get(second, 0) is not None:
            continue
        chain, seen, at = [first], {first}, second
        while at in slots and at not in seen:
            chain.append(at)
            seen.add(at)
            if slots[at] is not None or at not in after:
                break
            at = after[at]
        chains.append(chain)
    return chains


def _spread(chain: Sequence[str], slots: Slots) -> None:
    """Give times to the slots of a chain that have some on both sides."""
    last = None
    for index, slot in enumerate(chain):
        end = slots[slot]
        if end is None:
            continue
        if last is not None:
            start, steps = slots[chain[last]] or 0, index - last
            for step in range(1, steps):
                slots[chain[last + step]] = start + (end - start) * step // steps
        last = index


def aligned(annotation: Element, slots: Mapping[str, int | None]) -> Span:
    """Return start and end of an annotation with slots."""
    names = [annotation.get(f"TIME_SLOT_REF{number}", "") for number in (1, 2)]
    start, end = (slots.get(name) for name in names)
    if start is None or end is None:
        raise InvalidData(
            "An annotation must lie between two times in whole milliseconds",
            f"the slots {quoted(names[0])} and {quoted(names[1])}",
            "Give it a start and an end in ELAN.",
        )
    return start, end


def referring(
    annotations: Sequence[Element], times: Mapping[str, Span], *, divided: bool
) -> dict[str, Span]:
    """Return the times of a tier's annotations that refer to others.

    Args:
        annotations: They, in the order of the file.
        times: The times of the annotations above.
        divided: Whether those that refer to the same one share its time; else each has all of it.
    """
    below: dict[str, list[Element]] = defaultdict(list)
    for one in annotations:
        below[one.get("ANNOTATION_REF", "")].append(one)
    found: dict[str, Span] = {}
    for whole, parts in below.items():
        if whole not in times:
            continue
        start, end = times[whole]
        names = _in_order(parts) if divided else [one.get("ANNOTATION_ID", "") for one in parts]
        steps = len(parts) if divided else 1
        for index, name in enumerate(names):
            step = index if divided else 0
            found[name] = (
                start + (end - start) * step // steps,
                start + (end - start) * (step + 1) // steps,
            )
    return found


def _in_order(parts: Sequence[Element]) -> list[str]:
    """Return the names of parts, each after the one that it names as its previous."""
    after = {one.get("PREVIOUS_ANNOTATION", ""): one.get("ANNOTATION_ID", "") for one in parts}
    names: list[str] = []
    at = after.get("")
    while at is not None and at not in names:
        names.append(at)
        at = after.get(at)
    return names
