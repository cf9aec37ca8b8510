"""Sealed folders are whole or not there, whatever happens while they are written."""

import json

import pytest

from core.checkpoints import MANIFEST, find_checkpoint, is_whole, seal


def fill(content: str):
    def write(folder):
        (folder / "deep").mkdir()
        (folder / "deep" / "a.txt").write_text(content)
        (folder / "b.txt").write_text(content * 2)

    return write


def test_a_sealed_folder_is_whole(tmp_path):
    seal(tmp_path / "checkpoint-1", fill("x"))
    assert is_whole(tmp_path / "checkpoint-1")
    assert json.loads((tmp_path / "checkpoint-1" / MANIFEST).read_text()).keys() == {
        "deep/a.txt",
        "b.txt",
    }


@pytest.mark.parametrize("harm", ["truncate", "change", "remove", "no manifest"])
def test_any_harm_is_noticed(tmp_path, harm):
    folder = tmp_path / "checkpoint-1"
    seal(folder, fill("hello"))
    target = folder / "b.txt"
    if harm == "truncate":
        target.write_text("hel")
    elif harm == "change":
        target.write_text("jellohello")
    elif harm == "remove":
        target.unlink()
    else:
        (folder / MANIFEST).unlink()
    assert not is_whole(folder)


def test_a_failed_write_leaves_the_earlier_folder(tmp_path):
    seal(tmp_path / "best", fill("first"))

    def fails(folder):
        fill("second")(folder)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        seal(tmp_path / "best", fails)
    assert is_whole(tmp_path / "best")
    assert (tmp_path / "best" / "b.txt").read_text() == "firstfirst"


def test_the_newest_whole_checkpoint_is_found_and_broken_ones_are_set_aside(tmp_path):
    for step in (3, 20, 100):
        seal(tmp_path / f"checkpoint-{step}", fill(str(step)))
    (tmp_path / "checkpoint-100" / "b.txt").write_text("")
    (tmp_path / "checkpoint-200.tmp").mkdir()
    found, notes = find_checkpoint(tmp_path)
    assert found == tmp_path / "checkpoint-20"
    assert notes == [
        "checkpoint-100 was not used: files are missing or damaged. "
        "It is kept as broken-checkpoint-100."
    ]
    assert (tmp_path / "broken-checkpoint-100").is_dir()


def test_no_checkpoint_is_no_error(tmp_path):
    assert find_checkpoint(tmp_path / "nowhere") == (None, [])
