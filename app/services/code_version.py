"""Which code this is: what a run remembers of the program that trained it."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@cache
def code_version() -> str:
    """Return the version and, in a checkout, the commit; `-dirty` says that files differ from it.

    It is asked once, since a running program does not change with its files.
    """
    commit = _commit()
    try:
        known = version("gad-studio")
    except PackageNotFoundError:
        known = "unpackaged"
    return f"{known}+{commit}" if commit else known


def _commit() -> str:
    if not (_ROOT / ".git").exists():
        return ""
    try:
        said = subprocess.run(
            ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--match", ""],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()
