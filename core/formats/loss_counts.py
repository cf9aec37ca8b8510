"""How much of some annotations a format loses, counted before anything is written."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.formats.marks import Losses, Mark, MarkedVideo

# One and several of what each kind of loss takes away.
_WORDS: Mapping[str, tuple[str, str]] = {
    "points": ("point event", "point events"),
    "ignored": ("ignored span", "ignored spans"),
    "overlap": ("segment that overlaps another", "segments that overlap others"),
    "tracks": ("name of a track", "names of tracks"),
    "hierarchy": ("part of a larger step", "parts of larger steps"),
    "confidence": ("confidence", "confidences"),
    "notes": ("note", "notes"),
}


def census(videos: Iterable[MarkedVideo]) -> Counter[str]:
    """Count the marks of videos that have each thing which a format may lose.

    The keys are the fields of `Losses`; a mark on a named track counts for `tracks`, and so on.
    `marks` is the number of all.
    """
    found: Counter[str] = Counter()
    for video in videos:
        found["overlap"] += _overlapping(video.marks)
        found["marks"] += len(video.marks)
        for mark in video.marks:
            found["points"] += mark.kind == "point"
            found["ignored"] += mark.kind == "ignore"
            found["tracks"] += bool(mark.track)
            found["hierarchy"] += bool(mark.parent)
            found["confidence"] += mark.confidence is not None
            found["notes"] += bool(mark.note)
    return found


def lost(counts: Mapping[str, int], losses: Losses) -> list[str]:
    """Return what a format would lose of what `census` counted: `12 notes`, `1 point event`."""
    there = [(counts[name], words) for name, words in _WORDS.items() if getattr(losses, name)]
    return [f"{count:,} {words[count > 1]}" for count, words in there if count]


def off_grid(videos: Iterable[MarkedVideo], grid_us: int) -> int:
    """Count the marks of which a time is rounded in a format of this resolution."""
    return sum(
        bool(mark.start_us % grid_us or mark.end_us % grid_us)
        for video in videos
        for mark in video.marks
    )


def _overlapping(marks: Sequence[Mark]) -> int:
    """Count the intervals that share time with another one."""
    spans = sorted((m.start_us, m.end_us) for m in marks if m.kind == "interval")
    after = [start for start, _ in spans[1:]]
    count, reached = 0, -1
    for index, (start, end) in enumerate(spans):
        count += start < reached or (index < len(after) and after[index] < end)
        reached = max(reached, end)
    return count
