import os
import stat
from pathlib import Path

import pytest

from core.errors import Conflict, StudioError
from storage.data_directory import DataDirectory, ServerCard
from tests.storage.processes import end, lines, start

HOLD = """
import sys
from pathlib import Path
from storage.data_directory import DataDirectory

directory = DataDirectory(Path(sys.argv[1]))
with directory.hold():
    if sys.argv[2]:
        directory.write_server_card(sys.argv[2], "secret")
    print("held")
    sys.stdin.read()
"""


def test_the_option_wins_over_the_environment_and_that_over_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    environment = {"GAD_DATA": str(tmp_path / "variable")}
    assert DataDirectory.find(tmp_path / "option", environment).root == tmp_path / "option"
    assert DataDirectory.find(None, environment).root == tmp_path / "variable"
    assert DataDirectory.find(None, {"GAD_DATA": ""}).root.name == "gad-studio"


def test_a_relative_directory_does_not_follow_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataDirectory.find(Path("data"), {}).root == tmp_path / "data"


def test_preparing_makes_all_folders_and_may_be_repeated(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "a" / "b")
    directory.prepare()
    directory.prepare()
    made = {str(each.relative_to(directory.root)) for each in directory.root.rglob("*")}
    caches = {"cache", "cache/features", "cache/proxies", "cache/thumbs"}
    assert made == caches | {"backups", "jobs", "runs", "demo", "logs"}


def test_all_places_lie_in_the_directory(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    places = [directory.database, directory.changes, directory.server_card, directory.job(3)]
    assert directory.predictions(7, "ab").parent.parent == directory.run(7)
    assert all(place.parent in (tmp_path, tmp_path / "jobs") for place in places)


def test_a_directory_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    directory = DataDirectory(tmp_path / "file" / "data")
    with pytest.raises(StudioError, match=r"cannot be written: '.*file/data'.*--data-dir"):
        directory.prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_named_with_the_way_out(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StudioError, match="cannot be written"), DataDirectory(tmp_path).hold():
        pass


@pytest.mark.fault
def test_a_second_server_is_told_the_address_of_the_first(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path, "http://127.0.0.1:7860")
    assert lines(process, 1) == ["held"]
    directory = DataDirectory(tmp_path)
    with (
        pytest.raises(Conflict, match=r"already runs.*Open http://127.0.0.1:7860"),
        directory.hold(),
    ):
        pass
    end(process)
    with directory.hold():
        assert directory.read_server_card() is None


def test_a_shell_command_that_holds_the_directory_has_no_address(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path, "")
    lines(process, 1)
    with pytest.raises(Conflict, match="Wait until it has ended"), DataDirectory(tmp_path).hold():
        pass
    end(process)


@pytest.mark.fault
def test_a_killed_process_lets_go_of_the_directory(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path, "http://127.0.0.1:7860")
    lines(process, 1)
    process.kill()
    end(process)
    with DataDirectory(tmp_path).hold():
        pass


def test_the_server_card_is_private_and_can_be_read_back(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.write_server_card("http://127.0.0.1:7860", "secret")
    card = directory.read_server_card()
    assert card is not None
    assert (card.url, card.pid, card.token) == ("http://127.0.0.1:7860", os.getpid(), "secret")
    assert stat.S_IMODE(directory.server_card.stat().st_mode) == 0o600
    directory.remove_server_card()
    assert directory.read_server_card() is None


def test_a_card_of_an_earlier_process_with_the_same_number_is_not_believed() -> None:
    assert not ServerCard("http://127.0.0.1:1", os.getpid(), 1.0, "").is_alive


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "x"}'])
def test_an_unreadable_card_means_no_server(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)
    assert DataDirectory(tmp_path).read_server_card() is None
