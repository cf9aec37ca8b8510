"""Set up GAD Studio once, then start it. Standard library only.

python3 launch.py            set up if needed, start the app, open the browser
python3 launch.py test       set up with the developer's tools, run all checks and tests
python3 launch.py setup      only set up
"""

from __future__ import annotations  # an old Python must get as far as its refusal

import argparse
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GB = 5


class Refusal(Exception):
    """One sentence that says what to do."""


def check_machine() -> None:
    """Raise `Refusal` where setting up cannot work."""
    if platform.system() == "Windows":
        raise Refusal("GAD Studio runs on Linux and macOS; on Windows, start it inside WSL.")
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        have = ".".join(map(str, sys.version_info[:3]))
        raise Refusal(
            f"Python 3.11 to 3.13 is needed, but this is {have}: start with another one, for "
            "example 'python3.12 launch.py'."
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        raise Refusal(
            "Python's 'venv' is missing: install it first (Debian and Ubuntu: "
            f"'sudo apt install python{version}-venv'), then start again."
        )


def stamp(requirements: list[Path]) -> str:
    """Return a hash of everything that decides the environment."""
    digest = hashlib.sha256(sys.version.encode())
    for path in [*requirements, ROOT / "pyproject.toml"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(command: list[str], failure: str) -> None:
    """Print a command and run it.

    Raises:
        Refusal: It failed; `failure` says what to do.
    """
    print("$", " ".join(command), flush=True)
    if subprocess.run(command, cwd=ROOT).returncode:
        raise Refusal(failure)


def set_up(*, developer: bool) -> None:
    """Make `.venv` and install what is pinned, unless that was done already."""
    requirements = [ROOT / "requirements.txt"]
    if developer:
        requirements.append(ROOT / "requirements-dev.txt")
    mark, wanted = VENV / f"stamp{'-dev' if developer else ''}", stamp(requirements)
    if PYTHON.exists() and mark.exists() and mark.read_text() == wanted:
        return
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB and not mark.exists():
        raise Refusal(
            f"Setting up needs {NEEDED_GB} GB of disk, but {ROOT} has {free:.1f} GB free: make "
            "room, then start again."
        )
    if not PYTHON.exists():
        run(
            [sys.executable, "-m", "venv", str(VENV)],
            f"Making {VENV} failed: delete that folder and start again; the lines above say why.",
        )
    files = [part for path in requirements for part in ("-r", path.name)]
    again = "Installing failed; the lines above say why. Check network and disk, then start again."
    run([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *files], again)
    editable = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-e", "."]
    run([str(PYTHON), "-m", "pip", "install", "-q", *editable], again)
    mark.write_text(wanted)


def main() -> int:
    """Read the command line; unknown options go to the app or to the tests."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["start", "test", "setup"], default="start")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 7860)")
    parser.add_argument("--data-dir", help="where projects, runs and the database live")
    parser.add_argument(
        "--fast", action="store_true", help="test: leave out the app, training and real files"
    )
    options = parser.parse_args()
    try:
        check_machine()
        set_up(developer=options.what == "test")
    except Refusal as refusal:
        print(f"\n{refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nThe system refused: {error}. Correct it, then start again.", file=sys.stderr)
        return 1
    if options.what == "setup":
        return 0
    if options.what == "test":
        check = [str(ROOT / "scripts" / "check"), *(["--fast"] if options.fast else [])]
        return subprocess.run(check, cwd=ROOT).returncode
    command = [str(PYTHON), "-m", "app.cli", "app"]
    for name in ("host", "port", "data_dir"):
        value = getattr(options, name)
        if value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    if options.no_browser:
        command.append("--no-browser")
    os.chdir(ROOT)
    return os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
