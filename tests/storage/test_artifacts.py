import json
import os
import stat
from pathlib import Path

import pytest

from storage import artifacts


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "result.json"
    artifacts.write_json(path, {"größe": 1})
    artifacts.write_json(path, {"größe": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"größe": 2}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    path = tmp_path / "result.json"
    artifacts.write_bytes(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if operation == "fsync" else (Path, "replace", fail)))
    with pytest.raises(OSError, match="No space"):
        artifacts.write_bytes(path, b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_a_block_that_raises_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "frames.safetensors"
    artifacts.write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), artifacts.writing(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_a_private_file_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    with artifacts.writing(path, private=True) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        temporary.write_bytes(b"token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_numbers_that_json_cannot_say_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        artifacts.write_json(tmp_path / "a.json", {"loss": float("nan")})


def test_equal_values_have_one_digest_and_others_another() -> None:
    assert artifacts.digest({"a": 1, "b": [2]}) == artifacts.digest({"b": [2], "a": 1})
    assert artifacts.digest({"a": 1}) != artifacts.digest({"a": "1"})


def test_a_cached_file_is_found_by_its_content_and_settings_alone(tmp_path: Path) -> None:
    def place(content: str, rate: float) -> Path:
        made_with = {"encoder": "nano", "rate": rate}
        return artifacts.cache_file(tmp_path, content, made_with=made_with, suffix=".safetensors")

    assert place("abc", 4.0) == place("abc", 4.0)
    assert len({place("abc", 4.0), place("abc", 2.0), place("abd", 4.0)}) == 3
    assert place("abc", 4.0).parent == tmp_path / "ab"
