"""What the code must never do, looked for in its text; what must be true of the documents."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [p for d in ("app", "core", "analysis", "storage", "scripts", "examples")
           for p in (ROOT / d).rglob("*.py")]  # fmt: skip

FORBIDDEN = {
    "pickle": r"\bimport pickle\b|\bpickle\.loads?\(|\bjoblib\.load\(|\bdill\b",
    "torch.load": r"\btorch\.load\(",
    "numpy pickles": r"allow_pickle\s*=\s*True",
    "remote code": r"trust_remote_code\s*=\s*True",
    "a shell": r"shell\s*=\s*True|os\.system\(",
    "folders served by Gradio": r"allowed_paths\s*=\s*\[[^\]]",
    "a public link": r"share\s*=\s*True",
    "raw HTML in tables": r"datatype\s*=\s*[\"']html",
    "code from text": r"\beval\(|\bexec\(",
}


@pytest.mark.fault
@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_code_never_uses(what: str):
    found = [p.relative_to(ROOT) for p in SOURCES if re.search(FORBIDDEN[what], p.read_text())]
    # torch's `.eval()` puts a module into evaluation mode
    assert [str(p) for p in found if what != "code from text"] == []
    if what == "code from text":
        for path in found:
            assert not re.search(r"(?<![.\w])(eval|exec)\(", path.read_text()), path


@pytest.mark.fault
def test_pages_write_text_only_as_text():
    for path in (ROOT / "app" / "widgets").glob("*.js"):
        text = path.read_text()
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in text, f"{path.name}: {sink}"


def test_no_file_is_too_long_to_read():
    for path in SOURCES:
        assert len(path.read_text().splitlines()) <= 305, path


def test_the_changelog_and_the_package_agree_on_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest and newest[1] == version


def test_the_readme_names_both_commands_and_its_pictures_are_there():
    text = (ROOT / "README.md").read_text()
    assert "python3 launch.py\n" in text
    assert "python3 launch.py test\n" in text
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (ROOT / picture).is_file(), picture
    for link in re.findall(r"\]\((docs/[^)#]+)", text):
        assert (ROOT / link).is_file(), link


def test_every_command_and_every_name_of_a_table_is_documented():
    from app.cli import app as shell
    from core.backbones import BACKBONES
    from core.classifiers import CLASSIFIERS
    from core.decoding import DECODERS
    from core.formats import FORMATS
    from core.labels import CODECS
    from core.tasks import CONTEXTS, TASKS

    text = "".join(p.read_text() for p in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    for command in shell.registered_commands:
        assert f"gad {command.name or command.callback.__name__}" in text  # pyright: ignore
    for table in (BACKBONES, CLASSIFIERS, CODECS, CONTEXTS, DECODERS, FORMATS, TASKS):
        for name in table:
            assert f"`{name}`" in text, name


def test_the_train_page_offers_every_member_of_its_tables():
    from core.decoding import DECODERS
    from core.labels import CODECS
    from core.tasks import CONTEXTS, TASKS

    page = "".join(p.read_text() for p in (ROOT / "app" / "widgets").glob("train*.js"))
    for table in (CODECS, CONTEXTS, DECODERS, TASKS):
        for name in table:
            assert re.search(rf"\b{name}\b", page), name


def test_shipped_runs_name_their_base_and_no_folder():
    for path in (ROOT / "core" / "kitchen" / "demo_runs").rglob("adapter_config.json"):
        assert '"base_model_name_or_path": "nano"' in path.read_text(), path


def _fault_table() -> list[tuple[int, list[str]]]:
    """Return number and tests of every row of the table of fault cases."""
    text = (ROOT / "docs" / "reliability.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*\| (.*?) \|$", text, re.MULTILINE)
    return [(int(number), re.findall(r"tests/\S+?\.py::\w+", tests)) for number, tests in rows]


def test_every_fault_case_has_a_row_and_its_tests_are_there_and_marked():
    table = _fault_table()
    assert [number for number, _ in table] == list(range(1, 67))
    for number, names in table:
        assert names, f"case {number} names no test"
        for name in names:
            path, _, function = name.partition("::")
            text = (ROOT / path).read_text()
            head = re.search(rf"((?:^[@ )].*\n)*)^def {function}\(", text, re.MULTILINE)
            assert head, f"case {number}: {name}"
            whole = re.search(r"^pytestmark = .*mark\.fault", text, re.MULTILINE)
            assert whole or "mark.fault" in head[1], f"case {number}: {name} is not marked"


def test_every_test_that_the_readme_names_is_there():
    sources = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        sources[path.stem] = sources.get(path.stem, "") + path.read_text()
    named = re.findall(r"`(test_\w+)(?:::(test_\w+))?`", (ROOT / "README.md").read_text())
    assert len(named) > 20
    for file, function in named:
        assert file in sources, file
        assert f"def {function or ''}" in sources[file], f"{file}::{function}"
