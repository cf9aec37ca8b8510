from xml.etree.ElementTree import Element, SubElement

import pytest

from core.errors import InvalidData, InvalidFile
from core.formats.xml import line_at, parsed, root_of, xml_text

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;">]>\n<a>&m;&m;&m;&m;</a>'
)
READER = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>'


def test_an_element_knows_its_line(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text('<?xml version="1.0"?>\n<a>\n <b x="1"/>\n\n <b>pour\n</b>\n</a>')
    root = parsed(path)
    assert [(one.tag, line_at(one)) for one in root.iter()] == [("a", 2), ("b", 3), ("b", 5)]
    assert (root[0].get("x"), root[1].text) == ("1", "pour\n")


@pytest.mark.parametrize("text", [LAUGHS, READER, "<!DOCTYPE a>\n<a/>", "<!DOCTYPE a [ ]><a/>"])
def test_a_document_type_is_refused_before_anything_in_it_counts(text, tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(text)
    assert root_of(text.encode()) == "a"
    with pytest.raises(InvalidFile, match="must not have a document type") as caught:
        parsed(path)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("<a><b></a>", "complete"),
        ("<a>&other;</a>", "complete"),
        ("", "complete"),
        ("<a/>\n<b/>", "complete"),
        ("<a>" * 100 + "</a>" * 100, "nested 64 deep"),
        ("<a>\x01</a>", "complete"),
    ],
)
def test_what_is_no_xml_is_refused_with_its_line(text, rule, tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(InvalidFile, match=rule) as caught:
        parsed(path)
    assert caught.value.line


def test_another_encoding_is_refused_and_a_declared_one_does_not_matter(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text('<?xml version="1.0" encoding="iso-8859-1"?><a>größe</a>', encoding="utf-8")
    assert parsed(path).text == "größe"
    for encoding in ("utf-16", "latin-1"):
        path.write_text("<a>größe</a>", encoding=encoding)
        with pytest.raises(InvalidFile, match="must be UTF-8"):
            parsed(path)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<annotations>", "annotations"),
        (b"<annotations version='", ""),
        (b"<?xml version='1.0' encoding='none'?><a>", "a"),
        (b"{}", ""),
        (b"", ""),
        (b"\xff\xfe\x00", ""),
    ],
)
def test_the_root_is_known_from_the_beginning(head, name):
    assert root_of(head) == name


@pytest.mark.parametrize("text", ["a < b & c > d", '"quoted"', "茶\u2028", "]]>", "  two  spaces "])
def test_text_and_attributes_come_back(text, tmp_path):
    root = Element("a", name=text)
    SubElement(root, "b").text = text
    (tmp_path / "a.xml").write_text(xml_text(root))
    back = parsed(tmp_path / "a.xml")
    assert (back.get("name"), back[0].text) == (text, text)


@pytest.mark.parametrize("text", ["a\x00b", "a\ufffe", "\x0b"])
def test_what_xml_cannot_hold_is_not_written(text):
    with pytest.raises(InvalidData, match="cannot hold every character"):
        xml_text(Element("a", name=text))
