"""`gad overlap`: how much the labels of a file share under a tokenizer."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Json
from app.cli.reach import print_json

if TYPE_CHECKING:
    from core.labels.overlap import Overlap


def overlap(
    labels: Annotated[
        Path, typer.Argument(help="JSON: a list of names, or an object with the list 'classes'.")
    ],
    tokenizer: Annotated[
        str, typer.Option(help="Folder, tiktoken file, or id of a model in the local cache.")
    ],
    as_json: Json = False,
) -> None:
    """Measure how much labels overlap as tokens; background is left out."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when the Hub's library is imported
    from core.labels.names import label_texts, read_names
    from core.labels.overlap import overlap_of
    from core.labels.tokenizers import load_tokenizer, spell_all

    texts = label_texts(read_names(labels))
    found = overlap_of(spell_all(load_tokenizer(tokenizer), texts))
    if as_json:
        print_json(asdict(found))
    else:
        _tell(found)


def _tell(found: "Overlap") -> None:
    verbs = ", ".join(f"{verb} {count}" for verb, count in list(found.per_verb.items())[:5])
    for name, value in (
        ("labels", found.labels),
        ("tokens a label", f"{found.tokens_mean:.2f}, at most {found.tokens_max}"),
        ("distinct tokens", found.distinct_tokens),
        ("distinct first tokens", found.first_tokens),
        ("shared token occurrences", f"{found.shared_occurrences:.1f} %"),
        ("labels of shared tokens", f"{found.labels_all_shared:.1f} %"),
        ("trie nodes", found.trie_nodes),
        ("labels that begin another", found.prefix_labels),
        ("commonest verbs", f"{verbs}  (of {len(found.per_verb)})"),
    ):
        typer.echo(f"{name:<26} {value}")
    for pair in found.pairs[:5]:
        typer.echo(f"{'begin alike':<26} '{pair.a}', '{pair.b}' ({pair.shared_prefix})")
