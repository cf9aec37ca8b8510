"""Eight people edit at once, beside an import and a fine-tune: no acknowledged edit is lost."""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app.jobs.runner import Runner
from app.services import library, open_studio
from core.types import SECOND
from tests.app import annotated, test_server
from tests.app.conftest import fill, settings

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.fault]

PEOPLE, EDITS, SHARED, ROWS = 8, 50, 6, 5_000


@dataclass
class Person:
    """Adds a word of its own to notes of shared segments; what changed elsewhere is read again."""

    number: int
    videos: list[int]
    seconds: list[float] = field(default_factory=list)
    conflicts: int = 0

    def work(self, base: str) -> None:
        dice = random.Random(self.number)
        with httpx.Client(base_url=base, timeout=120) as client:
            for word in self.words:
                video = dice.choice(self.videos)
                place = dice.randrange(SHARED)
                while not self.edit(client, video, place, word):
                    self.conflicts += 1

    @property
    def words(self) -> list[str]:
        return [f"{self.number}.{count}" for count in range(EDITS)]

    def edit(self, client: httpx.Client, video: int, place: int, word: str) -> bool:
        rows = shared(client, video)
        row = rows[sorted(rows)[place]]
        edited = row | {"note": f"{row['note']} {word}"}
        body = {"id": str(uuid.uuid4()), "name": "note", "edits": [edited]}
        began = time.perf_counter()
        answer = sent(client, "POST", f"/api/videos/{video}/operations", json=body)
        self.seconds.append(time.perf_counter() - began)
        assert answer.status_code in (200, 409), answer.text
        return answer.status_code == 200


def sent(client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    """Send a request, again where the server closed an idle connection, as pages do."""
    try:
        return client.request(method, path, **more)
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return client.request(method, path, **more)


def shared(client: httpx.Client, video: int) -> dict[str, dict]:
    """Return the segments of a video that people made, by id."""
    found = sent(client, "GET", f"/api/videos/{video}/annotations").json()
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["segments"]]
    return {row["id"]: row for row in rows if row["source"] == "human"}


def make_shared(base: str, videos: list[int], label: int) -> None:
    for video in videos:
        rows = [
            {"id": str(uuid.uuid4()), "start_us": i * SECOND, "end_us": (i + 1) * SECOND,
             "label_id": label} for i in range(SHARED)
        ]  # fmt: skip
        body = {"id": str(uuid.uuid4()), "name": "made", "edits": rows}
        httpx.post(f"{base}/api/videos/{video}/operations", json=body).raise_for_status()


def import_until(over: threading.Event, base: str, project: int, folder: Path) -> int:
    """Import one large table after another; returns how many segments were imported."""
    rows = number = 0
    while not over.is_set():
        number += 1
        table = folder / f"{number}.csv"
        lines = (f"toast.mp4,{i / 200},{(i + number) / 200},stir tea" for i in range(ROWS))
        table.write_text("\n".join(["video,start,end,label", *lines]))
        body = {"paths": [str(table)], "token": f"import {number}"}
        answer = httpx.post(f"{base}/api/projects/{project}/import", json=body, timeout=300)
        rows += answer.raise_for_status().json()["segments"]
    return rows


def beside(act: Callable[[threading.Event], int], work: Callable[[], None]) -> int:
    """Do some work while something else goes on; returns what that says."""
    over = threading.Event()
    with ThreadPoolExecutor(1) as other:
        found = other.submit(act, over)
        try:
            work()
        finally:
            over.set()
        return found.result()


def steps_of(base: str, job: int) -> int:
    return len([1 for _, name, _ in test_server.call(base, f"/api/jobs/{job}/curve")
                if name == "loss"])  # fmt: skip


def test_eight_people_lose_no_edit_beside_an_import_and_a_fine_tune(
    tmp_path, little_folder, tiny_folder
):
    with open_studio(tmp_path / "data") as studio:
        edited = annotated.make(studio, tmp_path)
        label = library.add_labels(studio, edited, ["stir tea"])["stir tea"]
        *videos, imported = annotated.ids(studio, edited).values()
        little = fill(studio, Runner(studio, ["cpu"]), little_folder)
    people = [Person(number, videos) for number in range(PEOPLE)]
    with test_server.server(tmp_path / "data", test_server.free_port()) as (base, _):
        make_shared(base, videos, label)
        values = {"settings": settings(tiny_folder, training={"steps": 100_000})}
        (made,) = test_server.call(base, f"/api/projects/{little}/fine-tune", values)
        while not steps_of(base, made["job"]):
            time.sleep(0.2)
        before = steps_of(base, made["job"])

        def edit() -> None:
            with ThreadPoolExecutor(PEOPLE) as threads:
                list(threads.map(lambda person: person.work(base), people))

        rows = beside(lambda over: import_until(over, base, edited, tmp_path), edit)
        trained = steps_of(base, made["job"]) - before
        test_server.call(base, f"/api/jobs/{made['job']}/stop", {"how": "discard"})
        with httpx.Client(base_url=base, timeout=60) as client:
            found = [row for video in videos for row in shared(client, video).values()]
            kept = client.get(f"/api/videos/{imported}/annotations").json()["segments"]
    kept_words = [word for row in found for word in row["note"].split()]
    assert sorted(kept_words) == sorted(word for person in people for word in person.words)
    assert len(kept) == rows > 0
    assert trained > 0
    seconds = np.concatenate([person.seconds for person in people])
    told = ", ".join(f"p{q} {1000 * np.percentile(seconds, q):.0f} ms" for q in (50, 95, 99, 100))
    log.info("%d edits of %d people: %s; %d met a change of somebody else; beside them %d imported "
             "rows and %d training steps", PEOPLE * EDITS, PEOPLE, told,
             sum(person.conflicts for person in people), rows, trained)  # fmt: skip
