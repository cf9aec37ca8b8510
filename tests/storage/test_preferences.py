import json
from pathlib import Path

import pytest

from core.errors import InvalidData
from storage.preferences import LARGEST, read_preferences, write_preferences


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "preferences.json"


def test_preferences_read_back_as_they_were(path: Path) -> None:
    assert read_preferences(path) == {}
    for value in ({"keys": {"split": "s"}, "größe": [1, None, 0.5]}, {}):
        write_preferences(path, value)
        assert read_preferences(path) == value


@pytest.mark.parametrize("content", [b"{", b"[1]", b"null", b"\xff\xfe", b""])
def test_a_file_that_cannot_be_read_is_set_aside(path: Path, content: bytes, caplog) -> None:
    path.write_bytes(content)
    assert read_preferences(path) == {}
    assert "could not be read" in caplog.text
    assert path.with_name("preferences-unreadable.json").read_bytes() == content
    assert not path.exists()


@pytest.mark.parametrize(
    "value", [{"a": "x" * LARGEST}, {"a": float("nan")}, {"a": "\ud800"}, {"a": "ä" * 40_000}]
)
def test_what_cannot_be_stored_leaves_what_was_there(path: Path, value: dict) -> None:
    write_preferences(path, {"a": 1})
    with pytest.raises(InvalidData, match="Preferences"):
        write_preferences(path, value)
    assert json.loads(path.read_bytes()) == {"a": 1}
