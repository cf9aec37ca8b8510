"""What the laws of formats share: random videos, and what comes back of them."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import strategies as st

from core.formats import losses, read, write
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.matching import match
from core.formats.values import AMBIGUOUS, BACKGROUND, label_of
from core.types import SPLITS

LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
WORDS = st.text(LETTERS, min_size=1, max_size=9)
LABELS = (
    st.lists(WORDS, min_size=1, max_size=3)
    .map(" ".join)
    .map(label_of)
    .filter(lambda label: label.casefold() not in AMBIGUOUS | BACKGROUND)
)


@st.composite
def marks(draw, said: Losses, labels: st.SearchStrategy[str]) -> Mark:
    """Draw a mark of any kind, with all that the format keeps."""
    kind = draw(st.sampled_from(["interval", "interval", "point", "ignore"]))
    start_us = draw(st.integers(0, 10**10))
    length_us = 0 if kind == "point" else draw(st.integers(2 * said.grid_us, 10**10))
    return Mark(
        start_us=start_us,
        end_us=start_us + length_us,
        label="" if kind == "ignore" else draw(labels),
        kind=kind,
        track=draw(st.sampled_from(["", "left hand"])),
        confidence=draw(st.floats(0, 1)),
        note=draw(st.sampled_from(["", 'well, "so"', "=größer"])),
    )


@st.composite
def videos(draw, name: str, labels: st.SearchStrategy[str] = LABELS) -> list[MarkedVideo]:
    """Draw up to four videos in folders, some without marks."""
    many = draw(st.lists(st.lists(marks(losses(name), labels), max_size=6), max_size=4))
    return [
        MarkedVideo(
            name=f"{'ab'[number % 2]}/clip_{number}.v2.mp4",
            path=Path(f"/v/{'ab'[number % 2]}/clip_{number}.v2.mp4"),
            duration_us=3 * 10**10,
            marks=tuple(found),
            fps=draw(st.sampled_from([None, 25.0, 30000 / 1001])),
            size=draw(st.sampled_from([None, (640, 360)])),
            split=draw(st.sampled_from([None, *SPLITS])),
            goal=draw(st.sampled_from(["", "make tea", "boil 3 eggs"])),
        )
        for number, found in enumerate(many)
    ]


def files_of(target: Path, pattern: str) -> list[Path]:
    """Return the file that was written, or those of a folder that hold annotations."""
    return [target] if target.is_file() else sorted(target.glob(pattern))


def check_round_trip(name: str, written: list[MarkedVideo], pattern: str = "*") -> None:
    """Assert that each video gets back what the format keeps of its marks."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "export"
        write(name, written, target)
        readings = [read(path, name) for path in files_of(target, pattern)]
    rows = [row for reading in readings for row in reading.rows]
    matched = match(rows, {index: video.path for index, video in enumerate(written)})
    assert ([f for reading in readings for f in reading.faults], matched.missing) == ([], ())
    for index, video in enumerate(written):
        found = [mark for row in matched.taken.get(index, ()) for mark in row.marks]
        assert Counter(found) == Counter(kept(video.marks, losses(name)))


def labelled_video(*marks: Mark, name: str = "tea.mp4", **said) -> MarkedVideo:
    """Return a video of twenty seconds."""
    return MarkedVideo(
        name=name, path=Path("/v") / name, duration_us=20_000_000, marks=marks, **said
    )


def mark(start: float, end: float, label: str, **said) -> Mark:
    """Return a mark from times in seconds."""
    return Mark(start_us=round(start * 1e6), end_us=round(end * 1e6), label=label, **said)


TEA = labelled_video(
    mark(2, 5, "fill kettle"), mark(5, 8.4, "pour water"), goal="make tea", split="train"
)
"""The video of every example in the documentation of the formats."""
