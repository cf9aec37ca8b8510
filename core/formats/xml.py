"""XML annotation files: elements that know their lines, and no document type.

Without a document type there are no entities, so no short file that becomes a huge one and none
that reads another file.
"""

import re
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from core.errors import InvalidData, InvalidFile
from core.formats.source import content, encoding_of, quoted, text_of

_DEPTH_LIMIT = 64

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Node(Element):
    """An element and the line where it begins."""

    line = 0


class _Seen(Exception):
    """The root element was seen."""


def root_of(head: bytes) -> str:
    """Return the name of the element that a file begins with, nothing if it is no XML."""
    found: list[str] = []

    def seen(name: str, *_: object) -> None:
        found.append(name)
        raise _Seen

    parser = expat.ParserCreate()
    parser.StartElementHandler = seen
    parser.StartDoctypeDeclHandler = seen  # names the root too; `parsed` refuses it
    with suppress(_Seen, expat.ExpatError):
        parser.Parse(head.decode(encoding_of(head), errors="replace").lstrip(), False)
    return found[0] if found else ""


def parsed(path: Path) -> Element:
    """Return the root of a file; `line_at` says where each element begins.

    Raises:
        InvalidFile: Not UTF-8, not XML, nested without end, or with a document type.
    """
    builder = ElementTree.TreeBuilder(element_factory=Node)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH_LIMIT:
            raise _refused(f"An XML file may be nested {_DEPTH_LIMIT} deep")
        setattr(builder.start(name, attributes), "line", parser.CurrentLineNumber)  # noqa: B010

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def doctype(*_: object) -> None:
        raise _refused("An XML file must not have a document type", "Remove the line <!DOCTYPE …>.")

    def _refused(rule: str, next_step: str = "Save or download it again.") -> InvalidFile:
        return InvalidFile(rule, path, parser.CurrentLineNumber, next_step)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text_of(content(path), path), True)
    except expat.ExpatError as error:
        raise _refused(f"An XML file must be complete ({expat.ErrorString(error.code)})") from error
    return builder.close()


def line_at(element: Element) -> int:
    """Return the line where an element of `parsed` begins."""
    return getattr(element, "line", 0)


def xml_text(root: Element) -> str:
    """Return an XML file, indented.

    Raises:
        InvalidData: A text holds a character that XML cannot say.
    """
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode")
    if wrong := _NOT_XML.search(text):
        around = text[max(0, wrong.start() - 20) : wrong.end() + 20]
        raise InvalidData(
            "XML cannot hold every character", quoted(around), "Write the name or note again."
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
