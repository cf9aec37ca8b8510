"""The codec `text`: a class is written as its name, in the decoder's own sub-words."""

from core.labels.base import LabelCodec, Vocabulary


class TextCodec(LabelCodec):
    """Writes a label with a space in front, so that a word has the same tokens everywhere."""

    def __init__(self, classes: tuple[str, ...], vocabulary: Vocabulary) -> None:
        super().__init__(classes, vocabulary, [vocabulary.spell(name) for name in classes])
