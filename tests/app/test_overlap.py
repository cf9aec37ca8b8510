"""`gad overlap` as a person and as a machine use it: real processes, without the network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.conftest import tiny_tokenizer
from tests.core.tiktoken_file import slow_tokens, small_ranks, write_ranks

ROOT = Path(__file__).parents[2]
NAMES = ["Background", "add sugar", "add", "stir_tea", "CutTomato", "Ambiguous"]
KEYS = [
    "labels", "tokens_mean", "tokens_max", "distinct_tokens", "shared_occurrences",
    "labels_all_shared", "trie_nodes", "prefix_labels", "first_tokens", "per_verb", "pairs",
]  # fmt: skip

# Python imports this module at its start: it ends the process that turns to the network.
GUARD = """
import os, sys
def guard(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect", "socket.gethostbyname"):
        os.write(2, b"NETWORK " + repr(arguments).encode())
        os._exit(99)
sys.addaudithook(guard)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Labels in both forms; a rank file, a folder and a cached model with the same tokenizer."""
    folder = tmp_path_factory.mktemp("overlap")
    (folder / "sitecustomize.py").write_text(GUARD)
    (folder / "list.json").write_text(json.dumps(NAMES))
    (folder / "object.json").write_text(json.dumps({"name": "small", "classes": NAMES}))
    write_ranks(folder / "small.model", small_ranks())
    cached = folder / "hub" / "models--me--small"
    for place in (folder / "saved", cached / "snapshots" / "abc"):
        tiny_tokenizer().save_pretrained(place)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")
    return folder


def gad_overlap(folder: Path, *words: str, check: int = 0) -> subprocess.CompletedProcess[str]:
    places = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "HF_HUB_CACHE": str(folder / "hub")}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "overlap", *words],
        cwd=folder, env=os.environ | places, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == check, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("labels", ["list.json", "object.json"])
@pytest.mark.parametrize("tokenizer", ["small.model", "saved", "me/small"])
def test_json_alone_is_printed_and_every_source_of_a_tokenizer_agrees(folder, labels, tokenizer):
    found = json.loads(gad_overlap(folder, labels, "--tokenizer", tokenizer, "--json").stdout)
    tokens = [slow_tokens(t, small_ranks()) for t in ("add sugar", "add", "stir tea", "cut tomato")]
    assert list(found) == KEYS
    assert found["labels"] == 4
    assert found["tokens_mean"] == sum(map(len, tokens)) / 4
    assert found["per_verb"] == {"add": 2, "stir": 1, "cut": 1}
    assert found["prefix_labels"] == 1
    assert [(p["a"], p["b"]) for p in found["pairs"]] == [("add sugar", "add")]


def test_a_summary_is_printed_for_people(folder):
    said = gad_overlap(folder, "list.json", "--tokenizer", "small.model").stdout
    assert "labels                     4\n" in said
    assert "'add sugar', 'add'" in said
    assert len(said.splitlines()) < 20


def bad(folder: Path, kind: str) -> tuple[str, str]:
    """Make a wrong input; returns the labels and the tokenizer to give."""
    path = folder / kind.replace(" ", "-")
    match kind:
        case "missing labels" | "missing tokenizer":
            pass
        case "folder of nothing":
            path.mkdir(exist_ok=True)
        case "folder with code":
            path.mkdir(exist_ok=True)
            (path / "own.py").write_text("open('it-ran', 'w')\nclass Own: pass\n")
            own = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}
            (path / "tokenizer_config.json").write_text(json.dumps(own))
        case "pickled labels" | "pickled tokenizer":
            path.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.")
        case _:
            path.write_text(json.dumps({"empty labels": [], "equal labels": ["a b", "A_b"],
                                        "number labels": [7]}[kind]))  # fmt: skip
    if kind.endswith("labels"):
        return str(path), "small.model"
    return "list.json", "nobody/unknown" if kind == "missing tokenizer" else str(path)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("missing labels", "A label file must be a file"),
        ("pickled labels", "A label file must be JSON"),
        ("empty labels", "A label set must hold at least one action"),
        ("equal labels", "Every label must have its own name"),
        ("number labels", "A name must be text"),
        ("missing tokenizer", "A tokenizer must be"),
        ("folder of nothing", "A tokenizer must be"),
        ("folder with code", "A tokenizer must be"),
        ("pickled tokenizer", "A line of a tiktoken file"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_one(folder, kind, rule):
    labels, tokenizer = bad(folder, kind)
    done = gad_overlap(folder, labels, "--tokenizer", tokenizer, "--json", check=1)
    error = json.loads(done.stdout)["error"]
    assert error["rule"].startswith(rule)
    assert error.keys() == {"rule", "value", "next"}
    assert all(error.values())
    assert not (folder / "it-ran").exists()


def test_the_guard_of_these_tests_would_see_the_network(folder):
    """Or the tests above would prove nothing."""
    line = "import socket; socket.create_connection(('127.0.0.1', 9))"
    places = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", line], env=places, capture_output=True)
    assert done.returncode == 99
