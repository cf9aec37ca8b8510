"""The launcher refuses in one sentence, and installs once."""

import importlib.util
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def launch(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("launch", ROOT / "launch.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    return module


def test_an_old_python_is_refused_with_what_to_do(launch, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    with pytest.raises(
        launch.Refusal, match=r"Python 3\.11 to 3\.13 is needed, but this is 3\.9\.1"
    ):
        launch.check_machine()


def test_a_missing_venv_names_the_debian_package(launch, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name)
    )
    with pytest.raises(launch.Refusal, match=r"sudo apt install python3\.\d+-venv"):
        launch.check_machine()


def test_windows_is_sent_to_wsl(launch, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(launch.Refusal, match="WSL"):
        launch.check_machine()


def test_a_full_disk_is_refused_before_anything_is_made(launch, monkeypatch):
    usage = type("Usage", (), {"free": 1_000_000_000})
    monkeypatch.setattr(launch.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(launch.Refusal, match=r"needs 5 GB of disk.*1\.0 GB free"):
        launch.set_up(developer=False)
    assert not launch.VENV.exists()


def test_a_failed_install_says_what_to_do_and_is_tried_again(launch):
    (launch.ROOT / "requirements.txt").write_text("no-such-package-at-all==99\n")
    with pytest.raises(launch.Refusal, match="Check network and disk"):
        launch.set_up(developer=False)
    assert not (launch.VENV / "stamp").exists()


def test_what_is_installed_is_installed_once(launch, monkeypatch):
    launch.PYTHON.parent.mkdir(parents=True)
    launch.PYTHON.touch()
    (launch.VENV / "stamp").write_text(launch.stamp([launch.ROOT / "requirements.txt"]))
    monkeypatch.setattr(launch, "run", lambda *_: pytest.fail("nothing must be run"))
    launch.set_up(developer=False)


def test_changed_requirements_install_again(launch, monkeypatch):
    ran = []
    launch.PYTHON.parent.mkdir(parents=True)
    launch.PYTHON.touch()
    (launch.VENV / "stamp").write_text(launch.stamp([launch.ROOT / "requirements.txt"]))
    (launch.ROOT / "requirements.txt").write_text("other")
    monkeypatch.setattr(launch, "run", lambda command, _: ran.append(command))
    launch.set_up(developer=False)
    assert any("requirements.txt" in command for command in ran)
    assert (launch.VENV / "stamp").read_text() == launch.stamp([launch.ROOT / "requirements.txt"])


def test_the_launcher_needs_the_standard_library_only():
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]; import launch"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_requirements_are_exact_and_name_no_index():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        for line in filter(None, lines):
            assert line.count("==") == 1, line
            assert not line.startswith("-"), line
