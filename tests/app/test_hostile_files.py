"""Files that crash a decoder, change under our hands, have odd names, or lead elsewhere."""

import os
import shutil
import signal
import threading
import time
import unicodedata
from pathlib import Path

import psutil
import pytest
from starlette.testclient import TestClient

from app.main import Address, create_app
from app.services import importing, library, media
from core.video import probe
from storage import jobs
from storage.library import video_by_id
from storage.states import JobState
from tests.app.conftest import finish

pytestmark = pytest.mark.fault

NAMES = (
    "-rf.mp4", "two words.mp4", "new\nline.mp4", "tea 🍵.mp4", "$(touch x).mp4", "quo'te\".mp4",
    "..mp4.mp4", "C:\\x.mp4", "\\\\?\\x.mp4", "NUL.mp4", "x" * 251 + ".mp4", "%2e%2e.mp4",
    "Tea.mp4", "tea.mp4", "é.mp4", unicodedata.normalize("NFD", "é.mp4"), "=1+1.mp4",
    "<img src=x onerror=alert(1)>.mp4", "${x}{{x}}.mp4",
)  # fmt: skip


@pytest.fixture
def client(studio):
    with TestClient(create_app(studio, Address(), "t"), base_url="http://127.0.0.1:7860") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path, little_folder) -> Path:
    (tmp_path / "videos").mkdir()
    for number in range(3):
        shutil.copy(little_folder / "first" / f"{number}.mp4", tmp_path / "videos")
    return tmp_path / "videos"


def by_name(studio, project: int) -> dict:
    return {row["name"].rpartition("/")[2]: row for row in library.table(studio, project)}


def crash_the_decoder_of(*words: str) -> None:
    """Kill the process that has all these words on its command line, as a bad decoder would."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        for child in psutil.Process().children(recursive=True):
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                os.kill(child.pid, signal.SIGSEGV)
                return
        time.sleep(0.005)


def test_a_file_that_crashes_the_decoder_is_put_aside_and_the_others_go_on(studio, runner, folder):
    number = library.new_project(studio, "odd")
    added = library.add_folder(studio, number, folder)
    striker = threading.Thread(target=crash_the_decoder_of, args=("core.video.inspect", "1.mp4"))
    striker.start()
    finish(runner)
    striker.join()
    found = by_name(studio, number)
    assert {name: row["health"] for name, row in found.items()} == {
        "0.mp4": "good", "1.mp4": "unreadable", "2.mp4": "good",
    }  # fmt: skip
    assert "decoder broke down" in found["1.mp4"]["health_reason"]
    assert jobs.find_job(studio.database, added["job"]).state is JobState.DONE


def test_a_copy_whose_making_crashes_the_decoder_puts_its_video_aside(studio, runner, project):
    row = library.table(studio, project)[0]
    before = video_by_id(studio.database, row["id"])
    spec = {"kind": "proxy", "video": row["id"], "source": before.path,
            "target": str(media.proxy_of(studio, before))}  # fmt: skip
    job = jobs.enqueue(studio.database, jobs.NewJob(project, "proxy", "media", spec))
    striker = threading.Thread(target=crash_the_decoder_of, args=("core.video.making", "proxy"))
    striker.start()
    finish(runner)
    striker.join()
    ended, after = (
        jobs.find_job(studio.database, job.id),
        video_by_id(studio.database, row["id"]),
    )
    assert ended.state is JobState.FAILED
    assert ended.error and "decoder broke down" in ended.error["rule"]
    assert (after.health.value, after.content_hash) == ("unreadable", before.content_hash)
    assert (after.duration_us, after.segments) == (before.duration_us, before.segments)
    assert media.want_proxy(studio, row["id"]) is None


def test_every_name_is_a_video_of_its_own_and_is_served_by_its_number(studio, client, folder):
    info = probe(folder / "0.mp4").as_json()
    place = folder.parent / "names"
    place.mkdir()
    for name in NAMES:
        shutil.copy(folder / "0.mp4", place / name)
    number = library.new_project(studio, "names")
    assert library.add_folder(studio, number, place)["new"] == len(NAMES)
    for row in library.table(studio, number):
        path = Path(video_by_id(studio.database, row["id"]).path)
        library.record_look(studio, row["id"], path, info)
        answer = client.get(f"/media/{row['id']}")
        assert answer.content == path.read_bytes()
    assert set(by_name(studio, number)) == {name.rpartition("/")[2] for name in NAMES}
    assert not (place / "x").exists()


def test_two_spellings_of_one_name_are_two_videos_and_an_import_asks_which(
    studio, folder, tmp_path
):
    place = tmp_path / "names"
    place.mkdir()
    for name in ("é.mp4", unicodedata.normalize("NFD", "é.mp4")):
        shutil.copy(folder / "0.mp4", place / name)
    number = library.new_project(studio, "names")
    library.add_folder(studio, number, place)
    table = tmp_path / "labels.csv"
    table.write_text("video,start,end,label\né.mp4,0,1,stir\n")
    shown = importing.preview(studio, number, [table])
    assert (len(by_name(studio, number)), shown["taken"]) == (2, [])
    assert "must mean exactly one video" in shown["faults"][0]["sentence"]


def test_a_link_in_the_data_directory_leads_nowhere(studio, client, project, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    video = video_by_id(studio.database, library.table(studio, project)[0]["id"])
    thumb = studio.directory.thumbs / f"{video.content_hash}.jpg"
    thumb.unlink()
    for planted in (thumb, media.proxy_of(studio, video)):
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.symlink_to(secret)
    assert client.get(f"/thumbs/{video.id}").status_code == 404
    played = client.get(f"/media/{video.id}")
    assert played.status_code == 200  # the video itself
    assert "canary" not in played.text


def test_a_video_that_became_a_link_is_not_served(studio, client, runner, folder, tmp_path):
    number = library.new_project(studio, "odd")
    library.add_folder(studio, number, folder)
    finish(runner)
    row = by_name(studio, number)["0.mp4"]
    for target in ("/etc/passwd", str(folder / "0.mp4"), "/dev/zero"):
        (folder / "0.mp4").unlink()
        (folder / "0.mp4").symlink_to(target)
        answer = client.get(f"/media/{row['id']}")
        assert (answer.status_code, "is gone" in answer.text) == (404, True)


def test_a_hard_link_is_a_file_like_any_other_and_one_content_twice_is_two_videos(
    studio, runner, folder
):
    os.link(folder / "0.mp4", folder / "same.mp4")
    number = library.new_project(studio, "odd")
    library.add_folder(studio, number, folder)
    finish(runner)
    found = by_name(studio, number)
    one, other = (video_by_id(studio.database, found[n]["id"]) for n in ("0.mp4", "same.mp4"))
    assert one.content_hash == other.content_hash
    assert one.id != other.id


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/x.mp4", "https://169.254.169.254/x.mp4", "http://[::1]/x.mp4",
        "http://2130706433/x.mp4", "file:///etc/passwd", "ftp://x/x.mp4", "concat:http://127.0.0.1/x",
    ],
)  # fmt: skip
def test_an_address_is_no_path(client, studio, project, address):
    before = library.table(studio, project)
    for path, body in (
        (f"/api/projects/{project}/folder", {"path": address}),
        (f"/api/projects/{project}/import", {"paths": [address], "token": "t"}),
        (f"/api/projects/{project}/import/preview", {"paths": [address]}),
        ("/api/import/columns", {"paths": [address]}),
        (f"/api/projects/{project}/export", {"format": "table", "target": address}),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, "error" in answer.json()) == (400, True), (path, answer.text)
    assert library.table(studio, project) == before
