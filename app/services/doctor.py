"""What a maintainer needs to help: versions, machine, data directory, database, backups, jobs.

Nothing is changed, and names of labels, videos and people stay here: of an error only the rule is
told, without what stands in quotation marks.
"""

import importlib.metadata
import os
import platform
import re
import shutil
import socket
import sqlite3
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from app.services.access_tokens import AccessTokens
from app.services.machine import gpu_memory_gb
from core.errors import StudioError
from storage.backup import list_backups
from storage.checkup import check_up
from storage.data_directory import DataDirectory
from storage.database import Database
from storage.file_systems import network_kind
from storage.server import from_environment

_PACKAGES = (
    "gad-studio", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors",
    "numpy", "scikit-learn", "av", "moviepy", "sqlalchemy", "alembic", "gradio", "fastapi",
    "starlette", "uvicorn", "pydantic", "plotly",
)  # fmt: skip
_SHOWN = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "HF_HUB_OFFLINE")
"""Variables that are told with their values; of ours, which may hold secrets, the names."""

_PARTS = (
    "gad.sqlite", "gad.sqlite-wal", "changes.jsonl", "backups", "cache", "runs", "jobs", "demo",
    "backbones", "logs", "tmp",
)  # fmt: skip
_PORTS = (7860, 7861)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_MOST_FILES = 200_000


def examine(directory: DataDirectory, environment: Mapping[str, str] = os.environ) -> dict:
    """Return everything, as JSON values; a part that fails is a sentence in its place."""
    return {
        "versions": _versions(),
        "machine": _machine(),
        "data_directory": _part(_folder, directory),
        "database": _part(_database, directory),
        "backups": _part(_backups, directory),
        "server": _part(_server, directory),
        "environment": _environment(environment),
    }


def _part(look: Any, directory: DataDirectory) -> Any:
    try:
        return look(directory)
    except (OSError, StudioError, psutil.Error) as error:
        return {"fault": _without_names(str(error))}


def _versions() -> dict[str, str | None]:
    found = {name: _version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found, "sqlite": sqlite3.sqlite_version}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": psutil.cpu_count(),
        "load": [round(each, 2) for each in psutil.getloadavg()],
        "memory_gb": round(memory.total / 1e9, 1),
        "memory_free_gb": round(memory.available / 1e9, 1),
        "gpus_gb": [round(each, 1) for each in gpu_memory_gb()],
        "virtual_environment": sys.prefix != sys.base_prefix,
    }


def _folder(directory: DataDirectory) -> dict[str, Any]:
    root = directory.root
    found: dict[str, Any] = {"path": str(root), "exists": root.is_dir()}
    if not root.is_dir():
        return found
    free = shutil.disk_usage(root)
    return found | {
        "writable": os.access(root, os.W_OK),
        "free_gb": round(free.free / 1e9, 1),
        "of_gb": round(free.total / 1e9, 1),
        "file_system": _file_system(root),
        "network": network_kind(root),
        "bytes": {name: _bytes(root / name) for name in _PARTS if (root / name).exists()},
        "tokens": len(AccessTokens(directory).listed()),
    }


def _file_system(folder: Path) -> str | None:
    mounts = [
        part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)
    ]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else None


def _bytes(part: Path) -> int:
    """Return the size of a file, or of what lies in a folder, without following links."""
    if part.is_file():
        return part.stat().st_size
    total = 0
    for seen, (folder, _, files) in enumerate(os.walk(part)):
        for name in files:
            try:
                total += (Path(folder) / name).lstat().st_size
            except OSError:
                continue  # it was removed meanwhile
        if seen > _MOST_FILES:
            break
    return total


def _database(directory: DataDirectory) -> dict[str, Any]:
    with Database(directory.database, from_environment()) as database:
        if database.server is None and not directory.database.is_file():
            return {"exists": False}
        found = check_up(database)
    found["faults"] = [_without_names(each) for each in found["faults"]]
    found["failed_jobs"] = [
        {
            "job": each["job"],
            "kind": each["kind"],
            "state": each["state"],
            "ended": _moment(each["ended_us"]),
            "rule": _without_names(str(each["error"].get("rule", ""))),
        }
        for each in found.get("failed_jobs", ())
    ]
    return {"exists": True, **found}


def _backups(directory: DataDirectory) -> dict[str, Any]:
    found = list_backups(directory.database)
    newest = found[0] if found else None
    return {
        "count": len(found),
        "bytes": sum(each.size_bytes for each in found),
        "newest": newest.made_at.isoformat(timespec="seconds") if newest else None,
        "newest_reason": newest.reason if newest else None,
    }


def _server(directory: DataDirectory) -> dict[str, Any]:
    card = directory.read_server_card()
    return {
        "running": card is not None,
        "pid": card.pid if card else None,
        "url": card.url if card else None,
        "ports_taken": [port for port in _PORTS if _is_taken(port)],
    }


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    ours = {name: "set" for name in sorted(environment) if name.startswith("GAD_")}
    return ours | {name: environment[name] for name in _SHOWN if name in environment}


def _moment(time_us: int | None) -> str | None:
    if time_us is None:
        return None
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="seconds")


def _without_names(text: str) -> str:
    return _QUOTED.sub("'…'", text)
