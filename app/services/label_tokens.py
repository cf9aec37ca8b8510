"""The labels of a project as the tokens of a backbone: what they share before anything is trained.

Read once for a label set and a tokenizer: the result is kept under the hash of both.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.confusion import Words, verb_and_noun
from app.services import Studio, library
from app.services.project_backbone import backbone_of
from core.backbones import check_backbone, find
from core.errors import MissingArtifact
from core.labels.base import Vocabulary
from core.labels.names import label_texts
from core.labels.overlap import overlap_of
from core.labels.tokenizer_file import NAME, FileTokenizer
from core.video import content_hash
from storage import labels, statistics

KIND = "label tokens"
_VERSION = 1


def label_check(studio: Studio, project: int) -> dict[str, Any]:
    """Return what the labels of a project share as tokens of its backbone.

    `overlap` is what `gad overlap` prints; `tokens` lists [id, text] of every label; `noun_first`
    is the overlap of the same labels with the verb written behind the noun, None where that would
    make two labels alike.

    Raises:
        MissingArtifact: There are no labels, or the backbone's tokenizer is not on this machine.
    """
    names = library.classes(studio, project)
    if not names:
        raise MissingArtifact("A label check needs labels", "there are none", "Add some.")
    backbone = backbone_of(studio, project)
    texts = label_texts(names)
    found = label_tokens(studio, texts, backbone)
    words = _words(studio, project)
    turned = {text: _noun_first(text, words) for text in texts}
    other = _overlap(studio, list(turned.values()), backbone)
    return {
        "backbone": backbone,
        "tokens": found,
        "overlap": _overlap(studio, texts, backbone),
        "noun_first": other and {"names": turned, "overlap": other},
    }


def label_tokens(
    studio: Studio, texts: Sequence[str], backbone: str
) -> dict[str, list[tuple[int, str]]]:
    """Return the tokens of texts, as a decoder writes them: the id of each and what it reads as."""
    folder = _tokenizer_folder(backbone)
    tokenizer = folder / NAME
    known = content_hash(tokenizer) if tokenizer.is_file() else ""
    key = statistics.key_of(KIND, {"texts": list(texts), "tokenizer": known, "version": _VERSION})
    kept = statistics.get(studio.database, key)
    if kept is None:
        kept = _spelled(folder, texts)
        statistics.put(studio.database, key, KIND, kept)
    return {text: [(int(i), piece) for i, piece in kept[text]] for text in texts}


def _spelled(folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    tokenizer = FileTokenizer(folder)
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    spelled = {text: vocabulary.spell(text) for text in texts}
    pieces = {
        token: tokenizer.decode([token], skip_special_tokens=False)
        for token in {token for written in spelled.values() for token in written}
    }
    return {text: [[t, pieces[t]] for t in written] for text, written in spelled.items()}


def _tokenizer_folder(backbone: str) -> Path:
    """Return where the tokenizer of a backbone's decoder lies, without loading anything."""
    check_backbone(backbone)
    place = find(backbone)
    if place.kind == "vision_language":
        return place.folder
    decoder = place.settings.get("decoder", "nano" if place.kind == "features" else "decoder")
    if place.kind == "features" and decoder == "nano":
        return find("nano").folder / "decoder"
    return place.folder / decoder


def _overlap(studio: Studio, texts: Sequence[str], backbone: str) -> dict[str, Any] | None:
    if len(set(texts)) < len(texts):
        return None
    written = label_tokens(studio, texts, backbone)
    return asdict(overlap_of({text: [i for i, _ in tokens] for text, tokens in written.items()}))


def _words(studio: Studio, project: int) -> Words:
    known = labels.find_label_set(studio.database, project)
    listed = labels.list_labels(studio.database, known.id)
    return {label.name.lower(): (label.verb.lower(), label.noun.lower()) for label in listed}


def _noun_first(text: str, words: Words) -> str:
    """Return the label with its verb behind what it is done to; one of a single word stays."""
    verb, noun = verb_and_noun(text, words)
    return f"{noun} {verb}" if text == f"{verb} {noun}" else text
