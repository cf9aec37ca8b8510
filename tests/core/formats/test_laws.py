"""The law of every format that is read and written: what was written is read back.

What may be lost is declared (`LOSSES`), and `kept` says what remains; nothing else is lost.
"""

import importlib
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from core.errors import InvalidData
from core.formats import FORMATS, losses, read, recognise, writable, write
from core.formats.frames import FrameClock, clock_of
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.matching import match
from core.formats.source import HEAD_BYTES
from core.types import SPLITS

SECONDS = 100
PLAIN = ("stir tea", "größe messen", "茶を注ぐ", "it's", "a")
LABELS = (*PLAIN, "cut, then wash", 'the "big" pan', "A")
HOSTILE = ("=1+1", "-2", "+3", "@sum", "'=4", "a;b", "a: b", "[0 to 1]", "(open", "<b>&amp;</b>",
           "a --> b", "a/b", "..", "50 %", "back\\slash", "#1", "a|b", "_", "0",
           "x" * 200)  # fmt: skip
TRACKS = ("", "left hand", "prüfer, 2")
NOTES = ("", "unsure", 'a, "b"; c\'s', "=ü")
CONFIDENCES = (None, 0.0, 0.125, 0.987, 1.0)


def module(name: str):
    return importlib.import_module(FORMATS[name].partition(":")[0])


def videos_below(root: Path, rng: random.Random, count: int) -> list[MarkedVideo]:
    """Videos without marks: even frames with whole and broken rates, and uneven ones."""
    found = []
    for index in range(count):
        fps, times = (25.0, 30000 / 1001, None)[index % 3], None
        if fps is None:
            times = sorted(rng.sample(range(1, SECONDS * 10**6 - 10**4), 2_000))
            times, fps = (0, *times), 20.01
        name = f"{'ab'[index % 2]}/clip_{index}.mp4"
        found.append(
            MarkedVideo(
                name=name,
                path=root / name,
                duration_us=SECONDS * 10**6,
                marks=(),
                fps=fps,
                size=(640, 360),
                split=SPLITS[index % 3],
                goal="make tea",
                frame_times_us=times,
            )
        )
    return found


def spans(rng: random.Random, count: int, said: Losses, clock: FrameClock):
    """Times that the format can tell apart, of which no two overlap where it knows no overlap."""
    grid = 3 * said.grid_us
    last = clock.frame(SECONDS * 10**6) if said.by_frame else SECONDS * 10**6 // grid
    moments = [sorted(rng.sample(range(last + 1), 2)) for _ in range(count)]
    if said.overlap:
        cuts = sorted(rng.sample(range(last + 1), 2 * min(count, last // 2)))
        moments = list(zip(cuts[::2], cuts[1::2], strict=True))
    if said.by_frame:
        return [(clock.time_us(start), clock.time_us(end)) for start, end in moments]
    within = range(said.grid_us)
    return [(a * grid + rng.choice(within), b * grid - rng.choice(within)) for a, b in moments]


@dataclass(frozen=True)
class Words:
    """What marks are drawn from: all that a format does not declare as lost, and can say."""

    labels: tuple[str, ...]
    tracks: tuple[str, ...]
    confidences: tuple[float | None, ...]
    notes: tuple[str, ...]


@cache
def words_of(name: str) -> Words:
    """Return what a format does not refuse; plain labels it must not refuse."""
    usual = Mark(start_us=0, end_us=4 * 10**6, label="a", confidence=0.5)
    lost = losses(name)

    def says(mark: Mark) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / f"labels{module(name).SUFFIXES[0]}"
            (video,) = videos_below(target, random.Random(0), 1)
            try:
                write(name, [replace(video, marks=(mark,))], target)
            except InvalidData as error:
                assert error.next_step
                return False
            return True

    labels = tuple(text for text in LABELS if says(replace(usual, label=text)))
    assert set(PLAIN) <= set(labels)
    said = tuple(value for value in CONFIDENCES if says(replace(usual, confidence=value)))
    return Words(
        labels,
        ("",) if lost.tracks else TRACKS,
        (None,) if lost.confidence else said,
        ("",) if lost.notes else NOTES,
    )


def marks(
    rng: random.Random, count: int, said: Losses, clock: FrameClock, words: Words
) -> list[Mark]:
    """Marks of everything that the format does not declare as lost."""
    kinds = ["interval"] * 6 + ["point"] * (not said.points) + ["ignore"] * (not said.ignored)
    found = []
    for index, (start, end) in enumerate(spans(rng, count, said, clock)):
        kind = rng.choice(kinds)
        found.append(
            Mark(
                start_us=start,
                end_us=start if kind == "point" else end,
                label="" if kind == "ignore" else rng.choice(words.labels),
                kind=kind,
                track=rng.choice(words.tracks),
                confidence=rng.choice(words.confidences),
                note=rng.choice(words.notes),
                key="" if said.hierarchy else f"k{index}",
            )
        )
    return found if said.hierarchy else with_parts(found)


def with_parts(found: list[Mark]) -> list[Mark]:
    """Put an interval below one of the same track that holds it; a part has no parts."""
    wholes, parts = [m for m in found if m.kind == "interval"], {}
    for mark in wholes:
        for whole in wholes:
            inside = whole.start_us <= mark.start_us and mark.end_us <= whole.end_us
            free = mark.key not in parts.values() and whole.key not in parts
            if inside and free and whole is not mark and whole.track == mark.track:
                parts[mark.key] = whole.key
                break
    return [replace(m, parent=parts.get(m.key, "")) for m in found]


def written_and_read(name: str, videos: list[MarkedVideo], target: Path) -> dict[int, Counter]:
    write(name, videos, target)
    return read_back(name, videos, target)


def read_back(name: str, videos: list[MarkedVideo], target: Path) -> dict[int, Counter]:
    files = [target]
    if target.is_dir():
        files = sorted(
            path for path in target.rglob("*")
            if path.suffix in module(name).SUFFIXES
            and module(name).recognises(path.read_bytes()[:HEAD_BYTES])
        )  # fmt: skip
    readings = [read(path, name) for path in files]
    assert [one.sentence for reading in readings for one in reading.faults] == []
    paths = {index: video.path for index, video in enumerate(videos)}
    matched = match(
        [row for reading in readings for row in reading.rows],
        paths,
        durations_us=dict.fromkeys(paths, SECONDS * 10**6),
        frames={i: v.frame_times_us or v.fps or 25 for i, v in enumerate(videos)},
    )
    assert ([one.sentence for one in matched.faults], matched.missing) == ([], ())
    found = {index: Counter() for index in paths}
    for index, rows in matched.taken.items():
        for file in {row.file for row in rows}:
            found[index] += said([m for row in rows if row.file == file for m in row.marks])
    return found


def said(found) -> Counter:
    """Count what marks say, whatever the names of their keys."""
    by_key = {mark.key: mark for mark in found if mark.key}

    def one(mark: Mark) -> tuple:
        bare = replace(mark, key="", parent="")
        return bare, one(by_key[mark.parent]) if mark.parent else None

    return Counter(map(one, found))


def filled(name: str, root: Path, rng: random.Random, counts: list[int]) -> list[MarkedVideo]:
    return [
        replace(
            video, marks=tuple(marks(rng, count, losses(name), clock_of(video), words_of(name)))
        )
        for video, count in zip(videos_below(root, rng, len(counts)), counts, strict=True)
    ]


def expected(name: str, videos: list[MarkedVideo]) -> dict[int, Counter]:
    return {i: said(kept(v.marks, losses(name))) for i, v in enumerate(videos)}


@pytest.mark.parametrize("name", writable())
@pytest.mark.parametrize("counts", [[3], [0], [5, 0, 4, 9], [12, 12, 12], [400]], ids=str)
def test_what_was_written_is_read_back_less_the_declared_losses(name, counts, tmp_path):
    for seed in range(1 if max(counts) > 99 else 6):
        target = tmp_path / f"{seed}{module(name).SUFFIXES[0]}"
        videos = filled(name, target, random.Random(seed), counts)
        assert written_and_read(name, videos, target) == expected(name, videos)


@pytest.mark.parametrize("name", writable())
@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_that_looks_like_syntax_comes_back_or_is_refused(name, label, tmp_path):
    target = tmp_path / f"labels{module(name).SUFFIXES[0]}"
    (video,) = filled(name, target, random.Random(1), [4])
    video = replace(video, marks=tuple(replace(m, label=m.label and label) for m in video.marks))
    try:
        write(name, [video], target)
    except InvalidData as error:
        assert error.next_step
    else:
        assert read_back(name, [video], target) == expected(name, [video])


@pytest.mark.parametrize("name", writable())
def test_what_is_declared_lost_is_left_out_and_turns_into_nothing_else(name, tmp_path):
    said = losses(name)
    all_but_times = Losses(overlap=said.overlap, grid_us=said.grid_us, by_frame=said.by_frame)
    words = words_of(name)
    words = replace(
        words, tracks=TRACKS, notes=NOTES,
        confidences=CONFIDENCES if said.confidence else words.confidences,
    )  # fmt: skip
    for seed in range(4):
        target, rng = tmp_path / f"{seed}{module(name).SUFFIXES[0]}", random.Random(seed)
        videos = [
            replace(video, marks=tuple(marks(rng, 12, all_but_times, clock_of(video), words)))
            for video in videos_below(target, rng, 3)
        ]
        assert written_and_read(name, videos, target) == expected(name, videos)


@pytest.mark.parametrize("name", [n for n in writable() if losses(n).overlap])
def test_where_overlaps_are_lost_the_mark_that_starts_last_wins(name, tmp_path):
    for seed in range(6):
        target = tmp_path / f"{seed}{module(name).SUFFIXES[0]}"
        rng = random.Random(seed)
        (video,) = videos_below(target, rng, 1)
        loose = replace(losses(name), overlap=False)
        video = replace(video, marks=tuple(marks(rng, 9, loose, clock_of(video), words_of(name))))
        assert written_and_read(name, [video], target) == expected(name, [video])


@pytest.mark.parametrize("name", writable())
def test_a_written_file_is_recognised_as_what_it_is(name, tmp_path):
    target = tmp_path / f"labels{module(name).SUFFIXES[0]}"
    videos = filled(name, target, random.Random(0), [8, 8])
    write(name, videos, target)
    files = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
    heads = {path: path.read_bytes()[:HEAD_BYTES] for path in files}
    assert name in {recognise(path) for path in files if module(name).recognises(heads[path])}
