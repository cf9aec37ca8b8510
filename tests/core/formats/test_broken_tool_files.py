"""Files of annotation tools with one thing wrong: a reading with faults or a refusal, no crash."""

import copy
import json
import random
from xml.etree import ElementTree

import pytest

from core.errors import InvalidFile
from core.formats import read, write
from tests.core.formats.round_trip import labelled_video, mark

JUNK = (
    None,
    True,
    -1,
    0,
    1e400,
    1.5,
    10**30,
    "",
    "x",
    "\0",
    "\ud800",
    "NA",
    [],
    [[]],
    {},
    {"a": 1},
)
TEXTS = (
    "",
    "-1",
    "x",
    "1e9",
    "99999999999999999999",
    "\u00b2",
    "١",
    "a\nb",
    " ",
    "ts1",
    "a1",
    "x" * 300,
)
VIDEO = labelled_video(
    mark(0, 9, "make", key="m", track="left"), mark(1, 3, "pour", parent="m", confidence=0.5),
    mark(2, 5, "pour", note="late"), mark(4, 4, "drop", kind="point"),
    mark(9, 12, "", kind="ignore"), fps=25.0,
)  # fmt: skip


def written(name, folder):
    target = folder / f"whole_{name}"
    write(name, [VIDEO, labelled_video(name="b.mp4", fps=25.0)], target)
    return target if target.is_file() else target / f"tea{ {'cvat': '.xml', 'elan': '.eaf'}[name] }"


def survives(name, path):
    """Read a file; whatever is wrong with it is said in sentences."""
    try:
        reading = read(path, name)
    except InvalidFile as error:
        assert error.sentence.isprintable()
        return
    assert all(fault.sentence.isprintable() and fault.next_step for fault in reading.faults)
    assert all(mark.end_us >= mark.start_us for row in reading.rows for mark in row.marks)


def places(value):
    """Yield every (container, key) of a JSON value."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize("name", ["label_studio", "via", "boris"])
def test_a_json_file_with_one_wrong_value(name, tmp_path):
    whole = json.loads(written(name, tmp_path).read_text())
    rng, path = random.Random(0), tmp_path / "wrong.json"
    for _ in range(400):
        broken = copy.deepcopy(whole)
        container, key = rng.choice(list(places(broken)))
        container[key] = rng.choice(JUNK)
        path.write_text(json.dumps(broken))
        survives(name, path)


@pytest.mark.parametrize("name", ["cvat", "elan"])
def test_an_xml_file_with_one_wrong_attribute_text_or_element(name, tmp_path):
    whole = written(name, tmp_path).read_text()
    rng, path = random.Random(0), tmp_path / "wrong.xml"
    for _ in range(400):
        root = ElementTree.fromstring(whole)
        one = rng.choice([element for element in root.iter() if element is not root])
        parent = next(element for element in root.iter() if one in list(element))
        kind = rng.randrange(5)
        if kind == 0:
            parent.remove(one)
        elif kind == 1:
            parent.append(copy.deepcopy(one))
        elif kind == 2:
            one.text = rng.choice(TEXTS)
        elif one.attrib:
            key = rng.choice(list(one.attrib))
            one.attrib.pop(key) if kind == 3 else one.set(key, rng.choice(TEXTS))
        path.write_text(ElementTree.tostring(root, encoding="unicode"))
        survives(name, path)


@pytest.mark.parametrize("name", ["label_studio", "via", "boris", "cvat", "elan", "webvtt"])
def test_a_file_that_ends_or_changes_anywhere(name, tmp_path):
    if name == "webvtt":
        write(name, [VIDEO], tmp_path / "cues")
        whole = (tmp_path / "cues" / "tea.vtt").read_bytes()
    else:
        whole = written(name, tmp_path).read_bytes()
    rng, path = random.Random(0), tmp_path / "wrong"
    for _ in range(150):
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + rng.choice((b"", bytes([rng.randrange(256)]) + whole[at:])))
        survives(name, path)
