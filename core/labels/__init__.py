"""Label codecs: how a class becomes the tokens that a decoder writes, and back.

| name     | a class is written as                     | labels share tokens | length |
|----------|-------------------------------------------|---------------------|--------|
| `text`   | its name, in the decoder's own sub-words  | as their words do   | kept   |
| `random` | its name, each sub-word another one       | as their words do   | kept   |
| `desync` | as many random sub-words, of no other     | never               | kept   |
| `extend` | one new token                             | never               | one    |

The paper's controls: `random` takes the meaning and leaves the overlap, `desync` takes the overlap
and leaves the length. Law: `decode(encode(c)) == c` for every class, and distinct classes have
distinct tokens, also where one label is the beginning of another.
"""

from typing import TYPE_CHECKING

from core.registry import resolve

if TYPE_CHECKING:
    from core.labels.base import LabelCodec, Vocabulary

CODECS = {
    "text": "core.labels.text:TextCodec",
    "random": "core.labels.random:RandomCodec",
    "desync": "core.labels.desync:DesyncCodec",
    "extend": "core.labels.extend:ExtendCodec",
}


def make_codec(name: str, classes: tuple[str, ...], vocabulary: "Vocabulary") -> "LabelCodec":
    """Return a codec by name."""
    return resolve("codec", CODECS, name)(classes, vocabulary)
